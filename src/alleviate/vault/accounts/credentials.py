"""What somebody signs in with. Stored sealed as a whole, and changed only by who has seen what stands."""

from datetime import datetime

import msgspec

__all__ = ["Credentials", "Passkey", "Subject"]


class Passkey(msgspec.Struct, frozen=True, kw_only=True):
    """A key pair of which the private half never leaves somebody's device. ``uses``: as the device counts."""

    id: bytes
    public_key: bytes
    uses: int
    name: str
    added: datetime
    transports: tuple[str, ...] = ()


class Subject(msgspec.Struct, frozen=True):
    """Who they are at an identity provider."""

    issuer: str
    sub: str


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """``password``: an argon2 hash, or "" where nobody can sign in by password. ``one_time_until``: where not
    None the password was given by another, holds until then and must be changed. ``totp``: the secret.
    ``recovery``: hashes of the codes that are left. ``version``: how often they were changed.
    """

    password: str = ""
    changed: datetime | None = None
    one_time_until: datetime | None = None
    totp: bytes = b""
    passkeys: tuple[Passkey, ...] = ()
    recovery: tuple[bytes, ...] = ()
    subjects: tuple[Subject, ...] = ()
    version: int = 0

    def __repr__(self) -> str:  # what signs in shows up in no log
        return f"Credentials(version={self.version})"

    @property
    def second_factor(self) -> bool:
        """Whether a password alone does not sign in."""
        return bool(self.totp or self.passkeys)
