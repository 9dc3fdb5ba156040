"""SMART backend services: a system signs who it is, and gets a short token for what it may read.

Sources: https://hl7.org/fhir/smart-app-launch/backend-services.html; RFC 6749 (answers); RFC 7523.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import Depends
from fastapi.responses import JSONResponse
from starlette.requests import Request

from alleviate.clinic.gate import Door, services_of
from alleviate.clinic.machines.bearer import CDS_SCOPE, Granted, check_signed
from alleviate.clinic.machines.scopes import Scope, granted, scope_of, scopes_of
from alleviate.clinic.machines.statements import UnprovenError, opened
from alleviate.clinic.services import Services
from alleviate.terms.errors import InputError, RefusedError
from alleviate.vault.accounts import Client

__all__ = ["ASSERTION", "GRANT", "LIFETIME", "door"]

GRANT = "client_credentials"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME = timedelta(minutes=5)
"""Of a token, and the most of an assertion: as SMART has it."""

_MOST = 16384
_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}

door = Door("machines: oauth")


class _GrantError(RefusedError):
    """``code`` is OAuth's word."""

    def __init__(self, code: str, told: str) -> None:
        super().__init__(told)
        self.code = code


async def _form(request: Request) -> Mapping[str, str]:
    """The fields that were sent, each at most once; what is no form has none."""
    if "application/x-www-form-urlencoded" not in request.headers.get("content-type", ""):
        return {}
    body = await request.body()
    if len(body) > _MOST:
        return {}
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=False, max_num_fields=20)
    except ValueError:
        return {}
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else {}


_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["grant_type", "scope", "client_assertion_type", "client_assertion"],
                    "properties": {
                        "grant_type": {"type": "string", "enum": [GRANT]},
                        "scope": {"type": "string"},
                        "client_assertion_type": {"type": "string", "enum": [ASSERTION]},
                        "client_assertion": {"type": "string"},
                    },
                }
            }
        },
    }
}


@door.open(
    "/oauth/token",
    why="A system shows here who it is; the assertion is checked before anything is given.",
    methods=["POST"],
    response_class=JSONResponse,
    responses={400: {"description": "Refused, in OAuth's words"}, 401: {"description": "Not proven"}},
    openapi_extra=_BODY,
)
def token(request: Request, form: Annotated[Mapping[str, str], Depends(_form)]) -> JSONResponse:
    """Gives a registered backend service a token for five minutes."""
    services = services_of(request)
    try:
        client, scopes = _judged(services, form)
    except _GrantError as refused:
        status = 401 if refused.code == "invalid_client" else 400
        told = {"error": refused.code, "error_description": refused.message}
        return JSONResponse(told, status, headers=_STORE)
    now = services.clock()
    words = tuple(map(str, scopes))
    secret = services.accounts.keep("access", Granted(client.id, words), now, now + LIFETIME)
    given = {
        "access_token": secret,
        "token_type": "bearer",
        "expires_in": int(LIFETIME.total_seconds()),
        "scope": " ".join(words),
    }
    return JSONResponse(given, headers=_STORE)


def _judged(services: Services, form: Mapping[str, str]) -> tuple[Client, tuple[Scope, ...]]:
    if not form:
        raise _GrantError("invalid_request", "Expected a form with each field once.")
    if form.get("grant_type") != GRANT:
        raise _GrantError("unsupported_grant_type", f"Only {GRANT} is given here.")
    if form.get("client_assertion_type") != ASSERTION or "client_assertion" not in form:
        raise _GrantError("invalid_request", "Expected a signed client_assertion.")
    client = _client(services, form["client_assertion"])
    try:
        asked = scopes_of(form.get("scope", ""))
    except InputError as error:
        raise _GrantError("invalid_scope", error.message) from None
    found = granted(asked, [scope_of(scope) for scope in client.scopes if scope != CDS_SCOPE])
    if not found:
        raise _GrantError("invalid_scope", "None of these scopes was registered for this system.")
    return client, found


def _client(services: Services, assertion: str) -> Client:
    """Who signed the assertion for this address; ``iss`` and ``sub`` are the id that we gave."""
    try:
        statement = opened(assertion)
        client = services.accounts.client(statement.issuer)
        if client is not None and client.kind != "backend":
            client = None
        audience = f"{services.settings.base_url.rstrip('/')}/oauth/token"
        return check_signed(
            services, statement, client, audience=audience, longest=LIFETIME, subject=statement.issuer
        )
    except UnprovenError as error:
        raise _GrantError("invalid_client", str(error)) from None
