"""A learned prognosis, loaded: foresee new people, and test it on data that it has never seen."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from alleviate import features
from alleviate.intake.tables import Table
from alleviate.models.prognosis.deep.sequences import EVENTS
from alleviate.models.prognosis.explained.differing import differing
from alleviate.models.prognosis.model import PrognosisModel
from alleviate.packages import Manifest, SealedPackage
from alleviate.packages.prognosis import PrognosisPackage, prognosis_from
from alleviate.records import PatientRecord, frame_of
from alleviate.studies import files
from alleviate.studies.prognosis.cohort import PrognosisCohort, cohort, within
from alleviate.studies.prognosis.columns import known_features
from alleviate.studies.prognosis.elsewhere import judged_by, tested, versus
from alleviate.studies.prognosis.foreseen import foreseen, speech_of
from alleviate.studies.rules import ids_of, table_from
from alleviate.studies.vault_sections import spec_of
from alleviate.terms.errors import DataError, StudyError
from alleviate.terms.prognosis_study import PrognosisStudy

__all__ = ["Prognosis", "features_at", "prognosis_of"]


@dataclass(frozen=True, slots=True)
class Prognosis:
    """A verified package, ready to use. ``study`` has its outcome completed from the data."""

    package: PrognosisPackage
    manifest: Manifest
    study: PrognosisStudy

    def predict(self, data: pl.DataFrame | str | Path, *, aim: float | None = None) -> list[dict[str, Any]]:
        """What is foreseen for each row, as `alleviate predict --json` prints it.

        ``aim``: a risk (0 to 1) or number; beside each person, what would have to differ for the model to
        foresee the other side of it. Raises ``DataError`` where the table cannot be read or has no feature.
        """
        table = table_from(data)
        frame = known_features(self.study, self.package.spec, table)
        columns = [name for name in self.study.validation.groups if name in table.columns]
        groups = {name: table.text(name) for name in columns}
        told = foreseen(self.package, frame, ids_of(table, self.study.data.id), self.study.labels, groups)
        return told if aim is None else self._with_differing(told, frame, aim)

    def _with_differing(
        self, told: list[dict[str, Any]], frame: pl.DataFrame, aim: float
    ) -> list[dict[str, Any]]:
        package, study = self.package, self.study
        if package.outcome.kind in ("binary", "time-to-event") and not 0 < aim < 1:
            raise DataError(f"Expected a risk between 0 and 1 to aim at, got {aim:g}.", hint="Such as 0.2.")
        speech, fixed = speech_of(package, study.labels), {*study.fixed, *study.changes}
        for i, person in enumerate(told):
            if not person["abstained"]:
                found = differing(package.model, frame[i], package.seen, speech, aim, fixed)
                person["differing"] = found.text
        return told

    def predict_records(
        self, records: Sequence[PatientRecord], moment: datetime, *, aim: float | None = None
    ) -> list[dict[str, Any]]:
        """The same from records, by what was known at ``moment`` (UTC), where the study drew on the vault."""
        if not self.study.definitions:
            raise StudyError(
                f"{self.package.name} was learned from a table, so records do not tell its features.",
                hint="Predict from a table with the same columns: --data FILE.",
            )
        frame = features_at(self.package.model, self.study, records, moment)
        ids = [record.subject_id for record in records]
        told = foreseen(self.package, frame, ids, self.study.labels)
        return told if aim is None else self._with_differing(told, frame, aim)

    def evaluate(
        self, data: pl.DataFrame | str | Path, *, against: "Prognosis | None" = None
    ) -> dict[str, Any]:
        """How it fares on new people with their outcome, as `alleviate evaluate --json` prints it.

        ``against``: another prognosis of the same outcome, compared on the same people.
        """
        table = table_from(data)
        people = self._people(table)
        found = tested(self.package, people)
        if against is not None:
            others = against._people(table)
            if others.ids != people.ids:
                raise DataError(
                    f"{table.source}: expected the same people for both packages, got others.",
                    hint="Compare packages of one outcome.",
                )
            rival = judged_by(against.package, others)
            found["versus"] = versus(self.package, against.package, judged_by(self.package, people), rival)
        return found

    def _people(self, table: Table) -> PrognosisCohort:
        kinds = {feature.name: feature.kind for feature in self.package.spec.features}
        asked = replace(within(self.study, table), include=self.package.spec.names)
        return cohort(asked, table, kinds=kinds)


def features_at(
    model: PrognosisModel, study: PrognosisStudy, records: Sequence[PatientRecord], moment: datetime
) -> pl.DataFrame:
    """Known at ``moment`` (UTC): the study's features, and the course of events if the model reads it."""
    spec = spec_of(study.definitions)
    frame = features.table([features.at(record, moment, spec) for record in records], spec)
    if model.vocabulary is None:
        return frame
    ids = [record.subject_id for record in records]
    moments = pl.DataFrame({"subject_id": ids, "moment": [moment] * len(ids)})
    return frame.with_columns(features.event_lists(frame_of(records), moments).alias(EVENTS))


def prognosis_of(sealed: SealedPackage, path: Path) -> Prognosis:
    """Open a verified package of kind "prognosis". Raises ``PackageError``."""
    package = prognosis_from(sealed.files, path)
    study = files.loads(package.study, source="study.toml")
    assert isinstance(study, PrognosisStudy)
    return Prognosis(package, sealed.manifest, replace(study, outcome=package.outcome))
