"""Columns beside features and outcome: weights, clusters, strata, sites, times, groups and ids."""

import numpy as np
import polars as pl

from alleviate.intake.tables import Table, typed
from alleviate.intake.tables.table import quoted
from alleviate.models.trial import Floats, Ints
from alleviate.studies.outcome_columns import numbers
from alleviate.terms.errors import DataError
from alleviate.terms.prognosis_study import PrognosisValidation, Sampling

__all__ = ["UNKNOWN", "clusters_and_strata", "ids", "validation_columns", "weights"]

UNKNOWN = "not known"
"""The group of people whose group is not."""

MOST_GROUPS = 20


def weights(sampling: Sampling, table: Table) -> tuple[Floats, int]:
    """(n,) each person's weight, 1 without a design, and how many have none (0). Raises ``DataError``."""
    if sampling.weight is None:
        return np.ones(table.frame.height), 0
    weight = numbers(table, sampling.weight, "weight", "Name the column of sampling weights.")
    wrong = np.flatnonzero(~(weight >= 0))
    if len(wrong):
        got = "nothing" if np.isnan(weight[wrong[0]]) else f"{weight[wrong[0]]:g}"
        raise DataError(
            f"{table.source}: expected weights of 0 or more in {quoted(sampling.weight)}, "
            f"got {got} ({table.where(wrong)}).",
            hint="Correct these cells; write 0 for people who are not to count.",
        )
    return weight, int((weight == 0).sum())


def clusters_and_strata(sampling: Sampling, table: Table, kept: Ints) -> tuple[Ints | None, Ints | None]:
    """(people kept,) numbers of clusters, told apart between strata, and of strata."""
    strata = None if sampling.stratum is None else _known(table, sampling.stratum, "stratum", kept)
    if sampling.cluster is None:
        return None, None if strata is None else _numbered(strata)
    clusters = _known(table, sampling.cluster, "cluster", kept)
    if strata is None:
        return _numbered(clusters), None
    pairs = pl.select(pl.concat_str(pl.lit(strata), pl.lit(clusters), separator="\n")).to_series()
    return _numbered(pairs), _numbered(strata)


def validation_columns(
    validation: PrognosisValidation, table: Table, kept: Ints, *, judged: bool
) -> tuple[tuple[str, ...] | None, Floats | None, pl.DataFrame | None]:
    """Of the people kept: sites, times, and groups as texts; each ``None`` where the study names none."""
    sites = None
    if validation.left_out is not None:
        sites = tuple(_known(table, validation.left_out, "site", kept))
        if len(set(sites)) < 2 and not judged:
            raise DataError(
                f"{table.source}: expected two sites or more in {quoted(validation.left_out)}, "
                f"but everybody with an outcome is at {quoted(sites[0])}.",
                hint="Leave [validation] site and trial out.",
            )
    groups = None
    if validation.groups:
        groups = pl.DataFrame([_group(table, name, kept) for name in validation.groups])
    return sites, _times(validation, table, kept, judged), groups


def ids(column: str | None, table: Table, kept: Ints) -> tuple[str, ...]:
    """(people kept,) what names each person, else the number of their row, from 1."""
    rows = [str(row + 1) for row in kept]
    if column is None:
        return tuple(rows)
    return tuple(
        row if name is None else name for name, row in zip(table.text(column)[kept], rows, strict=True)
    )


def _times(validation: PrognosisValidation, table: Table, kept: Ints, judged: bool) -> Floats | None:
    """Numbers, or dates as days since 1970-01-01. Raises where the test would have everybody, or nobody."""
    name, start = validation.time, validation.test_from
    if name is None or start is None:
        return None
    column = typed(table, only=[name])
    if column.kinds[name] not in ("number", "date"):
        raise DataError(
            f"{table.source}: expected numbers or dates as the time {quoted(name)}, "
            f"got {quoted(table.text(name).drop_nulls()[0])}.",
            hint="Name a column such as the year.",
        )
    values = column.frame[name]
    if values.dtype == pl.Date:
        values = values.cast(pl.Int32).cast(pl.Float64)
    times: Floats = values[kept].to_numpy(writable=True)
    unknown = np.flatnonzero(np.isnan(times))
    if len(unknown):
        raise DataError(
            f"{table.source}: expected everybody's time in {quoted(name)}, "
            f"got nothing ({table.where(kept[unknown])}).",
            hint="Fill it in, or leave [validation] time out.",
        )
    if not judged and (times < start).all() | (times >= start).all():
        whom = "to test on" if times.max() < start else "to learn from"
        raise DataError(
            f"{table.source}: expected people before and from test_from = {start:g} in {quoted(name)}, "
            f"which goes from {times.min():g} to {times.max():g}: nobody is left {whom}.",
            hint="Set [validation] test_from between the two.",
        )
    return times


def _group(table: Table, name: str, kept: Ints) -> pl.Series:
    texts = table.text(name)[kept]
    if texts.n_unique() > MOST_GROUPS:
        raise DataError(
            f"{table.source}: expected at most {MOST_GROUPS} groups in {quoted(name)}, "
            f"got {texts.n_unique()}.",
            hint="Name a column of few values, such as bands of age.",
        )
    return texts.fill_null(UNKNOWN).alias(name)


def _known(table: Table, column: str, role: str, kept: Ints) -> pl.Series:
    found = table.text(column)[kept]
    if found.null_count():
        raise DataError(
            f"{table.source}: expected everybody's {role} in {quoted(column)}, "
            f"got nothing ({table.where(kept[found.is_null().arg_true()])}).",
            hint=f"Fill it in, or leave {role} out.",
        )
    return found


def _numbered(texts: pl.Series) -> Ints:
    """0, 1, … in the order of the texts."""
    return texts.rank("dense").cast(pl.Int64).to_numpy() - 1
