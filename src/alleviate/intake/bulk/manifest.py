"""What a server says it has exported, and how far we are: kept beside the files, so that work goes on.

Source: https://hl7.org/fhir/uv/bulkdata/export.html.
"""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from alleviate.terms.errors import DataError

__all__ = ["File", "Manifest", "State", "manifest_from", "new_file"]

OWN = ".export"
"""The folder beside the files where the state and the server's reports lie: no resources of patients."""

STATE = f"{OWN}/state"
UNFINISHED = ".unfinished-"
_TYPE = re.compile(r"[A-Z][A-Za-z]{0,63}")


class File(msgspec.Struct, frozen=True, omit_defaults=True):
    """An NDJSON file of resources of one ``type``, ``count`` of them if the server says so."""

    type: str
    url: str
    count: int | None = None


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What came out of an export: resources, what went wrong, and what was deleted since."""

    transaction_time: str
    requires_access_token: bool
    output: tuple[File, ...]
    error: tuple[File, ...] = ()
    deleted: tuple[File, ...] = ()

    def named(self) -> tuple[dict[str, File], dict[str, File]]:
        """File name → file: of the output, Patients first, then Questionnaires; and of error and deleted."""
        rank = {"Patient": 0, "Questionnaire": 1}
        output = sorted(self.output, key=lambda file: rank.get(file.type, 2))
        notes = [("error", file) for file in self.error] + [("deleted", file) for file in self.deleted]
        return (
            {f"{number:04}-{file.type}.ndjson": file for number, file in enumerate(output)},
            {f"{OWN}/{what}-{number:04}": file for number, (what, file) in enumerate(notes)},
        )


class State(msgspec.Struct, frozen=True, omit_defaults=True):
    """Of an export in a folder: what was ``request``ed, where the server reports on it, what it reported."""

    request: str
    status_url: str
    manifest: Manifest | None = None
    finished: bool = False

    @staticmethod
    def load(folder: Path) -> "State | None":
        """The state kept in ``folder``; None where there is none. Raises DataError."""
        path = folder / STATE
        try:
            return msgspec.json.decode(path.read_bytes(), type=State)
        except FileNotFoundError:
            return None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DataError(
                f"{path} is damaged: {error}.", hint="Remove the folder and start again."
            ) from None

    def save(self, folder: Path) -> None:
        """Keep it in ``folder``."""
        with new_file(folder / STATE) as file:
            file.write(msgspec.json.encode(self))


def manifest_from(data: object, where: str) -> Manifest:
    """The manifest in a server's JSON. Raises DataError, naming what is wrong with it."""
    try:
        manifest = msgspec.convert(data, Manifest)
    except msgspec.ValidationError as error:
        raise DataError(
            f"{where}: the manifest is not as Bulk Data wants it: {error}.", hint="Tell the server's owner."
        ) from None
    for file in (*manifest.output, *manifest.error, *manifest.deleted):
        if not _TYPE.fullmatch(file.type):
            raise DataError(
                f"{where}: the manifest has a file of type {file.type[:80]!r}.",
                hint="Tell the server's owner.",
            )
    return manifest


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file for the owner only that has its name when it is whole and on the disk, and never before."""
    handle, name = tempfile.mkstemp(prefix=UNFINISHED, dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise
