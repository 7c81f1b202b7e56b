"""The command line: each command parses its options, calls one function of the library, and prints the result."""

from oddrow.cli._app import main

__all__ = ["main"]
