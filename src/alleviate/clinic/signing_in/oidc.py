"""Sign-in by an identity provider: OpenID Connect Core 1.0, code flow, PKCE (RFC 7636), state and nonce."""

import hashlib
import hmac
import secrets
import threading
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import jwt
import msgspec

from alleviate.clinic.services import Services
from alleviate.clinic.signing_in.providers import Provider
from alleviate.terms.errors import DataError
from alleviate.vault.accounts import Subject

__all__ = ["Flow", "begin", "finish"]

_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures that only the provider can make. ``none`` and every HMAC are refused."""

_HOLDS = timedelta(minutes=10)
_LEEWAY = 30  # seconds by which the provider's clock may be off
_SECONDS = 5.0
_LARGEST = 1_000_000
_FRESH = 3600.0
_TICKET = "oidc"


class Flow(msgspec.Struct, frozen=True):
    """What we remember between leaving and coming back. ``account``: whom to link, or "" to sign in."""

    provider: str
    nonce: str
    verifier: str
    next: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class _Told:
    """What the provider says of itself, and its keys, as read at ``at``."""

    authorization: str
    token: str
    basic: bool
    keys: jwt.PyJWKSet
    at: float


def begin(services: Services, provider: Provider, *, next: str = "", account: str = "") -> tuple[str, str]:
    """Where the browser goes, and the state that it must bring back. Raises DataError."""
    told = _told(services, provider)
    now = services.clock()
    flow = Flow(provider.id, secrets.token_urlsafe(32), secrets.token_urlsafe(48), next, account)
    state = services.accounts.keep(_TICKET, flow, now, now + _HOLDS)
    challenge = urlsafe_b64encode(hashlib.sha256(flow.verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": _back(services, provider),
        "scope": provider.scope,
        "state": state,
        "nonce": flow.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    sign = "&" if "?" in told.authorization else "?"
    return f"{told.authorization}{sign}{urlencode(asked)}", state


def finish(
    services: Services, provider: Provider, state: str, code: str, issuer: str = ""
) -> tuple[Flow, Subject]:
    """Whom the provider names. The caller has seen that the state is this browser's.

    ``issuer``: who answered, where the provider says so (RFC 9207). Raises DataError.
    """
    flow = services.accounts.take(_TICKET, state, Flow, services.clock())
    if flow is None or flow.provider != provider.id or issuer not in ("", provider.issuer):
        raise _refused()
    told = _told(services, provider)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": _back(services, provider),
        "client_id": provider.client_id,
        "code_verifier": flow.verifier,
    }
    basic = (provider.client_id, provider.client_secret) if told.basic and provider.client_secret else None
    if provider.client_secret and basic is None:
        form["client_secret"] = provider.client_secret
    answer = _fetched("POST", told.token, data=form, auth=basic)
    token = answer.get("id_token")
    if not isinstance(token, str):
        raise _refused()
    return flow, _subject(services, provider, told, token, flow.nonce)


def _subject(services: Services, provider: Provider, told: _Told, token: str, nonce: str) -> Subject:
    try:
        claims = jwt.decode(
            token,
            _key(services, provider, told, token),
            algorithms=_ALGORITHMS,
            audience=provider.client_id,
            issuer=provider.issuer,
            leeway=_LEEWAY,
            options={"require": ["iss", "sub", "aud", "exp", "iat", "nonce"], "strict_aud": False},
        )
    except (jwt.InvalidTokenError, jwt.PyJWKError):
        raise _refused() from None
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    said = claims["nonce"]
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
        raise _refused()
    if (several or "azp" in claims) and claims.get("azp") != provider.client_id:
        raise _refused()
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise _refused()
    return Subject(provider.issuer, claims["sub"])


def _key(services: Services, provider: Provider, told: _Told, token: str) -> jwt.PyJWK:
    """The provider's key that the token names; its keys are read again where it is a new one."""
    name = jwt.get_unverified_header(token).get("kid")
    for keys in (told.keys, None):
        found = keys if keys is not None else _told(services, provider, anew=True).keys
        usable = [key for key in found.keys if key.public_key_use in (None, "sig")]
        named = [key for key in usable if key.key_id == name]
        if named:
            return named[0]
        if name is None and len(usable) == 1:
            return usable[0]
    raise jwt.InvalidTokenError


_lock = threading.Lock()


def _told(services: Services, provider: Provider, *, anew: bool = False) -> _Told:
    """Kept for an hour for the process; read again at most once in ten seconds."""
    kept: dict[str, _Told] = services.kept.setdefault("oidc", {})
    with _lock:
        found = kept.get(provider.id)
        age = time.monotonic() - found.at if found else _FRESH
        if found is None or age >= _FRESH or (anew and age >= 10):
            found = kept[provider.id] = _read(provider)
    return found


def _read(provider: Provider) -> _Told:
    said = _fetched("GET", provider.issuer.rstrip("/") + "/.well-known/openid-configuration")
    if said.get("issuer") != provider.issuer:
        raise _unreachable()
    ways = said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    try:
        keys = jwt.PyJWKSet.from_dict(_fetched("GET", _address(provider, said.get("jwks_uri"))))
    except (jwt.PyJWKSetError, jwt.PyJWKError, KeyError):
        raise _unreachable() from None
    return _Told(
        authorization=_address(provider, said.get("authorization_endpoint")),
        token=_address(provider, said.get("token_endpoint")),
        basic="client_secret_basic" in ways,
        keys=keys,
        at=time.monotonic(),
    )


def _address(provider: Provider, text: object) -> str:
    """As safe as the issuer's own: https, or this machine where the issuer is on it."""
    parts = urlsplit(text) if isinstance(text, str) else None
    own = urlsplit(provider.issuer)
    if parts is None:
        raise _unreachable()
    same = (own.scheme, own.hostname) == (parts.scheme, parts.hostname)
    if parts.scheme != "https" and not same:
        raise _unreachable()
    return str(text)


def _fetched(method: str, address: str, **sent: Any) -> dict[str, Any]:
    """A JSON object from the provider; no redirect is followed, nothing large is read."""
    try:
        with (
            httpx.Client(timeout=_SECONDS, follow_redirects=False, trust_env=False) as client,
            client.stream(method, address, headers={"Accept": "application/json"}, **sent) as answer,
        ):
            body = b""
            for part in answer.iter_bytes():
                body += part
                if len(body) > _LARGEST:
                    raise _unreachable()
            if answer.status_code != 200:
                raise _refused() if method == "POST" else _unreachable()
    except httpx.HTTPError:
        raise _unreachable() from None
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError:
        raise _unreachable() from None


def _back(services: Services, provider: Provider) -> str:
    return f"{services.settings.base_url}/sign-in/with/{provider.id}/back"


def _refused() -> DataError:
    return DataError("The sign-in service did not say who you are.", hint="Sign in again.")


def _unreachable() -> DataError:
    return DataError("The sign-in service cannot be reached now.", hint="Try again in a few minutes.")
