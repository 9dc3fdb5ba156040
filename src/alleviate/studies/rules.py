"""A learned rule, loaded: advise new people, and evaluate it on data that it has never seen."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from alleviate import features
from alleviate.advice import Recommendation, recommend_all
from alleviate.intake.frames import records_from_frame
from alleviate.intake.tables import Table, read, table_of, typed
from alleviate.intake.tables.table import quoted
from alleviate.models.encoding import Encoder
from alleviate.models.scores import aipw, balanced_folds, crossfit, plan_nuisances, stay_in_reach
from alleviate.models.trial import Floats, Ints
from alleviate.packages import Manifest
from alleviate.packages.rule import RulePackage, open_rule
from alleviate.policies.choice import choose_arms
from alleviate.policies.value import mean_with_interval, scores_under
from alleviate.records import PatientRecord
from alleviate.studies import files
from alleviate.studies.cohort import Cohort, cohort, feature_frame, refuse_repeated
from alleviate.studies.vault_sections import spec_of
from alleviate.terms.errors import DataError, StudyError
from alleviate.terms.estimates import Estimate
from alleviate.terms.study import Study

__all__ = ["LearnedRule", "Measures", "load"]

NOW = datetime(1970, 1, 1, tzinfo=UTC)
"""A table of new people says nothing of times: all of it is known at one moment, whichever."""


@dataclass(frozen=True, slots=True)
class Measures:
    """How a rule fares: values in outcome units, gains positive is better, as in ``Findings``."""

    n: int
    value: dict[str, Estimate]
    gain: dict[str, Estimate]
    share_per_arm: dict[str, float]
    share_abstained: float
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LearnedRule:
    """A verified package, ready to use. ``study`` has its outcome completed from the data."""

    package: RulePackage
    manifest: Manifest
    study: Study

    def recommend(self, data: pl.DataFrame | str | Path) -> list[Recommendation]:
        """Advice for each row of a table: features by their columns, ids from the id column or row number.

        Missing features widen the interval. Raises ``DataError`` where the table cannot be read or has no
        feature at all.
        """
        table = _table(data)
        spec = self.package.spec
        present = [feature for feature in spec.features if feature.name in table.columns]
        if not present:
            raise DataError(
                f"{table.source}: expected some of the features of this rule ({', '.join(spec.names)}), "
                "found none.",
                hint="Name the columns as the study did.",
            )
        kinds = {feature.name: feature.kind for feature in present}
        frame = feature_frame(typed(table, kinds=kinds, only=list(kinds)).frame, spec)
        records = records_from_frame(frame, spec.codes, _ids(table, self.study.data.id), NOW)
        return recommend_all(records, NOW, self.package)

    def advise(self, data: pl.DataFrame | str | Path) -> list[dict[str, Any]]:
        """``recommend`` as plain values, as `alleviate advise --json` prints it."""
        return [recommendation.to_json() for recommendation in self.recommend(data)]

    def recommend_records(self, records: Sequence[PatientRecord], moment: datetime) -> list[Recommendation]:
        """Advice from records, by what was known at ``moment`` (UTC), where the study drew on the vault.

        Raises ``StudyError`` where it did not: columns of a table say nothing of how a record gives them.
        """
        if not self.study.definitions:
            raise StudyError(
                f"{self.package.name} was learned from a table, so records do not tell its features.",
                hint="Advise from a table with the same columns: --data FILE.",
            )
        spec = spec_of(self.study.definitions)
        frame = features.table([features.at(record, moment, spec) for record in records], spec)
        ids = pl.Series(self.study.data.id, [record.subject_id for record in records], dtype=pl.String)
        return self.recommend(frame.insert_column(0, ids))

    def measure(self, data: pl.DataFrame | str | Path) -> Measures:
        """Value of the rule and of each arm on new people with treatment and outcome, by AIPW scores."""
        package = self.package
        table = _table(data)
        kinds = {feature.name: feature.kind for feature in package.spec.features}
        known = self.study.data.id if self.study.data.id in table.columns else None
        asked = replace(
            self.study,
            include=package.spec.names,
            data=replace(self.study.data, id=known),
            validation=replace(self.study.validation, site=_sites_of(table, self.study.validation.site)),
        )
        people = cohort(asked, table, kinds=kinds)
        if people.arms != package.arms:
            raise DataError(
                f"{table.source}: expected the arms {', '.join(package.arms)}, got {', '.join(people.arms)}.",
                hint="Evaluate on data in which every arm was given.",
            )
        forecasts = package.forecaster.forecast(people.trial.features)
        choices = choose_arms(forecasts, best_arm=package.best_arm, verdict=package.verdict)
        scores = _scores(people)
        # who cannot be judged gets what everybody gets
        followed = np.where(choices.arm >= 0, choices.arm, package.best_arm)
        return _measured(people, package, scores, followed, float((choices.arm < 0).mean()))

    def evaluate(self, data: pl.DataFrame | str | Path) -> dict[str, Any]:
        """``measure`` as plain values, as `alleviate evaluate --json` prints it."""
        found = self.measure(data)
        return {
            "study": self.package.name,
            "n": found.n,
            "value": {key: asdict(value) for key, value in found.value.items()},
            "gain": {key: asdict(value) for key, value in found.gain.items()},
            "share_per_arm": found.share_per_arm,
            "share_abstained": found.share_abstained,
            "warnings": list(found.warnings),
        }


def load(package: str | Path) -> LearnedRule:
    """Open a package that `alleviate learn` wrote, verified before it is parsed. Raises ``PackageError``."""
    rule, manifest = open_rule(Path(package))
    study = files.loads(rule.study, source="study.toml")
    return LearnedRule(rule, manifest, replace(study, outcome=rule.outcome))


def _table(data: pl.DataFrame | str | Path) -> Table:
    return table_of(data, "the table") if isinstance(data, pl.DataFrame) else read(Path(data))


def _sites_of(table: Table, site: str | None) -> str | None:
    """The study's column of sites, where new people have one and it tells them apart."""
    if site is None or site not in table.columns:
        return None
    return site if table.text(site).drop_nulls().n_unique() > 1 else None


