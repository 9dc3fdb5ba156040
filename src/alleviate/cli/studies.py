"""``alleviate studies``: the studies that ship."""

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from alleviate.cli.screen import out, print_json
from alleviate.studies.files import shipped
from alleviate.terms.prognosis_study import PrognosisStudy
from alleviate.terms.study import Study

__all__ = ["studies"]


def studies(as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False) -> None:
    """List the studies that ship, ready for `alleviate learn NAME`."""
    found = shipped()
    if as_json:
        print_json([_plain(study) for study in found])
        return
    grid = Table.grid(padding=(0, 3, 1, 0))
    grid.add_column(no_wrap=True)
    grid.add_column()
    for study in found:
        about = Text(_about(study), style="dim")
        if study.data.table is not None:
            about.append(f"\nbring the data: alleviate learn {study.name} --data-dir DIR")
        grid.add_row(Text(study.name, style="bold"), Text.assemble(study.title, "\n", about))
    out.print(grid)
    out.print("\nLearn one:           alleviate learn NAME")
    out.print("From your own data:  alleviate study new FILE")


def _about(study: Study | PrognosisStudy) -> str:
    if isinstance(study, PrognosisStudy):
        return f"foresees {study.outcome.words}"
    return f"{' or '.join(_arms(study))}; {study.outcome.words}, {study.outcome.better} is better"


def _arms(study: Study) -> list[str]:
    return list(dict.fromkeys(study.treatment.arms.values()))


def _plain(study: Study | PrognosisStudy) -> dict[str, object]:
    shared = {
        "name": study.name,
        "title": study.title,
        "question": study.question,
        "reference": study.reference,
        "dataset": study.data.dataset,
        "table": study.data.table,
    }
    if isinstance(study, PrognosisStudy):
        outcome = {"name": study.outcome.name, "label": study.outcome.words}
        return {**shared, "kind": "prognosis", "outcome": outcome, "features": list(study.include)}
    return {
        **shared,
        "kind": "treatment",
        "assignment": study.treatment.assignment,
        "arms": _arms(study),
        "usual": study.treatment.usual,
        "outcome": {"name": study.outcome.name, "label": study.outcome.words, "better": study.outcome.better},
        "features": [*study.include, *(name for stage in study.stages for name in stage.features)],
    }
