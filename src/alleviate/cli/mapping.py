"""``alleviate mapping new``: drafts what the columns of a table mean, from its header and first rows."""

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer
from rich.text import Text

from alleviate.cli.screen import err, help_alone, out
from alleviate.intake.csv.drafting import draft
from alleviate.terms.errors import DataError

__all__ = ["mapping_app", "mapping_new"]

mapping_app = typer.Typer(help="Say what the columns of a table mean.", invoke_without_command=True)


@mapping_app.callback()
def _mapping(context: typer.Context) -> None:
    help_alone(context)


@mapping_app.command("new")
def mapping_new(
    data: Annotated[Path, typer.Argument(help="CSV, TSV (or .gz of them) or Parquet.", show_default=False)],
    out_file: Annotated[
        Path | None, typer.Option("--out", help="Mapping file to write.", show_default="<data>.toml")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the mapping file.")] = False,
) -> None:
    """Draft a mapping for a table of your own; check it, then import the table."""
    target = out_file or data.with_name(data.name.removesuffix(".gz")).with_suffix(".toml")
    if not data.is_file():
        raise DataError(f"There is no file {data}.", hint="Check its name.")
    if target.exists() and not overwrite:
        raise DataError(f"{target} is there already.", hint="Name another with --out, or add --overwrite.")
    drafted = draft(data)
    target.write_text(drafted.text, encoding="utf-8")
    out.print(Text.assemble(("Written: ", "bold"), str(target)), soft_wrap=True)
    for key in drafted.open:
        err.print(
            Text.assemble(("To do:   ", "bold yellow"), f"complete the line {key} in it"), soft_wrap=True
        )
    given = f" --mapping {quote(str(target))}" if out_file else ""
    out.print(
        Text.assemble(("Next:    ", "bold"), f"alleviate import {quote(str(data))}{given}"), soft_wrap=True
    )
