"""What the audit looked like at known moments, signed and kept outside the database.

A folder holds ``head.json``, the last state, renewed after every commit, and ``history.jsonl``, a state
about every 1,000 events. Each is signed with Ed25519; each names the length of the history before it and
the hash of its last line, so that none can be left out. ``signer.pem`` lets anybody check a signature
without the vault.

The key is the vault's own, out of its key store, and not the one that signs packages: every machine that
may write the audit then signs alike, it survives a rotation of the master key, and whoever has only the
database, or only this folder, cannot sign. Put the folder where the database's administrator cannot write:
the two guard each other. What nothing here can tell: database and folder both put back to an older state. A
copy elsewhere can.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from alleviate.packages.durable import flush_folder, locked, store
from alleviate.packages.keys import fingerprint, home, public_pem
from alleviate.terms.errors import AuditError
from alleviate.terms.times import check_utc
from alleviate.vault.canonical import Json, canonical

__all__ = ["START", "Checkpoint", "Checkpoints", "Head", "folder_for"]

START = hashlib.sha256(b"alleviate audit 1").digest()
"""What the first event of every log follows."""

_EVERY = 1000
_NOTHING = "0" * 64
_PURPOSE = b"alleviate checkpoint 1\0"
_TAMPERED = "Keep the folder and the database as they are, and ask who could write to them."


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the log: ``size`` events, the hash of the last (``START`` where there is none), and when."""

    size: int
    hash: bytes
    time: datetime


class Checkpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signed ``Head``. ``history``: bytes of history before it; ``previous``: SHA-256 of its last line."""

    size: int
    head: str
    time: str
    key: str
    history: int
    previous: str
    signature: str = ""


class Checkpoints:
    """The signed states of one log in ``folder``. Processes may seal at once: the longest log stays."""

    def __init__(self, folder: Path, key: Ed25519PrivateKey, every: int = _EVERY) -> None:
        self.folder = folder
        self._key = key
        self._public = key.public_key()
        self._id = fingerprint(self._public)
        self._every = every
        self._history = folder / "history.jsonl"
        self._seen: tuple[bytes, Checkpoint] | None = None

    def start(self, now: datetime) -> None:
        """Sign the empty log. Raises ``AuditError`` where a log was begun already."""
        self._start(Head(0, START, now))

    def adopt(self, head: Head) -> int:
        """Start from a log that was restored; returns by how much the log that was signed here was longer.

        Its checkpoints are moved aside and kept. Raises ``AuditError`` where they are another vault's.
        """
        lost = 0
        if (self.folder / "head.json").exists():
            lost = max(0, self.latest().size - head.size)
            with self._written():
                self.folder.rename(self.folder.with_name(f"{self.folder.name}.{head.time:%Y%m%dT%H%M%S.%f}"))
        self._start(head)
        return lost

    def seal(self, head: Head) -> None:
        """Sign the log as it was committed; where a longer one is signed already, that stays.

        Call it after the commit: killed in between, the signed state is behind, which is no breach.
        """
        with self._written(), locked(self.folder):
            last, history, previous = self._state()
            if head.size <= last.size:
                return
            if head.size // self._every > last.size // self._every:
                line = self._signed(head, history, previous) + b"\n"
                self._append(history, line)
                history, previous = history + len(line), _digest(line)
            raw = self._signed(head, history, previous)
            self._replace_head(raw)
            self._seen = raw, msgspec.json.decode(raw, type=Checkpoint)  # ours: nothing to check

    def _start(self, head: Head) -> None:
        with self._written():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with locked(self.folder):
                if any(self.folder.iterdir()):
                    raise AuditError(
                        f"{self.folder} is not empty: another log has its checkpoints there.",
                        hint="Move it away and keep it, or set ALLEVIATE_CHECKPOINTS to a folder of its own.",
                    )
                store(self.folder / "signer.pem", public_pem(self._public))
                store(self._history, b"", mode=0o600)
                self._replace_head(self._signed(head, 0, _NOTHING))

    def latest(self) -> Checkpoint:
        """The last signed state. Raises ``AuditError`` where it is missing or another key's."""
        return self._state()[0]

    def all(self) -> list[Checkpoint]:
        """Every signed state, oldest first. Raises ``AuditError`` for one missing, changed or moved."""
        head = self._head()
        found = list(self._lines(self._read(self._history), 0, _NOTHING))
        if (head.history, head.previous) not in [(0, _NOTHING), *((end, link) for _, end, link in found)]:
            raise self._cut_off(head)
        return sorted([*(checkpoint for checkpoint, _, _ in found), head], key=lambda each: each.size)

    def _state(self) -> tuple[Checkpoint, int, str]:
        """The last signed state, the bytes of the history and the hash of its last line.

        A line after what the head names was signed by a process that was killed before it renewed the head.
        """
        head = self._head()
        length = self._history.stat().st_size if self._history.exists() else 0
        if length < head.history:
            raise self._cut_off(head)
        after = self._read(self._history)[head.history :] if length > head.history else b""
        return [(head, head.history, head.previous), *self._lines(after, head.history, head.previous)][-1]

    def _head(self) -> Checkpoint:
        path = self.folder / "head.json"
        raw = self._read(path)
        if self._seen is None or self._seen[0] != raw:
            self._seen = raw, self._checked(raw, str(path))
        return self._seen[1]

    def _lines(self, raw: bytes, history: int, previous: str) -> Iterator[tuple[Checkpoint, int, str]]:
        """Each line after ``history`` bytes, where it ends, its hash. Half a line was never written whole."""
        for line in raw.splitlines(keepends=True):
            if not line.endswith(b"\n"):
                return
            checkpoint = self._checked(line, f"{self._history}, after {history:,} bytes,")
            if (checkpoint.history, checkpoint.previous) != (history, previous):
                raise AuditError(
                    f"{self._history}: the line after {history:,} bytes does not follow the one before.",
                    hint=_TAMPERED,
                )
            history, previous = history + len(line), _digest(line)
            yield checkpoint, history, previous

    def _cut_off(self, head: Checkpoint) -> AuditError:
        return AuditError(
            f"{self._history} lacks what was in it when {head.size:,} events were signed on {head.time}.",
            hint=_TAMPERED,
        )

    def _signed(self, head: Head, history: int, previous: str) -> bytes:
        check_utc(head.time, "The time of a checkpoint")
        said: dict[str, Json] = {
            "size": head.size,
            "head": head.hash.hex(),
            "time": head.time.isoformat(timespec="seconds"),
            "key": self._id,
            "history": history,
            "previous": previous,
        }
        signature = self._key.sign(_PURPOSE + canonical(said))
        return canonical({**said, "signature": signature.hex()})

    def _checked(self, raw: bytes, where: str) -> Checkpoint:
        try:
            checkpoint = msgspec.json.decode(raw, type=Checkpoint)
            said: dict[str, Json] = msgspec.structs.asdict(checkpoint)
            if raw.removesuffix(b"\n") != canonical(said):
                raise ValueError
            del said["signature"]
            self._public.verify(bytes.fromhex(checkpoint.signature), _PURPOSE + canonical(said))
        except (ValueError, InvalidSignature):
            raise AuditError(
                f"{where} is not a checkpoint signed with this vault's key {self._id}: "
                "it was changed, or is another vault's.",
                hint=_TAMPERED,
            ) from None
        return checkpoint

    def _append(self, offset: int, line: bytes) -> None:
        with self._history.open("r+b") as file:
            file.truncate(offset)
            file.seek(offset)
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def _replace_head(self, raw: bytes) -> None:
        draft = self.folder / "head.draft"
        draft.unlink(missing_ok=True)
        store(draft, raw, mode=0o600)
        draft.replace(self.folder / "head.json")
        flush_folder(self.folder)

    def _read(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise AuditError(
                f"The signed checkpoint {path} cannot be read: {error.strerror}. Without it nobody knows "
                "whether the log is whole, so nothing is served.",
                hint="Put the folder back, or set ALLEVIATE_CHECKPOINTS to where it lies.",
            ) from None

    @contextmanager
    def _written(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise AuditError(
                f"The audit's checkpoints cannot be written to {self.folder}: {error.strerror}.",
                hint="Make room or give the right to write there; until then nothing is served.",
            ) from None


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def folder_for(location: str | Path) -> Path:
    """Where the checkpoints of the vault at ``location`` lie.

    ``ALLEVIATE_CHECKPOINTS`` where that is set; else beside the vault's file (``<vault>.checkpoints``); for
    PostgreSQL in a folder named after the database, under the user's home.
    """
    if chosen := os.environ.get("ALLEVIATE_CHECKPOINTS"):
        return Path(chosen).expanduser().absolute()
    if isinstance(location, Path) or not location.startswith(("postgresql", "postgres:")):
        return Path(f"{location}.checkpoints").absolute()
    url = sa.make_url(location)
    place = f"{url.host or url.query.get('host')}:{url.port or 5432}/{url.database}"
    return home() / "checkpoints" / f"{url.database}-{hashlib.sha256(place.encode()).hexdigest()[:8]}"
