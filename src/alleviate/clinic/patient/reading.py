"""Opens one person's chart for a page: one step, one event in the audit; and what every page's head says."""

from collections.abc import Iterable
from typing import Any

from alleviate.clinic.gate import Visit
from alleviate.clinic.patient.contacts import contacts, next_appointment
from alleviate.clinic.patient.names import Names
from alleviate.clinic.patient.overview import withheld_kinds
from alleviate.clinic.patient.person import age_at, birth_date, person_of
from alleviate.instruments import INSTRUMENTS
from alleviate.terms.errors import RefusedError
from alleviate.vault.charts import Chart
from alleviate.vault.sheets import SheetKind

__all__ = ["head", "nothing_here", "open_chart"]

_WORKFLOW: tuple[SheetKind, ...] = (
    "task",
    "mention",
    "seen",
    "invitation",
    "draft",
    "correction",
)


def open_chart(visit: Visit, *, sheets: Iterable[SheetKind] = _WORKFLOW) -> Chart:
    """The chart of whom the visit concerns. Raises ConsentError where nothing is permitted."""
    return visit.access.chart(visit.patient, sheets=tuple(sheets))


def nothing_here() -> RefusedError:
    """For what is not this person's: answered as if there were nothing."""
    return RefusedError("There is nothing here.", hint="Open the page again.")


def head(visit: Visit, chart: Chart, here: str) -> dict[str, Any]:
    """What `patient/frame.html` needs. ``here`` names the page among its neighbours."""
    person = person_of(chart.record, chart.patient)
    mine = [m for m in chart.team if m.account == visit.who.key and m.basis == "glass"]
    names = Names(visit.services.accounts, visit._)
    return {
        "person": person,
        "born": birth_date(person.born),
        "age": age_at(person.born, visit.now.date()),
        "here": here,
        "root": f"/patients/{visit.patient}",
        "names": names,
        "instruments": INSTRUMENTS,
        "now": visit.now,
        "withheld": withheld_kinds(chart),
        "glass_until": mine[0].until if visit.basis == "glass" and mine else None,
        "glass": visit.basis == "glass",
        "appointment": next_appointment(contacts(chart.record), visit.now.date()),
        "open_alerts": sum(alert.state != "resolved" for alert in chart.alerts),
    }
