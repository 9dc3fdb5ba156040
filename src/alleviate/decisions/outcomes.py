"""What happened after a decision, as the record tells it: what was begun, and how the person then was.

It compares nobody with themselves untreated: who follows advice differs from who does not, so a difference
between the two is no effect of the advice.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from math import sqrt
from statistics import fmean, variance
from typing import Any, Literal

from scipy.special import stdtrit

from alleviate import features
from alleviate.decisions.decision import ELSE, NOTHING, Decision
from alleviate.decisions.parts import Aim
from alleviate.features import Feature, FeatureSpec, declare
from alleviate.records import Event, PatientRecord
from alleviate.terms.errors import DataError
from alleviate.terms.estimates import LEVEL, Estimate

__all__ = ["FEWEST", "WITHIN", "Comparison", "FollowUp", "Status", "compare", "follow_up"]

Status = Literal["nothing-begun", "waiting", "not-measured", "measured"]

WITHIN = timedelta(days=183)
"""What begins later than this after a decision is no longer counted as its consequence."""

FEWEST = 5
"""People, below whom a group's figures are not shown."""

ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class FollowUp:
    """``begun``: the arm that was begun first after the decision, "" where none was (yet).

    ``followed``: whether that is an advised one; None where nothing was begun. ``due``: when the window of
    the outcome closes. ``before``, ``after`` in outcome units; ``better``: by how much, positive is better.
    ``reliable``: whether that is more than the instrument's error, where it has a known one.
    """

    status: Status
    begun: str = ""
    begun_at: datetime | None = None
    followed: bool | None = None
    as_chosen: bool | None = None
    due: datetime | None = None
    before: float | None = None
    after: float | None = None
    better: float | None = None
    reliable: Literal["improved", "no reliable change", "deteriorated"] | None = None

    @property
    def settled(self) -> bool:
        """Whether nothing more is to be waited for."""
        return self.status in ("measured", "not-measured")

    def to_dict(self) -> dict[str, Any]:
        """As plain values, ready for JSON."""
        told = asdict(self)
        return told | {name: told[name] and told[name].isoformat() for name in ("begun_at", "due")}


def follow_up(record: PatientRecord, decision: Decision, aim: Aim, now: datetime) -> FollowUp:
    """What the record, as it stands at ``now`` (UTC), says of a decision. Raises DataError before one."""
    act = decision.decided
    if act is None:
        raise DataError("Nothing was decided yet.", hint="Wait for the decision.")
    start = _begun(record.at(now), aim, act.at)
    if start is None:
        return FollowUp("nothing-begun", as_chosen=act.chosen == NOTHING)
    arm = _arm(start, aim)
    opens, closes = (start.time + timedelta(days=days) for days in (aim.opens, aim.closes))
    told = FollowUp(
        "waiting",
        begun=arm,
        begun_at=start.time,
        followed=arm in decision.advised,
        as_chosen=arm == act.chosen or (act.chosen == ELSE and arm not in decision.options),
        due=closes,
        before=_measured(record, aim, None, start.time, start.time),
    )
    if now < closes:
        return told
    after = _measured(record, aim, opens, closes, now)
    if after is None:
        return replace(told, status="not-measured")
    return _changed(replace(told, status="measured", after=after), aim)


def _begun(record: PatientRecord, aim: Aim, decided: datetime) -> Event | None:
    """The first start after a decision; of the day of the decision too, where only days are recorded."""
    wanted = Feature("start", aim.start, "category")
    day = decided.replace(hour=0, minute=0, second=0, microsecond=0)
    starts = [
        event
        for event in record.events
        if wanted.matches(event.code) and day <= event.time <= decided + WITHIN and event.known_until is None
    ]
    return min(starts, key=lambda event: (event.time, event.known_at), default=None)


def _arm(start: Event, aim: Aim) -> str:
    word = start.code if aim.by_code else start.text_value or ""
    return aim.arms.get(word, word)


def _measured(
    record: PatientRecord, aim: Aim, opens: datetime | None, closes: datetime, known: datetime
) -> float | None:
    """The outcome by what happened until ``closes``, from ``opens`` on where given, as known at ``known``."""
    (feature,) = declare("outcome", aim.feature)
    spec = FeatureSpec((replace(feature, since_start=opens is not None),))
    happened = PatientRecord(
        record.subject_id,
        [replace(event, known_at=event.time) for event in record.at(known).events if event.time <= closes],
    )
    value = features.at(happened, closes, spec, opens).values["outcome"]
    return None if value is None else float(value)


def _changed(told: FollowUp, aim: Aim) -> FollowUp:
    if told.before is None or told.after is None:
        return told
    better = (told.after - told.before) * (1 if aim.better == "higher" else -1)
    if aim.reliable is None:
        return replace(told, better=better)
    least = aim.reliable - ROUNDING
    word: Literal["improved", "no reliable change", "deteriorated"] = (
        "improved" if better >= least else "deteriorated" if better <= -least else "no reliable change"
    )
    return replace(told, better=better, reliable=word)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much better people got, in the outcome's units, where what was begun is what was advised, and else.

    None where fewer than `FEWEST` were measured; ``difference`` only where both are shown. Of no randomised
    groups: it says what happened, not why.
    """

    n_followed: int
    n_otherwise: int
    followed: Estimate | None
    otherwise: Estimate | None
    difference: Estimate | None


def compare(found: Sequence[FollowUp]) -> Comparison:
    """Means with 95 % t intervals, and their difference by Welch's; who lacks a score is left out."""
    groups = [
        [each.better for each in found if each.followed is wanted and each.better is not None]
        for wanted in (True, False)
    ]
    shown = [group if len(group) >= FEWEST else [] for group in groups]
    return Comparison(
        n_followed=len(groups[0]),
        n_otherwise=len(groups[1]),
        followed=_mean(shown[0]),
        otherwise=_mean(shown[1]),
        difference=_difference(*shown) if all(shown) else None,
    )


def _mean(group: Sequence[float]) -> Estimate | None:
    if not group:
        return None
    reach = _quantile(len(group) - 1) * sqrt(variance(group) / len(group))
    middle = fmean(group)
    return Estimate(middle, middle - reach, middle + reach)


def _difference(one: Sequence[float], other: Sequence[float]) -> Estimate:
    middle = fmean(one) - fmean(other)
    shares = [variance(group) / len(group) for group in (one, other)]
    if not any(shares):
        return Estimate(middle, middle, middle)
    freedom = sum(shares) ** 2 / sum(
        share**2 / (len(group) - 1) for share, group in zip(shares, (one, other), strict=True)
    )
    reach = _quantile(freedom) * sqrt(sum(shares))
    return Estimate(middle, middle - reach, middle + reach)


def _quantile(freedom: float) -> float:
    return float(stdtrit(freedom, (1 + LEVEL) / 2))
