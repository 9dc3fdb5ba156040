"""Asking a person to fill in questionnaires: a link to tap, a code to type, and what became of it."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import Form, Response

from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.clinic.invitations import Invited, invitation_of, invitations, invite, withdraw
from alleviate.clinic.mine.forms import shown
from alleviate.clinic.patient.person import person_of
from alleviate.clinic.patient.reading import head, nothing_here, open_chart
from alleviate.instruments import INSTRUMENTS
from alleviate.terms.errors import DataError
from alleviate.vault.accounts import Language
from alleviate.vault.charts import Chart

__all__ = ["door"]

door = Door("asking", prefix="/patients")

USUAL = timedelta(days=7)
"""Until when somebody is asked to answer, unless another day is chosen."""


@door.page("/{patient}/questionnaires", action="patient.see")
def page(patient: str, visit: VisitOf) -> Response:
    """What was asked for, and a form to ask."""
    return _page(visit, open_chart(visit, sheets=["invitation", "draft"]), {}, None)


@door.form("/{patient}/questionnaires", action="questionnaire.invite")
def ask(
    patient: str,
    visit: VisitOf,
    instruments: Annotated[list[str], Form(max_length=20)] = [],  # noqa: B006  (FastAPI copies it)
    due: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Ask, and show link and code: now and never again."""
    chart = open_chart(visit, sheets=["invitation", "draft"])
    try:
        if not all(shown(id) for id in instruments):
            raise DataError("The wording of one of these may not be shown.", hint="Choose from the list.")
        made = invite(
            visit.access,
            visit.services.accounts,
            visit.who.actor,
            visit.patient,
            instruments=instruments,
            due=_day(due),
            now=visit.now,
            language=_language(chart),
        )
    except DataError as error:
        return _page(visit, chart, {"instruments": f"{visit._(error.message)} {visit._(error.hint)}"}, None)
    return _page(visit, open_chart(visit, sheets=["invitation", "draft"]), {}, made)


@door.form("/{patient}/questionnaires/{invitation}", action="questionnaire.invite")
def take_back(patient: str, invitation: str, visit: VisitOf) -> Response:
    """Ask no longer."""
    chart = open_chart(visit, sheets=["invitation", "draft"])
    found = invitation_of(chart.sheets, invitation, visit.now)
    if found is None:
        raise nothing_here()
    withdraw(visit.access, found, visit.now)
    here = f"/patients/{visit.patient}/questionnaires"
    return visit.go(here, said=visit._("The questionnaire is no longer asked for."))


def _language(chart: Chart) -> Language:
    return "de" if person_of(chart.record, chart.patient).language.startswith("de") else "en"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise DataError("The day is no date.", hint="Choose it in the calendar.") from None


def _page(visit: Visit, chart: Chart, errors: dict[str, str], made: Invited | None) -> Response:
    base = str(visit.services.settings.base_url).rstrip("/") if made else ""
    return visit.page(
        "patient/questionnaires.html",
        status=400 if errors else 200,
        **head(visit, chart, "questionnaires"),
        asked=invitations(chart.sheets, visit.now),
        instrument_choices=[
            (id, f"{each.abbreviation}: {visit._(each.title)}")
            for id, each in INSTRUMENTS.items()
            if shown(id)
        ],
        made=made,
        link=f"{base}/q/{made.link}" if made else "",
        due=visit.now.date() + USUAL,
        errors=errors,
        may_ask=visit.may("questionnaire.invite"),
    )
