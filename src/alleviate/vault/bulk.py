"""Many rows at once, the quick way of each database."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

__all__ = ["among", "listed", "put_rows", "rows_with"]

_MOST = 1000
"""Values looked for in one query."""


def among(connection: sa.Connection, column: sa.Column[Any], values: Iterable[Any]) -> sa.ColumnElement[bool]:
    """Whether ``column`` is one of ``values``: in PostgreSQL one array, planned once however long it is."""
    if connection.dialect.name == "postgresql":
        return column == sa.any_(sa.bindparam(None, list(values), postgresql.ARRAY(column.type)))
    return column.in_(list(values))


def listed(dialect: str, column: sa.ColumnElement[Any], name: str = "values") -> sa.ColumnElement[bool]:
    """Whether ``column`` is one of a list that is given when the statement runs, under ``name``.

    One statement for lists of every length: to put it together and to plan it takes longer than to run it.
    So statements are kept by the ``dialect`` that they are for.
    """
    if dialect == "postgresql":
        return column == sa.any_(sa.bindparam(name, type_=postgresql.ARRAY(column.type)))
    if isinstance(column.type, sa.String):
        given = sa.func.json_each(sa.bindparam(name, type_=_AsJson)).table_valued("value")
        return column.in_(sa.select(given.c.value))
    return column.in_(sa.bindparam(name, expanding=True))


class _AsJson(sa.TypeDecorator[Any]):
    """A list of texts, for SQLite's ``json_each``."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str:
        return msgspec.json.encode(value).decode()


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
    return sa.select(column, *others).where(listed(dialect, column))


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
