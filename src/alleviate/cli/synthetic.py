"""``alleviate synthetic``: writes a clinic that never was, as FHIR, with the truth beside it."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from alleviate.cli.screen import Report, print_json, print_lines, progress
from alleviate.intake.fhir.writing import write
from alleviate.records import PatientRecord
from alleviate.records.synthetic import Clinic, simulate
from alleviate.terms.errors import DataError

__all__ = ["synthetic"]

README, TRUTH, CLAIMS = "README.txt", "truth.parquet", "truth-notes.parquet"


def synthetic(
    out: Annotated[Path, typer.Option("--out", help="Folder to write, new or empty.", show_default=False)],
    patients: Annotated[int, typer.Option("--patients", min=1, help="How many people.")] = 100,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="The same seed gives the same bytes, another another clinic.")
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
) -> None:
    """Write the records of a synthetic clinic with known truth, as FHIR NDJSON by type."""
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise DataError(f"{out} is there and not an empty folder.", hint="Name a new folder with --out.")
    clinic = simulate(patients, seed)
    try:
        events = _make(clinic, out.absolute())
    except OSError as error:
        raise DataError(
            f"{out} cannot be written: {error.strerror or error}.", hint="Make room, or name another folder."
        ) from None
    names = sorted(path.name for path in out.iterdir())
    if as_json:
        print_json({"out": str(out), "patients": patients, "seed": seed, "events": events, "files": names})
    else:
        print_lines(
            [
                f"Synthetic: {patients:,} people who do not exist, {events:,} events",
                f"Written: {out} ({', '.join(names)})",
            ]
        )


def _make(clinic: Clinic, out: Path) -> int:
    """Writes everything, unseen until it is whole; returns the number of events. Raises OSError."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as scratch:
        folder = Path(scratch) / "clinic"
        with progress() as report:
            seen = _Seen(clinic, report)
            write(seen.records(), folder)
        pl.concat(seen.claims).write_parquet(folder / CLAIMS)
        clinic.truth().write_parquet(folder / TRUTH)
        words = (files("alleviate.records.synthetic") / README).read_text(encoding="utf-8")
        words = words.format(patients=clinic.patients, seed=clinic.seed, truth=TRUTH, claims=CLAIMS)
        (folder / README).write_text(words, encoding="utf-8")
        folder.replace(out)
    return seen.events


@dataclass(slots=True)
class _Seen:
    """What passes while the records are written."""

    clinic: Clinic
    report: Report | None
    events: int = 0
    claims: list[pl.DataFrame] = field(default_factory=list)

    def records(self) -> Iterator[PatientRecord]:
        for done, (record, claims) in enumerate(self.clinic.with_claims(), 1):
            self.events += len(record.events)
            self.claims.append(claims)
            yield record
            if self.report:
                self.report(done, self.clinic.patients, "Writing people")
