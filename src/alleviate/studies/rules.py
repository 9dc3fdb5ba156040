"""A learned rule, loaded: advise new people, and evaluate it on data that it has never seen."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from alleviate import features
from alleviate.advice.recommend import recommend_table
from alleviate.advice.recommendation import Recommendation
from alleviate.intake.tables import Table, read, table_of, typed
from alleviate.intake.tables.table import quoted
from alleviate.models.encoding import Encoder
from alleviate.models.scores import balanced_folds, crossfit, doubly_robust, plan_nuisances, strata
from alleviate.models.trial import Floats, Ints
from alleviate.packages import Manifest
from alleviate.packages.rule import RulePackage, open_rule
from alleviate.policies.choice import choose_arms
from alleviate.policies.utility import harm_data, weighed
from alleviate.policies.value import mean_with_interval, scores_under
from alleviate.records import PatientRecord
from alleviate.studies import files
from alleviate.studies.cohort import Cohort, cohort, feature_frame, refuse_repeated
from alleviate.studies.sections import nearest
from alleviate.studies.vault_sections import spec_of
from alleviate.terms.errors import DataError, InputError, StudyError
from alleviate.terms.estimates import Estimate
from alleviate.terms.study import Controls, Study

__all__ = ["LearnedRule", "Measures", "ids_of", "load", "table_from"]


@contextmanager
def _uncollected() -> Iterator[None]:
    """Python's search for cycles rests: advice for many is millions of objects, and none of them a cycle."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@dataclass(frozen=True, slots=True)
class Measures:
    """How a rule fares: values in outcome units, gains positive is better, as in ``Findings``.

    ``harms``: of each harm, by its column's name, the value under the rule, the best arm and each arm. Where
    harms have a weight, gains are of the utility.
    """

    n: int
    value: dict[str, Estimate]
    gain: dict[str, Estimate]
    share_per_arm: dict[str, float]
    share_abstained: float
    warnings: tuple[str, ...]
    harms: dict[str, dict[str, Estimate]] = field(default_factory=dict)

    def to_json(self, study: str) -> dict[str, Any]:
        """As `alleviate evaluate --json` prints it."""
        return {
            "study": study,
            "n": self.n,
            "value": {key: asdict(value) for key, value in self.value.items()},
            "gain": {key: asdict(value) for key, value in self.gain.items()},
            "share_per_arm": self.share_per_arm,
            "share_abstained": self.share_abstained,
            **({"harms": self._harms_json()} if self.harms else {}),
            "warnings": list(self.warnings),
        }

    def _harms_json(self) -> dict[str, dict[str, dict[str, float]]]:
        return {
            name: {key: asdict(value) for key, value in values.items()} for name, values in self.harms.items()
        }


@dataclass(frozen=True, slots=True)
class LearnedRule:
    """A verified package, ready to use. ``study`` has its outcome completed from the data."""

    package: RulePackage
    manifest: Manifest
    study: Study

    def recommend(
        self, data: pl.DataFrame | str | Path, *, weights: Mapping[str, float] | None = None
    ) -> list[Recommendation]:
        """Advice for each row of a table: features by their columns, ids from the id column or row number.

        ``weights``: of harms, by their column's name, what one unit is worth avoiding to this person (0 or
        more), where that is not what the study says; limits stay. Missing features widen the interval. Raises
        ``DataError`` where the table cannot be read or has no feature at all.
        """
        table = table_from(data)
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
        package = self.package if weights is None else _weighing(self.package, weights)
        return recommend_table(frame, ids_of(table, self.study.data.id), package)

    def advise(
        self, data: pl.DataFrame | str | Path, *, weights: Mapping[str, float] | None = None
    ) -> list[dict[str, Any]]:
        """``recommend`` as plain values, as `alleviate advise --json` prints it."""
        with _uncollected():
            return [recommendation.to_json() for recommendation in self.recommend(data, weights=weights)]

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
        table = table_from(data)
        kinds = {feature.name: feature.kind for feature in package.spec.features}
        known = self.study.data.id if self.study.data.id in table.columns else None
        asked = replace(
            self.study,
            include=package.spec.names,
            controls=Controls(),
            data=replace(self.study.data, id=known),
            validation=replace(self.study.validation, site=_sites_of(table, self.study.validation.site)),
        )
        people = cohort(asked, table, kinds=kinds)
        if people.arms != package.arms:
            raise DataError(
                f"{table.source}: expected the arms {', '.join(package.arms)}, got {', '.join(people.arms)}.",
                hint="Evaluate on data in which every arm was given.",
            )
        outlook = package.outlook(people.trial.features)
        barred = outlook.barred(package.preferences.limits)
        choices = choose_arms(
            outlook.utility, best_arm=package.best_arm, verdict=package.verdict, barred=barred
        )
        scores, harms = _scores(people)
        # who cannot be judged gets what everybody gets; whom every arm harms too much, what does so least
        instead = np.where(barred.all(axis=1), outlook.assigned(package.preferences.limits), package.best_arm)
        followed = np.where(choices.arm >= 0, choices.arm, instead)
        compared = weighed(scores, harms, package.preferences.weights)
        return _measured(people, package, scores, harms, compared, followed, float((choices.arm < 0).mean()))

    def evaluate(self, data: pl.DataFrame | str | Path) -> dict[str, Any]:
        """``measure`` as plain values, as `alleviate evaluate --json` prints it."""
        return self.measure(data).to_json(self.package.name)


