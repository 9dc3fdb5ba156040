"""Keeps what a caseload's people need somebody for, until it may be told otherwise, so that a page is quick.

To open 1,700 glances and ask every rule of each takes a fifth of a second; most is as it was a moment ago.
What is kept of a person holds for the very glance it was made of, and until the first moment at which a rule
may say something else. Caseloads that nobody asked for lately are forgotten.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from alleviate.clinic.caseload.glance import CaseGlance, opened
from alleviate.clinic.caseload.rules import CaseloadRules
from alleviate.clinic.caseload.urgency import Everybody, Placed, placed_one, urgency, whole
from alleviate.clinic.patient.live import end_of_day
from alleviate.progress.ladder import default_ladders
from alleviate.vault.caseload import Glance

__all__ = ["KeptCaseloads", "tells_otherwise"]

_FORGOTTEN_AFTER = 300.0  # seconds
_DAY = timedelta(days=1)
_PLACE = attrgetter("place")


@dataclass(frozen=True, slots=True)
class _Kept:
    """One person as ``body`` tells, from ``made`` on and before ``until``; ``place``: what sorts them."""

    body: bytes
    made: datetime
    until: datetime
    placed: Placed
    place: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Caseload:
    """All that was made of these very ``glances``, from ``made`` on and before ``until``."""

    glances: Sequence[Glance]
    people: dict[str, _Kept]
    everybody: Everybody
    made: datetime
    until: datetime


class KeptCaseloads:
    """Those of one process. Threads share it; of two that make the same at once the last one's stays."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[str, tuple[float, _Caseload]] = {}

    def everybody(
        self, account: str, glances: Sequence[Glance], now: datetime, rules: CaseloadRules
    ) -> Everybody:
        """What `urgency.placed` and `urgency.whole` give for ``account``, with the ladders that ship."""
        with self._lock:
            _, found = self._of.get(account, (0.0, None))
        if found is None or found.glances is not glances or not found.made <= now < found.until:
            found = _caseload(found.people if found else {}, account, glances, now, rules)
        self._keep(account, found)
        return found.everybody

    def _keep(self, account: str, found: _Caseload) -> None:
        """Of this account nobody else is kept: who was erased, or left, is gone from memory with it."""
        now = time.monotonic()
        with self._lock:
            self._of[account] = now, found
            for old in [name for name, (at, _) in self._of.items() if now - at >= _FORGOTTEN_AFTER]:
                del self._of[old]


def _caseload(
    before: Mapping[str, _Kept],
    account: str,
    glances: Sequence[Glance],
    now: datetime,
    rules: CaseloadRules,
) -> _Caseload:
    people = {
        glance.patient: _kept(before.get(glance.patient), glance, now, rules, account) for glance in glances
    }
    ordered = [one.placed for one in sorted(people.values(), key=_PLACE)]
    until = min((one.until for one in people.values()), default=end_of_day(now))
    return _Caseload(glances, people, whole(ordered, now), now, until)


def tells_otherwise(one: Placed, now: datetime) -> datetime:
    """The first moment after ``now`` from which a rule may say something else of this glance.

    Rules compare moments with ``now``, count whole days (of 24 hours since a moment, or of the calendar), and
    go by the deadlines of alerts and of what was asked for.
    """
    ends = [end_of_day(now)]
    ends += [at for at in _exact(one) if at > now]
    ends += [_next_day(at, now) for at in _counted_by_days(one.glance)]
    return min(ends)


def _next_day(at: datetime, now: datetime) -> datetime:
    """When another whole day since ``at`` is over; some rules count it at once, some a moment later."""
    days, rest = divmod(now - at, _DAY)
    return at + _DAY * (days + 1) if rest else now + timedelta.resolution


def _exact(one: Placed) -> Iterator[datetime]:
    ladders = default_ladders()
    yield from (need.deadline for need in one.needs if need.deadline)
    for alert in one.glance.alerts:
        yield alert.raised_at + ladders.of(alert.sign, alert.raised_at).resolve_within
        yield from (step.at for step in alert.steps)
    yield from (asking.until for asking in one.glance.asking)
    yield from (at for at, _ in one.glance.contacts)
    yield from _counted_by_days(one.glance)


def _counted_by_days(glance: CaseGlance) -> Iterator[datetime]:
    yield from filter(None, (glance.since, glance.ended, glance.heard))
    yield from (measure.last.at for measure in glance.measures)
    yield from (task.asked_at for task in glance.tasks)
    yield from (at for _, at in glance.mentions)
    yield from glance.wrong
    yield from (asking.asked_at for asking in glance.asking)
    for course in glance.courses:
        yield course.at
        yield from (step.at for step in course.steps)


def _kept(known: _Kept | None, glance: Glance, now: datetime, rules: CaseloadRules, account: str) -> _Kept:
    if known is not None and known.body == glance.body and known.made <= now < known.until:
        return known
    same = known is not None and known.body == glance.body
    one = placed_one(
        known.placed.glance if known and same else opened(glance.body), now, rules, account=account
    )
    return _Kept(glance.body, now, tells_otherwise(one, now), one, urgency(one))
