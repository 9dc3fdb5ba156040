"""From a prognosis and its table to its people: roles found, values typed, mistakes refused."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from alleviate.features import Feature, FeatureSpec
from alleviate.intake.tables import Table
from alleviate.intake.tables.table import quoted
from alleviate.models.prognosis.deep.sequences import EVENTS, READER
from alleviate.models.prognosis.people import People, target
from alleviate.models.trial import Floats, Ints
from alleviate.studies.cohort import feature_frame, refuse_repeated
from alleviate.studies.prognosis import columns, design
from alleviate.studies.prognosis.checks import leaks
from alleviate.studies.prognosis.outcome_values import Found, outcome_values
from alleviate.terms.codes import code
from alleviate.terms.errors import NotEnoughDataError, StudyError
from alleviate.terms.prognosis_study import PredictedOutcome, PrognosisStudy

__all__ = ["FEWEST_EVENTS", "FEWEST_PEOPLE", "PrognosisCohort", "cohort", "within"]

FEWEST_EVENTS = 10
"""People with the event, and people without it, below which nothing is learned."""

FEWEST_PEOPLE = 20


@dataclass(frozen=True, slots=True)
class PrognosisCohort:
    """The people with an outcome, and with a weight above 0. ``study`` and ``outcome`` have the kind found.

    ``people`` as ``spec`` orders their features. ``sites`` (n,) of what is left out in turn, ``times`` (n,)
    for the temporal test, ``groups`` (n, G) texts by which fairness is judged; each ``None`` where the study
    names none. ``ids`` (n,): of the id column, else the row's number from 1. ``missing_outcome``: people left
    out for want of one.
    """

    study: PrognosisStudy
    outcome: PredictedOutcome
    spec: FeatureSpec
    people: People
    ids: tuple[str, ...]
    sites: tuple[str, ...] | None
    times: Floats | None
    groups: pl.DataFrame | None
    rows_read: int
    missing_outcome: int
    warnings: tuple[str, ...]
    fingerprint: str

    def __len__(self) -> int:
        return len(self.people)

    @property
    def events(self) -> int | None:
        """People in whom it came (by the horizon), of a binary outcome or one in time."""
        return None if self.people.loss == "numeric" else int(target(self.people).y.sum())

    def take(self, rows: Ints) -> "PrognosisCohort":
        """These people, in this order, their weights again of mean 1."""
        own = self.people.take(rows)
        return replace(
            self,
            people=replace(own, weight=own.weight / own.weight.mean()),
            ids=tuple(self.ids[row] for row in rows),
            sites=None if self.sites is None else tuple(self.sites[row] for row in rows),
            times=None if self.times is None else self.times[rows],
            groups=None if self.groups is None else self.groups[rows],
        )

    def split(self) -> tuple["PrognosisCohort", "PrognosisCohort | None"]:
        """Those to learn from, and those of the temporal test, if the study has one."""
        start = self.study.validation.test_from
        if self.times is None or start is None:
            return self, None
        later = self.times >= start
        return self.take(np.flatnonzero(~later)), self.take(np.flatnonzero(later))


def cohort(study: PrognosisStudy, table: Table, *, kinds: Mapping[str, str] | None = None) -> PrognosisCohort:
    """Read the roles that ``study`` gives to the columns of ``table``.

    ``kinds`` fixes what each feature holds, as a package learned it. These people then judge what others
    taught: features are not looked at for leaks again, and few people are enough. Raises ``DataError`` where
    the table does not hold what the study says, ``NotEnoughDataError`` where too few have an outcome.
    """
    judged = kinds is not None
    if not judged:
        _refuse_without_events(study, table)
    if study.data.id is not None:
        table.require([study.data.id])
        refuse_repeated(table, study.data.id)
    found = outcome_values(study.outcome, table, judged=judged)
    features, warnings = columns.feature_columns(study, table, kinds)
    warnings = [*table.warnings, *warnings]
    weight, without_weight = design.weights(study.sampling, table)
    known = np.isfinite(found.y)
    kept = np.flatnonzero(known & (weight > 0))
    if without_weight:
        warnings.append(
            f"{without_weight} people have a weight of 0, so stand for nobody, and were left out."
        )
    missing = int((~known).sum())
    if missing:
        warnings.append(f"{missing} of {len(known)} people have no known outcome, and were left out.")
    _refuse_few(table, found, kept, 1 if judged else FEWEST_PEOPLE)
    clusters, strata = design.clusters_and_strata(study.sampling, table, kept)
    sites, times, groups = design.validation_columns(study.validation, table, kept, judged=judged)
    spec = FeatureSpec(
        tuple(
            Feature(name, code("STUDY", study.name, name), kind, study.labels.get(name, ""))
            for name, kind in features.kinds.items()
        )
    )
    frame = feature_frame(features.frame, spec)
    outcome = found.outcome
    assert outcome.kind is not None
    people = People(
        _with_events(frame, table)[kept],
        found.y[kept],
        outcome.kind,
        weight[kept] / weight[kept].mean(),
        None if found.time is None else found.time[kept],
        outcome.horizon,
        len(outcome.levels),
        clusters,
        strata,
    )
    made = PrognosisCohort(
        study=replace(study, outcome=outcome),
        outcome=outcome,
        spec=spec,
        people=people,
        ids=design.ids(study.data.id, table, kept),
        sites=sites,
        times=times,
        groups=groups,
        rows_read=table.frame.height,
        missing_outcome=missing,
        warnings=tuple(warnings),
        fingerprint=table.fingerprint,
    )
    if judged:
        return made
    development, test = made.split()
    _refuse_few_events(development)
    more = leaks(table, frame[kept], _told(people), _number(found, kept), outcome.name)
    return replace(made, warnings=(*warnings, *more, *_thin(development, test)))


def _with_events(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """The features, and the course of events where records gave one."""
    return frame.with_columns(table.frame[EVENTS]) if EVENTS in table.columns else frame


def _refuse_without_events(study: PrognosisStudy, table: Table) -> None:
    if READER in study.candidates and EVENTS not in table.columns:
        raise StudyError(
            f"{table.source}: expected people's events, which the candidate {quoted(READER)} reads, "
            "but a table has none.",
            hint=f"Draw the study from the vault (vault = true), or leave {quoted(READER)} out of "
            "[learning] candidates.",
        )


def _told(people: People) -> Floats:
    """(n,) what features are held against: 0/1 (NaN if lost before the horizon), the number or the level."""
    asked = target(people)
    return np.where(asked.weight > 0, asked.y, np.nan)


def _number(found: Found, kept: Ints) -> Floats | None:
    number = found.time if found.number is None else found.number
    return None if number is None else number[kept]


def _refuse_few(table: Table, found: Found, kept: Ints, fewest: int) -> None:
    if len(kept) < fewest:
        raise NotEnoughDataError(
            f"{table.source}: only {len(kept)} people have a known {quoted(found.outcome.name)}; "
            f"at least {fewest} are needed.",
            hint="Nothing was packaged. Bring more people with an outcome.",
        )


def _refuse_few_events(people: PrognosisCohort) -> None:
    """Raises ``NotEnoughDataError`` where too few had the event or had it not, or all have one level."""
    name = quoted(people.outcome.name)
    if people.people.kind == "ordinal":
        met = np.bincount(people.people.y.astype(int), minlength=people.people.levels)
        enough = int((met >= FEWEST_EVENTS).sum())
        if enough < 2:
            raise NotEnoughDataError(
                f"Expected at least {FEWEST_EVENTS} people at two levels or more of {name}, got {enough}.",
                hint="Nothing was packaged. Bring more people, or join levels.",
            )
        return
    if people.people.loss == "numeric":
        return
    asked = target(people.people)
    events, others = (int(((asked.weight > 0) & (asked.y == value)).sum()) for value in (1.0, 0.0))
    few, words = min((events, "with"), (others, "without"))
    if few < FEWEST_EVENTS:
        raise NotEnoughDataError(
            f"Only {few} people {words} the event ({name}) to learn from; "
            f"{FEWEST_EVENTS} or more are needed.",
            hint="Nothing was packaged. Bring more people, or name an outcome that is less rare.",
        )


def _thin(development: PrognosisCohort, test: PrognosisCohort | None) -> list[str]:
    """What is worth a warning of how much the people can tell."""
    warnings = []
    events = development.events
    rarer = len(development) if events is None else min(events, len(development) - events)
    features = len(development.spec.features)
    if features > rarer:
        what = "people" if events is None else "events"
        warnings.append(
            f"{features} features for {rarer} {what}: few can be told from chance, and intervals are wide."
        )
    if test is not None and test.events is not None and test.events < FEWEST_EVENTS:
        warnings.append(f"Only {test.events} events in the later people: the temporal test tells little.")
    return warnings


def within(study: PrognosisStudy, table: Table) -> PrognosisStudy:
    """The study without the columns of design and validation that ``table`` lacks: to judge by others."""
    there = set(table.columns)

    def kept(column: str | None) -> str | None:
        return column if column in there else None

    sampling, validation = study.sampling, study.validation
    timed = validation.time in there
    return replace(
        study,
        data=replace(study.data, id=kept(study.data.id)),
        sampling=replace(
            sampling,
            weight=kept(sampling.weight), cluster=kept(sampling.cluster), stratum=kept(sampling.stratum),
        ),
        validation=replace(
            validation,
            site=kept(validation.site),
            trial=kept(validation.trial),
            time=validation.time if timed else None,
            test_from=validation.test_from if timed else None,
            groups=tuple(name for name in validation.groups if name in there),
        ),
    )  # fmt: skip
