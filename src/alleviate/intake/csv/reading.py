"""A table with a mapping as entries; a table of events as we write it brings its mapping along."""

from collections.abc import Iterator
from pathlib import Path

from alleviate.intake.csv.long import long
from alleviate.intake.csv.mapping import Mapping, load, parse
from alleviate.intake.csv.rows import is_parquet, lines_of
from alleviate.intake.csv.sheet import Sheet
from alleviate.intake.csv.wide import wide
from alleviate.intake.csv.writing import EVENTS_FILE, EVENTS_MAPPING
from alleviate.intake.reading import Context, Item
from alleviate.records import EVENTS
from alleviate.terms.errors import DataError

__all__ = ["ENDINGS", "accepts", "read"]

ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz")


def accepts(path: Path) -> bool:
    """Whether the name is that of a CSV or TSV, of a Parquet file beside its mapping, or of our export."""
    if path.is_dir():
        return (path / EVENTS_FILE).is_file()
    return path.name.lower().endswith(ENDINGS) or (is_parquet(path) and _beside(path).is_file())


def read(path: Path, context: Context) -> Iterator[Item]:
    """Items in the order of the rows, by ``context.mapping``, else by the ``.toml`` beside the file.

    Raises DataError where the table or the mapping cannot be read, or there is no mapping.
    """
    file = path / EVENTS_FILE if path.is_dir() else path
    mapping = _mapping(file, context)
    layout = mapping.layout if mapping else None
    lines = lines_of(file, layout.encoding if layout else "utf-8", layout.delimiter if layout else None)
    header = next(lines)
    if header.reason:
        raise DataError(f"{file}, line {header.number}: {header.reason}", hint="Is it a table?")
    names = [name.strip() for name in header.cells]
    if mapping is None and set(EVENTS) <= set(names):
        mapping = parse(EVENTS_MAPPING, EVENTS_FILE)
    if mapping is None:
        raise DataError(
            f"{file}: what its columns mean is not known.",
            hint=f"Describe them: alleviate mapping new {file}",
        )
    mapping.check_header(names, file.name)
    rows = wide if mapping.layout.shape == "wide" else long
    yield from rows(Sheet(str(file), mapping, names, context), lines)


def _mapping(file: Path, context: Context) -> Mapping | None:
    path = context.mapping or _beside(file)
    return load(path) if context.mapping or path.is_file() else None


def _beside(file: Path) -> Path:
    return file.with_name(file.name.removesuffix(".gz")).with_suffix(".toml")
