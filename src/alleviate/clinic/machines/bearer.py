"""Which system calls: by the token of a request's Authorization header, of three kinds and no other.

A JWT that a CDS client signs for the one endpoint it calls; a short token that a backend service was given
for its signed assertion; or a token that we made for a system that cannot sign.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import timedelta
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request

from alleviate.clinic.machines.keysets import KeySets
from alleviate.clinic.machines.outside import Outside, OutsideError
from alleviate.clinic.machines.scopes import scope_of
from alleviate.clinic.machines.statements import Statement, UnprovenError, opened, proven
from alleviate.clinic.services import Services
from alleviate.clinic.who import Who
from alleviate.vault.accounts import Client

__all__ = ["CDS_SCOPE", "Granted", "check_signed", "key_sets", "of_bearer", "outside", "own_token"]

CDS = "/cds-services"
CDS_SCOPE = "cds"
"""What a system that cannot sign is registered for, besides scopes of FHIR."""

LONGEST_CDS = timedelta(hours=1)
_OWN = "alv~"
_ACTIONS = {
    "r": ("fhir.read", "fhir.export"),
    "s": ("fhir.read",),
    "c": ("fhir.write",),
    "u": ("fhir.write",),
}


class Granted(msgspec.Struct, frozen=True):
    """What a short token stands for."""

    client: str
    scopes: tuple[str, ...]


def of_bearer(request: Request, services: Services) -> Who:
    """Raises UnprovenError, which says in one line what is wrong with the token."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise UnprovenError("The Authorization header holds no bearer token.", hint="Authorization: Bearer …")
    if token.startswith(_OWN):
        return _own(services, token)
    if token.count(".") == 2:
        return _signed(request, services, token)
    return _given(services, token)


def own_token(client_id: str) -> tuple[str, str]:
    """A token for a system that cannot sign, to be shown once, and the hash of it that is kept."""
    token = f"{_OWN}{client_id}~{secrets.token_urlsafe(32)}"
    return token, _digest(token)


def outside(services: Services) -> Outside:
    """What asks other systems, as the settings permit."""
    return Outside(private=services.settings.private_addresses)


def key_sets(services: Services) -> KeySets:
    """Those that this process holds."""
    found: KeySets = services.kept.setdefault("machines.keys", KeySets(outside(services)))
    return found


def check_signed(
    services: Services,
    statement: Statement,
    client: Client | None,
    *,
    audience: str,
    longest: timedelta,
    subject: str | None = None,
) -> Client:
    """The client, where the statement proves that it is. Raises UnprovenError."""
    if client is None or client.disabled:
        raise UnprovenError("The token's issuer is not registered here.", hint="Ask the administrator.")
    if statement.jku and statement.jku != client.jwks_url:
        raise UnprovenError(
            "The token's jku is not the registered one.", hint="Leave it out, or register it."
        )
    try:
        key = key_sets(services).find(client.jwks, client.jwks_url, statement.kid, statement.algorithm)
    except OutsideError as error:
        raise UnprovenError(f"The system's keys cannot be had: {error.message}", hint=error.hint) from None
    if key is None:
        raise UnprovenError("The token's key is not known for this system.", hint="Check kid and alg.")
    now = services.clock()
    proven(
        statement,
        key,
        audience=audience,
        now=now,
        longest=longest,
        subject=subject,
        spend=lambda jti, until: services.accounts.spend("jti", f"{client.id}\n{jti}", until, now),
    )
    return client


def _signed(request: Request, services: Services, token: str) -> Who:
    path = _path(request, services)
    if path != CDS and not path.startswith(f"{CDS}/"):
        raise UnprovenError(
            "A signed token opens CDS Hooks only.", hint="Ask /oauth/token for one that opens FHIR."
        )
    statement = opened(token)
    client = services.accounts.client_of(statement.issuer)
    if client is not None and client.kind != "cds":
        client = None
    audience = services.settings.base_url.rstrip("/") + path
    client = check_signed(services, statement, client, audience=audience, longest=LONGEST_CDS)
    return Who(actor=client.actor, role="integrator", limits=frozenset({"cds.call"}))


def _path(request: Request, services: Services) -> str:
    """As the client wrote it, below the clinic's own base."""
    return urlsplit(str(request.url)).path


def _given(services: Services, token: str) -> Who:
    granted = services.accounts.look("access", token, Granted, services.clock())
    client = services.accounts.client(granted.client) if granted else None
    if granted is None or client is None or client.disabled:
        raise UnprovenError("The token is not known, or has expired.", hint="Ask /oauth/token for another.")
    return _who(client, granted.scopes)


def _own(services: Services, token: str) -> Who:
    client = services.accounts.client(token.split("~")[1][:64])
    kept = client.secret_hash if client and not client.disabled else ""
    if not hmac.compare_digest(_digest(token), kept or "0" * 64) or client is None or not kept:
        raise UnprovenError("The token is not known, or was taken back.", hint="Ask the administrator.")
    return _who(client, client.scopes)


def _who(client: Client, scopes: Iterable[str]) -> Who:
    scopes = frozenset(scopes)
    rights = {right for text in scopes - {CDS_SCOPE} for right in scope_of(text).rights}
    limits = {action for right in rights for action in _ACTIONS.get(right, ())}
    if CDS_SCOPE in scopes:
        limits.add("cds.call")
    return Who(actor=client.actor, role="integrator", scopes=scopes, limits=frozenset(limits))


def _digest(token: str) -> str:
    """A token of 32 random bytes needs no slow hash."""
    return hashlib.sha256(b"alleviate system 1\0" + token.encode()).hexdigest()
