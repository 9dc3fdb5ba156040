"""Which columns are features of a prognosis, and the features that are made of two columns."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from alleviate.features import FeatureSpec
from alleviate.intake.tables import Kind, Table, typed
from alleviate.intake.tables.table import quoted
from alleviate.models.prognosis.deep.sequences import EVENTS
from alleviate.studies.cohort import feature_frame
from alleviate.studies.prognosis.sections import roles
from alleviate.terms.errors import DataError
from alleviate.terms.prognosis_study import PrognosisStudy

__all__ = ["Columns", "feature_columns", "known_features"]

FEWEST_FOR_NAMES = 20
NAMES = 0.9
"""A text that differs in so large a share of people names them, and tells nothing of others."""

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Columns:
    """The typed columns, and what each holds, in the same order."""

    frame: pl.DataFrame
    kinds: Mapping[str, Kind]


def feature_columns(
    study: PrognosisStudy, table: Table, kinds: Mapping[str, str] | None = None
) -> tuple[Columns, list[str]]:
    """The features of a study, and what is to be said of those left out. Raises ``DataError``.

    Without ``kinds``, as learning starts, columns without any value are left out; and, where the study names
    no features, those that name people or number rows. With ``kinds``, exactly those features.
    """
    changes = {name: pair for name, pair in study.changes.items() if kinds is None or name in kinds}
    names = (
        [name for name in kinds if name not in changes] if kinds is not None else _candidates(study, table)
    )
    for name in changes:
        if name in table.columns:
            raise DataError(
                f"{table.source}: expected no column {quoted(name)}, since the study makes it of two others.",
                hint="Give it another name under [features] changes.",
            )
    found = typed(table, kinds=kinds, only=names)
    frame, held, warnings = found.frame, dict(found.kinds), []
    if kinds is None:
        empty = [name for name in names if frame[name].null_count() == len(frame)]
        same = [] if study.include else [name for name in names if _names_people(frame[name])]
        numbers = [] if study.include else [name for name in names if _numbers_rows(frame[name])]
        for out, words in (
            (empty, "no value at all"),
            (same, "another value for almost everybody"),
            (numbers, "the number of the row"),
        ):
            if out:
                warnings.append(f"Left out of the features, having {words}: {_listed(out)}.")
        gone = {*empty, *same, *numbers}
        frame, held = frame.drop(gone), {name: kind for name, kind in held.items() if name not in gone}
    frame = frame.with_columns(_changes(table, changes))
    held |= dict.fromkeys(changes, "number")
    if not held:
        raise DataError(
            f"{table.source}: expected columns to serve as features, but there are none.",
            hint="Add what is known of people beforehand, such as age or an earlier score.",
        )
    order = list(held) if kinds is None else [name for name in kinds if name in held]
    return Columns(frame.select(order), {name: held[name] for name in order}), warnings


def known_features(study: PrognosisStudy, spec: FeatureSpec, table: Table) -> pl.DataFrame:
    """Of new people, the features of ``spec`` that their table gives, as models take them.

    Raises ``DataError`` where it gives none, or a value does not fit.
    """
    there = set(table.columns)
    kinds = {
        feature.name: feature.kind
        for feature in spec.features
        if set(study.changes.get(feature.name, (feature.name,))) <= there
    }
    if not kinds:
        raise DataError(
            f"{table.source}: expected some features of this prognosis ({_listed(spec.names)}), found none.",
            hint="Name the columns as the study did.",
        )
    return feature_frame(feature_columns(study, table, kinds)[0].frame, spec)


def _candidates(study: PrognosisStudy, table: Table) -> list[str]:
    """The columns that the study names, else all without another role; groups may be features too."""
    if study.include:
        table.require(study.include)
        return list(study.include)
    taken = {column for _, _, column in roles(study)}
    taken |= {*study.known_after, EVENTS}
    return [name for name in table.columns if name not in taken]


def _changes(table: Table, changes: Mapping[str, tuple[str, str]]) -> list[pl.Series]:
    """Later minus earlier, null where one of them is."""
    both = dict.fromkeys((column for pair in changes.values() for column in pair), "number")
    numbers = typed(table, kinds=both, only=list(both)).frame
    return [(numbers[later] - numbers[earlier]).alias(name) for name, (later, earlier) in changes.items()]


def _names_people(column: pl.Series) -> bool:
    known = column.drop_nulls()
    return (
        column.dtype == pl.String
        and len(known) >= FEWEST_FOR_NAMES
        and known.n_unique() >= NAMES * len(known)
    )


def _numbers_rows(column: pl.Series) -> bool:
    """1, 2, 3 … from the first row to the last (or from 0): what lay in that order would leak."""
    if column.dtype != pl.Float64 or column.null_count() or len(column) < FEWEST_FOR_NAMES:
        return False
    return bool((np.diff(column.to_numpy()) == 1.0).all())


def _listed(names: Iterable[str]) -> str:
    found = [quoted(name) for name in names]
    return (
        ", ".join(found)
        if len(found) <= SHOWN
        else f"{', '.join(found[:SHOWN])} and {len(found) - SHOWN} more"
    )
