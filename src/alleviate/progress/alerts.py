"""Safety alerts: raised by rule, acknowledged, resolved; unanswered they go to the next tier.

Where an alert stands follows from its steps and the clock alone: no process has to run for it to move on, so
none can die over it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from alleviate.progress.ladder import Ladder, Ladders, default_ladders
from alleviate.progress.safety import Sign
from alleviate.terms.errors import DataError
from alleviate.terms.times import check_utc

__all__ = ["Alert", "Standing", "State", "Step", "check_step", "due", "standing", "with_step"]

State = Literal["raised", "acknowledged", "resolved"]

_OPEN = ("raised", "acknowledged")


@dataclass(frozen=True, slots=True)
class Step:
    """``by`` took the alert (``acknowledged``) or closed it (``resolved``) at ``at`` (UTC); ``done``: how."""

    state: Literal["acknowledged", "resolved"]
    at: datetime
    by: str
    done: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """One sign about one person and what was done about it, in the order of time."""

    id: str
    subject_id: str
    sign: Sign
    raised_at: datetime
    steps: tuple[Step, ...] = ()

    @property
    def state(self) -> State:
        return self.steps[-1].state if self.steps else "raised"


@dataclass(frozen=True, slots=True)
class Standing:
    """Who has to do something by when. ``tier`` counts from 1; ``owner`` is its role, or who took the alert.

    ``overdue``: a deadline has passed, at this tier or at one before it.
    """

    alert: Alert
    owner: str
    tier: int
    deadline: datetime
    overdue: bool


def with_step(alert: Alert, step: Step) -> Alert:
    """The alert after one step more. Raises DataError where the step is not open to it (`check_step`)."""
    check_step(alert.id, alert.raised_at, alert.steps, step)
    return replace(alert, steps=(*alert.steps, step))


def check_step(alert: str, raised_at: datetime, steps: Sequence[Step], step: Step) -> None:
    """Raises DataError where ``step`` is not open to the alert of this id after ``steps``.

    An alert is acknowledged before it is resolved, may be acknowledged again (somebody else takes it), and
    a resolved one is closed; to resolve is to say what was done.
    """
    check_utc(step.at, "The moment of a step")
    state = steps[-1].state if steps else "raised"
    last = steps[-1].at if steps else raised_at
    if not step.by.strip():
        raise DataError("A step names who took it.", hint="Give a name or an id.")
    if state not in _OPEN:
        raise DataError(f"The alert {alert} is resolved.", hint="A new answer raises a new alert.")
    if step.state == "resolved" and state == "raised":
        raise DataError(f"Nobody has acknowledged the alert {alert}.", hint="Acknowledge it first.")
    if step.state == "resolved" and not step.done.strip():
        raise DataError("A resolved alert says what was done.", hint="Say it in a sentence.")
    if step.at < last:
        raise DataError(f"A step at {step.at} comes before the one at {last}.", hint="Check the clock.")


def standing(alert: Alert, now: datetime, ladders: Ladders | None = None) -> Standing | None:
    """Where the alert stands at ``now`` (UTC); None once it is resolved.

    Exactly at a deadline it has passed on. After an acknowledgement the deadline is that of the resolution;
    one that came later than that, or again, has the tier's own time.
    """
    check_utc(now, "The moment of a look")
    ladder = (ladders or default_ladders()).of(alert.sign, alert.raised_at)
    steps = [step for step in alert.steps if step.at <= now]
    if steps and steps[-1].state not in _OPEN:
        return None
    tier, deadline, owner = 0, alert.raised_at + ladder.tiers[0].answer_within, ladder.tiers[0].owner
    for step in steps:
        tier, _ = _climbed(ladder, tier, deadline, step.at)
        in_time = alert.raised_at + ladder.resolve_within
        deadline = max(in_time, step.at + ladder.tiers[tier].answer_within)
        owner = step.by
    reached, until = _climbed(ladder, tier, deadline, now)
    return Standing(
        alert,
        owner if now < deadline else ladder.tiers[reached].owner,
        reached + 1,
        until,
        now >= deadline or now >= alert.raised_at + ladder.resolve_within,
    )


def due(alerts: Iterable[Alert], now: datetime, ladders: Ladders | None = None) -> list[Standing]:
    """Everything that is not resolved, none held back: overdue first, then by deadline."""
    found = [place for alert in alerts if (place := standing(alert, now, ladders))]
    return sorted(found, key=lambda place: (not place.overdue, place.deadline, place.alert.id))


def _climbed(ladder: Ladder, tier: int, deadline: datetime, now: datetime) -> tuple[int, datetime]:
    """The tier that has it at ``now``, and until when; the last one keeps it."""
    while now >= deadline and tier + 1 < len(ladder.tiers):
        tier += 1
        deadline += ladder.tiers[tier].answer_within
    return tier, deadline
