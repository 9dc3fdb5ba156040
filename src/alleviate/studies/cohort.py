"""From a study and its table to the people analysed: roles found, values typed, mistakes refused."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from alleviate.features import Feature, FeatureSpec
from alleviate.intake.tables import Table, typed
from alleviate.intake.tables.table import quoted
from alleviate.models.trial import Floats, Ints, Trial
from alleviate.models.trimming import Trimmed
from alleviate.studies.checks import refuse_leaks, refuse_separation
from alleviate.studies.controls import control_of
from alleviate.studies.harm_columns import harms_of
from alleviate.studies.outcome_columns import completed, outcomes
from alleviate.studies.sections import nearest
from alleviate.terms.codes import code
from alleviate.terms.errors import DataError, NotEnoughDataError, StudyError
from alleviate.terms.outcomes import Outcome
from alleviate.terms.study import Study

__all__ = [
    "FEWEST",
    "Cohort",
    "arms_of",
    "cohort",
    "feature_frame",
    "probability_of",
    "refuse_repeated",
    "sites_of",
]

FEWEST = 15
"""People in an arm, below which nothing is learned."""

MOST_ARMS = 20

RESERVED = ("rule", "best_arm", "usual")
"""Keys beside the arms' own wherever values are listed."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """The people analysed: those with a treatment, and with an outcome where the others are to be left out.

    ``trial.y`` is signed so that larger is better. ``sites`` (n,) where the study names a site.
    ``missing_outcome``: of each arm, people whose outcome is unknown. ``control``: (n,) the outcome that
    treatment cannot have changed, NaN where unknown. ``trimmed``: who was left out for want of a counterpart.
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
    control: Floats | None = None
    trimmed: Trimmed | None = None

    @property
    def left_out(self) -> Mapping[str, int]:
        """People of each arm who are not in ``trial`` for want of an outcome."""
        if self.study.outcome.missing == "leave-out":
            return self.missing_outcome
        return dict.fromkeys(self.arms, 0)


def cohort(study: Study, table: Table, *, kinds: Mapping[str, str] | None = None) -> Cohort:
    """Read the roles that ``study`` gives to the columns of ``table``. Raises ``DataError``, ``StudyError``.

    ``kinds`` fixes what each feature holds, as a package learned it; by default the values decide.
    """
    treatment = study.treatment
    table.require([treatment.column, study.outcome.name])
    if study.data.id is not None:
        refuse_repeated(table, study.data.id)
    arms, arm = arms_of(study, table)
    names = _features(study, table)
    features = typed(table, kinds=kinds, only=names)
    refuse_separation(table, features.frame, arm, arms)
    found = outcomes(study, table)
    y = found.y
    refuse_leaks(table, features.frame, y, study.outcome.name)
    warnings = list(table.warnings)
    unknown = int((arm < 0).sum())
    if unknown:
        warnings.append(f"{unknown} rows have no value of {treatment.column}, and were left out.")
    known = np.isfinite(y)
    found.refuse_short(table, study.outcome, arm, arms)
    missing = {name: int(((arm == k) & ~known).sum()) for k, name in enumerate(arms)}
    left_out = ~known if study.outcome.missing == "leave-out" else np.zeros_like(known)
    kept = np.flatnonzero((arm >= 0) & ~left_out)
    known = known[kept]
    few = [(int((arm[kept] == k)[known].sum()), name) for k, name in enumerate(arms)]
    if min(few)[0] < FEWEST:
        number, name = min(few)
        raise NotEnoughDataError(
            f"Only {number} people in the arm {quoted(name)} have an outcome; at least {FEWEST} are needed.",
            hint="Nothing was packaged. Collect more outcomes, or leave the arm out.",
        )
    outcome, sd = completed(study.outcome, y[kept][known])
    spec = FeatureSpec(
        tuple(
            Feature(name, code("STUDY", study.name, name), features.kinds[name], study.labels.get(name, ""))
            for name in names
        )
    )
    trial = Trial(
        feature_frame(features.frame, spec)[kept],
        arm[kept],
        outcome.sign * np.where(known, y[kept], 0.0),
        len(arms),
        probability_of(study, table, arms, arm, kept),
        observed=None if known.all() else known,
        followed=None if found.followed is None else found.followed[kept],
        harms=harms_of(study.harms, table, arms, arm, kept),
        kind="count" if outcome.kind == "count" else "binary" if outcome.binary else "numeric",
    )
    usual = None if treatment.usual is None else arms.index(treatment.usual)
    return Cohort(
        study=replace(study, outcome=outcome),
        outcome=outcome,
        arms=arms,
        usual=usual,
        spec=spec,
        trial=trial,
        sites=sites_of(study, table, kept),
        rows_read=table.frame.height,
        missing_outcome=missing,
        sd=sd,
        warnings=tuple(warnings),
        fingerprint=table.fingerprint,
        control=control_of(study, table, arms, kept),
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


def arms_of(study: Study, table: Table) -> tuple[tuple[str, ...], Ints]:
    """Names of the arms of ``study.treatment``, and (n,) each person's, -1 where the cell is empty."""
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
    roles = {
        study.treatment.column,
        study.outcome.name,
        study.outcome.event,
        study.data.id,
        study.validation.site,
        study.validation.trial,
        study.controls.outcome,
        *(harm.name for harm in study.harms),
        *chances,
    }
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


def probability_of(study: Study, table: Table, arms: tuple[str, ...], arm: Ints, kept: Ints) -> Floats | None:
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


def sites_of(study: Study, table: Table, kept: Ints) -> tuple[str, ...] | None:
    """(people kept,) where each was treated, or ``None`` where nothing is left out in turn."""
    site = study.validation.left_out
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
