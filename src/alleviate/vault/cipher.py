"""A field's cipher: AES-256-GCM under the patient's key, bound to its patient and column; and blind search.

A sealed field is ``version | 12-byte random nonce | ciphertext and 16-byte tag``. The additional data name
the version, patient and column, each with its length, so that a sealed field opens nowhere but where it was
put. A random nonce repeats with probability 2^-32 only after 2^32 fields of one patient.
"""

import hashlib
import hmac
import os
import unicodedata
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from alleviate.terms.errors import VaultError

__all__ = ["OVERHEAD", "blind_index", "forget", "normalised", "seal", "unseal"]

_VERSION = b"\x01"
_NONCE = 12
OVERHEAD = len(_VERSION) + _NONCE + 16
"""Bytes by which a sealed field is longer than its text."""

_aead = lru_cache(maxsize=16384)(AESGCM)


@lru_cache(maxsize=16384)
def _bound(patient: str, column: str) -> bytes:
    parts = (patient.encode(), column.encode())
    return _VERSION + b"".join(len(part).to_bytes(4) + part for part in parts)


def seal(key: bytes, patient: str, column: str, plaintext: bytes) -> bytes:
    """``plaintext`` under the patient's 32-byte ``key``; two seals of one text differ."""
    nonce = os.urandom(_NONCE)
    return _VERSION + nonce + _aead(key).encrypt(nonce, plaintext, _bound(patient, column))


def unseal(key: bytes, patient: str, column: str, sealed: bytes) -> bytes:
    """What ``seal`` was given. Raises ``VaultError`` where a byte, the patient, column or key differs."""
    if len(sealed) < OVERHEAD or sealed[:1] != _VERSION:
        raise VaultError(
            f"A sealed {column} is at least {OVERHEAD} bytes and starts with version 1; this one does not.",
            hint="Restore the vault from a backup, or open it with the version that wrote it.",
        )
    try:
        return _aead(key).decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], _bound(patient, column))
    except InvalidTag:
        raise VaultError(
            f"A sealed {column} does not open: it was changed, moved, or sealed with another key.",
            hint="Run `alleviate audit verify`, and restore the vault from a backup.",
        ) from None


def blind_index(index_key: bytes, field: str, value: str, *, exact: bool = False) -> bytes:
    """32 bytes by which a value is found without being stored: HMAC-SHA256 of the field and the value.

    Values that ``normalised`` makes equal are equal here; ``exact=True`` takes the value as it is, for ids,
    where ``a1`` and ``A1`` are two patients. Whoever sees the index learns which rows are equal, no more.
    """
    name = field.encode()
    text = (value if exact else normalised(value)).encode()
    return hmac.digest(index_key, bytes([exact]) + len(name).to_bytes(4) + name + text, hashlib.sha256)


def normalised(value: str) -> str:
    """Compatibility caseless form (Unicode D146), with white space trimmed and single.

    ``" Ａnna  MÜLLER"`` and ``"anna müller"`` become the same; ``ü`` and ``u`` do not.
    """
    if value.isascii():
        return " ".join(value.lower().split())
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", value).casefold())
    return " ".join(unicodedata.normalize("NFKC", folded.casefold()).split())


def forget() -> None:
    """Drop the keys that are kept ready in memory; the next use makes them ready again."""
    _aead.cache_clear()
    _bound.cache_clear()
