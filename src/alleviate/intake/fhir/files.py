"""Files of FHIR: lines of resources, bundles, single resources; plain or gzipped; one or a folder."""

import gzip
import re
import zlib
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

from alleviate.terms.errors import DataError

__all__ = [
    "LONGEST_LINE",
    "WHOLE",
    "files_of",
    "head_of",
    "is_fhir",
    "is_lines",
    "lines_of",
    "others_of",
    "whole_of",
]

LONGEST_LINE = 16 * 2**20
"""Bytes that one line of NDJSON may have."""

WHOLE = 128 * 2**20
"""Bytes that a file may have which is read as a whole, such as a bundle."""

_LINES = (".ndjson", ".ndjson.gz", ".jsonl", ".jsonl.gz")
_ENDINGS = (*_LINES, ".json", ".json.gz")
_OTHERS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".xlsx", ".xml", ".zip")
_MARK = b"\xef\xbb\xbf"
_TYPE = re.compile(rb'"resourceType"\s*:\s*"[A-Z]')


def files_of(path: Path) -> list[Path]:
    """The file, or those of a folder whose names end as FHIR's do, in order. Raises DataError."""
    if path.is_dir():
        found = sorted(filter(_named, _seen(path)))
        if not found:
            raise DataError(
                f"{path} holds no .json or .ndjson file.", hint="Name a folder of FHIR resources."
            )
        return found
    if not path.exists():
        raise DataError(f"There is no file {path}.", hint="Check the path.")
    return [path]


def others_of(path: Path) -> list[Path]:
    """The files of a folder that may hold records, but not as FHIR's names end."""
    return (
        sorted(file for file in _seen(path) if file.name.lower().endswith(_OTHERS)) if path.is_dir() else []
    )


def _seen(folder: Path) -> Iterator[Path]:
    """All files of a folder that are not hidden, and not in a hidden folder of it."""
    for file in folder.rglob("*"):
        if not any(part.startswith(".") for part in file.relative_to(folder).parts) and file.is_file():
            yield file


def is_lines(path: Path) -> bool:
    """Whether a file holds a resource a line, by its name."""
    return path.name.lower().endswith(_LINES)


def is_fhir(path: Path) -> bool:
    """Whether a file or a folder looks like FHIR, by its name and its first bytes."""
    try:
        if path.is_dir():
            return any(map(is_fhir, _seen(path)))
        if not (path.is_file() and _named(path)):
            return False
        head = head_of(path)
        return bool(_TYPE.search(head)) or (is_lines(path) and not head)  # nothing to export is an export
    except (OSError, DataError):
        return False


def _named(path: Path) -> bool:
    return path.name.lower().endswith(_ENDINGS)


def _open(path: Path) -> gzip.GzipFile | BufferedReader:
    return gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb")


def head_of(path: Path, size: int = 65536) -> bytes:
    """The first bytes of what a file holds. Raises DataError."""
    try:
        with _open(path) as file:
            return file.read(size)
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, error) from None


def whole_of(path: Path) -> bytes:
    """All that a file holds. Raises DataError where that is too much."""
    try:
        with _open(path) as file:
            data = file.read(WHOLE + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, error) from None
    if len(data) > WHOLE:
        raise DataError(
            f"{path} holds more than {WHOLE >> 20} MiB in one piece.",
            hint="Export as NDJSON, a resource a line: that may be of any size.",
        )
    return data.removeprefix(_MARK)


def lines_of(path: Path) -> Iterator[tuple[int, bytes | None]]:
    """Each line that is not empty, with its number; None for one too long. Raises DataError."""
    try:
        with _open(path) as file:
            number = 0
            while line := file.readline(LONGEST_LINE + 1):
                number += 1
                if len(line) > LONGEST_LINE:
                    while line and not line.endswith(b"\n"):
                        line = file.readline(LONGEST_LINE)
                    yield number, None
                    continue
                if number == 1:
                    line = line.removeprefix(_MARK)
                if line := line.strip():
                    yield number, line
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(f"{path} cannot be read: {error}.", hint="Copy or export the file again.")
