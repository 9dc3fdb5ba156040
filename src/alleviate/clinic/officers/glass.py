"""Emergency access and its reviews."""

from typing import Annotated

from fastapi import Form, Path, Response

from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.oversight.glass import MOST_WORDS, Broken, glasses, review_sheet
from alleviate.terms.errors import DataError, RefusedError

__all__ = ["door", "read_glasses"]

door = Door("emergency-access", prefix="/officers/break-glass")

Word = Annotated[str, Form(max_length=5_000)]


def read_glasses(visit: Visit) -> list[Broken]:
    """All of them; one event "read" of each person concerned."""
    return glasses(visit.access.sheets(("break-glass", "review")))


@door.page("", action="glass.review")
def broken(visit: VisitOf) -> Response:
    """Whose record was opened in an emergency, and why."""
    return _page(visit, read_glasses(visit), {})


@door.form("/{patient}/{sheet}", action="glass.review")
def review(
    visit: VisitOf,
    patient: str,
    sheet: Annotated[str, Path(pattern="^[0-9a-f]{32}$")],
    verdict: Word = "",
    words: Word = "",
    seen: Annotated[int, Form(ge=0, le=10_000)] = 0,
) -> Response:
    """Say what was found. Raises ConflictError where another officer was faster."""
    _ = visit._
    every = read_glasses(visit)
    found = next((each for each in every if each.sheet == sheet and each.patient == visit.patient), None)
    if found is None:
        raise RefusedError("There is nothing here.", hint="Open the list again.")
    if found.by == visit.who.actor:
        raise RefusedError("Nobody reviews their own emergency access.", hint="Ask another officer.")
    try:
        stored = review_sheet(found, verdict, words, seen=seen)
    except DataError as error:
        return _page(visit, every, {f"verdict-{sheet}": f"{_(error.message)} {_(error.hint)}"}, status=400)
    visit.access.store(visit.now, sheets=[stored])
    return visit.go("/officers/break-glass", said=_("The review is kept."))


def _page(visit: Visit, every: list[Broken], errors: dict[str, str], status: int = 200) -> Response:
    accounts = visit.services.accounts.all()
    return visit.page(
        "officers/glass.html",
        status=status,
        waiting=[each for each in every if each.open],
        done=[each for each in every if not each.open],
        names={account.actor: account.name or account.login for account in accounts if account.staff},
        errors=errors,
        most=MOST_WORDS,
    )
