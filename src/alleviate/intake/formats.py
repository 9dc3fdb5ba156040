"""The formats that records come in and go out by: each folder here that has a ``FORMAT``, found by itself."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from alleviate.intake.omop import read_database
from alleviate.intake.reading import Context, Format, Item
from alleviate.terms.errors import DataError

__all__ = ["FORMATS", "count_files", "detect", "format_named", "is_database", "read_all"]

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
    raise DataError(
        f"{path} looks like none of {', '.join(FORMATS)}.",
        hint="Name its format with --format; for a CSV write a mapping: alleviate mapping new FILE.",
    )


def read_all(sources: Iterable[str], context: Context, format: Format | None = None) -> Iterator[Item]:
    """Everything in these files, folders and databases (``postgresql://…``, which hold OMOP tables) in turn.

    Files are read by ``format``, or by what they look like. Raises DataError before the first item where one
    is missing or of no known format.
    """
    readings = [_reading(source, context, format) for source in sources]
    return (item for reading in readings for item in reading)


def _reading(source: str, context: Context, format: Format | None) -> Iterator[Item]:
    if is_database(source):
        return read_database(source, context)
    path = Path(source)
    _there(path)
    return (format or detect(path)).read(path, context)


def is_database(source: str) -> bool:
    """Whether a source is the URL of a database."""
    return source.startswith(("postgresql://", "postgres://"))


def _there(path: Path) -> None:
    if not path.exists():
        raise DataError(f"There is no file or folder {path}.", hint="Check its name.")


def count_files(source: str) -> int:
    """The files at a path, without those that are hidden; a database counts as one."""
    path = Path(source)
    if is_database(source) or not path.is_dir():
        return 1
    names = (file.relative_to(path).parts for file in path.rglob("*") if file.is_file())
    return sum(not any(part.startswith(".") for part in parts) for parts in names)
