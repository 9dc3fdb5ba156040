"""SMART App Launch, with us as the app: an EHR sends somebody here, with a patient open there.

Source: https://hl7.org/fhir/smart-app-launch/app-launch.html (PKCE with S256; OpenID Connect for who it is);
client-confidential-asymmetric.html where we have a key of our own there, else we are a public client. Only
EHRs that are registered, by the address of their FHIR server.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
import msgspec

from alleviate.clinic.machines.backend import ASSERTION, LIFETIME
from alleviate.clinic.machines.bearer import key_sets, outside
from alleviate.clinic.machines.outside import OutsideError
from alleviate.clinic.machines.statements import UnprovenError, check, opened
from alleviate.clinic.services import Services
from alleviate.terms.errors import RefusedError
from alleviate.vault.accounts import Client

__all__ = ["Launched", "Leaving", "come_back", "leave", "own_keys"]

_TICKET = "smart-launch"
_TIME = timedelta(minutes=10)
_LONGEST_ID_TOKEN = timedelta(hours=24)


class _Launch(msgspec.Struct, frozen=True):
    """What is kept while somebody is at the EHR's sign-in. ``browser``: hash of the cookie that binds it."""

    client: str
    browser: str
    verifier: str
    nonce: str
    token: str
    issuer: str
    keys: str


@dataclass(frozen=True, slots=True)
class Leaving:
    """Where the browser goes, and the cookie by which it is known when it comes back."""

    url: str
    browser: str


@dataclass(frozen=True, slots=True)
class Launched:
    """Who was signed in there (``issuer`` and ``subject``, or "" each) and whose record was open.

    ``patient``: the EHR's id, or ""; ``resource``: the Patient as the EHR has it, where it lets us read it.
    """

    issuer: str
    subject: str
    patient: str
    resource: dict[str, Any] | None


def leave(services: Services, iss: str, launch: str) -> Leaving:
    """To the EHR's sign-in. ``launch``: its word for what is open there; "" where we begin by ourselves.

    Raises RefusedError for an EHR that is not registered, OutsideError where it does not say how, or takes
    less than we need to be safe.
    """
    client = _registered(services, iss)
    base = client.issuer.rstrip("/")
    told = outside(services).get(f"{base}/.well-known/smart-configuration")
    authorize, token = (
        _address(services, told, "authorization_endpoint"),
        _address(services, told, "token_endpoint"),
    )
    keys = _address(services, told, "jwks_uri", needed=False)
    _expect(told, "code_challenge_methods_supported", "S256")
    if client.signing_key:
        _expect(told, "token_endpoint_auth_methods_supported", "private_key_jwt")
    now = services.clock()
    browser, verifier, nonce = (secrets.token_urlsafe(48) for _ in range(3))
    issuer = told.get("issuer")
    kept = _Launch(
        client.id,
        _hashed(browser),
        verifier,
        nonce,
        token,
        issuer if isinstance(issuer, str) else "",
        keys,
    )
    state = services.accounts.keep(_TICKET, kept, now, now + _TIME)
    scopes = client.scopes - {"launch", "launch/patient"} | {"launch" if launch else "launch/patient"}
    asked = {
        "response_type": "code",
        "client_id": client.id,
        "redirect_uri": _back(services),
        "scope": " ".join(sorted(scopes)),
        "state": state,
        "aud": client.issuer,
        "nonce": nonce,
        "code_challenge": urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        **({"launch": launch} if launch else {}),
    }
    return Leaving(f"{authorize}{'&' if urlsplit(authorize).query else '?'}{urlencode(asked)}", browser)


def come_back(services: Services, state: str, code: str, browser: str) -> Launched:
    """From the EHR's sign-in, once, in the browser that left. Raises RefusedError, OutsideError."""
    kept = services.accounts.take(_TICKET, state, _Launch, services.clock()) if state else None
    if kept is None or not hmac.compare_digest(kept.browser, _hashed(browser)) or not code:
        raise RefusedError("This launch has ended.", hint="Open the clinic from the other system again.")
    client = services.accounts.client(kept.client)
    if client is None or client.disabled:
        raise _unknown()
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": _back(services),
        "client_id": client.id,
        "code_verifier": kept.verifier,
        **_shown(client, kept.token, services.clock()),
    }
    answer = outside(services).post(kept.token, form)
    if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
        raise OutsideError("The other system gave no token.", hint="Ask its administrator.")
    subject = _subject(services, client, kept, answer.get("id_token"))
    patient = answer.get("patient")
    patient = patient if isinstance(patient, str) else ""
    resource = _patient(services, client, patient, answer["access_token"]) if patient else None
    return Launched(kept.issuer if subject else "", subject, patient, resource)


