"""One-time codes from an authenticator app (RFC 6238): six digits, 30 seconds, each holds once."""

import io
import os
from base64 import b32encode
from datetime import datetime, timedelta

import segno
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from alleviate.vault.accounts import Accounts

__all__ = ["STEP", "accepted", "code_at", "new_secret", "picture", "spelled", "uri"]

STEP = 30
"""Seconds that a code holds."""

_DIGITS = 6
_BYTES = 20
_DRIFT = (0, -1, 1)
"""Steps by which a phone's clock may be off."""


def new_secret() -> bytes:
    return os.urandom(_BYTES)


def code_at(secret: bytes, moment: datetime) -> str:
    """What the app shows at this moment."""
    return _totp(secret).generate(moment.timestamp()).decode()


def accepted(accounts: Accounts, account_id: str, secret: bytes, code: str, now: datetime) -> bool:
    """Whether the code is right, and was not used before."""
    digits = "".join(code.split())
    if not secret or len(digits) != _DIGITS or not (digits.isascii() and digits.isdigit()):
        return False
    for drift in _DRIFT:
        moment = now + timedelta(seconds=STEP * drift)
        if code_at(secret, moment) == digits:
            step = int(moment.timestamp()) // STEP
            until = now + timedelta(seconds=STEP * (2 * len(_DRIFT)))
            return accounts.spend("totp", f"{account_id} {step}", until, now)
    return False


def uri(secret: bytes, login: str, clinic: str) -> str:
    """What the app reads out of the picture."""
    return _totp(secret).get_provisioning_uri(login, clinic)


def picture(secret: bytes, login: str, clinic: str) -> bytes:
    """A QR code for the app, as PNG."""
    found = io.BytesIO()
    segno.make(uri(secret, login, clinic), error="m", micro=False).save(found, kind="png", scale=5, border=4)
    return found.getvalue()


def spelled(secret: bytes) -> str:
    """For who cannot take a picture of it: in groups of four letters."""
    text = b32encode(secret).decode().rstrip("=")
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def _totp(secret: bytes) -> TOTP:
    return TOTP(secret, _DIGITS, SHA1(), STEP)  # SHA-1 is what every app reads; as HMAC it still holds
