"""Rows of features as a table, which is all that models ever see."""

from collections.abc import Sequence

import polars as pl

from alleviate.features.rows import FeatureRow
from alleviate.features.spec import FeatureSpec, Kind
from alleviate.terms.errors import DataError

__all__ = ["schema", "table"]

_TYPES: dict[Kind, pl.DataType] = {
    "number": pl.Float64(),
    "date": pl.Float64(),
    "category": pl.String(),
    "boolean": pl.Boolean(),
}


def schema(spec: FeatureSpec) -> pl.Schema:
    """The columns of a table of these features."""
    return pl.Schema({feature.name: _TYPES[feature.kind] for feature in spec.features})


def table(rows: Sequence[FeatureRow], spec: FeatureSpec) -> pl.DataFrame:
    """One line a row, one column a feature, unknown is null; ids stay with the rows. Raises DataError."""
    names = set(spec.names)
    for row in rows:
        if row.values.keys() != names:
            odd = ", ".join(sorted(row.values.keys() ^ names))
            raise DataError(
                f"The row of {row.subject_id!r} and the spec differ in: {odd}.",
                hint="Make the row with this spec.",
            )
    columns = {name: [row.values[name] for row in rows] for name in spec.names}
    try:
        return pl.DataFrame(columns, schema=schema(spec))
    except (TypeError, pl.exceptions.PolarsError) as error:
        raise DataError(f"A value is not of its kind: {error}.", hint="Make rows with at().") from None
