"""Registers a system: checks what it says of itself, makes what it asks for, and tells what to configure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import msgspec

from alleviate.clinic.machines.bearer import CDS_SCOPE, own_token
from alleviate.clinic.machines.keys import check_key_set, make_pair
from alleviate.clinic.machines.scopes import scope_of
from alleviate.terms.errors import InputError
from alleviate.vault.accounts import Accounts, Client, ClientKind, new_id

__all__ = ["KINDS", "Registered", "key_set_of", "register", "take_back", "to_configure"]


def _(words: str) -> str:
    return words  # marks them to be translated


KINDS: dict[ClientKind, str] = {
    "cds": _("An EHR that calls CDS Hooks and signs each call"),
    "backend": _("A backend service that reads or writes FHIR"),
    "app": _("An EHR from which people open the clinic (SMART App Launch)"),
}
_APP_SCOPES = frozenset({"launch", "openid", "fhirUser"})
_LONGEST_URL = 500


@dataclass(frozen=True, slots=True)
class Registered:
    """The new system, and what is shown once and kept by nobody here: ``private`` (PEM), ``token``."""

    client: Client
    private: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


def register(
    accounts: Accounts,
    by: str,
    *,
    name: str,
    kind: ClientKind,
    issuer: str = "",
    keys: dict[str, Any] | None = None,
    keys_url: str = "",
    scopes: Iterable[str] = (),
    client_id: str = "",
    make_key: bool = False,
    bearer: bool = False,
    insecure: bool = False,
) -> Registered:
    """``issuer``: the ``iss`` of an EHR's tokens; of an app its FHIR base address. ``client_id``: by which an
    EHR knows us, for an app. ``insecure``: whether addresses may be without TLS. ``make_key``: make its key
    pair, or for an app one of our own, by which we sign there; ``bearer``: it cannot sign, and shows a token
    of ours. Raises InputError, ConflictError.
    """
    ways = [keys is not None, bool(keys_url), make_key, bearer]
    if kind == "app":
        if any([keys is not None, keys_url, bearer]):
            raise InputError("An EHR that opens the clinic shows no key of its own.", hint="Leave keys out.")
    elif sum(ways) != 1:
        raise InputError(
            "Expected one way to know the system by: its keys, where they lie, a new key, or a token.",
            hint="Give exactly one.",
        )
    scopes = frozenset(scopes)
    if kind in ("cds", "app") and not issuer and not bearer:
        raise InputError("An EHR has an issuer: its own address.", hint="Like https://ehr.example.org/fhir")
    for url in (issuer, keys_url):
        _check_url(url, insecure=insecure)
    pair = make_pair() if make_key else None
    given = {"keys": [pair.public]} if pair else check_key_set(keys) if keys is not None else None
    id = client_id if kind == "app" and client_id else new_id()
    token, kept = own_token(id) if bearer else ("", "")
    client = Client(
        id=id,
        name=name.strip(),
        kind=kind,
        issuer=issuer,
        jwks=given,
        jwks_url=keys_url,
        scopes=_scopes(kind, scopes, bearer=bearer),
        secret_hash=kept,
        signing_key=pair.private if pair and kind == "app" else "",
    )
    accounts.add_client(by, client)
    return Registered(client, pair.private if pair and kind != "app" else "", token)


def take_back(accounts: Accounts, by: str, id: str) -> Client:
    """Nothing that the system shows is believed any more, from its next call on. Raises InputError."""
    client = accounts.client(id)
    if client is None:
        raise InputError("There is no system of this id.", hint="See the list of systems.")
    closed = msgspec.structs.replace(client, disabled=True, secret_hash="", signing_key="")
    accounts.change_client(by, closed)
    return closed


def key_set_of(text: str) -> dict[str, Any]:
    """The JWK set that was pasted or lies in a file. Raises InputError."""
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise InputError("The keys are no JSON.", hint="Give a JWK set, or one public JWK.") from None
    return check_key_set(found)


def to_configure(client: Client, base: str) -> list[tuple[str, str]]:
    """What the system's own settings need: what it is called, and the value."""
    base = base.rstrip("/")
    if client.kind == "cds":
        lines = [(_("Discovery"), f"{base}/cds-services")]
        if client.issuer and not client.secret_hash:
            lines += [("JWT: iss", client.issuer), ("JWT: aud", "the address called, without its query")]
        return lines + _keys(client)
    if client.kind == "app":
        lines = [
            (_("Launch address"), f"{base}/launch"),
            (_("Redirect address"), f"{base}/launch/callback"),
            (_("Client id"), client.id),
            (_("Scopes"), " ".join(sorted(client.scopes))),
        ]
        return [*lines, (_("Keys"), f"{base}/launch/jwks")] if client.signing_key else lines
    lines = [("FHIR", f"{base}/fhir"), (_("Scopes"), " ".join(sorted(client.scopes)))]
    if not client.secret_hash:
        lines += [(_("Token address"), f"{base}/oauth/token"), (_("Client id (iss, sub)"), client.id)]
    return lines + _keys(client)


def _keys(client: Client) -> list[tuple[str, str]]:
    if client.jwks_url:
        return [(_("Keys"), client.jwks_url)]
    kids = ", ".join(str(key["kid"]) for key in (client.jwks or {}).get("keys", ()))
    return [("JWT: kid", kids)] if kids else [(_("Header"), "Authorization: Bearer, and the token")]


def _scopes(kind: ClientKind, scopes: frozenset[str], *, bearer: bool) -> frozenset[str]:
    if kind == "app":
        return scopes or _APP_SCOPES
    if kind == "cds":
        if scopes - {CDS_SCOPE}:
            raise InputError("A system that calls CDS Hooks has no scopes of FHIR.", hint="Register another.")
        return frozenset({CDS_SCOPE}) if bearer else frozenset()
    if not scopes:
        raise InputError("A backend service has scopes.", hint="Like system/*.rs")
    return frozenset(str(scope_of(scope)) for scope in scopes)


def _check_url(url: str, *, insecure: bool) -> None:
    parts = urlsplit(url)
    schemes = ("https", "http") if insecure else ("https",)
    if url and (
        parts.scheme not in schemes or not parts.hostname or parts.username or len(url) > _LONGEST_URL
    ):
        raise InputError(f"Expected an https address, got {url[:80]!r}.", hint="Like https://ehr.example.org")
