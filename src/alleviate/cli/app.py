"""The program ``alleviate``: its commands, and how it ends when something is wrong."""

import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from alleviate import __version__
from alleviate.cli.advising import advise, evaluate
from alleviate.cli.audit import audit_app
from alleviate.cli.backups import backup, restore
from alleviate.cli.converting import convert
from alleviate.cli.importing import export, import_
from alleviate.cli.instruments import instruments
from alleviate.cli.learning import learn
from alleviate.cli.mapping import mapping_new
from alleviate.cli.patients import patient_app
from alleviate.cli.screen import complain, out
from alleviate.cli.studies import studies
from alleviate.cli.study_new import study_new
from alleviate.cli.synthetic import synthetic
from alleviate.cli.vault import help_alone, vault_app
from alleviate.terms.errors import AlleviateError

__all__ = ["app", "main"]

INTERRUPTED = 130
BAD_INPUT = 2
OUR_FAULT = 1

app = typer.Typer(
    name="alleviate",
    add_completion=False,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    help="Learn from trials who is helped by which treatment, and advise the next patient.",
)
app.command()(learn)
app.command()(advise)
app.command()(evaluate)
app.command()(studies)
app.command()(instruments)
app.command()(synthetic)
app.command("import")(import_)
app.command()(export)
app.command()(convert)
app.command()(backup)
app.command()(restore)
app.add_typer(patient_app, name="patient")
app.add_typer(vault_app, name="vault")
app.add_typer(audit_app, name="audit")

study_app = typer.Typer(help="Write a study file.", invoke_without_command=True)
study_app.command("new")(study_new)
app.add_typer(study_app, name="study")

mapping_app = typer.Typer(help="Say what the columns of a table mean.", invoke_without_command=True)
mapping_app.command("new")(mapping_new)
app.add_typer(mapping_app, name="mapping")


def _show_version(wanted: bool) -> None:
    if wanted:
        out.print(f"alleviate {__version__}")
        raise typer.Exit


@study_app.callback()
def _study(context: typer.Context) -> None:
    help_alone(context)


@mapping_app.callback()
def _mapping(context: typer.Context) -> None:
    help_alone(context)


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
