"""Many rows at once, the quick way of each database."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

__all__ = ["among", "put_rows", "rows_with"]

_MOST = 1000
"""Values looked for in one query."""


def among(connection: sa.Connection, column: sa.Column[Any], values: Iterable[Any]) -> sa.ColumnElement[bool]:
    """Whether ``column`` is one of ``values``: in PostgreSQL one array, planned once however long it is."""
    if connection.dialect.name == "postgresql":
        return column == sa.any_(sa.bindparam(None, list(values), postgresql.ARRAY(column.type)))
    return column.in_(list(values))


def rows_with(
    connection: sa.Connection, column: sa.Column[Any], values: Iterable[Any], *others: sa.Column[Any]
) -> list[sa.Row[Any]]:
    """``column`` and ``others`` of the rows in which ``column`` is one of ``values``, in no order."""
    ordered = list(values)
    query = _query(connection.dialect.name, column, others)
    rows: list[sa.Row[Any]] = []
    for start in range(0, len(ordered), _MOST):
        rows += connection.execute(query, {"values": ordered[start : start + _MOST]})
    return rows


@lru_cache(maxsize=256)
def _query(dialect: str, column: sa.Column[Any], others: tuple[sa.Column[Any], ...]) -> sa.Select[Any]:
    """Made once: to put it together takes longer than to run it."""
    if dialect == "postgresql":
        asked = sa.bindparam("values", type_=postgresql.ARRAY(column.type))
        return sa.select(column, *others).where(column == sa.any_(asked))
    return sa.select(column, *others).where(column.in_(sa.bindparam("values", expanding=True)))


def put_rows(connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows that name the same columns; PostgreSQL takes them by COPY."""
    if not rows:
        return
    if connection.dialect.name != "postgresql":
        connection.execute(sa.insert(table), rows)
        return
    names = list(rows[0])
    dialect = connection.dialect
    types = [table.c[name].type.compile(dialect).partition("(")[0].lower() for name in names]
    columns = ", ".join(f'"{name}"' for name in names)
    cursor = connection.connection.cursor()
    with cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row([row[name] for name in names])
