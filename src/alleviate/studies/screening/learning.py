"""Learn what questionnaires tell of each other, from records that may be learned from, and package it."""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from alleviate import __version__
from alleviate.instruments import INSTRUMENTS
from alleviate.intake.tables import Table, read
from alleviate.models.performance.performance import assessed
from alleviate.models.screening.learning import LearnedScreen, Panel, learn_screen
from alleviate.packages import Origin, refuse_strangers, signing_key, to_json, write
from alleviate.packages.screening import (
    JudgedInstrument,
    ScreeningFindings,
    ScreeningPackage,
    Variable,
    screening_files,
)
from alleviate.records import PatientRecord
from alleviate.reports.numbers import count, number
from alleviate.studies.screening.long_table import records_in
from alleviate.studies.screening.moments import Moment, moments
from alleviate.studies.screening.panel import panel_of, variables_of
from alleviate.studies.screening.words import WORDING
from alleviate.terms.errors import InputError, NotEnoughDataError
from alleviate.terms.estimates import Estimate
from alleviate.vault import Vault
from alleviate.vault.whereabouts import acting, place

__all__ = ["DAYS", "LearnedScreening", "learn_from_records", "learn_from_table", "learn_from_vault"]

DAYS = 28
"""An answer older than this is asked again, unless said otherwise."""

MEASURES = ("auc", "calibration_slope", "calibration_intercept", "brier", "brier_scaled", "log_loss", "e_o")


@dataclass(frozen=True, slots=True)
class LearnedScreening:
    """What ``alleviate screen learn`` leaves."""

    package: ScreeningPackage
    place: Path
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """As `alleviate screen learn --json` prints it."""
        found = self.package.findings
        return {
            "n": found.n,
            "moments": found.moments,
            "days": self.package.days,
            "instruments": [asdict(each) for each in found.instruments],
            "warnings": list(found.warnings),
            "package": str(self.place),
            "seconds": round(self.seconds, 3),
        }

    def lines(self) -> list[str]:
        """The result in a few plain lines."""
        found = self.package.findings
        lines = [f"Learned from: {count(found.n)} people, at {count(found.moments)} moments ({found.source})"]
        for each in found.instruments:
            name = INSTRUMENTS[each.instrument].abbreviation
            if each.reason:
                lines.append(f"{name}: {each.reason}")
                continue
            auc, slope = (
                f"{number(m.estimate, 2)} ({number(m.low, 2)} to {number(m.high, 2)})" if m else "not told"
                for m in (each.measures.get("auc"), each.measures.get("calibration_slope"))
            )
            lines.append(
                f"{name}: {count(each.n)} people, {each.share:.0%} at or beyond its cut-off; in people held "
                f"out AUC {auc}, calibration slope {slope}"
            )
        return [*lines, *found.warnings, f"Package: {self.place}"]


def learn_from_vault(vault: str | None, *, out: Path, days: int = DAYS, seed: int = 0) -> LearnedScreening:
    """From those in a vault who permit model training, and what they permit. Raises as the vault does."""
    _ready(out, days)
    with (
        Vault.open(place(vault)) as opened,
        opened.access(actor=acting(), purpose="model-training") as access,
    ):
        records = access.records()
        return learn_from_records(records, source="a vault", out=out, days=days, seed=seed)


def learn_from_table(data: Table | Path, *, out: Path, days: int = DAYS, seed: int = 0) -> LearnedScreening:
    """From a long table of answers. Raises ``DataError``, ``NotEnoughDataError``."""
    _ready(out, days)
    table = data if isinstance(data, Table) else read(data)
    return learn_from_records(records_in(table), source=table.source, out=out, days=days, seed=seed)


def learn_from_records(
    records: Iterable[PatientRecord], *, source: str, out: Path, days: int = DAYS, seed: int = 0
) -> LearnedScreening:
    """Learn, judge by people held out, and write the package to ``out``."""
    start = perf_counter()
    _ready(out, days)
    seen: list[tuple[int, Moment]] = []
    for person, record in enumerate(records):
        seen += [(person, moment) for moment in moments(record, days)]
    if not seen:
        raise NotEnoughDataError(
            f"{source}: nobody with a questionnaire that has a cut-off was found.",
            hint="Check the file, or that people have consented to model training.",
        )
    variables = variables_of(seen)
    panel = panel_of(seen, variables)
    learned = learn_screen(panel, seed)
    ages = [moment.known.age for _, moment in seen if moment.known.age is not None]
    findings = _findings(panel, learned, variables, source)
    package = ScreeningPackage(
        learned.screen, variables, days, (min(ages), max(ages)) if ages else None, findings
    )
    origin = Origin("screening", "screening", seed, findings.fingerprint, findings.versions)
    written = write(out, screening_files(package), origin)
    return LearnedScreening(package, written, perf_counter() - start)


def _ready(out: Path, days: int) -> None:
    if timedelta(days=days) < timedelta(days=1):
        raise InputError(f"Expected one day or more, got {days}.", hint="Give --days 28, say.")
    signing_key()  # an unusable key or folder must be known before the work, not after
    refuse_strangers(out)


def _findings(
    panel: Panel, learned: LearnedScreen, variables: tuple[Variable, ...], source: str
) -> ScreeningFindings:
    instruments, warnings = [], []
    for i, target in enumerate(panel.targets):
        truth = np.where(panel.asked[:, i], target.is_case(panel.x), np.nan)
        known = np.isfinite(truth)
        share = float(np.average(truth[known], weights=panel.weight[known])) if known.any() else 0.0
        people, cases = (len(np.unique(panel.people[rows])) for rows in (known, truth == 1.0))
        name, reason = INSTRUMENTS[target.name].abbreviation, learned.left_out.get(target.name, "")
        measures: dict[str, Estimate] = {}
        if reason:
            warnings.append(WORDING["warning"]["unlearned"].format(name=name, reason=reason))
        else:
            told = assessed([learned.judged[target.name]]).measures
            measures = {measure: told[measure] for measure in MEASURES if measure in told}
        instruments.append(JudgedInstrument(target.name, people, cases, share, measures, reason))
        if instruments[-1].weak and not reason:
            warnings.append(WORDING["warning"]["weak"].format(name=name))
    warnings += _apart(panel, variables)
    stated = to_json([variable.name for variable in variables])
    print_of = hashlib.sha256(
        stated + panel.x.tobytes() + panel.people.astype(np.int64).tobytes()
    ).hexdigest()
    return ScreeningFindings(
        n=len(np.unique(panel.people)),
        moments=len(panel.x),
        source=source,
        instruments=tuple(instruments),
        warnings=tuple(warnings),
        fingerprint=print_of,
        versions={"alleviate": __version__, "numpy": np.__version__},
    )


def _apart(panel: Panel, variables: tuple[Variable, ...]) -> list[str]:
    """Pairs of instruments that nobody was given together: their relation is not learned, but assumed."""
    there = np.isfinite(panel.x).astype(float)
    together = there.T @ there
    totals = [j for j, variable in enumerate(variables) if variable.kind == "total"]
    return [
        WORDING["warning"]["apart"].format(
            first=INSTRUMENTS[variables[j].of].abbreviation, second=INSTRUMENTS[variables[k].of].abbreviation
        )
        for at, j in enumerate(totals)
        for k in totals[at + 1 :]
        if together[j, k] == 0
    ]
