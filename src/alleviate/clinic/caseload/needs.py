"""What one person needs somebody for at a moment: by rule, from the facts of a glance, with the reason."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from alleviate.clinic.caseload.glance import CaseGlance
from alleviate.clinic.caseload.rules import CaseloadRules
from alleviate.clinic.corrections import WITHIN
from alleviate.progress.alerts import due
from alleviate.progress.ladder import Ladders

__all__ = ["NEEDS", "Because", "Need", "NeedKind", "needs_of"]

NeedKind = Literal["safety", "off track", "dropping out", "due"]
NEEDS: tuple[NeedKind, ...] = ("safety", "off track", "dropping out", "due")
"""In the order in which they go before one another."""

Because = Literal[
    "sign",
    "withheld",
    "course",
    "missed in a row",
    "missed of last",
    "silent",
    "falling",
    "task",
    "mention",
    "wrong",
    "invited",
    "not filled in",
    "never filled in",
]
Value = str | float | datetime | date | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Need:
    """``values`` fill the sentence of ``because``. ``deadline``: by when; ``overdue``: it has passed.

    ``weight`` orders needs of one kind that have no deadline, more first.
    """

    kind: NeedKind
    because: Because
    values: dict[str, Value] = field(default_factory=dict)
    deadline: datetime | None = None
    overdue: bool = False
    weight: float = 0.0

    @property
    def place(self) -> tuple[int, bool, bool, float, float]:
        """Sorts needs: by kind; overdue first; then the nearest deadline; then by weight."""
        until = self.deadline.timestamp() if self.deadline else 0.0
        return NEEDS.index(self.kind), not self.overdue, self.deadline is None, until, -self.weight


def needs_of(
    glance: CaseGlance,
    now: datetime,
    rules: CaseloadRules,
    ladders: Ladders | None = None,
    account: str = "",
) -> tuple[Need, ...]:
    """The most urgent first. Safety alerts are never held back; nobody who has died is asked for anything.

    ``account``: whose tasks and mentions count.
    """
    found = [*_safety(glance, now, ladders)]
    if not glance.died:
        found += [*_off_track(glance, now, rules), *_dropping_out(glance, now, rules)]
        found += _due(glance, now, rules)
    found += _asked_of(glance, now, account)
    return tuple(sorted(found, key=lambda need: need.place))


def _safety(glance: CaseGlance, now: datetime, ladders: Ladders | None) -> Iterator[Need]:
    for standing in due(glance.alerts, now, ladders):
        sign = standing.alert.sign
        yield Need(
            "safety",
            "sign",
            {
                "alert": standing.alert.id,
                "instrument": sign.instrument,
                "flag": sign.flag,
                "answered": sign.time,
                "state": standing.alert.state,
                "owner": standing.owner,
                "tier": float(standing.tier),
                "answers": tuple(f"{item}={value:g}" for item, value in sign.answers if value is not None),
            },
            standing.deadline,
            standing.overdue,
        )
    if glance.withheld_alerts:
        yield Need("safety", "withheld", {"number": float(glance.withheld_alerts)})


def _off_track(glance: CaseGlance, now: datetime, rules: CaseloadRules) -> Iterator[Need]:
    over = glance.ended is not None and glance.ended <= now
    for course in () if over else glance.courses:
        stale = now - course.at > timedelta(days=rules.course.stale_days)
        answered = course.steps[-1] if course.steps else None
        rests = (
            answered is not None
            and answered.state == "resolved"
            and now - answered.at < timedelta(days=rules.course.answered_days)
        )
        if course.on_track is False and not stale and not rests:
            values: dict[str, Value] = {
                "instrument": course.instrument,
                "at": course.at,
                "chance": 1.0 - course.p_improve,
                "reasons": course.reasons,
                "alert": course.alert,
                "by": answered.by if answered and answered.state == "acknowledged" else "",
            }
            yield Need("off track", "course", values, weight=1.0 - course.p_improve)


def _dropping_out(glance: CaseGlance, now: datetime, rules: CaseloadRules) -> Iterator[Need]:
    """While a treatment is under way: missed sessions, silence, and a falling share of sessions attended."""
    if not _under_way(glance, now):
        return
    rule, since = rules.dropping_out, glance.since
    states = [state for at, state in glance.contacts if at <= now and (since is None or at >= since)]
    row = next((n for n, state in enumerate(reversed(states)) if state == "attended"), len(states))
    last = states[-rule.missed_of_last :]
    missed = last.count("missed")
    if row >= rule.missed_in_a_row:
        yield Need("dropping out", "missed in a row", {"missed": float(row)}, weight=10.0 + row)
    elif missed >= rule.missed_least and "missed" in states[-rule.missed_in_a_row :]:
        values: dict[str, Value] = {"missed": float(missed), "of": float(len(last))}
        yield Need("dropping out", "missed of last", values, weight=float(missed))
    quiet = _silent_since(glance)
    ahead = any(day >= now.date() for day in glance.booked)
    if quiet and not ahead and (days := (now - quiet).days) >= rule.silent_days:
        yield Need("dropping out", "silent", {"days": float(days), "since": quiet}, weight=days / 7)
    window = rule.falling_window
    if len(states) >= 2 * window:
        before, lately = (part.count("attended") / window for part in _halves(states, window))
        if before - lately >= rule.falling_by:
            values = {"before": before * window, "lately": lately * window, "of": float(window)}
            yield Need("dropping out", "falling", values, weight=before - lately)


def _halves(states: Sequence[str], window: int) -> tuple[Sequence[str], Sequence[str]]:
    return states[-2 * window : -window], states[-window:]


def _asked_of(glance: CaseGlance, now: datetime, account: str) -> Iterator[Need]:
    """Tasks of this account, notes in which it was mentioned and that it has not said to have seen, and what
    the person says is wrong."""
    for task in glance.tasks:
        if task.account == account:
            late = task.due is not None and task.due < now.date()
            until = datetime.combine(task.due, time.max, UTC) if task.due else None
            days = (now - task.asked_at).days
            yield Need("due", "task", {"words": task.words, "due": task.due}, until, late, float(days))
    for name, at in glance.mentions:
        if name == account:
            yield Need("due", "mention", {"at": at}, weight=float((now - at).days))
    for at in glance.wrong:  # everybody of the team may answer
        until = at + WITHIN
        yield Need("due", "wrong", {"at": at, "due": until}, until, until < now, float((now - at).days))


def _due(glance: CaseGlance, now: datetime, rules: CaseloadRules) -> Iterator[Need]:
    rule, asked = rules.due, set[str]()
    for asking in (each for each in glance.asking if each.until > now):
        asked.update(asking.instruments)
        by = datetime.combine(asking.due, time.max, UTC)
        told: dict[str, Value] = {
            "instruments": asking.instruments,
            "asked": asking.asked_at,
            "due": asking.due,
        }
        yield Need("due", "invited", told, by, by < now, weight=float((now - asking.asked_at).days))
    if not _under_way(glance, now):
        return
    seen = {measure.instrument: measure.last.at for measure in glance.measures}
    for instrument in rule.measures:
        if instrument in asked:
            continue
        begun = max(filter(None, (seen.get(instrument), glance.since)), default=now)
        days = (now - begun).days
        if days >= rule.every_days:
            last = seen.get(instrument)
            because: Because = "not filled in" if last else "never filled in"
            values: dict[str, Value] = {
                "instrument": instrument,
                "last": last,
                "days": float((now - last).days if last else days),
                "every": float(rule.every_days),
            }
            overdue = days >= rule.overdue_after_days
            yield Need("due", because, values, None, overdue, weight=float(days))


def _under_way(glance: CaseGlance, now: datetime) -> bool:
    began = glance.since is not None and glance.since <= now
    return began and (glance.ended is None or glance.ended > now)


def _silent_since(glance: CaseGlance) -> datetime | None:
    """When something was heard last; of who never was, when the treatment began."""
    return max(filter(None, (glance.heard, glance.since)), default=None)