def _weighing(package: RulePackage, weights: Mapping[str, float]) -> RulePackage:
    """The package, to judge by other weights. Raises ``InputError``."""
    names = [rule.harm.name for rule in package.harms]
    for name, weight in weights.items():
        if name not in names:
            raise InputError(
                f"{package.name}: expected weights of harms of this study ({', '.join(names) or 'none'}), "
                f"got {quoted(name)}.",
                hint=nearest(name, names) if names else "Leave the weights out.",
            )
        if not 0 <= weight < inf:
            raise InputError(
                f"{package.name}: expected a weight of 0 or more for {quoted(name)}, got {weight!r}.",
                hint="Say what avoiding one unit of it is worth, in units of the outcome.",
            )
    stated = package.preferences.weights
    now = tuple(float(weights.get(name, own)) for name, own in zip(names, stated, strict=True))
    return replace(package, now=now)


def load(package: str | Path) -> LearnedRule:
    """Open a package that `alleviate learn` wrote, verified before it is parsed. Raises ``PackageError``."""
    rule, manifest = open_rule(Path(package))
    study = files.of_treatment(files.loads(rule.study, source="study.toml"))
    return LearnedRule(rule, manifest, replace(study, outcome=rule.outcome))


def table_from(data: pl.DataFrame | str | Path) -> Table:
    """The table that a person brings, whole."""
    return table_of(data, "the table") if isinstance(data, pl.DataFrame) else read(Path(data))


def _sites_of(table: Table, site: str | None) -> str | None:
    """The study's column of sites, where new people have one and it tells them apart."""
    if site is None or site not in table.columns:
        return None
    return site if table.text(site).drop_nulls().n_unique() > 1 else None


def ids_of(table: Table, study_id: str | None) -> list[str]:
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


def _scores(people: Cohort) -> tuple[Floats, Floats]:
    """Doubly robust scores (n, K) and those of the harms (H, n, K), nuisances cross-fitted.

    On the new people alone, none taken from the study.
    """
    trial, plan = people.trial, people.study.validation
    x = Encoder.fit(trial.features).transform(trial.features).x
    folds = balanced_folds(strata(trial), plan.folds, np.random.default_rng(plan.seed))
    nuisances = plan_nuisances(x, trial, folds=folds, seed=plan.seed)
    fit = crossfit(x, trial, plan=nuisances, folds=folds, seed=plan.seed)
    harms = [data.scores for data in harm_data(x, trial, fit, folds, plan.seed)]
    return doubly_robust(fit, trial), np.reshape(harms, (len(harms), len(trial), trial.arms))


def _measured(
    people: Cohort,
    package: RulePackage,
    scores: Floats,
    harms: Floats,
    compared: Floats,
    followed: Ints,
    abstained: float,
) -> Measures:
    """``compared`` (n, K): scores of the utility, which gains are of; without weights the outcome's."""
    sign, arms = people.outcome.sign, package.arms
    rule = scores_under(scores, followed)
    given = {"rule": rule, "best_arm": scores[:, package.best_arm]}
    better = scores_under(compared, followed)
    gain = {"over_best_arm": better - compared[:, package.best_arm]}
    if package.usual is not None:
        given["usual"] = scores[:, package.usual]
        gain["over_usual"] = better - compared[:, package.usual]
    given |= {arm: scores[:, k] for k, arm in enumerate(arms)}
    value = {key: mean_with_interval(person, people.sites) for key, person in given.items()}
    return Measures(
        n=len(people.trial),
        value=value if sign > 0 else {key: -estimate for key, estimate in value.items()},
        gain={key: mean_with_interval(person, people.sites) for key, person in gain.items()},
        share_per_arm={arm: float((followed == k).mean()) for k, arm in enumerate(arms)},
        share_abstained=abstained,
        warnings=people.warnings,
        harms={
            kept.harm.name: {
                key: kept.natural(mean_with_interval(person, people.sites))
                for key, person in {
                    "rule": scores_under(own, followed),
                    "best_arm": own[:, package.best_arm],
                    **{arm: own[:, k] for k, arm in enumerate(arms)},
                }.items()
            }
            for kept, own in zip(package.harms, harms, strict=True)
        },
    )
