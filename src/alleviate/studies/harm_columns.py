"""The harms of each person, from the columns that a study names."""

from collections.abc import Sequence

import numpy as np

from alleviate.intake.tables import Table
from alleviate.intake.tables.table import quoted
from alleviate.models.trial import Floats, Ints
from alleviate.studies.outcome_columns import numbers
from alleviate.terms.errors import DataError
from alleviate.terms.outcomes import Harm

__all__ = ["FEWEST_KNOWN", "harms_of"]

FEWEST_KNOWN = 15
"""People of an arm of whom a harm is known, below which nothing is said of it."""


def harms_of(
    harms: Sequence[Harm], table: Table, arms: tuple[str, ...], arm: Ints, kept: Ints
) -> Floats | None:
    """(people kept, H) larger is worse, NaN where unknown; ``None`` where the study names no harm.

    ``arm`` (n,) of everybody. Raises ``DataError`` where a column is no number, the same for everybody, or
    hardly known in an arm.
    """
    if not harms:
        return None
    table.require([harm.name for harm in harms])
    columns = []
    for harm in harms:
        values = numbers(table, harm.name, "harm", "Code it as a number, or 0/1 for an event.")[kept]
        for k, name in enumerate(arms):
            known = int(np.isfinite(values[arm[kept] == k]).sum())
            if known < FEWEST_KNOWN:
                raise DataError(
                    f"{table.source}: expected the harm {quoted(harm.name)} of at least {FEWEST_KNOWN} "
                    f"people in each arm, got {known} in {quoted(name)}.",
                    hint="Fill the column in, or take this [[harm]] out.",
                )
        seen = values[np.isfinite(values)]
        if seen.min() == seen.max():
            raise DataError(
                f"{table.source}: expected a harm that differs between people, "
                f"but {quoted(harm.name)} is {seen[0]:g} for everybody.",
                hint="Take this [[harm]] out.",
            )
        columns.append(harm.sign * values)
    return np.column_stack(columns)
