"""The command line: parse, call one function, print."""

from oddrow.cli._app import main

__all__ = ["main"]
