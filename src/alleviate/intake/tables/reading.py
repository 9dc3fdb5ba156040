"""Reads a CSV or Parquet file into a ``Table``, and says clearly why where that cannot be done."""

import csv
import io
from collections import Counter
from pathlib import Path

import polars as pl

from alleviate.intake.tables.table import Table, quoted, table_of
from alleviate.terms.errors import DataError

__all__ = ["read"]

DELIMITERS = ("\t", ";", ",")
LOOKED_AT = 50
"""So many records decide which delimiter a file uses."""

FOREIGN = {
    b"PK\x03\x04": "an Excel workbook or a ZIP archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"$FL2": "an SPSS file",
    b"$FL3": "an SPSS file",
    b"%PDF": "a PDF",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
SAVE_AS = "Save it as CSV (UTF-8) or Parquet, one row a person."


def read(path: Path) -> Table:
    """The table in a Parquet file, or a CSV file (``,`` ``;`` or tab; UTF-8, else Latin-1 with a warning).

    CSV columns stay text; wholly empty lines are skipped. Raises ``DataError``: no such file, an empty one,
    one that is neither CSV nor Parquet, repeated column names, ragged rows (which lines).
    """
    path = Path(path)
    source = path.name or str(path)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file.", hint="Check the path and where you are.") from None
    except IsADirectoryError:
        hint = "Name a file in it."
        raise DataError(f"{path}: expected a CSV or Parquet file, got a folder.", hint=hint) from None
    except OSError as error:
        hint = "Check that you may read it."
        raise DataError(f"{path}: cannot be read ({error.strerror}).", hint=hint) from None
    if not raw.strip():
        raise DataError(f"{source}: the file is empty.", hint=SAVE_AS)
    if raw.startswith(b"PAR1"):
        return _parquet(raw, source)
    foreign = next((what for magic, what in FOREIGN.items() if raw.startswith(magic)), None)
    if foreign is None and b"\x00" in raw:
        foreign = "binary data"
    if foreign is not None:
        raise DataError(f"{source}: expected CSV or Parquet, got {foreign}.", hint=SAVE_AS)
    return _csv(raw, source)


def _parquet(raw: bytes, source: str) -> Table:
    try:
        frame = pl.read_parquet(io.BytesIO(raw))
    except (pl.exceptions.PolarsError, OSError, pl.exceptions.PanicException):
        raise DataError(f"{source}: the Parquet file is damaged.", hint="Write it anew.") from None
    return table_of(frame, source)


def _csv(raw: bytes, source: str) -> Table:
    warnings: list[str] = []
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = raw.decode("latin-1")
        line = raw.count(b"\n", 0, error.start) + 1
        warnings.append(f"{source}: line {line} is not UTF-8, so it was read as Latin-1: check the accents.")
    delimiter = _delimiter(text)
    header, rows, lines = _records(text, delimiter, source, warnings)
    names = _names(header, source, warnings)
    ragged = [line for row, line in zip(rows, lines, strict=True) if len(row) != len(names)]
    if ragged:
        first = ragged[0]
        width = len(rows[lines.index(first)])
        shown = ", ".join(map(str, ragged[:5])) + ("…" if len(ragged) > 5 else "")
        more = f" ({len(ragged)} such lines: {shown})" if len(ragged) > 1 else ""
        raise DataError(
            f"{source}: expected {len(names)} fields as in the header, got {width} on line {first}{more}.",
            hint='Put a text that holds the separator in quotes: "like, this".',
        )
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    return table_of(
        frame, source, lines=lines, place="line", decimal_comma=delimiter == ";", warnings=tuple(warnings)
    )


def _delimiter(text: str) -> str:
    """The one that cuts the first records into the same number of fields, and the most of them."""

    def fit(delimiter: str) -> tuple[bool, int]:
        # the last record looked at may be cut in the middle, so errors here are left to the real reading
        widths: list[int] = []
        try:
            for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
                if record:
                    widths.append(len(record))
                if len(widths) == LOOKED_AT:
                    break
        except csv.Error:
            pass
        header = widths[0] if widths else 1
        return header > 1 and set(widths) == {header}, header

    return max(reversed(DELIMITERS), key=fit)


def _records(
    text: str, delimiter: str, source: str, warnings: list[str]
) -> tuple[list[str], list[list[str]], list[int]]:
    """The header, the rows, and the line on which each row starts."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    start, empty = 1, 0
    try:
        for record in reader:
            if any(map(str.strip, record)):
                rows.append(record)
                lines.append(start)
            else:
                empty += len(record) > 1
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{source}, line {start}: this is not CSV ({error}).", hint=SAVE_AS) from None
    if not rows:
        raise DataError(f"{source}: the file holds separators only.", hint=SAVE_AS)
    if empty:
        warnings.append(f"{source}: skipped {empty} {'line' if empty == 1 else 'lines'} of separators only.")
    return rows[0], rows[1:], lines[1:]


def _names(header: list[str], source: str, warnings: list[str]) -> list[str]:
    names = [name.strip() for name in header]
    for number, name in enumerate(names, 1):
        if not name:
            names[number - 1] = f"column_{number}"
            warnings.append(f'{source}: column {number} has no name; it is called "column_{number}".')
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise DataError(
            f"{source}: the column name {quoted(name)} stands {times} times in the header.",
            hint="Give every column its own name.",
        )
    return names