def own_keys(services: Services) -> dict[str, Any]:
    """The public halves of the keys by which we sign, for the EHRs that check them."""
    signing = [one for one in services.accounts.clients() if one.signing_key and not one.disabled]
    return {"keys": [key for one in signing for key in (one.jwks or {}).get("keys", ())]}


def _shown(client: Client, endpoint: str, now: datetime) -> dict[str, str]:
    """What shows the EHR's token endpoint who we are; a public client has its verifier alone."""
    if not client.signing_key:
        return {}
    (key,) = (client.jwks or {})["keys"]
    claims: dict[str, Any] = {
        "iss": client.id,
        "sub": client.id,
        "aud": endpoint,
        "jti": secrets.token_urlsafe(24),
    }
    claims |= {"iat": now, "exp": now + LIFETIME}
    headers = {"kid": key["kid"], "typ": "JWT"}
    assertion = jwt.encode(claims, client.signing_key, algorithm=key["alg"], headers=headers)
    return {"client_assertion_type": ASSERTION, "client_assertion": assertion}


def _expect(told: Any, name: str, value: str) -> None:
    """Raises OutsideError where the EHR's configuration lists what it takes, and not this."""
    listed = told.get(name) if isinstance(told, dict) else None
    if isinstance(listed, list) and value not in listed:
        raise OutsideError(f"The other system takes no {value}.", hint="Ask its administrator.")


def _subject(services: Services, client: Client, kept: _Launch, token: object) -> str:
    """Who was signed in there, proven by its signature; "" where it does not say. Raises UnprovenError."""
    if not isinstance(token, str) or not kept.issuer or not kept.keys:
        return ""
    statement = opened(token, typed=False)
    key = key_sets(services).find(None, kept.keys, statement.kid, statement.algorithm)
    if key is None or statement.issuer != kept.issuer:
        raise UnprovenError("Who was signed in there is not proven.", hint="Ask its administrator.")
    check(statement, key, audience=client.id, now=services.clock(), longest=_LONGEST_ID_TOKEN)
    claims = statement.claims
    nonce, subject = claims.get("nonce"), claims.get("sub")
    several = isinstance(claims.get("aud"), list) and len(claims["aud"]) > 1
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), kept.nonce.encode()):
        raise UnprovenError(
            "Who was signed in there is not proven.", hint="Open the clinic from there again."
        )
    if (several or "azp" in claims) and claims.get("azp") != client.id:
        raise UnprovenError("Who was signed in there was told to another app.", hint="Ask its administrator.")
    return subject if isinstance(subject, str) else ""


def _patient(services: Services, client: Client, patient: str, token: str) -> dict[str, Any] | None:
    """The Patient that is open there; None where it cannot be read: then the id alone has to do."""
    if not patient.replace("-", "").replace(".", "").isalnum():
        return None
    url = f"{client.issuer.rstrip('/')}/Patient/{patient}"
    try:
        found = outside(services).get(url, {"Authorization": f"Bearer {token}"})
    except (OutsideError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _registered(services: Services, iss: str) -> Client:
    for issuer in dict.fromkeys((iss, iss.rstrip("/"), f"{iss.rstrip('/')}/")):
        client = services.accounts.client_of(issuer)
        if client is not None and client.kind == "app" and not client.disabled:
            return client
    raise _unknown()


def _unknown() -> RefusedError:
    return RefusedError("This system is not registered here.", hint="Ask the administrator to register it.")


def _address(services: Services, told: Any, name: str, *, needed: bool = True) -> str:
    """An address of the EHR's configuration: over TLS, unless the settings permit otherwise."""
    url = told.get(name) if isinstance(told, dict) else None
    if url is None and not needed:
        return ""
    schemes = ("https", "http") if services.settings.private_addresses else ("https",)
    if not isinstance(url, str) or urlsplit(url).scheme not in schemes or not urlsplit(url).hostname:
        raise OutsideError(f"The other system does not say its {name}.", hint="Ask its administrator.")
    return url


def _back(services: Services) -> str:
    return f"{services.settings.base_url.rstrip('/')}/launch/callback"


def _hashed(browser: str) -> str:
    return hashlib.sha256(b"alleviate launch 1\0" + browser.encode()).hexdigest()
