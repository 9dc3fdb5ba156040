"""``alleviate advise`` and ``alleviate evaluate``: a package and a table in; advice or measures out."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from alleviate.cli.cards import advice_cards, advice_table, fared, summary
from alleviate.cli.forecasts import foretold
from alleviate.cli.screen import out, print_json
from alleviate.cli.vault import VaultOption, open_vault
from alleviate.studies.loading import load, load_advice, load_prognosis
from alleviate.studies.prognosis.prognoses import Prognosis
from alleviate.studies.rules import LearnedRule
from alleviate.studies.stage_rules import LearnedStages
from alleviate.terms.errors import DataError, PackageError
from alleviate.vault.whereabouts import acting

__all__ = ["advise", "evaluate"]

MOST_CARDS = 5
"""More people are shown in a table."""

Package = Annotated[Path, typer.Argument(help="Folder that `alleviate learn` wrote.", show_default=False)]
TABLE = "CSV or Parquet, one row a person."
Data = Annotated[Path, typer.Option("--data", help=TABLE, show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON only.")]


def advise(
    package: Package,
    data: Annotated[Path | None, typer.Option("--data", help=TABLE, show_default=False)] = None,
    patients: Annotated[
        list[str] | None, typer.Option("--patient", help="Of the vault; may be given again.")
    ] = None,
    vault: VaultOption = None,
    as_json: AsJson = False,
) -> None:
    """Advise a treatment for each person in a table, or of the vault, with reasons and doubt."""
    rule = load_advice(package)
    if (data is None) == (not patients):
        raise DataError("Expected --data FILE or --patient ID.", hint="Give one of them.")
    if data is not None:
        advice = rule.advise(data)
    else:
        with open_vault(vault) as opened, opened.access(actor=acting(), purpose="care") as access:
            records = [access.record(id) for id in patients or ()]
        advice = [found.to_json() for found in rule.recommend_records(records, datetime.now(UTC))]
    if as_json:
        print_json(advice)
        return
    outcome = rule.study.outcome
    if len(advice) <= MOST_CARDS:
        for card in advice_cards(advice, outcome):
            out.print(card)
    else:
        out.print(advice_table(advice, outcome))
    out.print(summary(advice, outcome))
    _say_where_from(rule)


def evaluate(
    package: Package,
    data: Data,
    against: Annotated[
        Path | None,
        typer.Option("--against", help="Another prognosis, compared on the same people.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure how a learned rule or prognosis fares on data that it has never seen."""
    found = load(package)
    if isinstance(found, Prognosis):
        rival = None if against is None else load_prognosis(against)
        told = found.evaluate(data, against=rival)
        if as_json:
            print_json(told)
        else:
            out.print(foretold(told))
        return
    if against is not None:
        raise DataError("Expected prognoses to compare, got a rule.", hint="Leave --against out.")
    if not isinstance(found, LearnedRule | LearnedStages):
        raise PackageError(
            f"{package} holds neither a rule nor a prognosis.",
            hint="Courses of scores are judged with: alleviate track evaluate",
        )
    measures = found.evaluate(data)
    if as_json:
        print_json(measures)
    else:
        out.print(fared(measures, found.study.outcome))
        _say_where_from(found)


def _say_where_from(rule: LearnedRule | LearnedStages) -> None:
    """A rule from routine care says so wherever it speaks."""
    if rule.package.findings.assignment == "observational":
        out.print("This rule was learned from routine care, not a randomised trial.", style="bold yellow")
