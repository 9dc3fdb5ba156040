"""``alleviate screen``: learn what questionnaires tell of each other, and say which one to ask next."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Group
from rich.panel import Panel
from rich.text import Text

from alleviate.cli.screen import help_alone, out, print_json, print_lines
from alleviate.cli.vault import AsJson, VaultOption, open_vault
from alleviate.instruments import INSTRUMENTS
from alleviate.studies.loading import load_screening
from alleviate.studies.screening.asking import read_asking
from alleviate.studies.screening.learning import DAYS, learn_from_table, learn_from_vault
from alleviate.terms.errors import DataError
from alleviate.vault.whereabouts import acting

__all__ = ["screen_app"]

screen_app = typer.Typer(
    help="Learn what questionnaires tell of each other, and say which to ask next.",
    invoke_without_command=True,
)


@screen_app.callback()
def _screen(context: typer.Context) -> None:
    help_alone(context)


@screen_app.command("learn")
def learn(
    vault: VaultOption = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", help="CSV or Parquet, a line a score, instead of the vault.", show_default=False
        ),
    ] = None,
    package: Annotated[Path, typer.Option("--out", help="Folder of the package.")] = Path("runs/screening"),
    days: Annotated[int, typer.Option("--days", help="An older answer is asked again.")] = DAYS,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of all randomness.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Learn from everybody who permits it how their questionnaires go together."""
    if data is None:
        learned = learn_from_vault(vault, out=package, days=days, seed=seed)
    else:
        learned = learn_from_table(data, out=package, days=days, seed=seed)
    if as_json:
        print_json(learned.to_json())
    else:
        print_lines(learned.lines())


@screen_app.command("next")
def next_(
    package: Annotated[
        Path, typer.Argument(help="Folder that `alleviate screen learn` wrote.", show_default=False)
    ],
    patients: Annotated[
        list[str] | None, typer.Option("--patient", help="Of the vault; may be given again.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="CSV or Parquet, a line a score.", show_default=False)
    ] = None,
    vault: VaultOption = None,
    asking: Annotated[
        Path | None,
        typer.Option("--asking", help="What may be asked here, and its cost.", show_default="as shipped"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say how probable a questionnaire not given would be at its cut-off, and which to ask next."""
    if (data is None) == (not patients):
        raise DataError("Expected --data FILE or --patient ID.", hint="Give one of them.")
    screening = load_screening(package)
    costs = None if asking is None else read_asking(asking)
    if data is not None:
        told = screening.next(data, asking=costs)
    else:
        with open_vault(vault) as opened, opened.access(actor=acting(), purpose="care") as access:
            records = [access.record(id) for id in patients or ()]
        told = screening.next_records(records, datetime.now(UTC), asking=costs)
    if as_json:
        print_json(told)
        return
    for person in told:
        out.print(_card(person))


def _card(person: Mapping[str, Any]) -> Panel:
    """Rules first, then what to ask, then each instrument."""
    lines: list[Text] = [Text(warning, style="yellow") for warning in person["warnings"]]
    ask = person["ask_next"]
    if ask is None:
        lines.append(Text("Ask next: nothing here is expected to tell much more."))
    else:
        name = INSTRUMENTS[ask["instrument"]].abbreviation
        lines.append(Text.assemble(("Ask next: ", ""), (name, "bold"), f". {ask['why']}"))
    for each in person["instruments"]:
        lines.append(Text(each["words"] or INSTRUMENTS[each["instrument"]].abbreviation))
        lines += [Text(f"  · {reason}", style="dim") for reason in each["reasons"]]
        if each["not_to_ask"] and each["given"] is None:
            lines.append(Text(f"  · not to be asked: {each['not_to_ask']}", style="dim"))
    title = Text(f"Person {person['id']}", style="bold")
    return Panel(
        Group(*lines), title=title, title_align="left", box=box.ROUNDED, border_style="dim", width=96
    )
