"""Backups: every row of a vault in one sealed file, to be restored into SQLite or PostgreSQL alike.

The file is a line of JSON that says what it is, then blocks: 4 bytes of length, and that many bytes sealed
with the vault's own key. A block is bound to that line and to its place, and the last one to being the last:
what was changed, left out, moved or cut off is refused, and nothing of the file is stored. The bodies in it
are sealed with their patients' keys as well, and those are not in it: an erasure reaches every backup.
"""

import os
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import sqlalchemy as sa

from alleviate.packages.durable import flush_folder
from alleviate.terms.errors import VaultError
from alleviate.vault.accounts.tables import KEPT
from alleviate.vault.cipher import seal, unseal
from alleviate.vault.migrating import migrate, newest
from alleviate.vault.schema import META, TABLES

__all__ = ["Backup", "read_backup", "write_backup"]

_FORMAT = "alleviate-backup/1"
_MOST_BYTES = 4_000_000  # of bodies in a block
_LONGEST_LINE = 1000


class Backup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the first line says: of which vault, at which step of its tables, from when."""

    format: str
    vault: str
    step: str
    made_at: str


class _Block(msgspec.Struct, array_like=True, frozen=True):
    table: str
    columns: list[str]
    rows: list[list[Any]]


def write_backup(path: Path, connection: sa.Connection, key: bytes) -> int:
    """Write all rows that ``connection`` sees to a new file, for its owner only; returns how many.

    The file is there whole or not at all. Raises VaultError.
    """
    vault = connection.execute(sa.select(META.c.value).where(META.c.name == "id")).scalar_one()
    header = Backup(_FORMAT, vault, newest(), datetime.now(UTC).isoformat(timespec="seconds"))
    line = msgspec.json.encode(header) + b"\n"
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.draft")
    count = 0
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(line)
            place = 0
            for place, block in enumerate(_blocks(connection), 1):
                count += len(block.rows)
                _write(file, seal(key, vault, _column(line, place), msgspec.msgpack.encode(block)))
            _write(file, seal(key, vault, _column(line, place + 1, last=True), b""))
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # fails where a file is
        flush_folder(path.parent)
    except OSError as error:
        raise VaultError(
            f"The backup cannot be written to {path}: {error.strerror}.", hint="Name a new file."
        ) from None
    finally:
        draft.unlink(missing_ok=True)
    return count


def read_backup(path: Path, connection: sa.Connection, key: bytes) -> int:
    """Make the tables with the rows of the backup, in the caller's transaction; returns how many rows.

    Raises VaultError where one byte of it is not as it was written.
    """
    count = 0
    try:
        with path.open("rb") as file:
            line = file.readline(_LONGEST_LINE)
            header = _header(path, line)
            migrate(connection, to=header.step)
            for block in _opened(path, file, line, header, key):
                table = sa.table(block.table, *map(sa.column, block.columns))
                connection.execute(
                    sa.insert(table), [dict(zip(block.columns, row, strict=True)) for row in block.rows]
                )
                count += len(block.rows)
    except OSError as error:
        raise VaultError(f"{path} cannot be read: {error.strerror}.", hint="Name a backup.") from None
    return count


def _blocks(connection: sa.Connection) -> Iterator[_Block]:
    """The rows in an order in which they can be put in; without the numbers that the database gives them."""
    for table in (*TABLES, *KEPT):
        columns = [column for column in table.columns if column.name != "id"]
        names = [str(column.name) for column in columns]
        rows: list[list[Any]] = []
        size = 0
        query = sa.select(*columns).order_by(*table.primary_key.columns).execution_options(yield_per=1000)
        for row in connection.execute(query):
            rows.append(list(row))
            size += sum(len(value) for value in row if isinstance(value, str | bytes)) + 64
            if size > _MOST_BYTES:
                yield _Block(str(table.name), names, rows)
                rows, size = [], 0
        if rows:
            yield _Block(str(table.name), names, rows)


def _opened(path: Path, file: BinaryIO, line: bytes, header: Backup, key: bytes) -> Iterator[_Block]:
    block = _read(path, file)
    place = 1
    while following := file.read(4):
        yield msgspec.msgpack.decode(_unsealed(path, key, header, _column(line, place), block), type=_Block)
        block = _read(path, file, following)
        place += 1
    _unsealed(path, key, header, _column(line, place, last=True), block)


def _unsealed(path: Path, key: bytes, header: Backup, column: str, block: bytes) -> bytes:
    try:
        return unseal(key, header.vault, column, block)
    except VaultError:
        raise _damaged(path) from None


def _header(path: Path, line: bytes) -> Backup:
    try:
        header = msgspec.json.decode(line, type=Backup)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        header = None
    if header is None or header.format != _FORMAT:
        raise VaultError(
            f"{path} is not a backup of a vault.", hint="Name a file that alleviate backup wrote."
        )
    return header


def _write(file: BinaryIO, block: bytes) -> None:
    file.write(len(block).to_bytes(4))
    file.write(block)


def _read(path: Path, file: BinaryIO, length: bytes | None = None) -> bytes:
    size = int.from_bytes(file.read(4) if length is None else length)
    block = file.read(size) if size <= _left(file) else b""
    if not block:
        raise _damaged(path)
    return block


def _left(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size - file.tell()


def _column(line: bytes, place: int, *, last: bool = False) -> str:
    return f"backup.{sha256(line).hexdigest()}.{place}{'.last' if last else ''}"


def _damaged(path: Path) -> VaultError:
    return VaultError(
        f"{path} is damaged, or is of another vault than the keys; nothing of it was stored.",
        hint="Use another copy, and the keys of the vault that it came from.",
    )
