"""The application: global options, exit codes, and how an error is said."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer

from oddrow.cli import _console
from oddrow.cli._commands import register
from oddrow.cli._compare import compare
from oddrow.cli._export import export
from oddrow.cli._find import find
from oddrow.cli._rank import tune
from oddrow.cli._reproduce import reproduce
from oddrow.exceptions import DataError, ModelFileError, OddrowError, SettingError

EXIT_RUNTIME, EXIT_USAGE, EXIT_DATA, EXIT_MODEL = 1, 2, 3, 4
EXIT_INTERRUPTED, EXIT_TERMINATED = 130, 143

app = typer.Typer(
    name="oddrow",
    help="Find the odd rows of a table and say why.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
register(app)
app.command()(find)
app.command()(compare)
app.command()(tune)
app.command()(export)
app.add_typer(reproduce, name="reproduce")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"oddrow {version('oddrow')}")
        raise typer.Exit


@app.callback()
def _globals(
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No notes and no progress on stderr.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[  # noqa: ARG001 - its callback acts
        bool, typer.Option("--version", help="Print the version and leave.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    _console.configure(quiet=quiet, debug=debug)


def main() -> NoReturn:
    """Run the command line and leave with its exit code; usage errors (2) are the parser's own."""
    code = 0
    signal.signal(signal.SIGTERM, _terminated)
    try:
        app(args=_globals_first(sys.argv[1:]))
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    except BrokenPipeError:
        # the reader of stdout has gone: nothing is wrong, and nothing more can be said there
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = EXIT_RUNTIME
    except OddrowError as error:
        code = _failed(error)
    except MemoryError as error:
        code = _failed(OddrowError(f"the table does not fit into memory ({error})"))
    sys.exit(code)


def _failed(error: OddrowError) -> int:
    if _console.state.debug:
        raise error
    _console.say_error(str(error))
    for kind, code in ((ModelFileError, EXIT_MODEL), (DataError, EXIT_DATA), (SettingError, EXIT_USAGE)):
        if isinstance(error, kind):
            return code
    return EXIT_RUNTIME


def _globals_first(arguments: list[str]) -> list[str]:
    """The global flags act wherever they stand."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    flags = [argument for argument in arguments[:end] if argument in ("--quiet", "-q", "--debug")]
    others = [argument for argument in arguments[:end] if argument not in flags]
    return flags + others + arguments[end:]


def _terminated(signal_number: int, frame: FrameType | None) -> Any:  # noqa: ARG001 - the signal's signature
    sys.exit(EXIT_TERMINATED)