def _ids(table: Table, study_id: str | None) -> list[str]:
    """From the study's id column, else one called id, else the number of the row."""
    column = next((name for name in table.columns if name == study_id), None)
    column = column or next((name for name in table.columns if name.lower() == "id"), None)
    if column is None:
        return [str(row) for row in range(1, table.frame.height + 1)]
    refuse_repeated(table, column)
    ids = table.text(column)
    if ids.null_count():
        where = table.where(ids.is_null().arg_true())
        raise DataError(
            f"{table.source}: expected everybody's id in {quoted(column)}, got nothing ({where}).",
            hint="Give everyone an id, or leave the column out.",
        )
    return ids.to_list()


def _scores(people: Cohort) -> Floats:
    """AIPW scores, nuisances cross-fitted on the new people alone: nothing is taken over from the study."""
    trial, plan = people.trial, people.study.validation
    x = Encoder.fit(trial.features).transform(trial.features).x
    folds = balanced_folds(trial.arm, plan.folds, np.random.default_rng(plan.seed))
    known = trial.probability
    nuisances = plan_nuisances(
        x, trial.arm, trial.y, trial.arms, estimate_probability=known is None, folds=folds, seed=plan.seed
    )
    fitted = crossfit(
        x, trial.arm, trial.y, trial.arms, plan=nuisances, known=known, folds=folds, seed=plan.seed
    )
    reached = stay_in_reach(fitted.probability, len(trial), known is not None)
    return aipw(fitted.expected, reached, trial.arm, trial.y)


def _measured(
    people: Cohort, package: RulePackage, scores: Floats, followed: Ints, abstained: float
) -> Measures:
    sign, arms = people.outcome.sign, package.arms
    rule = scores_under(scores, followed)
    given = {"rule": rule, "best_arm": scores[:, package.best_arm]}
    gain = {"over_best_arm": rule - scores[:, package.best_arm]}
    if package.usual is not None:
        given["usual"] = scores[:, package.usual]
        gain["over_usual"] = rule - scores[:, package.usual]
    given |= {arm: scores[:, k] for k, arm in enumerate(arms)}
    value = {key: mean_with_interval(person, people.sites) for key, person in given.items()}
    return Measures(
        n=len(people.trial),
        value=value if sign > 0 else {key: -estimate for key, estimate in value.items()},
        gain={key: mean_with_interval(person, people.sites) for key, person in gain.items()},
        share_per_arm={arm: float((followed == k).mean()) for k, arm in enumerate(arms)},
        share_abstained=abstained,
        warnings=people.warnings,
    )
