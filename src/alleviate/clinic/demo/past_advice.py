"""What was advised to the demonstration's people before their treatment began, and what became of it.

The ledger is that of the pages: a proposal is built from what the record then knew, seen, and accepted or
overridden by what was begun in truth; where the outcome's time has passed, it is noted. The packages are
those of today, learned from some of the past patients themselves: these decisions show how the pages look,
not how good the advice is. For that see `alleviate.clinic.demo.truth`.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from starlette.requests import Request

from alleviate.clinic.demo.staff import Cared, Staff
from alleviate.clinic.gate import Visit
from alleviate.clinic.recommending.ledger import SHEETS, Kept, after_act, kept, looked_back, shown_now
from alleviate.clinic.services import Services
from alleviate.clinic.who import Who
from alleviate.decisions import Act, Reason
from alleviate.records import Event, PatientRecord
from alleviate.vault.accounts import Account
from alleviate.vault.charts import Chart

__all__ = ["advised_before", "before_start", "decide"]

_BEFORE = timedelta(hours=20)
"""How long before its start a treatment was decided on."""
_AGREED_FOR_ONE = 2
"""Of decisions against the advice one is kept for so many in its favour."""
_START = "EPISODE//start"
_WHY = (
    Reason("patient-prefers"),
    Reason("not-available"),
    Reason("judgement", "The course so far speaks for the other; talked over with the person."),
    Reason("tried-before"),
)


@dataclass(frozen=True, slots=True)
class _Begun:
    """Whose treatment began, with what and when, and the clinician who saw the advice before."""

    person: Cared
    by: Account
    chart: Chart
    start: Event

    @property
    def treatment(self) -> str:
        return self.start.text_value or ""

    @property
    def decided_at(self) -> datetime:
        return self.start.time - _BEFORE


def decide(shared: Services, staff: Staff, people: Sequence[Cared], now: datetime, most: int) -> int:
    """Store advice and decisions about up to ``most`` people; how many there are. Again it adds nothing."""
    agreed = otherwise = 0
    for each in _begun(shared, staff, people):
        if agreed + otherwise >= most:
            break
        visit = _visit(shared, each, each.decided_at)
        then = replace(each.chart, record=each.chart.record.at(each.decided_at), sheets=())
        known = _first(each.chart)
        if known is None and _skipped(shared, visit, then, each, agreed, otherwise):
            continue
        found = known or shown_now(visit, then)
        if found.decision.is_open:
            found = after_act(visit, found, _act(visit, found, each))
        later = _visit(shared, each, now)
        looked_back(later, each.chart, found)
        right = each.treatment in found.proposal.advised
        agreed, otherwise = agreed + right, otherwise + (not right)
    return agreed + otherwise


def advised_before(shared: Services, staff: Staff, people: Sequence[Cared]) -> list[PatientRecord]:
    """The record of each of these as it stood before treatment: of who waits, as it stands."""
    found = []
    for person in people:
        with shared.vault.access(actor=staff.clinician_of(person).actor, purpose="care") as access:
            found.append(before_start(access.record(person.subject_id)))
    return found


def before_start(record: PatientRecord) -> PatientRecord:
    """As it stood before treatment began; as it stands, where it has not."""
    start = _start(record)
    return record if start is None else record.at(start.time - _BEFORE)


def _begun(shared: Services, staff: Staff, people: Sequence[Cared]) -> Iterator[_Begun]:
    for person in people:
        if person.waits:
            continue
        by = staff.clinician_of(person)
        with shared.vault.access(actor=by.actor, purpose="care") as access:
            chart = access.chart(person.subject_id, sheets=SHEETS)
        start = _start(chart.record)
        if start is not None:
            yield _Begun(person, by, chart, start)


def _skipped(shared: Services, visit: Visit, then: Chart, each: _Begun, agreed: int, otherwise: int) -> bool:
    """Whether this would be one decision against the advice too many, or there is no advice to decide on."""
    rules = shared.shelf.rules()
    own = [rule.what for rule in rules if each.treatment in rule.what.package.arms]
    if not own:
        return True
    (advice,) = own[0].recommend_records([then.record], visit.now)
    return advice.arm != each.treatment and otherwise * _AGREED_FOR_ONE >= agreed


def _act(visit: Visit, found: Kept, each: _Begun) -> Act:
    """What was begun is what was chosen."""
    who = visit.who
    if each.treatment in found.proposal.advised:
        return Act("accept", who.actor, who.role, visit.now, chosen=each.treatment)
    chosen = hashlib.sha256(each.person.subject_id.encode()).digest()[0] % len(_WHY)
    reason = _WHY[chosen]
    if each.treatment in found.proposal.barred and not reason.words:
        reason = replace(reason, words="The risk was talked over with the person and the pharmacist.")
    return Act("override", who.actor, who.role, visit.now, chosen=each.treatment, reason=reason)


def _first(chart: Chart) -> Kept | None:
    """What an earlier start has stored."""
    return next(iter(kept(chart.sheets)), None)


def _start(record: PatientRecord) -> Event | None:
    starts = (event for event in record.events if event.code == _START and event.known_until is None)
    return min(starts, key=lambda event: event.time, default=None)


def _visit(shared: Services, each: _Begun, now: datetime) -> Visit:
    """As the clinician's own: they are of the care team, or were."""
    request = Request({"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""})
    who = Who(each.by.actor, each.by.role, each.by)
    return Visit(request, shared, who, "advice.decide", now, each.chart.patient, "team")
