"""``alleviate advise`` and ``alleviate evaluate``: a package and a table in; advice or measures out."""

from pathlib import Path
from typing import Annotated

import typer

from alleviate.cli.cards import advice_cards, advice_table, fared, summary
from alleviate.cli.screen import out, print_json
from alleviate.studies.rules import load

__all__ = ["advise", "evaluate"]

MOST_CARDS = 5
"""More people are shown in a table."""

Package = Annotated[Path, typer.Argument(help="Folder that `alleviate learn` wrote.", show_default=False)]
Data = Annotated[Path, typer.Option("--data", help="CSV or Parquet, one row a person.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON only.")]


def advise(package: Package, data: Data, as_json: AsJson = False) -> None:
    """Advise a treatment for each person in a table, with reasons and doubt."""
    rule = load(package)
    advice = rule.advise(data)
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


def evaluate(package: Package, data: Data, as_json: AsJson = False) -> None:
    """Measure how a learned rule fares on data that it has never seen."""
    rule = load(package)
    measures = rule.evaluate(data)
    if as_json:
        print_json(measures)
    else:
        out.print(fared(measures, rule.study.outcome))
