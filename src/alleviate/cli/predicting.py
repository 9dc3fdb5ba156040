"""``alleviate predict``: a prognosis package and a table in; what is foreseen of each person out."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from alleviate.cli.forecasts import forecast_cards, forecast_table
from alleviate.cli.screen import out, print_json
from alleviate.cli.vault import VaultOption, open_vault
from alleviate.studies.loading import load_prognosis
from alleviate.terms.errors import DataError
from alleviate.vault.whereabouts import acting

__all__ = ["predict"]

MOST_CARDS = 5
"""More people are shown in a table."""


def predict(
    package: Annotated[Path, typer.Argument(help="Folder that `alleviate learn` wrote.", show_default=False)],
    data: Annotated[
        Path | None, typer.Option("--data", help="CSV or Parquet, one row a person.", show_default=False)
    ] = None,
    patients: Annotated[
        list[str] | None, typer.Option("--patient", help="Of the vault; may be given again.")
    ] = None,
    vault: VaultOption = None,
    aim: Annotated[
        float | None,
        typer.Option("--aim", help="Say what would have to differ to cross this risk (0 to 1) or number."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
) -> None:
    """Foresee an outcome for each person in a table, or of the vault, with reasons and doubt."""
    prognosis = load_prognosis(package)
    if (data is None) == (not patients):
        raise DataError("Expected --data FILE or --patient ID.", hint="Give one of them.")
    if data is not None:
        told = prognosis.predict(data, aim=aim)
    else:
        with open_vault(vault) as opened, opened.access(actor=acting(), purpose="care") as access:
            records = [access.record(id) for id in patients or ()]
        told = prognosis.predict_records(records, datetime.now(UTC), aim=aim)
    if as_json:
        print_json(told)
        return
    outcome = prognosis.package.outcome
    if len(told) <= MOST_CARDS:
        for card in forecast_cards(told, outcome):
            out.print(card)
    else:
        out.print(forecast_table(told, outcome))
