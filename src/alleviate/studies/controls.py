"""Negative controls: what treatment cannot have changed, read and refused where it cannot serve."""

from collections.abc import Sequence

import numpy as np

from alleviate.intake.tables import Table, typed
from alleviate.intake.tables.table import quoted
from alleviate.models.trial import Floats, Ints
from alleviate.studies.sections import nearest
from alleviate.terms.errors import DataError, StudyError
from alleviate.terms.study import Study

__all__ = ["control_of"]


def control_of(study: Study, table: Table, arms: Sequence[str], kept: Ints) -> Floats | None:
    """(people kept,) the control outcome, NaN where unknown; ``None`` where the study names none.

    Raises ``StudyError`` for control arms that are no arms, ``DataError`` for a column that is not numbers or
    yes/no, or the same for everybody.
    """
    strange = next((arm for arm in study.controls.arms if arm not in arms), None)
    if strange is not None:
        raise StudyError(
            f"{study.name}: expected [controls] arms to name arms in the data ({', '.join(arms)}), "
            f"got {quoted(strange)}.",
            hint=nearest(strange, arms),
        )
    name = study.controls.outcome
    if name is None:
        return None
    column = typed(table, only=[name])
    if column.kinds[name] not in ("number", "boolean"):
        raise DataError(
            f"{table.source}: expected numbers or yes/no in the control outcome {quoted(name)}, "
            f"got a {column.kinds[name]}.",
            hint="Name another column under [controls] outcome.",
        )
    values: Floats = column.frame[name].cast(float)[kept].fill_null(np.nan).to_numpy()
    if np.unique(values[np.isfinite(values)]).size < 2:
        raise DataError(
            f"{table.source}: expected the control outcome {quoted(name)} to differ between people.",
            hint="Name another column under [controls] outcome.",
        )
    return values
