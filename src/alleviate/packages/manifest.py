"""What a package says of itself: where it comes from, and every file with its hash."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from alleviate.packages.canonical import from_json
from alleviate.terms.errors import PackageError

__all__ = ["FORMAT", "SEAL", "FileSeal", "Kind", "Manifest", "Origin", "manifest_from_json"]

FORMAT = 1
"""Version of the layout of a package."""

SEAL = ("manifest.json", "manifest.sig", "signer.pem")
"""The files that seal the others: the list, the Ed25519 signature of its bytes, the signer's public key."""

Kind = Literal["course", "prognosis", "rule", "screening", "stages"]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class FileSeal:
    """SHA-256 (hex) and size in bytes of one file."""

    sha256: str
    size: int

    @classmethod
    def of(cls, data: bytes) -> "FileSeal":
        return cls(hashlib.sha256(data).hexdigest(), len(data))


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a package comes from. ``fingerprint``: SHA-256 of the data as read.

    ``versions``: of Alleviate and of every format that a model is stored in.
    """

    kind: Kind
    study: str
    seed: int
    fingerprint: str
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Manifest:
    """``manifest.json``. ``files`` leaves out the seal; ``signer`` is the fingerprint of the signing key.

    Raises ``ValueError`` for a file name that is not lower-case letters, digits, dots, dashes, underscores.
    """

    format: int
    origin: Origin
    files: Mapping[str, FileSeal]
    signer: str

    def __post_init__(self) -> None:
        for name in self.files:
            if not _NAME.fullmatch(name) or name in SEAL:
                raise ValueError(f"{name!r} cannot be the name of a file in a package")


@dataclass(frozen=True, slots=True)
class _Versioned:
    format: int


def manifest_from_json(raw: bytes) -> Manifest:
    """The manifest that ``raw`` spells. Raises ``PackageError``, for a format other than ours too."""
    if (found := from_json(raw, _Versioned, name="manifest.json").format) != FORMAT:
        raise PackageError(
            f"The package has format {found}; this version of Alleviate reads format {FORMAT}.",
            hint="Read it with the version that made it, or run `alleviate learn` again with this one.",
        )
    return from_json(raw, Manifest, name="manifest.json")
