"""Recovery codes: for the day on which the phone is gone. Each holds once."""

import hashlib
import hmac
import secrets

from alleviate.vault.accounts import Credentials

__all__ = ["COUNT", "hash_of", "new_codes", "without"]

COUNT = 10
_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
_LENGTH = 12  # 59 bits


def new_codes() -> list[str]:
    """As they are shown, once: ``abcd-efgh-jkmn``."""
    return [_grouped("".join(secrets.choice(_SIGNS) for _ in range(_LENGTH))) for _ in range(COUNT)]


def hash_of(code: str) -> bytes:
    """As it is kept: what is this random needs no slow hash."""
    plain = "".join(sign for sign in code.lower() if sign.isalnum())
    return hashlib.sha256(b"alleviate recovery 1\0" + plain.encode()).digest()


def without(credentials: Credentials, code: str) -> tuple[bytes, ...] | None:
    """The hashes that are left once this code is used; None where it is not one of them."""
    wanted = hash_of(code)
    left = tuple(kept for kept in credentials.recovery if not hmac.compare_digest(kept, wanted))
    return left if len(left) < len(credentials.recovery) else None


def _grouped(code: str) -> str:
    return "-".join(code[start : start + 4] for start in range(0, _LENGTH, 4))
