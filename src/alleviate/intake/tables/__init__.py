"""Tables of people, one row each, from CSV and Parquet files: read whole, then typed column by column."""

from alleviate.intake.tables.columns import Kind, TypedTable, typed
from alleviate.intake.tables.reading import read
from alleviate.intake.tables.table import MISSING, Table, table_of

__all__ = ["MISSING", "Kind", "Table", "TypedTable", "read", "table_of", "typed"]
