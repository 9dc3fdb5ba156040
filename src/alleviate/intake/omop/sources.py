"""Where OMOP tables lie: a folder of CSV or Parquet files, or a PostgreSQL database; both give texts."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import urldefrag

import polars as pl
import psycopg
from psycopg import sql

from alleviate.intake.csv.rows import Line, delimiter_of, is_parquet, lines_of
from alleviate.terms.errors import DataError

__all__ = ["Concept", "Database", "Folder", "Source"]

ENDINGS = (".csv", ".csv.gz", ".tsv", ".parquet")
ROWS_A_FETCH = 5_000


class Concept(NamedTuple):
    """A row of the table concept."""

    vocabulary: str
    code: str
    name: str


class Source(Protocol):
    """The tables of one data set; their names and columns are in lower case."""

    @property
    def tables(self) -> Sequence[str]:
        """Their names."""
        ...

    def place(self, table: str) -> str:
        """What a message calls the table: its file, or its name."""
        ...

    def lines(self, table: str, together: Sequence[str] = ()) -> Iterator[Line]:
        """The columns, then the rows, empty cells as ""; those alike in ``together`` follow each other."""
        ...

    def concepts(self, ids: str) -> Concept | None:
        """The concept of an id, where the vocabulary is there."""
        ...


class Folder:
    """Files named like the tables, in any case: person.csv, PERSON.parquet, Person.csv.gz."""

    def __init__(self, folder: Path) -> None:
        self._files = {
            name.removesuffix(ending): path
            for path in sorted(folder.iterdir())
            for name in [path.name.lower()]
            for ending in ENDINGS
            if name.endswith(ending)
        }
        self._concepts: Mapping[str, Concept] | None = None

    @property
    def tables(self) -> Sequence[str]:
        return list(self._files)

    def place(self, table: str) -> str:
        return str(self._files[table])

    def lines(self, table: str, together: Sequence[str] = ()) -> Iterator[Line]:
        return lines_of(self._files[table])

    def concepts(self, ids: str) -> Concept | None:
        if self._concepts is None:
            self._concepts = self._vocabulary() if "concept" in self._files else {}
        return self._concepts.get(ids)

    def _vocabulary(self) -> Mapping[str, Concept]:
        """The concepts that the data use: the whole vocabulary has millions."""
        used = {
            id for table in self._files if table not in _VOCABULARY for id in self._used(self._files[table])
        }
        wanted = ["concept_id", "vocabulary_id", "concept_code", "concept_name"]
        lazy = _scan(self._files["concept"])
        try:
            names = {name.lower(): name for name in lazy.collect_schema().names()}
            rows = (
                lazy.select(pl.col(names[name]).cast(pl.String).alias(name) for name in wanted)
                .filter(pl.col("concept_id").is_in(list(used)))
                .collect(engine="streaming")
            )
        except (KeyError, pl.exceptions.PolarsError) as error:
            raise DataError(
                f"{self._files['concept']}: expected a table with {', '.join(wanted)} ({error}).",
                hint="Take the vocabulary's file as it is, or remove it.",
            ) from None
        return {
            id: Concept(vocabulary, code, name or "")
            for id, vocabulary, code, name in rows.drop_nulls(wanted[:3]).iter_rows()
        }

    def _used(self, file: Path) -> set[str]:
        lazy = _scan(file)
        try:
            columns = [name for name in lazy.collect_schema().names() if name.lower().endswith("concept_id")]
            found = [
                lazy.select(pl.col(name).cast(pl.String).unique()).collect(engine="streaming").to_series()
                for name in columns
            ]
        except pl.exceptions.PolarsError:
            return set()  # the reader of its rows says what is wrong with it
        return {id for ids in found for id in ids.drop_nulls()}


_VOCABULARY = ("concept", "concept_ancestor", "concept_relationship", "concept_synonym", "vocabulary")


def _scan(file: Path) -> pl.LazyFrame:
    if is_parquet(file):
        return pl.scan_parquet(file)
    delimiter = delimiter_of(file)
    quote = None if delimiter == "\t" else '"'
    return pl.scan_csv(file, separator=delimiter, quote_char=quote, infer_schema=False, encoding="utf8-lossy",
                       truncate_ragged_lines=True)  # fmt: skip


_TABLES = "select table_name from information_schema.tables where table_schema = %s"


class Database:
    """A PostgreSQL database by its URL; ``#cdm`` at its end names the schema (default: public)."""

    def __init__(self, url: str) -> None:
        address, schema = urldefrag(url)
        self._schema = schema or "public"
        address = address.replace("postgresql+psycopg://", "postgresql://", 1)
        try:
            self._connection = psycopg.connect(address)
            self._connection.read_only = True
            self._tables = [
                name for (name,) in self._connection.execute(
                    _TABLES, [self._schema]
                )
            ]  # fmt: skip
        except psycopg.Error as error:
            raise DataError(
                f"The database cannot be read ({str(error).splitlines()[0]}).", hint="Check the URL."
            ) from None
        self.concepts = lru_cache(maxsize=100_000)(self._concept)

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    @property
    def tables(self) -> Sequence[str]:
        return self._tables

    def place(self, table: str) -> str:
        return f"{self._schema}.{table}"

    def lines(self, table: str, together: Sequence[str] = ()) -> Iterator[Line]:
        query = sql.SQL("select * from {}").format(sql.Identifier(self._schema, table))
        if together:
            query = query + sql.SQL(" order by {}").format(sql.SQL(", ").join(map(sql.Identifier, together)))
        try:
            with closing(self._connection.cursor(name=f"read_{table}")) as cursor:
                cursor.itersize = ROWS_A_FETCH
                cursor.execute(query)
                yield Line(0, [column.name for column in cursor.description or ()])
                for number, row in enumerate(cursor, 1):
                    yield Line(number, ["" if cell is None else str(cell) for cell in row])
        except psycopg.Error as error:
            raise DataError(
                f"{self.place(table)}: cannot be read ({str(error).splitlines()[0]}).",
                hint="Check the database.",
            ) from None

    def _concept(self, ids: str) -> Concept | None:
        if "concept" not in self._tables or not ids.isdecimal():
            return None
        query = sql.SQL(
            "select vocabulary_id, concept_code, concept_name from {} where concept_id = %s"
        ).format(sql.Identifier(self._schema, "concept"))
        row = self._connection.execute(query, [int(ids)]).fetchone()
        return None if row is None else Concept(*row)
