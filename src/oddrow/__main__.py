"""``python -m oddrow``."""

from oddrow.cli import main

if __name__ == "__main__":
    main()
