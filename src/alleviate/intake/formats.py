"""The formats that records come in and go out by: each folder here that has a ``FORMAT``, found by itself."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from alleviate.intake.reading import Context, Format, Item
from alleviate.terms.errors import DataError

__all__ = ["FORMATS", "count_files", "detect", "format_named", "read_all"]

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
    if not path.exists():
        raise DataError(f"There is no file or folder {path}.", hint="Check its name.")
    for found in FORMATS.values():
        if found.accepts(path):
            return found
    raise DataError(
        f"{path} looks like none of {', '.join(FORMATS)}.",
        hint="Name its format with --format; for a CSV write a mapping: alleviate mapping new FILE.",
    )


def read_all(paths: Iterable[Path], context: Context, format: Format | None = None) -> Iterator[Item]:
    """Everything in these files and folders in turn, each by ``format`` or by what it looks like.

    Raises DataError before the first item where a path is missing or of no known format.
    """
    chosen = [(path, format or detect(path)) for path in paths]
    for path, _ in chosen:
        if not path.exists():
            raise DataError(f"There is no file or folder {path}.", hint="Check its name.")
    return (item for path, found in chosen for item in found.read(path, context))


def count_files(path: Path) -> int:
    """The files at a path, without those that are hidden."""
    if not path.is_dir():
        return 1
    names = (file.relative_to(path).parts for file in path.rglob("*") if file.is_file())
    return sum(not any(part.startswith(".") for part in parts) for parts in names)
