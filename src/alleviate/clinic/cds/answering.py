"""From a call to cards: whom it is about, what the clinic knows of them, what came along."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from alleviate.clinic.caseload.rules import default_rules
from alleviate.clinic.cds.advised import Concerned, concerned, verdicts
from alleviate.clinic.cds.asked import Asked, OrderSign, PatientView
from alleviate.clinic.cds.card import Card, Place
from alleviate.clinic.cds.cards import course_cards, order_card
from alleviate.clinic.cds.danger import Danger, danger
from alleviate.clinic.cds.discovery import Service
from alleviate.clinic.cds.orders import orders_of
from alleviate.clinic.cds.prefetch import Sent, joined, sent_of
from alleviate.clinic.cds.safety import danger_cards, safety_cards
from alleviate.clinic.cds.server import fetched
from alleviate.clinic.cds.shown import Shown, kept
from alleviate.clinic.gate import Visit
from alleviate.clinic.machines.bearer import outside
from alleviate.clinic.machines.persons import by_id, other_birth, whom
from alleviate.clinic.patient.followed import Course, Follower, courses_of
from alleviate.clinic.recommending.proposal import Person
from alleviate.records import KINDS, Kind
from alleviate.terms.errors import ConsentError, InputError, VaultError
from alleviate.vault import Chart

__all__ = ["NeededError", "answer"]

_CLINICAL = ("conditions", "medications", "observations", "answers")
Translate = Callable[[str], str]


class NeededError(InputError):
    """What a service needs cannot be had; one plain line says what."""


class _NobodyError(InputError):
    """What looked like an id of ours is nobody's."""


class _OtherError(InputError):
    """Whom an identifier led to is somebody else."""


@dataclass(frozen=True, slots=True)
class _Call:
    """One call: who asks, what, and of which of our patients ("" where we know none)."""

    visit: Visit
    asked: Asked
    service: Service
    context: PatientView
    prefetch: dict[str, Any]
    sent: Sent
    patient: str
    certain: bool


def answer(visit: Visit, service: Service, asked: Asked, context: PatientView) -> list[Card]:
    """The cards for this call; none where nothing is shown. Raises NeededError.

    What was sent is looked through for danger whatever was ordered, and told even where the rest cannot be.
    """
    about = concerned(orders_of(context), visit.services.shelf) if isinstance(context, OrderSign) else None
    sent = sent_of(asked.prefetch, context.patient_id, visit.now)
    danger_sent = danger(sent, visit.now)
    if about == [] and not danger_sent:
        return []
    try:
        call = _call(visit, service, asked, context, sent, whole=bool(about))
        try:
            return _answered(call, about)
        except _NobodyError:
            call = _call(visit, service, asked, context, sent, whole=bool(about), ours=False)
            return _answered(call, about)
        except _OtherError:
            return _answered(replace(call, patient=""), about)
    except NeededError as needed:
        if not danger_sent:
            raise
        return danger_cards(
            danger_sent, _place(visit, ""), visit._, unchecked=needed.message if about else ""
        )


def _answered(call: _Call, about: list[Concerned] | None) -> list[Card]:
    return _on_patient(call) if about is None else _on_orders(call, about)


def _call(
    visit: Visit,
    service: Service,
    asked: Asked,
    context: PatientView,
    sent: Sent,
    *,
    whole: bool,
    ours: bool = True,
) -> _Call:
    """Whom it is about. The client's server is asked for what is missing: for a ``whole`` picture, or for
    who it is, where the id alone does not tell. ``ours``: the client's id may be one of our own. Raises
    NeededError where it cannot be found out."""
    vault, access = visit.services.vault, visit.access
    found = by_id(vault, context.patient_id, ours=ours)
    certain, prefetch = found is not None, dict(asked.prefetch)
    missing = {key: query for key, query in service.prefetch.items() if key not in prefetch}
    if missing and (whole or not certain):
        servers = visit.services.settings.fhir_servers
        id = context.patient_id.removeprefix("Patient/")
        if more := fetched(asked, missing, id, servers, outside(visit.services)):
            prefetch |= more
            sent = sent_of(prefetch, context.patient_id, visit.now)
    if found is None:
        if "patient" not in prefetch:
            raise NeededError("The patient is not known by this id: send the prefetch key patient along.")
        found = whom(vault, access, sent.person)
    return _Call(visit, asked, service, context, prefetch, sent, found or "", certain)


