"""``alleviate audit``: who saw what, and whether the log that says so is whole."""

from typing import Annotated

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from alleviate.cli.screen import help_alone, out, print_json
from alleviate.cli.vault import AsJson, VaultOption, open_vault
from alleviate.terms.errors import AuditError
from alleviate.vault.audit import Recorded
from alleviate.vault.overseeing import audited_as
from alleviate.vault.whereabouts import acting

__all__ = ["audit_app"]

SHORTENED = 32
"""A text as long as this is an id of ours or a digest: --json has it whole."""

audit_app = typer.Typer(help="Who saw what, and whether the log of it is whole.", invoke_without_command=True)


@audit_app.callback()
def _audit(context: typer.Context) -> None:
    help_alone(context)


@audit_app.command("verify")
def verify(vault: VaultOption = None, as_json: AsJson = False) -> None:
    """Read the whole audit against its signed checkpoints; exit code 2 names the first broken link."""
    with open_vault(vault) as opened:
        try:
            found = opened.verify_audit(actor=acting())
        except AuditError as error:
            if not as_json:
                raise
            print_json({"intact": False, "problem": error.message, "hint": error.hint})
            raise typer.Exit(error.exit_code) from None
    if as_json:
        print_json({"intact": True, **msgspec.to_builtins(found)})
    else:
        out.print(f"intact: {found.size:,} events, held against {found.checkpoints:,} signed checkpoints")


@audit_app.command("show")
def show(
    patient: Annotated[
        str, typer.Option(metavar="ID", help="Only what concerns this person: the source's id, or ours.")
    ] = "",
    last: Annotated[int, typer.Option(min=1, help="How many events, the newest first.")] = 20,
    vault: VaultOption = None,
    as_json: AsJson = False,
) -> None:
    """Show who did what, to whose record, for what; the newest first. This is told in the audit too."""
    with open_vault(vault) as opened:
        known = audited_as(opened, patient) if patient else ""
        events = opened.show_audit(actor=acting(), patient=known, last=last)
    if as_json:
        print_json(msgspec.to_builtins(events))
        return
    grid = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("event", "when (UTC)", "who", "what", "for", "details"):
        grid.add_column(
            heading, justify="right" if heading == "event" else "left", no_wrap=heading != "details"
        )
    for event in events:
        who, what = Text(event.actor), Text(event.action, style="bold")
        when = f"{event.at:%Y-%m-%d %H:%M:%S}"
        grid.add_row(f"{event.position:,}", when, who, what, Text(event.purpose), _details(event, known))
    out.print(grid)


def _details(event: Recorded, known: str) -> Text:
    """Whose record, unless all are of one person; counts; ids and digests by their beginning."""
    named = {} if known or not event.patient else {"patient": event.patient}
    shown = {name: str(value) for name, value in {**named, **event.detail}.items()}
    short = {name: f"{text[:8]}…" if len(text) >= SHORTENED else text for name, text in shown.items()}
    return Text(", ".join(f"{name} {text}" for name, text in short.items()))
