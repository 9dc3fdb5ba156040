"""Which packages are live, who signed them, and taking one out of use."""

from typing import Annotated

from fastapi import Form, Path, Response

from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.clinic.shelf import NOTICE
from alleviate.terms.errors import InputError, RefusedError

__all__ = ["door"]

door = Door("packages", prefix="/officers/packages")

MOST_WORDS = 1_000


@door.page("", action="package.see")
def packages(visit: VisitOf) -> Response:
    """All that lie on the shelf, and what was done about them."""
    return _page(visit, {})


@door.form("/{seal}", action="package.switch")
def switch(
    visit: VisitOf,
    seal: Annotated[str, Path(pattern="^[0-9a-f]{1,64}$")],
    reason: Annotated[str, Form(max_length=5_000)] = "",
    live: Annotated[str, Form(max_length=5)] = "",
) -> Response:
    """Out of use, or back; with a reason that everybody sees."""
    _ = visit._
    shelf = visit.services.shelf
    package = shelf.one(seal)
    if package is None:
        raise RefusedError("There is nothing here.", hint="The package may have been removed.")
    try:
        if len(reason) > MOST_WORDS:
            raise InputError(
                f"The reason has {len(reason)} characters of {MOST_WORDS}.", hint="Shorten the reason."
            )
        if live == "yes":
            shelf.bring_back(visit.who.actor, seal, reason)
        else:
            shelf.take_out(visit.who.actor, seal, reason)
    except InputError as error:
        return _page(visit, {f"reason-{seal[:12]}": f"{_(error.message)} {_(error.hint)}"}, status=400)
    said = _("The package is in use again.") if live == "yes" else _("The package is out of use.")
    return visit.go("/officers/packages", said=said)


def _page(visit: Visit, errors: dict[str, str], status: int = 200) -> Response:
    accounts = visit.services.accounts
    history = list(reversed(accounts.notices(NOTICE)))[:50]
    names = {account.actor: account.name or account.login for account in accounts.all() if account.staff}
    return visit.page(
        "officers/packages.html",
        status=status,
        shelved=visit.services.shelf.all(),
        unusable=visit.services.shelf.unusable(),
        history=history,
        names=names,
        errors=errors,
        most=MOST_WORDS,
    )
