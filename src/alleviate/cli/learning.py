"""``alleviate learn``: a study in, a package and a report out."""

from pathlib import Path
from typing import Annotated

import typer

from alleviate.cli.screen import print_json, print_lines, progress
from alleviate.studies import files
from alleviate.studies.learning import learn as learn_study
from alleviate.studies.learning import not_enough
from alleviate.terms.errors import NotEnoughDataError

__all__ = ["learn"]


def learn(
    study: Annotated[
        str, typer.Argument(help="A study file, or the name of a study that ships.", show_default=False)
    ],
    data: Annotated[
        Path | None, typer.Option("--data", help="CSV or Parquet to use instead of the study's data.")
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option("--data-dir", help="Folder of data that you bring.", show_default="ALLEVIATE_DATA"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the package.", show_default="runs/<study>")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", min=0, help="Seed of all randomness.", show_default="from the study"),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Processes at once; the result is the same for any."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
) -> None:
    """Learn a treatment rule or a prognosis, test it honestly, and write a package with its report."""
    loaded = files.load(study)
    folder = Path("runs") / loaded.name if out is None else out
    try:
        with progress() as report:
            learned = learn_study(
                loaded, data=data, data_dir=data_dir, out=folder, seed=seed, workers=workers, progress=report
            )
    except NotEnoughDataError as error:
        if as_json:
            print_json(not_enough(loaded, error))
        raise
    if as_json:
        print_json(learned.to_json())
    else:
        print_lines(learned.lines())
