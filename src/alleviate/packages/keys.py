"""Who signed a package, and whom this machine believes.

``ALLEVIATE_HOME`` (default ``$XDG_CONFIG_HOME/alleviate``, else ``~/.config/alleviate``) holds
``signing.key``, made at first use, and ``trusted/*.pem``, the public keys of others. A package brings its
signer's public key along to name it; whether to believe it is decided here alone.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from alleviate.packages.durable import flush_folder, locked, store
from alleviate.terms.errors import InputError

__all__ = ["fingerprint", "home", "public_from_pem", "public_pem", "signing_key", "trust", "trusted"]


_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@contextmanager
def _at_home() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"The keys in {home()} cannot be reached: {error.strerror}.",
            hint="Set ALLEVIATE_HOME to a folder of your own.",
        ) from error


def home() -> Path:
    """Where this person's keys lie; it need not exist yet."""
    if chosen := os.environ.get("ALLEVIATE_HOME"):
        return Path(chosen).expanduser().absolute()
    config = os.environ.get("XDG_CONFIG_HOME")
    return (Path(config) if config else Path.home() / ".config") / "alleviate"


@_at_home()
def signing_key() -> Ed25519PrivateKey:
    """This machine's own key, made at first use. Raises ``InputError`` where others may read or change it."""
    place = _keep(home())
    path = place / "signing.key"
    with locked(place):
        if not path.exists():
            key = Ed25519PrivateKey.generate()
            _put(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return _own_key(path)


@_at_home()
def trust(pem: bytes) -> str:
    """Believe packages signed by this key from now on; returns its fingerprint. Raises ``InputError``."""
    public = public_from_pem(pem, name="The key")
    place = _keep(_keep(home()) / "trusted")
    with locked(place):
        _put(place / f"{fingerprint(public)}.pem", public_pem(public))
    return fingerprint(public)


@_at_home()
def trusted() -> Mapping[bytes, Ed25519PublicKey]:
    """The keys that this machine believes, by their PEM: its own, if it has one, and those in ``trusted/``.

    Raises ``InputError`` for a key that cannot be read or a folder that others could add one to.
    """
    place, keys = home(), []
    for folder in (place, place / "trusted"):
        if folder.exists():
            _refuse_open(folder, _OTHERS_WRITE, "changed by others", "go-w")
    if (own := place / "signing.key").exists():
        keys.append(_own_key(own).public_key())
    others = sorted((place / "trusted").glob("*.pem"))
    keys += [public_from_pem(path.read_bytes(), name=str(path)) for path in others]
    return {public_pem(key): key for key in keys}


def fingerprint(public: Ed25519PublicKey) -> str:
    """32 hex digits that name a key: the first half of SHA-256 of its raw 32 bytes.

    128 bits cannot be hit by a second key, and are short enough to read out on the telephone.
    """
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()[:32]


def public_pem(public: Ed25519PublicKey) -> bytes:
    """The one PEM spelling of a public key (113 bytes)."""
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def public_from_pem(pem: bytes, *, name: str) -> Ed25519PublicKey:
    """The key that ``pem`` spells; an error calls it ``name``. Raises ``InputError``."""
    with suppress(ValueError, UnsupportedAlgorithm):
        public = load_pem_public_key(pem)
        if isinstance(public, Ed25519PublicKey):
            return public
    raise InputError(
        f"{name} is not an Ed25519 public key in PEM.",
        hint="Use the signer.pem of a package that you believe.",
    )


def _own_key(path: Path) -> Ed25519PrivateKey:
    _refuse_open(path, _OTHERS, "read by others", "go-rwx")
    with suppress(ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it asks for a password
        key = load_pem_private_key(path.read_bytes(), password=None)
        if isinstance(key, Ed25519PrivateKey):
            return key
    raise InputError(
        f"{path} is not an Ed25519 private key in PEM without a password.",
        hint="Put the right key back, or move this one away: a new one is made at the next study.",
    )


def _refuse_open(path: Path, forbidden: int, danger: str, remedy: str) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & forbidden:
        raise InputError(f"{path} can be {danger} (mode {mode:04o}).", hint=f"Run: chmod {remedy} '{path}'")


def _keep(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_open(folder, _OTHERS_WRITE, "changed by others", "go-w")
    return folder


def _put(path: Path, data: bytes) -> None:
    """Whole or not at all, under its folder's lock: what a killed process left half-done is thrown away."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    store(draft, data, mode=0o600)
    draft.replace(path)
    flush_folder(path.parent)
