"""``alleviate report``: the study report of a package, its TRIPOD+AI checklist, or its model card."""

from pathlib import Path
from typing import Annotated

import typer

from alleviate.cli.screen import print_json, print_lines
from alleviate.packages.canonical import from_json
from alleviate.packages.folder import read
from alleviate.packages.prognosis_findings import PrognosisFindings
from alleviate.reports.tripod import Known, checklist, model_card, tripod_page
from alleviate.studies import files
from alleviate.terms.errors import InputError, PackageError
from alleviate.terms.prognosis_study import PrognosisStudy

__all__ = ["report"]


def report(
    package: Annotated[Path, typer.Argument(help="Folder that `alleviate learn` wrote.", show_default=False)],
    tripod: Annotated[
        bool, typer.Option("--tripod", help="TRIPOD+AI's items and PROBAST+AI's questions, filled in.")
    ] = False,
    card: Annotated[bool, typer.Option("--card", help="The model card.")] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="File to write.", show_default="<study>-tripod.html, <study>-card.html"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only; with --tripod.")] = False,
) -> None:
    """The report that a package holds; or what a paper on its prognosis must tell, or its model card."""
    if tripod and card:
        raise InputError("Expected --tripod or --card, got both.", hint="Call it twice.")
    if as_json and not tripod:
        raise InputError("--json goes with --tripod.", hint="The numbers of a study: findings.json.")
    if not (tripod or card):
        print_lines([f"Report: {_study_report(package, out)}"])
        return
    known = _known(package)
    name = known.study.name
    if as_json:
        print_json(checklist(known).to_json())
        return
    if card:
        print_lines(
            [f"Model card: {_written(model_card(known, package_name=name), out, f'{name}-card.html')}"]
        )
        return
    counts = checklist(known).counts
    page = _written(tripod_page(known, package_name=name), out, f"{name}-tripod.html")
    print_lines(
        [
            f"TRIPOD+AI: {counts['filled']} of {sum(counts.values())} parts of items filled in, "
            f"{counts['partly']} in part, {counts['for-a-person']} for a person, "
            f"{counts['not-done']} not done in this study",
            f"Page: {page}",
        ]
    )


def _study_report(package: Path, out: Path | None) -> Path:
    """Where the verified report lies: in the package, or at ``out``, if given."""
    held = read(package).files.get("report.html")
    if held is None:
        raise PackageError(f"{package} holds no report.", hint="Learn the study again with this version.")
    if out is None:
        return package / "report.html"
    return _written(held.decode(), out, "")


def _known(package: Path) -> Known:
    """Raises ``PackageError``: only a prognosis has a checklist and a card."""
    sealed = read(package)
    if sealed.manifest.origin.kind != "prognosis":
        raise PackageError(
            f"{package} is no prognosis: TRIPOD+AI and the model card are for those.",
            hint="Its study report: alleviate report, without options.",
        )
    study = files.loads(sealed.files["study.toml"].decode(), source=f"{package}/study.toml")
    assert isinstance(study, PrognosisStudy)
    findings = from_json(sealed.files["findings.json"], PrognosisFindings, name="findings.json")
    return Known(study, findings, sealed.manifest)


def _written(page: str, out: Path | None, name: str) -> Path:
    target = Path(name) if out is None else out
    try:
        target.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{target} cannot be written: {error.strerror}.", hint="Choose another file with --out."
        ) from error
    return target
