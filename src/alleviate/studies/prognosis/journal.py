"""What a long piece of work has finished so far, on disk, so that it can be stopped and gone on with.

One JSON line a finished step, written as it ends. The first line says of what: another study, other data,
another seed or another version begin anew. Readable by its owner only, since it holds what is foreseen for
single people (by the number of their row); gone once the package is written.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from alleviate.terms.errors import StudyError

__all__ = ["Journal", "journal_of", "opened"]


def journal_of(package: Path) -> Path:
    """Where the journal of a package in the making lies: beside it."""
    return package.with_name(f".{package.name}.journal")


class Journal:
    """Finished steps by their number. Not to be shared by processes: one keeps it."""

    def __init__(self, file: TextIO, done: dict[int, Any]) -> None:
        self._file = file
        self.done = done

    def record(self, step: int, result: Any) -> None:
        """Keep what a step left (plain values). It is on disk when this returns."""
        self.done[step] = result
        self._file.write(json.dumps([step, result], allow_nan=False) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


@contextmanager
def opened(path: Path, key: str) -> Iterator[Journal]:
    """The journal at ``path``, with the steps that were finished under the same ``key``.

    A last line that was cut off by a crash is dropped. Raises ``StudyError`` where it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StudyError(
            f"{path}: progress cannot be kept there ({error.strerror}).",
            hint="Choose another folder with --out.",
        ) from None
    with os.fdopen(descriptor, "r+", encoding="utf-8", errors="replace") as file:
        head = json.dumps(key) + "\n"
        whole, done = _whole(file.read(), head)
        file.seek(0)
        file.truncate(len(whole.encode()))
        file.seek(0, os.SEEK_END)
        if not whole:
            file.write(head)
        yield Journal(file, done)


def _whole(text: str, head: str) -> tuple[str, dict[int, Any]]:
    """What of the text is whole lines of the same work, and the steps that they hold."""
    if not text.startswith(head):
        return "", {}
    whole, done = head, {}
    for line in text[len(head) :].splitlines(keepends=True):
        try:
            step, result = json.loads(line)
        except (ValueError, TypeError):
            break
        if not line.endswith("\n"):
            break
        whole, done[int(step)] = whole + line, result
    return whole, done
