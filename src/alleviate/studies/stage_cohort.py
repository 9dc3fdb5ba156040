"""From a study of several stages and its table to the people analysed at each; mistakes refused."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import polars as pl

from alleviate.features import Feature, FeatureSpec, Kind
from alleviate.intake.tables import Table, typed
from alleviate.intake.tables.table import quoted
from alleviate.models.trial import Bools, Floats, Ints
from alleviate.policies.stages import StagedTrial, StageTable
from alleviate.studies.checks import refuse_leaks, refuse_separation
from alleviate.studies.cohort import (
    FEWEST,
    Cohort,
    arms_of,
    feature_frame,
    probability_of,
    refuse_repeated,
    sites_of,
)
from alleviate.studies.outcome_columns import completed, outcomes
from alleviate.terms.codes import code
from alleviate.terms.errors import DataError, NotEnoughDataError, StudyError
from alleviate.terms.outcomes import Outcome
from alleviate.terms.study import Study

__all__ = ["THEN", "StagedCohort", "staged_cohort"]

MOST_SEQUENCES = 36
FEWEST_ON_A_PATH = 5
"""People with an outcome in each arm of a stage, after each course of earlier arms."""

THEN = " then "
"""Between the arms of a fixed sequence."""


@dataclass(frozen=True, slots=True)
class StagedCohort:
    """``stages``: for each, those who came to it as a cohort of its own, earlier arms among the features.

    ``sequences`` names each fixed sequence in the order of ``StagedTrial.sequences``; ``usual`` indexes it.
    ``trial.y`` is signed so that larger is better. ``missing``: people without an outcome, by first arm.
    """

    study: Study
    outcome: Outcome
    trial: StagedTrial
    stages: tuple[Cohort, ...]
    sequences: tuple[str, ...]
    usual: int | None
    sites: tuple[str, ...] | None
    rows_read: int
    missing: Mapping[str, int]
    sd: float
    warnings: tuple[str, ...]
    fingerprint: str

    @property
    def following(self) -> dict[str, Bools]:
        """Of each fixed sequence, (n,) whose arms, as far as they were treated, are its own."""
        pairs = zip(self.sequences, self.trial.sequences(), strict=True)
        return {name: self.trial.follows(sequence) for name, sequence in pairs}


def staged_cohort(study: Study, table: Table, *, kinds: Mapping[str, Kind] | None = None) -> StagedCohort:
    """Read the roles that ``study`` gives to the columns of ``table``. Raises ``DataError``, ``StudyError``.

    ``kinds`` fixes what each feature holds, as a package learned it; by default the values decide.
    """
    if study.outcome.kind == "time-to-event":
        raise StudyError(
            f"{study.name}: expected a number, or yes and no, as the outcome of stages, "
            "got a time to an event.",
            hint="Use whether it came by the end, as 0 and 1.",
        )
    columns = [stage.treatment.column for stage in study.stages]
    table.require([*columns, study.outcome.name, *(name for s in study.stages for name in s.features)])
    if study.data.id is not None:
        refuse_repeated(table, study.data.id)
    _refuse_unreached(study, table)
    asked = [replace(study, treatment=stage.treatment) for stage in study.stages]
    read = [arms_of(one, table) for one in asked]
    _refuse_skipped(study, table, [arm for _, arm in read])
    y = outcomes(study, table).y
    specs, frames = _features(study, table, kinds)
    for frame, (arms, arm) in zip(frames, read, strict=True):
        refuse_leaks(table, frame, np.where(arm >= 0, y, np.nan), study.outcome.name)
        refuse_separation(table, frame, arm, arms)
    known = np.isfinite(y)
    weigh = study.outcome.missing == "weight"
    kept = np.flatnonzero((read[0][1] >= 0) & (known | weigh))
    _refuse_thin_paths(study, read, known)
    outcome, sd = completed(study.outcome, y[known & (read[0][1] >= 0)])
    study = replace(study, outcome=outcome)
    observed = None if known[kept].all() else known[kept]
    trial = StagedTrial(
        tuple(
            StageTable(
                stage.treatment.column,
                feature_frame(frame, spec).select(stage.features)[kept],
                arm[kept],
                arms,
                _chances(one, table, arms, arm, kept),
            )
            for stage, one, frame, spec, (arms, arm) in zip(
                study.stages, asked, frames, specs, read, strict=True
            )
        ),
        outcome.sign * np.where(known, y, 0.0)[kept],
        observed,
    )
    sites = sites_of(study, table, kept)
    return _completed_cohort(study, table, trial, specs, sites, known, read[0], sd)


def _completed_cohort(
    study: Study,
    table: Table,
    trial: StagedTrial,
    specs: list[FeatureSpec],
    sites: tuple[str, ...] | None,
    known: Bools,
    first: tuple[tuple[str, ...], Ints],
    sd: float,
) -> StagedCohort:
    names = [stage.names for stage in trial.stages]
    sequences = tuple(THEN.join(n[k] for n, k in zip(names, s, strict=True)) for s in trial.sequences())
    usual = [stage.treatment.usual for stage in study.stages]
    told = [name for name in usual if name is not None]
    untreated = int((first[1] < 0).sum())
    column = study.stages[0].treatment.column
    warnings = list(table.warnings)
    if untreated:
        warnings.append(f"{untreated} rows have no value of {column}, and were left out.")
    stages = []
    for s, (stage, spec) in enumerate(zip(study.stages, specs, strict=True)):
        at = trial.at(s)
        own = trial.trial(s, np.zeros(len(trial)))
        gone = np.zeros(len(own), dtype=np.bool_) if own.observed is None else ~own.observed
        stages.append(
            Cohort(
                study=replace(study, treatment=stage.treatment, stages=()),
                outcome=study.outcome,
                arms=names[s],
                usual=None if usual[s] is None else names[s].index(str(usual[s])),
                spec=spec,
                trial=own,
                sites=None if sites is None else tuple(sites[i] for i in at),
                rows_read=len(trial),
                missing_outcome={name: int((gone & (own.arm == k)).sum()) for k, name in enumerate(names[s])},
                sd=sd,
                warnings=(),
                fingerprint=table.fingerprint,
            )
        )
    return StagedCohort(
        study=study,
        outcome=study.outcome,
        trial=trial,
        stages=tuple(stages),
        sequences=sequences,
        usual=sequences.index(THEN.join(told)) if len(told) == len(usual) else None,
        sites=sites,
        rows_read=table.frame.height,
        missing={name: int(((first[1] == k) & ~known).sum()) for k, name in enumerate(first[0])},
        sd=sd,
        warnings=tuple(warnings),
        fingerprint=table.fingerprint,
    )


def _features(
    study: Study, table: Table, kinds: Mapping[str, Kind] | None
) -> tuple[list[FeatureSpec], list[pl.DataFrame]]:
    """Of each stage: what is known at its start, earlier arms too, and the columns but for those arms."""
    every = [name for stage in study.stages for name in stage.features]
    fixed = None if kinds is None else {name: kinds[name] for name in every}
    found = typed(table, kinds=fixed, only=every)
    specs, frames = [], []
    so_far: list[Feature] = []
    for stage in study.stages:
        so_far += [_feature(study, name, found.kinds[name]) for name in stage.features]
        specs.append(FeatureSpec(tuple(so_far)))
        frames.append(found.frame.select(name for name in specs[-1].names if name in every))
        so_far.append(_feature(study, stage.treatment.column, "category"))
    return specs, frames


def _feature(study: Study, name: str, kind: Kind) -> Feature:
    return Feature(name, code("STUDY", study.name, name), kind, study.labels.get(name, ""))


def _chances(study: Study, table: Table, arms: tuple[str, ...], arm: Ints, kept: Ints) -> Floats | None:
    """(people kept, K) known chances, ``None`` where they are to be estimated; equal for who had no arm."""
    treated = kept[arm[kept] >= 0]
    found = probability_of(study, table, arms, arm, treated)
    if found is None:
        return None
    everyone = np.full((len(kept), len(arms)), 1.0 / len(arms))
    everyone[arm[kept] >= 0] = found
    return everyone


def _refuse_unreached(study: Study, table: Table) -> None:
    for stage in study.stages:
        column = stage.treatment.column
        if table.text(column).null_count() == table.frame.height:
            raise DataError(
                f"{table.source}: expected somebody to come to the stage {quoted(stage.name)}, "
                f"but the column {quoted(column)} is empty.",
                hint="Leave the stage out, or name the column that holds its arms.",
            )


def _refuse_skipped(study: Study, table: Table, arms: list[Ints]) -> None:
    for s, (earlier, later) in enumerate(pairwise(arms)):
        skipped = (earlier < 0) & (later >= 0)
        if not skipped.any():
            continue
        first, second = study.stages[s], study.stages[s + 1]
        if not ((earlier >= 0) & (later < 0)).any():
            raise StudyError(
                f"{study.name}: expected the stages in the order in which people come to them, but everybody "
                f"at {quoted(first.name)} is at {quoted(second.name)} too, and {int(skipped.sum())} more.",
                hint="Put the [[stage]] tables the other way round.",
            )
        raise DataError(
            f"{table.source}: expected an arm at {quoted(first.name)} for everybody with one at "
            f"{quoted(second.name)}, got nothing in {quoted(first.treatment.column)} "
            f"({table.where(np.flatnonzero(skipped))}).",
            hint="Fill in the earlier arm, or empty the later one.",
        )


def _refuse_thin_paths(study: Study, read: list[tuple[tuple[str, ...], Ints]], known: Bools) -> None:
    """After each course of earlier arms, each arm must have been given to some with an outcome."""
    number = int(np.prod([len(arms) for arms, _ in read]))
    if number > MOST_SEQUENCES:
        raise StudyError(
            f"{study.name}: expected at most {MOST_SEQUENCES} fixed sequences of arms, got {number}.",
            hint="Join arms under [[stage]] arms, or leave a stage out.",
        )
    courses: list[tuple[str, Bools]] = [("", np.ones(len(known), dtype=np.bool_))]
    for stage, (arms, arm) in zip(study.stages, read, strict=True):
        few = [(int(((arm == k) & known).sum()), name) for k, name in enumerate(arms)]
        if min(few)[0] < FEWEST:
            raise NotEnoughDataError(
                f"Only {min(few)[0]} people in the arm {quoted(min(few)[1])} of {quoted(stage.name)} have an "
                f"outcome; at least {FEWEST} are needed.",
                hint="Nothing was packaged. Collect more outcomes, or leave the arm out.",
            )
        on = [
            (f"{before}{THEN}{name}" if before else name, who & (arm == k))
            for before, who in courses
            for k, name in enumerate(arms)
        ]
        for course, who in on:
            if (n := int((who & known).sum())) < FEWEST_ON_A_PATH:
                raise NotEnoughDataError(
                    f"Only {n} people got {quoted(course)} and have an outcome; "
                    f"at least {FEWEST_ON_A_PATH} are needed in each arm of "
                    f"{quoted(stage.name)} after each earlier one.",
                    hint="Name arms by what they mean after any earlier arm, such as go on, add and switch.",
                )
        courses = on
