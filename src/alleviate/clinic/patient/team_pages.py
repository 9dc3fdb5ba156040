"""The care team: who it is, who joins, who leaves."""

from typing import Annotated

from fastapi import Form, Response

from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.clinic.patient.names import colleagues
from alleviate.clinic.patient.reading import head, open_chart
from alleviate.terms.errors import DataError
from alleviate.vault.accounts import Account
from alleviate.vault.charts import Chart

__all__ = ["door", "function_of"]

door = Door("team", prefix="/patients")

Id = Annotated[str, Form(max_length=40)]


@door.page("/{patient}/team", action="patient.see")
def page(patient: str, visit: VisitOf) -> Response:
    """Who cares for the person, since when."""
    return _page(visit, open_chart(visit, sheets=()), {})


@door.form("/{patient}/team", action="team.change")
def join(patient: str, visit: VisitOf, account: Id = "") -> Response:
    """Put a colleague into the care team."""
    chart = open_chart(visit, sheets=())
    found = next((one for one in colleagues(visit.services.accounts) if one.id == account), None)
    if found is None:
        return _page(visit, chart, {"account": visit._("Choose a colleague.")})
    visit.access.join(visit.patient, found.id, function_of(found))
    return visit.go(_here(visit), said=visit._("The care team has changed."))


@door.form("/{patient}/team/leave", action="team.change")
def leave(patient: str, visit: VisitOf, account: Id) -> Response:
    """Take somebody out of the care team; the last clinician stays until another has come."""
    chart = open_chart(visit, sheets=())
    try:
        _check_somebody_stays(visit, chart, account)
    except DataError as error:
        return _page(visit, chart, {"": f"{visit._(error.message)} {visit._(error.hint)}"})
    visit.access.leave(visit.patient, account)
    gone = account == visit.who.key
    return visit.go("/caseload/" if gone else _here(visit), said=visit._("The care team has changed."))


def function_of(account: Account) -> str:
    """What somebody is in a care team: their profession, else their role."""
    return account.profession or account.role


def _check_somebody_stays(visit: Visit, chart: Chart, account: str) -> None:
    """Raises DataError where nobody would be left who sees the person's alerts."""
    left = [m.account for m in chart.team if m.basis == "team" and m.account != account]
    found = (visit.services.accounts.get(one) for one in left)
    if not any(one is not None and one.role == "clinician" and not one.disabled for one in found):
        raise DataError(
            "Nobody would be left in the care team to answer alerts.", hint="First put a colleague into it."
        )


def _page(visit: Visit, chart: Chart, errors: dict[str, str]) -> Response:
    accounts = visit.services.accounts
    members = [(member, accounts.get(member.account)) for member in chart.team]
    there = {member.account for member in chart.team if member.basis == "team"}
    others = [one for one in colleagues(accounts) if one.id not in there]
    return visit.page(
        "patient/team.html",
        status=400 if errors else 200,
        **head(visit, chart, "team"),
        members=[(member, account) for member, account in members if account is not None],
        others=others,
        other_choices=[(one.id, one.name) for one in others],
        errors=errors,
        may_change=visit.may("team.change"),
        me=visit.who.key,
    )


def _here(visit: Visit) -> str:
    return f"/patients/{visit.patient}/team"
