"""Signing out."""

import hmac
from typing import Annotated

from fastapi import Form
from fastapi.responses import RedirectResponse, Response
from starlette.requests import Request

from alleviate.clinic.gate import Door, services_of
from alleviate.clinic.signing_in.cookies import csrf_of, forget, token_of
from alleviate.terms.errors import RefusedError

__all__ = ["door"]

door = Door("signing out")


@door.open("/sign-out", why="Ends the visit of the browser that asks; shows nothing of anybody.")
def sign_out(request: Request) -> Response:
    """Asks whether to sign out: an address alone, which others could plant, does not."""
    services = services_of(request)
    token = token_of(request, services.settings)
    if not token:
        return RedirectResponse("/sign-in", status_code=303)
    context = {"form_token": csrf_of(token)}
    return services.looks.render(request, "signing_in/sign_out.html", None, context)


@door.open("/sign-out", methods=["POST"], why="Ends the visit of the browser that asks.")
def sign_out_sent(request: Request, csrf: Annotated[str, Form(max_length=300)] = "") -> Response:
    """Ends this browser's visit."""
    services = services_of(request)
    token = token_of(request, services.settings)
    if token:
        if not hmac.compare_digest(csrf_of(token).encode(), csrf.encode()):
            raise RefusedError("This form is from an earlier visit.", hint="Open the page again.")
        services.accounts.close_session(token)
    response = RedirectResponse("/sign-in", status_code=303)
    forget(response, services.settings)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response
