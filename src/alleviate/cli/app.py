"""The program ``alleviate``: its commands, and how it ends when something is wrong."""

import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from alleviate import __version__
from alleviate.cli.screen import complain, help_alone, out
from alleviate.terms.errors import AlleviateError

__all__ = ["COMMANDS", "app", "main"]

INTERRUPTED = 130
BAD_INPUT = 2
OUR_FAULT = 1

COMMANDS = {
    "learn": "learning:learn",
    "advise": "advising:advise",
    "predict": "predicting:predict",
    "evaluate": "advising:evaluate",
    "report": "reporting:report",
    "screen": "screening:screen_app",
    "track": "tracking:track_app",
    "clinic": "clinic:clinic",
    "studies": "studies:studies",
    "instruments": "instruments:instruments",
    "synthetic": "synthetic:synthetic",
    "import": "importing:import_",
    "export": "importing:export",
    "convert": "converting:convert",
    "backup": "backups:backup",
    "restore": "backups:restore",
    "patient": "patients:patient_app",
    "vault": "vault:vault_app",
    "audit": "audit:audit_app",
    "token": "tokens:token_app",
    "study": "study_new:study_app",
    "mapping": "mapping:mapping_app",
}
"""Each command, in the order of the help: the file beside this one that it lives in, and its name there.

A file is loaded when its command is called: what prints at once need not wait for what learns.
"""


class _Loading(Mapping[str, Any]):
    """The commands by name, each made when it is looked up."""

    def __getitem__(self, name: str) -> Any:
        file, _, attribute = COMMANDS[name].partition(":")
        found = getattr(import_module(f"alleviate.cli.{file}"), attribute)
        alone = typer.Typer()
        if isinstance(found, typer.Typer):
            alone.add_typer(found, name=name)
        else:
            alone.command(name)(found)
        return get_group(alone).commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Commands(TyperGroup):
    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "commands": _Loading()})


app = typer.Typer(
    cls=_Commands,
    name="alleviate",
    add_completion=False,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    help="Learn from trials who is helped by which treatment, and advise the next patient.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        out.print(f"alleviate {__version__}")
        raise typer.Exit


@app.callback()
def _start(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")
    ] = False,
) -> None:
    help_alone(context)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code: 0 done, 2 bad input, 3 not enough data, 1 our own fault.

    No error shows a traceback, save an unexpected one with ``--debug`` before the command.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code = app(arguments, prog_name="alleviate", standalone_mode=False)
    except AlleviateError as error:
        complain(error.message, error.hint)
        return error.exit_code
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "alleviate"
        complain(error.format_message(), f"See: {command} --help")
        return BAD_INPUT
    except typer.Abort:
        complain("The answers ended before the questions did.", "Give the answers as options; see --help.")
        return BAD_INPUT
    except Exception as error:
        if "--debug" in arguments:
            traceback.print_exc()
        else:
            complain(f"This is our own fault: {_one_line(error)}", f"The details are in {_write_log()}")
        return OUR_FAULT
    if code == INTERRUPTED:  # typer's answer to Ctrl-C
        complain("Stopped before the end.", "Nothing was left half-written; run the same command again.")
    return code if isinstance(code, int) else 0


def _one_line(error: Exception) -> str:
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first[:200]}" if first else type(error).__name__


def _write_log() -> Path:
    """Only the user can read it: an exception's message may hold values from the data."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="alleviate-error-", suffix=".log", delete=False, encoding="utf-8"
    ) as log:
        log.write(f"alleviate {__version__}, Python {sys.version}\n\n{traceback.format_exc()}")
    return Path(log.name)
