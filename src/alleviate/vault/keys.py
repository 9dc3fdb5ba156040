"""The master key: 32 random bytes that wrap every other key, from the environment or a file of its owner's.

``ALLEVIATE_KEY`` holds it as base64; so does a key file, on one line, readable by its owner alone: the one
that ``ALLEVIATE_KEY_FILE`` names, else ``vault.key`` at home.
Whoever loses it loses the vault; whoever else has it and the vault's files can read everything.
"""

import binascii
import hashlib
import os
import secrets
import stat
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from alleviate.packages.durable import flush_folder, store
from alleviate.packages.keys import home
from alleviate.terms.errors import VaultError

__all__ = ["KEY_BYTES", "MasterKey", "key_path", "load_master", "make_key_file"]

KEY_BYTES = 32

_FEWEST_DISTINCT = 18
"""Of 32 random bytes about 30 differ; fewer than 18 do once in 10^14 keys."""

_VARIABLE = "ALLEVIATE_KEY"
_FILE_VARIABLE = "ALLEVIATE_KEY_FILE"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_MAKE = "Make a key with: alleviate vault init"
_LONGEST_FILE = 1024


@dataclass(frozen=True, slots=True)
class MasterKey:
    """32 random bytes, shown by neither ``repr`` nor errors. Raises ``VaultError`` for a guessable key."""

    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.key) != KEY_BYTES:
            raise VaultError(f"A master key is {KEY_BYTES} bytes, got {len(self.key)}.", hint=_MAKE)
        if _guessable(self.key):
            raise VaultError(
                f"A master key is {KEY_BYTES} random bytes, but these could be guessed: they are text, "
                "repeat themselves or count.",
                hint=_MAKE,
            )

    def __repr__(self) -> str:
        return f"MasterKey({self.id})"

    @property
    def id(self) -> str:
        """16 hex digits that name the key in public: they say which one it is, and nothing about it."""
        return hashlib.sha256(b"alleviate master key\0" + self.key).hexdigest()[:16]

    @classmethod
    def generate(cls) -> "MasterKey":
        return cls(secrets.token_bytes(KEY_BYTES))


def load_master(key_file: Path | None = None) -> MasterKey:
    """The key in ``key_file``; without one, that of ``ALLEVIATE_KEY``; else that in ``key_path()``.

    A file that is named wins over the environment, since rotation has to tell two keys apart.
    Raises ``VaultError`` where there is none, others can read the file, or it is no key.
    """
    if key_file is None and (text := os.environ.get(_VARIABLE)):
        return _parsed(text, _VARIABLE)
    path = key_file or key_path()
    return _parsed(_owners_text(path), str(path))


def key_path() -> Path:
    """Where the key lies that is neither named nor in ``ALLEVIATE_KEY``."""
    chosen = os.environ.get(_FILE_VARIABLE)
    return Path(chosen).expanduser().absolute() if chosen else home() / "vault.key"


def make_key_file(path: Path) -> Path:
    """Write a new random key where no file is, for its owner only, and wait until the disk has it.

    Raises ``VaultError`` where a file is already: it may be the only copy of another vault's key.
    """
    line = b64encode(MasterKey.generate().key) + b"\n"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        store(path, line, mode=0o600)
        flush_folder(path.parent)
    except OSError as error:
        if isinstance(error, FileExistsError) and path.exists():
            raise VaultError(
                f"{path} exists already; a key file is never overwritten.",
                hint="Use that key, or name another file with --key-file.",
            ) from None
        raise VaultError(
            f"The key file {path} cannot be written: {error.strerror}.", hint="Name another with --key-file."
        ) from None
    return path


def _owners_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if found.st_mode & _OTHERS:
                mode = stat.S_IMODE(found.st_mode)
                raise VaultError(
                    f"The key file {path} is to be its owner's alone, but others can reach it ({mode:04o}).",
                    hint=f"Run: chmod 600 '{path}'",
                )
            return file.read(_LONGEST_FILE).decode("ascii", "replace")
    except FileNotFoundError:
        missing = f"There is no key: {_VARIABLE} is not set, and no file is at {path}."
        raise VaultError(missing, hint=_MAKE) from None
    except OSError as error:
        raise VaultError(f"The key file {path} cannot be read: {error.strerror}.", hint=_MAKE) from None


def _parsed(text: str, where: str) -> MasterKey:
    try:
        key = b64decode(text.strip().encode(), validate=True)
    except binascii.Error:
        raise VaultError(f"{where} is not base64 of {KEY_BYTES} bytes.", hint=_MAKE) from None
    try:
        return MasterKey(key)
    except VaultError as error:
        raise VaultError(f"{where}: {error.message}", hint=error.hint) from None


def _guessable(key: bytes) -> bool:
    steps = {(after - before) % 256 for before, after in pairwise(key)}
    return len(set(key)) < _FEWEST_DISTINCT or len(steps) == 1 or all(0x20 <= byte < 0x7F for byte in key)
