"""Learned rules of several stages, loaded: advise each person at the stage they stand at, and evaluate."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import polars as pl

from alleviate.advice.recommend import recommend_table
from alleviate.advice.recommendation import Recommendation
from alleviate.intake.tables import Table, typed
from alleviate.intake.tables.table import quoted
from alleviate.models.trial import Ints
from alleviate.packages import Manifest
from alleviate.packages.stage_rule import StagePackage
from alleviate.policies.choice import choose_arms
from alleviate.policies.gain import gain_over_best
from alleviate.policies.stages import score
from alleviate.policies.value import mean_with_interval
from alleviate.records import PatientRecord
from alleviate.studies.cohort import feature_frame
from alleviate.studies.findings import WORDING
from alleviate.studies.rules import Measures, ids_of, table_from
from alleviate.studies.stage_cohort import staged_cohort
from alleviate.terms.errors import DataError, StudyError
from alleviate.terms.study import Study

__all__ = ["LearnedStages"]


@dataclass(frozen=True, slots=True)
class LearnedStages:
    """A verified package of rules for several stages. ``study`` has its outcome completed from the data."""

    package: StagePackage
    manifest: Manifest
    study: Study

    def recommend(self, data: pl.DataFrame | str | Path) -> list[Recommendation]:
        """Advice for each row of a table, at the first stage for which the row holds no arm.

        Missing features widen the interval; who has an arm at every stage gets no advice. Raises
        ``DataError`` where the table cannot be read, has no feature at all, or a later arm and no earlier.
        """
        return [found for _, found in self._advised(table_from(data))]

    def advise(self, data: pl.DataFrame | str | Path) -> list[dict[str, Any]]:
        """``recommend`` as plain values with the stage's name, as `alleviate advise --json` prints it."""
        return [{**found.to_json(), "stage": stage} for stage, found in self._advised(table_from(data))]

    def recommend_records(self, records: Sequence[PatientRecord], moment: datetime) -> NoReturn:
        """Raises ``StudyError``: stages are learned from tables, whose columns no record tells."""
        raise StudyError(
            f"{self.package.name} was learned from a table, so records do not tell its features.",
            hint="Advise from a table with the same columns: --data FILE.",
        )

    def _advised(self, table: Table) -> list[tuple[str | None, Recommendation]]:
        package = self.package
        specs = [stage.spec for stage in package.stages]
        present = [f for f in specs[-1].features if f.name in table.columns and f.name not in package.columns]
        if not present:
            names = ", ".join(name for name in specs[-1].names if name not in package.columns)
            raise DataError(
                f"{table.source}: expected some of the features of these rules ({names}), found none.",
                hint="Name the columns as the study did.",
            )
        kinds = {feature.name: feature.kind for feature in present}
        found = typed(table, kinds=kinds, only=list(kinds)).frame
        frame = feature_frame(found.with_columns(self._arms(table)), specs[-1])
        ids, reached = ids_of(table, self.study.data.id), self._reached(table)
        result: list[tuple[str | None, Recommendation]] = [(None, self._done(id)) for id in ids]
        for s, stage in enumerate(package.stages):
            here = np.flatnonzero(reached == s)
            known = [name for name in stage.spec.names if name in frame.columns]
            told = (
                recommend_table(frame.select(known)[here], [ids[i] for i in here], stage) if len(here) else []
            )
            for i, recommendation in zip(here, told, strict=True):
                result[i] = (package.names[s], recommendation)
        return result

    def _arms(self, table: Table) -> list[pl.Series]:
        """Arms of earlier stages by their names; a value that the study does not know stays as it is."""
        columns = []
        for stage in self.study.stages:
            column = stage.treatment.column
            if column in table.columns:
                columns.append(table.text(column).replace(dict(stage.treatment.arms)).alias(column))
        return columns

    def _reached(self, table: Table) -> Ints:
        """(n,) the first stage without an arm; the number of stages where each has its arm."""
        reached = np.zeros(table.frame.height, dtype=np.int64)
        for s, column in enumerate(self.package.columns):
            if column not in table.columns:
                continue
            given = table.text(column).is_not_null().to_numpy()
            skipped = given & (reached < s)
            if skipped.any():
                where = table.where(np.flatnonzero(skipped))
                raise DataError(
                    f"{table.source}: expected an arm at every stage before {quoted(self.package.names[s])} "
                    f"for who has one there, got none ({where}).",
                    hint="Fill in the earlier arms, or empty the later one.",
                )
            reached[given] = s + 1
        return reached

    def _done(self, id: str) -> Recommendation:
        return Recommendation(id, None, "none", WORDING["stages"]["done"], {}, None, 0, (), self.package.name)

    def measure(self, data: pl.DataFrame | str | Path) -> Measures:
        """Value of the rules and of each fixed sequence on new people, by scores of their own."""
        package, table = self.package, table_from(data)
        known = self.study.data.id if self.study.data.id in table.columns else None
        site = self.study.validation.left_out
        plan = self.study.validation
        if site is not None and (site not in table.columns or table.text(site).drop_nulls().n_unique() < 2):
            plan = replace(plan, site=None, trial=None)
        asked = replace(self.study, data=replace(self.study.data, id=known), validation=plan)
        kinds = {feature.name: feature.kind for feature in package.stages[-1].spec.features}
        people = staged_cohort(asked, table, kinds=kinds)
        if people.sequences != package.sequences:
            raise DataError(
                f"{table.source}: expected the fixed sequences {', '.join(package.sequences)}, "
                f"got {', '.join(people.sequences)}.",
                hint="Evaluate on data in which every arm was given.",
            )
        trial = people.trial
        scored = score([trial], self.choose, np.random.SeedSequence(plan.seed))[0]
        over = [scored.rule - scored.sequences[:, q] for q in range(len(package.sequences))]
        gain = {"over_best_arm": gain_over_best([mean_with_interval(each, people.sites) for each in over])}
        given = {"rule": scored.rule, "best_arm": scored.sequences[:, package.best_arm]}
        if package.usual is not None:
            given["usual"] = scored.sequences[:, package.usual]
            gain["over_usual"] = mean_with_interval(over[package.usual], people.sites)
        given |= {name: scored.sequences[:, q] for q, name in enumerate(package.sequences)}
        value = {key: mean_with_interval(person, people.sites) for key, person in given.items()}
        advised = [self.choose(s, trial.history(s)[trial.at(s)]) for s in range(len(package.stages))]
        last = trial.at(len(advised) - 1)
        courses = np.column_stack(
            [arms[np.searchsorted(trial.at(s), last)] for s, arms in enumerate(advised)]
        )
        return Measures(
            n=len(trial),
            value=value if people.outcome.sign > 0 else {key: -found for key, found in value.items()},
            gain=gain,
            share_per_arm={
                name: float((courses == np.array(sequence)).all(axis=1).mean())
                for name, sequence in zip(people.sequences, trial.sequences(), strict=True)
            },
            share_abstained=float((self._choices(0, trial.history(0)) < 0).mean()),
            warnings=people.warnings,
        )

    def evaluate(self, data: pl.DataFrame | str | Path) -> dict[str, Any]:
        """``measure`` as plain values, as `alleviate evaluate --json` prints it."""
        return self.measure(data).to_json(self.package.name)

    def choose(self, stage: int, history: pl.DataFrame) -> Ints:
        """(n,) arm of each row at ``stage``; who cannot be judged gets what everybody gets."""
        arm = self._choices(stage, history)
        return np.where(arm >= 0, arm, self.package.stages[stage].best_arm)

    def _choices(self, stage: int, history: pl.DataFrame) -> Ints:
        rule = self.package.stages[stage]
        forecasts = rule.forecaster.forecast(history)
        return choose_arms(forecasts, best_arm=rule.best_arm, verdict=rule.verdict).arm
