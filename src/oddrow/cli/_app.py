"""The command line application: global options, exit codes, error messages."""

from __future__ import annotations

import gc
import os
import signal
import sys
from importlib import import_module
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
import typer.core
import typer.main

from oddrow.cli import _console
from oddrow.cli._help import arrange, arranged
from oddrow.cli._remedies import in_options
from oddrow.exceptions import DataError, ModelFileError, OddrowError, SettingError

EXIT_RUNTIME, EXIT_USAGE, EXIT_DATA, EXIT_MODEL = 1, 2, 3, 4
EXIT_INTERRUPTED, EXIT_TERMINATED = 130, 143

COMMANDS = {
    "inspect": "_inspect",
    "windows": "_windows",
    "fit": "_fit",
    "score": "_score",
    "decide": "_decide",
    "explain": "_explain",
    "evaluate": "_evaluate",
    "map": "_map",
    "report": "_report",
    "feedback": "_feedback",
    "info": "_info",
    "demo": "_demo",
    "find": "_find",
    "compare": "_compare",
    "tune": "_rank_without_labels",
    "export": "_export",
    "reproduce": "_reproduce",
}
"""The commands in the order of the help page, and their modules, which are imported when the command is used."""


class _ReaderGoneError(Exception):
    """The program that read stdout has closed it, as ``head`` does when it has its lines."""


class _Commands(typer.core.TyperGroup):
    """Load commands lazily: importing all of them takes longer than scoring a row."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the group's signature
        return list(COMMANDS)

    def get_params(self, ctx: Any) -> list[Any]:
        options: list[Any] = super().get_params(ctx)
        for option in options:
            arrange(option)
        return options

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            for known in COMMANDS:  # the parser suggests similar names only among commands that are loaded
                self.get_command(ctx, known)
        elif cmd_name not in self.commands:
            module = import_module(f"oddrow.cli.{COMMANDS[cmd_name]}")
            gc.freeze()  # the collector was off since the start, see __main__: imported modules are never garbage
            gc.enable()
            found = getattr(module, cmd_name, None) or getattr(module, f"{cmd_name}_")
            if not isinstance(found, typer.Typer):
                single, command = typer.Typer(add_completion=False, pretty_exceptions_enable=False), found
                single.command(cmd_name)(command)
                found = single
            self.add_command(arranged(typer.main.get_command(found), cmd_name), cmd_name)
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _ReaderGoneError from None  # the parser would exit with code 1


app = typer.Typer(
    name="oddrow",
    cls=_Commands,
    help="Find the odd rows of a table and say why.",
    epilog="Example: oddrow find table.csv    (each command has a help page: oddrow find --help)",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"oddrow {version('oddrow')}")
        raise typer.Exit


@app.callback()
def _globals(
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print no notes and no progress on stderr, only results and errors.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    _console.configure(quiet=quiet, debug=debug)


def main() -> NoReturn:
    """Run the command line and exit with its exit code; the parser itself exits with 2 after a usage error."""
    code = 0
    signal.signal(signal.SIGTERM, _terminated)
    try:
        app(args=_quarantine_named(_globals_first(sys.argv[1:])))
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    except _ReaderGoneError:
        # this is no error; stdout is redirected so that flushing it at exit does not fail
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OddrowError as error:
        code = _failed(error)
    except MemoryError as error:
        code = _failed(OddrowError(f"the table does not fit into memory ({error})"))
    sys.exit(code)


def _failed(error: OddrowError) -> int:
    if _console.state.debug:
        raise error
    _console.say_error(in_options(error))
    for kind, code in ((ModelFileError, EXIT_MODEL), (DataError, EXIT_DATA), (SettingError, EXIT_USAGE)):
        if isinstance(error, kind):
            return code
    return EXIT_RUNTIME


def _globals_first(arguments: list[str]) -> list[str]:
    """Move the global flags to the front, so that they may be given anywhere."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    flags = [argument for argument in arguments[:end] if argument in ("--quiet", "-q", "--debug")]
    others = [argument for argument in arguments[:end] if argument not in flags]
    return flags + others + arguments[end:]


def _quarantine_named(arguments: list[str]) -> list[str]:
    """Rewrite ``--on-error quarantine FILE`` with ``--quarantine FILE``: an option has a fixed number of values."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    for place in range(end - 2):
        if arguments[place : place + 2] == ["--on-error", "quarantine"] and not arguments[place + 2].startswith("-"):
            return [*arguments[: place + 2], "--quarantine", *arguments[place + 2 :]]
    return arguments


def _terminated(signal_number: int, frame: FrameType | None) -> Any:  # noqa: ARG001 - the signal's signature
    sys.exit(EXIT_TERMINATED)
