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

__all__ = ["FEWEST", "Cohort", "cohort", "feature_frame", "refuse_repeated"]

FEWEST = 15
"""People in an arm, below which nothing is learned."""

IMPORTANT_SD = 0.2
"""Smallest difference worth having where a study names none, in SDs of the outcome: Cohen's small effect."""

MOST_ARMS = 20

RESERVED = ("rule", "best_arm", "usual")
"""Keys beside the arms' own wherever values are listed."""


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
    if study.data.id is not None:
        refuse_repeated(table, study.data.id)
    arms, arm = _arms(study, table)
    names = _features(study, table)
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
    trial = Trial(
        feature_frame(features.frame, spec)[kept],
        arm[kept],
        outcome.sign * y[kept],
        len(arms),
        _probability(study, table, arms, arm, kept),
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
    """The typed columns that ``spec`` knows, as models take them: dates become days since 1970-01-01."""
    columns = []
    for feature in spec.features:
        if feature.name not in frame.columns:
            continue
        column = frame[feature.name]
        if column.dtype == pl.Date:
            column = column.cast(pl.Int32).cast(pl.Float64)
        columns.append(column)
    return pl.DataFrame(columns)


def refuse_repeated(table: Table, id_column: str) -> None:
    """Raises ``DataError`` where two rows have the same id; a missing id is like no other."""
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
        raise DataError(
            f"{table.source}: expected each person's arm in {quoted(treatment.column)}, got an empty column.",
            hint="Name the column of treatments.",
        )
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
        arms = tuple(dict.fromkeys(treatment.arms.values()))
    else:
        names = found
        arms = tuple(sorted(set(names.drop_nulls())))
    if names.drop_nulls().n_unique() < 2:
        raise DataError(
            f"{table.source}: expected two arms or more in {quoted(treatment.column)}, "
            f"but everybody has {quoted(names.drop_nulls()[0])}.",
            hint="Name the column of treatments, or bring the people of the other arm.",
        )
    if len(arms) > MOST_ARMS:
        raise DataError(
            f"{table.source}: expected at most {MOST_ARMS} arms in {quoted(treatment.column)}, "
            f"got {len(arms)} different values.",
            hint="Name the column of treatments, or join values in [treatment] arms.",
        )
    _refuse_reserved(study, arms)
    if treatment.usual is not None and treatment.usual not in arms:
        raise StudyError(
            f"{study.name}: expected usual to name an arm in the data ({', '.join(arms)}), "
            f"got {quoted(treatment.usual)}.",
            hint=nearest(treatment.usual, arms),
        )
    index = {name: k for k, name in enumerate(arms)}
    arm = np.array([-1 if name is None else index[name] for name in names], dtype=np.int64)
    for k, name in enumerate(arms):
        people = int((arm == k).sum())
        if people < FEWEST:
            raise DataError(
                f"{table.source}: expected at least {FEWEST} people in each arm, "
                f"got {people} in {quoted(name)}.",
                hint="Leave the arm out, or join it with another in [treatment] arms.",
            )
    return arms, arm


def _refuse_reserved(study: Study, arms: tuple[str, ...]) -> None:
    for name in arms:
        if name in RESERVED and not name == "usual" == study.treatment.usual:
            raise StudyError(
                f"{study.name}: expected another name for the arm {quoted(name)}: results use that word.",
                hint=f'Rename it in the study file, as in arms = {{ "{name}" = "arm {name}", … }}.',
            )


def _features(study: Study, table: Table) -> tuple[str, ...]:
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
        raise DataError(
            f"{table.source}: expected columns to serve as features, but every column has another role.",
            hint="Add what is known of people before treatment, such as age or a baseline score.",
        )
    return names


def _outcome(study: Study, table: Table) -> Floats:
    """(n,) in outcome units; NaN where missing."""
    name = study.outcome.name
    column = typed(table, only=[name])
    values = column.frame[name]
    if values.null_count() == len(values):
        raise DataError(
            f"{table.source}: expected values of the outcome {quoted(name)}, got an empty column.",
            hint="Name the column that holds the outcome.",
        )
    if column.kinds[name] not in ("number", "boolean"):
        raise DataError(
            f"{table.source}: expected numbers, or yes and no, as the outcome {quoted(name)}, "
            f"got {quoted(str(values.drop_nulls()[0]))}.",
            hint="Code it as a number, 0/1 for an event, or name another column.",
        )
    y: Floats = values.cast(pl.Float64).to_numpy(writable=True)
    seen = y[np.isfinite(y)]
    if seen.min() == seen.max():
        raise DataError(
            f"{table.source}: expected an outcome that differs between people, "
            f"but {quoted(name)} is {seen[0]:g} for everybody.",
            hint="Name the column that holds the outcome.",
        )
    odd = np.flatnonzero(np.isfinite(y) & ~np.isin(y, (0.0, 1.0)))
    if study.outcome.binary and len(odd):
        raise DataError(
            f"{table.source}: expected 0 and 1 only as the binary outcome {quoted(name)}, "
            f"got {y[odd[0]]:g} ({table.where(odd)}).",
            hint="Code it as 0 and 1, or leave binary out.",
        )
    return y


def _completed(outcome: Outcome, y: Floats) -> tuple[Outcome, float]:
    sd = float(y.std(ddof=1))
    binary = outcome.binary if outcome.binary is not None else bool(np.isin(y, (0.0, 1.0)).all())
    return replace(outcome, binary=binary, important=outcome.important or IMPORTANT_SD * sd), sd


def _probability(study: Study, table: Table, arms: tuple[str, ...], arm: Ints, kept: Ints) -> Floats | None:
    """(people kept, K) known probabilities, or ``None`` where they are to be estimated."""
    given = study.treatment.probability
    if given is None:
        return None
    n, k = len(kept), len(arms)
    if given == "known":
        shares = np.array([(arm == j).sum() for j in range(k)], dtype=float)
        return np.tile(shares / shares.sum(), (n, 1))
    if isinstance(given, str):
        if k != 2:
            raise StudyError(
                f"{study.name}: expected a probability for each of the {k} arms, "
                f"got the one column {quoted(given)}.",
                hint=f'Give one for each, as in probability = {{ "{arms[0]}" = "p_{arms[0]}", … }}.',
            )
        if study.treatment.usual is None:
            raise StudyError(
                f"{study.name}: expected usual, since the column {quoted(given)} holds the probability "
                "of the other arm.",
                hint=f'Say which arm is usual care, as in usual = "{arms[0]}".',
            )
        other = 1 if study.treatment.usual == arms[0] else 0
        chance = _chances(table, given, kept)
        result = np.empty((n, 2))
        result[:, other], result[:, 1 - other] = chance, 1.0 - chance
        return result
    if set(given) != set(arms):
        raise StudyError(
            f"{study.name}: expected a probability for each arm ({', '.join(arms)}), got {', '.join(given)}.",
            hint="Name exactly the arms under [treatment] probability.",
        )
    columns = [
        _chances(table, value, kept) if isinstance(value, str) else np.full(n, float(value))
        for value in (given[name] for name in arms)
    ]
    result = np.column_stack(columns)
    off = np.flatnonzero(np.abs(result.sum(axis=1) - 1.0) > 1e-3)
    if len(off):
        raise DataError(
            f"{table.source}: expected each person's probabilities to sum to 1, "
            f"got {result[off[0]].sum():g} ({table.where(kept[off])}).",
            hint="Correct the columns that [treatment] probability names.",
        )
    return result


def _chances(table: Table, column: str, kept: Ints) -> Floats:
    found = typed(table, only=[column], kinds={column: "number"}).frame[column][kept]
    chance: Floats = found.to_numpy(writable=True)
    wrong = np.flatnonzero(~((chance > 0) & (chance < 1)))
    if len(wrong):
        got = "nothing" if np.isnan(chance[wrong[0]]) else f"{chance[wrong[0]]:g}"
        raise DataError(
            f"{table.source}: expected probabilities above 0 and below 1 in {quoted(column)}, "
            f"got {got} ({table.where(kept[wrong])}).",
            hint="Nobody may have been certain to get, or not to get, an arm.",
        )
    return chance


def _sites(study: Study, table: Table, kept: Ints) -> tuple[str, ...] | None:
    site = study.validation.site
    if site is None:
        return None
    found = table.text(site)[kept]
    if found.null_count():
        raise DataError(
            f"{table.source}: expected everybody's site in {quoted(site)}, "
            f"got nothing ({table.where(kept[found.is_null().arg_true()])}).",
            hint="Fill it in, or leave [validation] site out.",
        )
    return tuple(found)
