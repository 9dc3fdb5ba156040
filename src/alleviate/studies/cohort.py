"""From a study and its table to the people analysed: roles found, values typed, mistakes refused."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from alleviate.features import Feature, FeatureSpec
from alleviate.intake.tables import Table, typed
from alleviate.intake.tables.table import quoted
from alleviate.models.trial import Floats, Ints, Trial
from alleviate.studies.checks import refuse_leaks, refuse_separation
from alleviate.studies.sections import nearest
from alleviate.terms.codes import code
from alleviate.terms.errors import DataError, NotEnoughDataError, StudyError
from alleviate.terms.outcomes import Outcome
from alleviate.terms.study import Study

__all__ = ["FEWEST", "Cohort", "cohort", "feature_frame"]

FEWEST = 15
"""People in an arm, below which nothing is learned."""

IMPORTANT_SD = 0.2
"""The smallest difference worth having where a study names none, in SDs of the outcome (Cohen's small effect)."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """The people analysed: treatment and outcome known.

    ``trial.y`` is signed so that larger is better. ``sites`` (n,) where the study names a site.
    """

    study: Study
    outcome: Outcome
    arms: tuple[str, ...]
    usual: int | None
    spec: FeatureSpec
    trial: Trial
    sites: tuple[str, ...] | None
    rows_read: int
    missing_outcome: Mapping[str, int]
    sd: float
    warnings: tuple[str, ...]
    fingerprint: str


def cohort(study: Study, table: Table, *, kinds: Mapping[str, str] | None = None) -> Cohort:
    """Read the roles that ``study`` gives to the columns of ``table``. Raises ``DataError``, ``StudyError``.

    ``kinds`` fixes what each feature holds, as a package learned it; by default the values decide.
    """
    treatment = study.treatment
    table.require([treatment.column, study.outcome.name])
    _refuse_repeated(table, study.data.id)
    arms, arm = _arms(study, table)
    names = _features(study, table, arms)
    features = typed(table, kinds=kinds, only=names)
    refuse_separation(table, features.frame, arm, arms)
    y = _outcome(study, table)
    refuse_leaks(table, features.frame, y, study.outcome.name)
    warnings = list(table.warnings)
    unknown = int((arm < 0).sum())
    if unknown:
        warnings.append(f"{unknown} rows have no value of {treatment.column}, and were left out.")
    has_outcome = np.isfinite(y)
    missing = {name: int(((arm == k) & ~has_outcome).sum()) for k, name in enumerate(arms)}
    kept = np.flatnonzero((arm >= 0) & has_outcome)
    few = [(int((arm[kept] == k).sum()), name) for k, name in enumerate(arms)]
    if min(few)[0] < FEWEST:
        number, name = min(few)
        raise NotEnoughDataError(
            f"Only {number} people in the arm {quoted(name)} have an outcome; at least {FEWEST} are needed.",
            hint="Nothing was packaged. Collect more outcomes, or leave the arm out.",
        )
    outcome, sd = _completed(study.outcome, y[kept])
    spec = FeatureSpec(
        tuple(
            Feature(name, code("STUDY", study.name, name), features.kinds[name], study.labels.get(name, ""))
            for name in names
        )
    )
    probability = _probability(study, table, arms, arm)
    trial = Trial(
        feature_frame(features.frame, spec)[kept],
        arm[kept],
        outcome.sign * y[kept],
        len(arms),
        None if probability is None else probability[kept],
    )
    usual = None if treatment.usual is None else arms.index(treatment.usual)
    return Cohort(
        study=replace(study, outcome=outcome),
        outcome=outcome,
        arms=arms,
        usual=usual,
        spec=spec,
        trial=trial,
        sites=_sites(study, table, kept),
        rows_read=table.frame.height,
        missing_outcome=missing,
        sd=sd,
        warnings=tuple(warnings),
        fingerprint=table.fingerprint,
    )


def feature_frame(frame: pl.DataFrame, spec: FeatureSpec) -> pl.DataFrame:
    """Typed columns as models take them: dates become days since 1970-01-01; columns that the spec lacks are left out."""
    columns = []
    for feature in spec.features:
        if feature.name not in frame.columns:
            continue
        column = frame[feature.name]
        if column.dtype == pl.Date:
            column = column.cast(pl.Int32).cast(pl.Float64)
        columns.append(column)
    return pl.DataFrame(columns)


def _refuse_repeated(table: Table, id_column: str | None) -> None:
    if id_column is None:
        return
    ids = table.text(id_column)
    repeated = ids.is_duplicated() & ids.is_not_null()
    if repeated.any():
        first = ids.filter(repeated)[0]
        where = table.where((ids == first).fill_null(False).arg_true())
        raise DataError(
            f"{table.source}: expected one row a person, but the id {quoted(first)} stands on {where}.",
            hint="Keep one row a person, or name another id column.",
        )


def _arms(study: Study, table: Table) -> tuple[tuple[str, ...], Ints]:
    treatment = study.treatment
    found = table.text(treatment.column)
    if found.null_count() == len(found):
        raise DataError(f"{table.source}: the treatment column {quoted(treatment.column)} is empty.")
    if treatment.arms:
        strange = found.is_not_null() & ~found.is_in(list(treatment.arms))
        if strange.any():
            value = found.filter(strange)[0]
            raise DataError(
                f"{table.source}: {quoted(value)} in {quoted(treatment.column)} is no arm of this study "
                f"({table.where(strange.arg_true())}).",
                hint=nearest(value, treatment.arms),
            )
        names = found.replace_strict(dict(treatment.arms), default=None)
        present = set(names.drop_nulls())
        arms = tuple(name for name in dict.fromkeys(treatment.arms.values()) if name in present)
    else:
        names = found
        arms = tuple(sorted(set(names.drop_nulls())))
    if len(arms) < 2:
        raise DataError(
            f"{table.source}: everybody has the arm {quoted(arms[0])}; two arms are needed to compare.",
            hint=f"Is {quoted(treatment.column)} the right column?",
        )
    if len(arms) > 20:
        raise DataError(
            f"{table.source}: {quoted(treatment.column)} has {len(arms)} different values: too many for arms.",
            hint="Name the column of treatments.",
        )
    if treatment.usual is not None and treatment.usual not in arms:
        raise StudyError(
            f"{study.name}: usual = {quoted(treatment.usual)} is not an arm in the data ({', '.join(arms)}).",
            hint=nearest(treatment.usual, arms),
        )
    index = {name: k for k, name in enumerate(arms)}
    arm = np.array([-1 if name is None else index[name] for name in names], dtype=np.int64)
    for k, name in enumerate(arms):
        people = int((arm == k).sum())
        if people < FEWEST:
            raise DataError(
                f"{table.source}: the arm {quoted(name)} has {people} people; at least {FEWEST} are needed.",
                hint="Leave the arm out of the data, or join it with another in [treatment] arms.",
            )
    return arms, arm


def _features(study: Study, table: Table, arms: tuple[str, ...]) -> tuple[str, ...]:
    probability = study.treatment.probability
    chances: set[str] = set()
    if isinstance(probability, str) and probability != "known":
        chances = {probability}
    elif probability is not None and not isinstance(probability, str):
        chances = {str(value) for value in probability.values() if isinstance(value, str)}
    roles = {study.treatment.column, study.outcome.name, study.data.id, study.validation.site, *chances}
    if study.include:
        table.require(study.include)
        return study.include
    names = tuple(c for c in table.columns if c not in roles and c not in study.known_after)
    if not names:
        raise DataError(f"{table.source}: no column is left to serve as a feature.")
    return names


def _outcome(study: Study, table: Table) -> Floats:
    """(n,) in outcome units; NaN where missing."""
    name = study.outcome.name
    column = typed(table, only=[name])
    values = column.frame[name]
    if column.kinds[name] == "category" and values.null_count() < len(values):
        raise DataError(
            f"{table.source}: the outcome {quoted(name)} must be a number, or yes or no; got {quoted(values.drop_nulls()[0])}.",
            hint="Code it as a number, 0/1 for an event.",
        )
    if values.null_count() == len(values):
        raise DataError(f"{table.source}: the outcome {quoted(name)} is missing for everybody.")
    y = values.cast(pl.Float64).to_numpy(writable=True)
    y[~np.isfinite(y)] = np.nan
    seen = y[np.isfinite(y)]
    if seen.min() == seen.max():
        raise DataError(
            f"{table.source}: the outcome {quoted(name)} is {seen[0]:g} for everybody, so nothing can be learned from it.",
            hint="Is it the right column?",
        )
    if study.outcome.binary and not np.isin(seen, (0.0, 1.0)).all():
        raise DataError(
            f"{table.source}: the outcome {quoted(name)} is said to be binary, but is not only 0 and 1.",
            hint="Code it as 0 and 1, or leave binary out.",
        )
    return y


def _completed(outcome: Outcome, y: Floats) -> tuple[Outcome, float]:
    sd = float(y.std(ddof=1))
    binary = outcome.binary if outcome.binary is not None else bool(np.isin(y, (0.0, 1.0)).all())
    return replace(outcome, binary=binary, important=outcome.important or IMPORTANT_SD * sd), sd


def _probability(study: Study, table: Table, arms: tuple[str, ...], arm: Ints) -> Floats | None:
    """(n, K) known probabilities, or ``None`` where they are to be estimated."""
    given = study.treatment.probability
    if given is None:
        return None
    n, k = len(arm), len(arms)
    if given == "known":
        shares = np.array([(arm == j).sum() for j in range(k)], dtype=float)
        return np.tile(shares / shares.sum(), (n, 1))
    if isinstance(given, str):
        if k != 2:
            raise StudyError(
                f"{study.name}: one column of probabilities serves two arms, this study has {k}.",
                hint="Give a column for each arm.",
            )
        other = 1 if study.treatment.usual in (None, arms[0]) else 0
        chance = _chances(table, given)
        result = np.empty((n, 2))
        result[:, other], result[:, 1 - other] = chance, 1.0 - chance
        return result
    if set(given) != set(arms):
        odd = sorted(set(given) ^ set(arms))[0]
        raise StudyError(f"{study.name}: probability must name exactly the arms; {quoted(odd)} differs.")
    columns = [
        _chances(table, value) if isinstance(value, str) else np.full(n, float(value))
        for value in (given[name] for name in arms)
    ]
    result = np.column_stack(columns)
    off = np.flatnonzero(np.abs(result.sum(axis=1) - 1.0) > 1e-3)
    if len(off):
        raise DataError(f"{table.source}: the probabilities of the arms must sum to 1 ({table.where(off)}).")
    return result


def _chances(table: Table, column: str) -> Floats:
    found = typed(table, only=[column], kinds={column: "number"}).frame[column]
    chance: Floats = found.to_numpy(writable=True).astype(float)
    wrong = np.flatnonzero(~((chance > 0) & (chance < 1)))
    if len(wrong):
        shown = found[int(wrong[0])]
        raise DataError(
            f"{table.source}: probabilities must lie between 0 and 1, exclusive; {quoted(column)} has {shown} "
            f"({table.where(wrong)}).",
            hint="Nobody may have been certain to get, or not to get, an arm.",
        )
    return chance


def _sites(study: Study, table: Table, kept: Ints) -> tuple[str, ...] | None:
    site = study.validation.site
    if site is None:
        return None
    found = table.text(site)[kept]
    if found.null_count():
        raise DataError(f"{table.source}: the site {quoted(site)} is missing for {found.null_count()} people.")
    return tuple(found)
