"""The formats that records come in and go out by: each folder here that has a ``FORMAT``, found by itself."""

import os
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from importlib import import_module
from itertools import groupby
from pathlib import Path
from pkgutil import iter_modules

from alleviate.intake.omop import read_database
from alleviate.intake.reading import Context, Format, Item
from alleviate.terms.errors import DataError

__all__ = ["FORMATS", "count_files", "detect", "format_named", "is_database", "read_all"]

_HINTS = {
    ".zip": "Unpack it, and import the folder.",
    ".tar": "Unpack it, and import the folder.",
    ".tgz": "Unpack it, and import the folder.",
    ".xlsx": "Save the sheet as CSV, then: alleviate mapping new FILE.",
    ".xls": "Save the sheet as CSV, then: alleviate mapping new FILE.",
    ".xml": "FHIR is read as JSON: export it so.",
    ".json": "FHIR is JSON in UTF-8 whose resources say their resourceType.",
}
"""What to do with files that people have and we do not read."""

_ROOM = Path(__file__).parent

FORMATS: dict[str, Format] = {
    found.name: found
    for module in iter_modules([str(_ROOM)])
    if module.ispkg
    for found in [getattr(import_module(f"alleviate.intake.{module.name}"), "FORMAT", None)]
    if found is not None
}
"""Every format by its name on the command line."""


def format_named(name: str) -> Format:
    """Raises DataError with the nearest name."""
    if name not in FORMATS:
        near = get_close_matches(name, FORMATS, n=1)
        raise DataError(
            f"A format must be one of {', '.join(FORMATS)}; got {name!r}.",
            hint=f"Did you mean {near[0]}?" if near else "Choose one.",
        )
    return FORMATS[name]


def detect(path: Path) -> Format:
    """The format that a file or folder looks like. Raises DataError where it is none, or not there."""
    _there(path)
    for found in sorted(FORMATS.values(), key=lambda found: found.name == "csv"):  # which takes any table
        if found.accepts(path):
            return found
    if not path.is_dir() and not path.stat().st_size:
        raise DataError(f"{path} is empty.", hint="Is it the right file?")
    hint = _HINTS.get(path.suffix.lower(), "")
    raise DataError(
        f"{path} looks like none of {', '.join(FORMATS)}.",
        hint=hint or "Name its format with --format; for a CSV write a mapping: alleviate mapping new FILE.",
    )


def read_all(sources: Iterable[str], context: Context, format: Format | None = None) -> Iterator[Item]:
    """Everything in these files, folders and databases (``postgresql://…``, which hold OMOP tables) in turn.

    Files are read by ``format``, or by what they look like. Raises DataError before the first item where one
    is missing or of no known format.
    """
    found = [(None if is_database(source) else _format(Path(source), format), source) for source in sources]
    readings = [
        reading
        for each, group in groupby(found, key=lambda pair: pair[0])
        for reading in _readings(each, [source for _, source in group], context)
    ]
    return (item for reading in readings for item in reading)


def _readings(format: Format | None, sources: list[str], context: Context) -> Iterator[Iterator[Item]]:
    """Of sources of one format (None: databases); one for all where they may refer to each other."""
    if format is None:
        yield from (read_database(source, context) for source in sources)
    elif format.together:
        yield format.together([Path(source) for source in sources], context)
    else:
        yield from (format.read(Path(source), context) for source in sources)


def _format(path: Path, format: Format | None) -> Format:
    _there(path)
    return format or detect(path)


def is_database(source: str) -> bool:
    """Whether a source is the URL of a database."""
    return source.startswith(("postgresql://", "postgres://"))


def _there(path: Path) -> None:
    if not path.exists():
        raise DataError(f"There is no file or folder {path}.", hint="Check its name.")
    if not os.access(path, os.R_OK | os.X_OK if path.is_dir() else os.R_OK):
        raise DataError(f"{path} may not be read by you.", hint="Ask its owner for the right to read it.")


def count_files(source: str) -> int:
    """The files at a path, without those that are hidden; a database counts as one."""
    path = Path(source)
    if is_database(source) or not path.is_dir():
        return 1
    names = (file.relative_to(path).parts for file in path.rglob("*") if file.is_file())
    return sum(not any(part.startswith(".") for part in parts) for parts in names)
