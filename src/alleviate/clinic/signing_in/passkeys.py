"""Passkeys (WebAuthn): made for an account, and signed in with, alone or after a password."""

import json
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import msgspec
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from alleviate.clinic.services import Services
from alleviate.clinic.settings import Settings
from alleviate.terms.errors import ConflictError, DataError
from alleviate.vault.accounts import Account, Credentials, Passkey

__all__ = ["add", "open_here", "to_create", "to_sign_in", "used"]

_HOLDS = timedelta(minutes=5)
_MOST = 10
_UNREADABLE = (WebAuthnException, KeyError, TypeError, ValueError, AttributeError, IndexError)
"""What is said of an answer that is not a passkey's, wherever it first fails to be one."""


class _Challenge(msgspec.Struct, frozen=True):
    """``account``: whose it must be; "" where anybody's may sign in, who then proves more than a touch."""

    account: str
    challenge: bytes


def open_here(settings: Settings) -> bool:
    """Whether browsers make passkeys for this address: they do for names, and for no number."""
    host = urlsplit(settings.base_url).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return True
    return False


def to_create(services: Services, account: Account, credentials: Credentials) -> dict[str, Any]:
    """What the browser is asked for, and the ticket that goes back with its answer."""
    options = generate_registration_options(
        rp_id=_party(services.settings),
        rp_name=services.settings.name,
        user_id=account.id.encode(),
        user_name=account.login,
        user_display_name=account.name,
        exclude_credentials=_described(credentials),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
    )
    return _kept(services, "passkey-create", account.id, options)


def add(services: Services, account: Account, ticket: str, answer: str, name: str) -> Credentials:
    """Raises DataError for an answer that is not to our question."""
    asked = _taken(services, "passkey-create", ticket)
    if asked is None or asked.account != account.id:
        raise _refused()
    try:
        found = verify_registration_response(
            credential=answer,
            expected_challenge=asked.challenge,
            expected_rp_id=_party(services.settings),
            expected_origin=services.settings.base_url,
            require_user_verification=True,
        )
    except _UNREADABLE:
        raise _refused() from None
    credentials = services.accounts.credentials(account.id)
    if len(credentials.passkeys) >= _MOST:
        raise DataError(f"An account has at most {_MOST} passkeys.", hint="Remove one first.")
    passkey = Passkey(
        id=found.credential_id,
        public_key=found.credential_public_key,
        uses=found.sign_count,
        name=_named(name, credentials),
        added=services.clock(),
        transports=_transports(answer),
    )
    others = tuple(each for each in credentials.passkeys if each.id != passkey.id)
    return services.accounts.set_credentials(
        account.id,
        msgspec.structs.replace(credentials, passkeys=(*others, passkey)),
        seen=credentials.version,
        what="passkey-added",
    )


def to_sign_in(services: Services, account: Account | None = None) -> dict[str, Any]:
    """As `to_create`. ``account`` None: whose it is the passkey says, and it must have asked for more than
    a touch: a finger, a face, a PIN."""
    allowed = _described(services.accounts.credentials(account.id)) if account else []
    options = generate_authentication_options(
        rp_id=_party(services.settings),
        allow_credentials=allowed,
        user_verification=UserVerificationRequirement.PREFERRED
        if account
        else UserVerificationRequirement.REQUIRED,
    )
    return _kept(services, "passkey-get", account.id if account else "", options)


def used(services: Services, ticket: str, answer: str, account_id: str = "") -> Account | None:
    """Whose passkey signed this; None where nothing says so. ``account_id``: whose it must be, if known."""
    asked = _taken(services, "passkey-get", ticket)
    if asked is None or asked.account != account_id:
        return None
    try:
        found = json.loads(answer)
        name = base64url_to_bytes(found["rawId"])
        handle = base64url_to_bytes(found["response"].get("userHandle") or "").decode()
    except _UNREADABLE:
        return None
    account = services.accounts.get(account_id or handle)
    if account is None or account.disabled or (handle and handle != account.id):
        return None
    return account if _signed(services, account, asked, name, answer) else None


def _signed(services: Services, account: Account, asked: _Challenge, name: bytes, answer: str) -> bool:
    credentials = services.accounts.credentials(account.id)
    passkey = next((each for each in credentials.passkeys if each.id == name), None)
    if passkey is None:
        return False
    try:
        found = verify_authentication_response(
            credential=answer,
            expected_challenge=asked.challenge,
            expected_rp_id=_party(services.settings),
            expected_origin=services.settings.base_url,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.uses,
            require_user_verification=not asked.account,
        )
    except _UNREADABLE:  # a count that went back, too: somebody may have copied it
        return False
    if found.new_sign_count != passkey.uses:
        counted = msgspec.structs.replace(passkey, uses=found.new_sign_count)
        kept = tuple(counted if each.id == name else each for each in credentials.passkeys)
        changed = msgspec.structs.replace(credentials, passkeys=kept)
        try:
            services.accounts.set_credentials(
                account.id, changed, seen=credentials.version, what="passkey-used"
            )
        except ConflictError:
            return False
    return True


def _kept(services: Services, kind: str, account: str, options: Any) -> dict[str, Any]:
    now: datetime = services.clock()
    ticket = services.accounts.keep(kind, _Challenge(account, options.challenge), now, now + _HOLDS)
    return {"ticket": ticket, "options": json.loads(options_to_json(options))}


def _taken(services: Services, kind: str, ticket: str) -> _Challenge | None:
    return services.accounts.take(kind, ticket, _Challenge, services.clock())


def _described(credentials: Credentials) -> list[PublicKeyCredentialDescriptor]:
    known = {each.value for each in AuthenticatorTransport}
    return [
        PublicKeyCredentialDescriptor(
            id=each.id, transports=[AuthenticatorTransport(way) for way in each.transports if way in known]
        )
        for each in credentials.passkeys
    ]


def _transports(answer: str) -> tuple[str, ...]:
    said = json.loads(answer)["response"].get("transports") or []
    known = {each.value for each in AuthenticatorTransport}
    return tuple(way for way in said if way in known) if isinstance(said, list) else ()


def _named(name: str, credentials: Credentials) -> str:
    plain = "".join(sign for sign in name.strip() if sign.isprintable())[:60]
    return plain or f"Passkey {len(credentials.passkeys) + 1}"


def _party(settings: Settings) -> str:
    return urlsplit(settings.base_url).hostname or ""


def _refused() -> DataError:
    return DataError("This passkey could not be checked.", hint="Open the page again and try once more.")
