"""A learned screening, opened: how probable caseness is where nobody asked, and what to ask next."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from alleviate.instruments import INSTRUMENTS, Instrument
from alleviate.intake.tables import Table, read
from alleviate.models.screening.screen import Probable, Target
from alleviate.models.trial import Floats
from alleviate.packages import Manifest, SealedPackage
from alleviate.packages.screening import ScreeningPackage, screening_from
from alleviate.progress.safety import signs
from alleviate.records import PatientRecord
from alleviate.studies.screening.asking import Asking, default_asking
from alleviate.studies.screening.long_table import records_in
from alleviate.studies.screening.moments import Known, known
from alleviate.studies.screening.words import WORDING, of_100

__all__ = ["Screening", "screening_of"]

MOST_REASONS = 3
LEAST_REASON = 0.1
"""In SD of the score: what moves it less is no reason to name."""


@dataclass(frozen=True, slots=True)
class Screening:
    """A verified package, ready to use."""

    package: ScreeningPackage
    manifest: Manifest

    def next(self, data: Table | Path, *, asking: Asking | None = None) -> list[dict[str, Any]]:
        """For everybody in a long table of answers, at the time of their last line. Raises ``DataError``."""
        records = records_in(data if isinstance(data, Table) else read(data))
        return [
            told
            for record in records
            for told in self.next_records([record], max(e.known_at for e in record.events), asking=asking)
        ]

    def next_records(
        self, records: Sequence[PatientRecord], moment: datetime, *, asking: Asking | None = None
    ) -> list[dict[str, Any]]:
        """For each record, by what it knew at ``moment`` (UTC); as `alleviate screen next --json` prints."""
        return [self._told(record, moment, asking or default_asking()) for record in records]

    def _told(self, record: PatientRecord, moment: datetime, asking: Asking) -> dict[str, Any]:
        package = self.package
        found = known(record, moment, package.days)
        x = package.row(found.values)
        if any(name.startswith("had ") for name in found.values):
            diagnoses = [j for j, v in enumerate(package.variables) if v.kind == "diagnosis"]
            x[diagnoses] = np.nan_to_num(x[diagnoses])
        probable = package.screen.probable(x)
        instruments = [
            self._instrument(target, probable.get(target.name), x, found, asking)
            for target in package.screen.targets
        ]
        return {
            "id": record.subject_id,
            "instruments": instruments,
            "ask_next": self._ask_next(x, found, asking),
            "warnings": self._warnings(record, moment, found, asking),
        }

    def _instrument(
        self, target: Target, told: Probable | None, x: Floats, found: Known, asking: Asking
    ) -> dict[str, Any]:
        instrument = INSTRUMENTS[target.name]
        cut, worse = abs(float(target.threshold_of(x[None, :])[0])), instrument.direction == "higher is worse"
        form = found.forms.get(target.name)
        given = form.time.date().isoformat() if form else None
        words: str | None = None
        if told is None:
            assert form is not None
            side = ("above" if worse else "below") + ("_case" if _case(target, x) else "_none")
            reasons = [
                WORDING["reason"]["given"].format(
                    what=found.said[target.name], side=WORDING["side"][side], cut=cut
                )
            ]
        else:
            words = WORDING["sentence"]["above" if worse else "below"].format(
                name=instrument.abbreviation,
                cut=cut,
                p=of_100(told.p),
                low=of_100(told.low).removeprefix("about "),
                high=of_100(told.high).removeprefix("about "),
            )
            reasons = self._reasons(target.name, told, found)
            if form is not None:
                reasons.insert(0, WORDING["reason"]["unscored"].format(date=form.time))
        return {
            "instrument": target.name,
            "p": None if told is None else told.p,
            "low": None if told is None else told.low,
            "high": None if told is None else told.high,
            "given": given if told is None else None,
            "reasons": reasons,
            "words": words,
            "not_to_ask": asking.unfit(target.name, found.age, found.language) or None,
        }

    def _reasons(self, instrument: str, told: Probable, found: Known) -> list[str]:
        """What moves the expected score most, in words; nothing does where people held out bore none out."""
        judged = next(each for each in self.package.findings.instruments if each.instrument == instrument)
        if judged.weak:
            return [WORDING["reason"]["weak"]]
        moved: dict[str, float] = defaultdict(float)
        for variable, much in zip(self.package.variables, told.reasons, strict=True):
            if variable.name in found.said:
                moved[found.said[variable.name]] += much
        order = sorted(moved, key=lambda what: -abs(moved[what]))[:MOST_REASONS]
        reasons = [
            WORDING["reason"]["for" if moved[what] > 0 else "against"].format(what=what)
            for what in order
            if abs(moved[what]) >= LEAST_REASON
        ]
        return reasons or ([] if moved else [WORDING["reason"]["nothing"]])

    def _ask_next(self, x: Floats, found: Known, asking: Asking) -> dict[str, Any] | None:
        """The instrument that is expected to lessen the doubt most a minute; the shorter one of equals."""
        best: tuple[float, float, str, float] | None = None
        open_doubt = sum(
            self.package.screen.gains(x, target.column)[target.name]
            for target in self.package.screen.targets
            if np.isnan(x[target.column])
        )
        for j, variable in enumerate(self.package.variables):
            if variable.kind != "total" or not np.isnan(x[j]):
                continue
            instrument = INSTRUMENTS[variable.of]
            if asking.unfit(instrument.id, found.age, found.language):
                continue
            left = [item for item in instrument.items if item.code not in found.answered]
            minutes = asking.minutes(instrument.id, max(1, len(left)))
            bits = sum(self.package.screen.gains(x, j).values())
            offer = (round(bits / minutes, 9), -minutes, instrument.id, bits)
            if bits >= asking.least_bits and (best is None or offer[:2] > best[:2]):
                best = offer
        if best is None:
            return None
        _, minutes, name, bits = best
        instrument = INSTRUMENTS[name]
        why = WORDING["ask"]["why"].format(
            name=instrument.abbreviation,
            minutes=_minutes(-minutes),
            share=round(100 * min(bits / max(open_doubt, bits), 1.0)),
        )
        item, more = self._item(instrument, x, found, asking, bits)
        return {"instrument": name, "item": item, "why": f"{why} {more}".strip()}

    def _item(
        self, instrument: Instrument, x: Floats, found: Known, asking: Asking, bits: float
    ) -> tuple[str | None, str]:
        """Of its published short form, the question that tells most; never one that is asked for safety."""
        version = asking.instruments[instrument.id]
        gains = {}
        for id in version.short:
            item = instrument.item(id)
            assert item is not None
            j = self.package.column(f"item {item.code}")
            if item.code not in found.answered | asking.safety_codes and j is not None:
                gains[id] = sum(self.package.screen.gains(x, j).values())
        if not gains:
            return None, ""
        first = max(gains, key=lambda id: gains[id])
        asked = instrument.item(first)
        assert asked is not None
        words = WORDING["ask"]["item"].format(
            item=first,
            what=asked.name,
            short=f"first question of the {version.short_name}",
            share=round(100 * min(gains[first] / bits, 1.0)),
        )
        return first, words

    def _warnings(self, record: PatientRecord, moment: datetime, found: Known, asking: Asking) -> list[str]:
        """Rules first: what was flagged, what was not asked. A model has no say in either."""
        words, package = WORDING["warning"], self.package
        fresh = moment - timedelta(days=package.days)
        raised = [sign for sign in signs(record.at(moment)) if sign.time >= fresh]
        warnings = [
            words["sign"].format(
                name=INSTRUMENTS[sign.instrument].abbreviation, flag=sign.flag, date=sign.time
            )
            for sign in raised
        ]
        if not raised:
            asked = found.answered & asking.safety_codes
            warnings.append(words["answered"] if asked else words["unasked"].format(days=package.days))
        if package.seen and found.age is not None and not package.seen[0] <= found.age <= package.seen[1]:
            low, high = package.seen
            warnings.append(words["age"].format(age=found.age, low=low, high=high))
        if not any(name in found.values for name in (v.name for v in package.variables)):
            warnings.append(words["empty"])
        return warnings


def _case(target: Target, x: Floats) -> bool:
    return bool(target.is_case(x[None, :])[0] == 1.0)


def _minutes(minutes: float) -> str:
    whole = max(1, round(minutes))
    return "a minute" if whole == 1 else f"{whole} minutes"


def screening_of(sealed: SealedPackage, path: Path) -> Screening:
    """Open a verified package of kind "screening". Raises ``PackageError``."""
    return Screening(screening_from(sealed.files, path), sealed.manifest)
