"""OMOP CDM 5.4 as entries, a row each; what we wrote comes back exactly, from the table beside it."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from alleviate.intake.cells import CellError
from alleviate.intake.csv.long import long
from alleviate.intake.csv.mapping import parse
from alleviate.intake.csv.rows import Line
from alleviate.intake.csv.sheet import Sheet
from alleviate.intake.csv.writing import EVENTS_MAPPING
from alleviate.intake.omop.cdm import EVENTS_TABLE, LAST_IDS_TABLE, TABLES
from alleviate.intake.omop.rows import Reader
from alleviate.intake.omop.sources import Database, Folder, Source
from alleviate.intake.reading import Context, Item, Refusal
from alleviate.records import EVENTS
from alleviate.terms.errors import DataError

__all__ = ["accepts", "read", "read_database"]

SILENT = ("observation_period",)
"""Tables without events of their own."""


def accepts(path: Path) -> bool:
    """Whether the path is a folder with a table of persons and one of what happened to them."""
    if not path.is_dir():
        return False
    there = set(Folder(path).tables)
    return "person" in there and len(there & TABLES.keys()) > 1


def read(path: Path, context: Context) -> Iterator[Item]:
    """Entries and refusals, table by table. Raises DataError where a table cannot be read at all."""
    if not path.is_dir():
        raise DataError(f"{path}: expected a folder of OMOP tables.", hint="Name the folder.")
    yield from _read(Folder(path), context)


def read_database(url: str, context: Context) -> Iterator[Item]:
    """The same from PostgreSQL (``postgresql://user@host/name#schema``), in one read-only transaction."""
    with closing(Database(url)) as database:
        yield from _read(database, context)


def _read(source: Source, context: Context) -> Iterator[Item]:
    if "person" not in source.tables:
        raise DataError(
            "There is no table person.", hint="Is it OMOP? The schema of a URL is named as #schema."
        )
    ours = _last_ids(source)
    if ours:
        yield from _exact(source, context)
    reader = Reader(source.concepts, _sites(source), context.now)
    for table in TABLES:
        if table in source.tables and table not in SILENT:
            yield from _table(source, table, reader, ours.get(table, 0), context)


def _table(source: Source, table: str, reader: Reader, last_id: int, context: Context) -> Iterator[Item]:
    place = source.place(table)
    for line, row in _rows(source, table):
        if line.reason:
            yield Refusal(place, line.number, "", line.reason)
            continue
        id, person = row.get(TABLES[table].id, ""), row.get("person_id", "").removesuffix(".0")
        if id.isdecimal() and 1 <= int(id) <= last_id:
            continue
        try:
            if not person:
                raise CellError("person_id", "The person is missing.")
            yield reader.entry(table, row, context.subject(person))
        except CellError as error:
            yield Refusal(place, line.number, error.column, error.message)


def _rows(source: Source, table: str) -> Iterator[tuple[Line, Mapping[str, str]]]:
    """Each line and its cells by the lower case of their columns."""
    lines = source.lines(table)
    header = next(lines)
    if header.reason:
        raise DataError(
            f"{source.place(table)}, line {header.number}: {header.reason}", hint="Is it a table?"
        )
    names = [name.strip().lower() for name in header.cells]
    needed = [TABLES[table].id, "person_id"] if table in TABLES else []
    for name in needed:
        if name not in names:
            raise DataError(
                f'{source.place(table)}: expected a column "{name}".', hint="See the model, version 5.4."
            )
    for line in lines:
        yield line, dict(zip(names, map(str.strip, line.cells), strict=False))


def _exact(source: Source, context: Context) -> Iterator[Item]:
    lines = source.lines(EVENTS_TABLE, ("subject_id", "entry"))
    names = next(lines).cells
    missing = [name for name in EVENTS if name not in names]
    if missing:
        raise DataError(
            f'{source.place(EVENTS_TABLE)}: expected a column "{missing[0]}".', hint="Export it anew."
        )
    yield from long(
        Sheet(source.place(EVENTS_TABLE), parse(EVENTS_MAPPING, EVENTS_TABLE), names, context), lines
    )


def _last_ids(source: Source) -> dict[str, int]:
    if EVENTS_TABLE not in source.tables or LAST_IDS_TABLE not in source.tables:
        return {}
    rows = [row for _, row in _rows(source, LAST_IDS_TABLE)]
    return {row["table_name"]: int(row["last_id"]) for row in rows if row.get("last_id", "").isdecimal()}


def _sites(source: Source) -> dict[str, str]:
    if "care_site" not in source.tables:
        return {}
    rows = [row for _, row in _rows(source, "care_site")]
    return {
        row["care_site_id"]: row["care_site_name"]
        for row in rows
        if row.get("care_site_id") and row.get("care_site_name")
    }