def _on_patient(call: _Call) -> list[Card]:
    chart = _chart(call, ("person",))
    if chart is None:
        return [] if call.patient else _dangers(call, None)
    visit, place = call.visit, _place(call.visit, call.patient)
    return [
        *safety_cards(chart.alerts, visit.now, place, visit._, withheld=chart.withheld_alerts),
        *_dangers(call, chart),
        *course_cards(_followed(visit, chart, visit.now), place, visit._),
    ]


def _on_orders(call: _Call, about: list[Concerned]) -> list[Card]:
    visit = call.visit
    chart = _chart(call, None if about else ("person",)) if call.patient else None
    if call.patient and chart is None:  # they permit nothing: nothing is said of them
        return []
    dangers = _dangers(call, chart)
    if not about:
        return dangers
    if chart is None and not all(key in call.prefetch for key in _CLINICAL):
        raise NeededError("The patient has no record here: send every prefetch key of this service along.")
    subject = chart.subject_id if chart else call.context.patient_id.removeprefix("Patient/")
    allowed = chart.allowed if chart else frozenset(KINDS)
    record = joined(chart.record if chart else None, call.sent, subject, chart.allowed if chart else None)
    person = Person(chart.patient if chart else subject, record, allowed, chart.revision if chart else 0)
    place = _place(visit, call.patient)
    found = verdicts(about, person, visit.services.shelf, visit.now)
    shown = [Shown(order_card(one, place, visit._), one) for one in found]
    if not chart:  # nobody of ours: nothing is stored about them, so no answer is asked for
        return [*dangers, *(_unanswerable(one.card) for one in shown)]
    call_id = str(call.asked.hook_instance)
    return [*dangers, *kept(visit, shown, person, chart.record, call=call_id, hook=call.service.hook)]


def _dangers(call: _Call, chart: Chart | None) -> list[Card]:
    """What stands in what was sent, and in no alert of ours; ``chart`` None: of nobody of ours."""
    visit = call.visit
    found = danger(
        call.sent,
        visit.now,
        alerts=chart.alerts if chart else (),
        allowed=chart.allowed if chart else None,
    )
    if chart and chart.withheld_alerts:  # they are counted already where alerts are shown
        found = Danger(found.signs)
    return danger_cards(found, _place(visit, call.patient), visit._)


def _chart(call: _Call, kinds: tuple[Kind, ...] | None) -> Chart | None:
    """What we hold of the patient; None for nobody of ours, and for who permits nothing.

    Raises NeededError where the client's patient of this id was born on another day than ours, _OtherError
    where only an identifier led there.
    """
    if not call.patient:
        return None
    access = call.visit.access
    try:
        chart = access.chart(call.patient, kinds=kinds, sheets=())
    except ConsentError:
        return None
    except VaultError:
        if access.find(call.patient):  # they are there, so that the vault itself has failed
            raise
        raise _NobodyError("There is nobody of this id.") from None
    if other_birth(chart.record, call.sent.person, needed=not call.certain):
        if not call.certain:
            raise _OtherError("The identifier is of somebody else here.")
        raise NeededError("The patient sent was born on another day than the one who has this id here.")
    return chart


def _followed(visit: Visit, chart: Chart, now: datetime) -> list[Course]:
    """What the live packages of courses say, where the last score is not old."""
    latest = now - timedelta(days=default_rules().course.stale_days)
    courses = courses_of(chart.courses, _followers(visit))
    return [course for course in courses if course.last.at >= latest]


def _followers(visit: Visit) -> list[Follower]:
    found = []
    for shelved in visit.services.shelf.courses():
        package = shelved.what.package
        found.append(
            Follower(
                package=shelved.what.manifest.files["model.json"].sha256[:32],
                name=package.name,
                instrument_id=package.following.instrument_id,
                unit=package.following.unit,
                horizon=package.model.horizon,
                per_100=package.per_100,
            )
        )
    return found


def _place(visit: Visit, patient: str) -> Place:
    settings = visit.services.settings
    return Place(settings.base_url.rstrip("/"), patient, settings.name)


def _unanswerable(card: Card) -> Card:
    return Card(card.summary, card.indicator, card.source, card.detail, links=card.links)
