"""The administrator's pages about systems: which there are, a new one, and taking one back."""

from typing import Annotated, Any, cast, get_args

from fastapi import Depends, HTTPException
from fastapi.responses import Response
from starlette.requests import Request

from alleviate.clinic.gate import Door, VisitOf
from alleviate.clinic.machines.registering import KINDS, key_set_of, register, take_back, to_configure
from alleviate.terms.errors import AlleviateError
from alleviate.vault.accounts import ClientKind

__all__ = ["door"]

door = Door("machines: admin", prefix="/admin/tokens")

_FIELDS = ("name", "kind", "issuer", "known_by", "keys", "keys_url", "scopes", "client_id")
_LONGEST = 100_000


async def _sent(request: Request) -> dict[str, str]:
    """The form's fields as text, each once."""
    form = await request.form()
    return {
        name: found.replace("\r\n", "\n")[:_LONGEST] if isinstance(found := form.get(name, ""), str) else ""
        for name in _FIELDS
    }


Sent = Annotated[dict[str, str], Depends(_sent)]


@door.page("", action="token.manage")
def systems(visit: VisitOf) -> Response:
    """Every system, with what it may do; those taken back last."""
    found = sorted(visit.services.accounts.clients(), key=lambda one: (one.disabled, one.name.casefold()))
    return visit.page("machines/list.html", systems=found, kinds=KINDS)


@door.page("/new", action="token.manage")
def new(visit: VisitOf) -> Response:
    """The form for a new one."""
    return _asked(visit, dict.fromkeys(_FIELDS, "") | {"known_by": "keys"}, {})


@door.form("/new", action="token.manage")
def made(visit: VisitOf, sent: Sent) -> Response:
    """Registers it, and shows once what is kept by nobody here."""
    if sent["kind"] not in get_args(ClientKind):
        return _asked(visit, sent, {"kind": visit._("Choose what the system is")})
    if not sent["name"].strip():
        return _asked(visit, sent, {"name": visit._("Give the system a name")})
    known_by = sent["known_by"]
    if sent["kind"] == "app" and known_by != "make_key":  # a public client: it proves itself by PKCE alone
        known_by = ""
    settings = visit.services.settings
    try:
        found = register(
            visit.services.accounts,
            visit.who.actor,
            name=sent["name"],
            kind=cast(ClientKind, sent["kind"]),
            issuer=sent["issuer"].strip(),
            keys=key_set_of(sent["keys"]) if known_by == "keys" else None,
            keys_url=sent["keys_url"].strip() if known_by == "keys_url" else "",
            scopes=sent["scopes"].split(),
            client_id=sent["client_id"].strip(),
            make_key=known_by == "make_key",
            bearer=known_by == "bearer",
            insecure=settings.private_addresses,
        )
    except AlleviateError as error:
        return _asked(visit, sent, {"": f"{visit._(error.message)} {visit._(error.hint)}".strip()})
    answer = visit.page(
        "machines/made.html",
        system=found.client,
        kinds=KINDS,
        private=found.private,
        token=found.token,
        lines=to_configure(found.client, settings.base_url),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@door.page("/{system}", action="token.manage")
def one(visit: VisitOf, system: str) -> Response:
    """One system, and what it was told to configure."""
    found = visit.services.accounts.client(system)
    if found is None:
        raise HTTPException(404)
    lines = to_configure(found, visit.services.settings.base_url)
    return visit.page("machines/one.html", system=found, kinds=KINDS, lines=lines)


@door.form("/{system}/end", action="token.manage")
def ended(visit: VisitOf, system: str) -> Response:
    """Takes it back: what it shows is not believed any more."""
    take_back(visit.services.accounts, visit.who.actor, system)
    return visit.go("/admin/tokens", said=visit._("The system was taken back."))


def _asked(visit: Any, values: dict[str, str], errors: dict[str, str]) -> Response:
    status = 400 if errors else 200
    page: Response = visit.page("machines/new.html", status=status, values=values, errors=errors, kinds=KINDS)
    return page
