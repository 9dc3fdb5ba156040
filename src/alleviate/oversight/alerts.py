"""Safety alerts and what became of them: how many of 100 patients, answered in time, resolved, overdue.

The figures of all signs together are shown however small they are: one overdue alert is what an officer has
to see. Those of one sign are shown where enough people had it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from alleviate.oversight.rates import median, per_100, share
from alleviate.oversight.suppression import Table, protect
from alleviate.progress.alerts import Alert, standing
from alleviate.progress.ladder import Ladders, default_ladders
from alleviate.terms.estimates import Estimate

__all__ = ["AlertFact", "AlertFigures", "AlertsOf", "alert_fact", "alert_figures"]


@dataclass(frozen=True, slots=True)
class AlertFact:
    """One alert about one ``person``. ``in_time``: whether the first who was asked answered in their time;
    None: it still runs. ``hours``: from raised to the first answer; None: not answered. ``old``: it came of
    an old record.
    """

    person: int
    sign: str
    old: bool
    in_time: bool | None
    hours: float | None
    resolved: bool
    overdue: bool


@dataclass(frozen=True, slots=True)
class AlertsOf:
    """The alerts of one sign, or all. ``hidden``: too few people; then nothing else is said. ``judged``:
    those whose time to an answer is over; ``hours``: median time to the first answer of those ``answered``.
    """

    sign: str
    hidden: bool
    people: int = 0
    raised: int = 0
    per_100: Estimate | None = None
    judged: int = 0
    in_time: int = 0
    share_in_time: Estimate | None = None
    answered: int = 0
    hours: Estimate | None = None
    resolved: int = 0
    share_resolved: Estimate | None = None
    overdue: int = 0


@dataclass(frozen=True, slots=True)
class AlertFigures:
    """``patients``: whose records were looked at. ``new`` alerts count; those of ``old`` records (imported
    later than they could be answered) stand apart. ``withheld``: by consent, and so in none of these figures.
    """

    patients: int
    withheld: int
    new: AlertsOf
    old: AlertsOf
    by_sign: tuple[AlertsOf, ...]


def alert_fact(person: int, alert: Alert, now: datetime, ladders: Ladders | None = None) -> AlertFact:
    """What an alert comes to at ``now`` (UTC)."""
    known = ladders or default_ladders()
    ladder = known.of(alert.sign, alert.raised_at)
    within = ladder.tiers[0].answer_within
    first = min((step.at for step in alert.steps if step.at <= now), default=None)
    where = standing(alert, now, known)
    late = (now if first is None else first) - alert.raised_at > within
    return AlertFact(
        person,
        alert.sign.rule,
        ladder.name == known.history,
        None if first is None and not late else not late,
        None if first is None else (first - alert.raised_at).total_seconds() / 3600,
        where is None,
        where is not None and where.overdue,
    )


def alert_figures(facts: Iterable[AlertFact], patients: int, withheld: int = 0) -> AlertFigures:
    """Of ``patients`` people."""
    every = list(facts)
    new, old = ([fact for fact in every if fact.old is old] for old in (False, True))
    return AlertFigures(
        patients, withheld, _of("", new, patients), _of("", old, patients), _by_sign(new, patients)
    )


def _by_sign(facts: Sequence[AlertFact], patients: int) -> tuple[AlertsOf, ...]:
    """The groups are protected by how many people they are; the counts say what the staff did, not who
    somebody is.
    """
    among: defaultdict[str, set[int]] = defaultdict(set)
    for number, fact in enumerate(facts):
        among[fact.sign].add(number)
    signs = sorted(among)
    groups = [frozenset(range(len(facts))), *(frozenset(among[sign]) for sign in signs)]
    person = {number: fact.person for number, fact in enumerate(facts)}
    shown = protect(Table(groups, person, partitions=[range(1, len(groups))], fixed={0}))
    return tuple(
        _of(sign, [facts[number] for number in sorted(group)], patients) if here else AlertsOf(sign, True)
        for sign, group, here in zip(signs, groups[1:], shown[1:], strict=True)
    )


def _of(sign: str, facts: Sequence[AlertFact], patients: int) -> AlertsOf:
    judged = [fact for fact in facts if fact.in_time is not None]
    hours = [fact.hours for fact in facts if fact.hours is not None]
    in_time, resolved = sum(fact.in_time is True for fact in facts), sum(fact.resolved for fact in facts)
    return AlertsOf(
        sign,
        False,
        people=len({fact.person for fact in facts}),
        raised=len(facts),
        per_100=per_100(len(facts), patients),
        judged=len(judged),
        in_time=in_time,
        share_in_time=share(in_time, len(judged)),
        answered=len(hours),
        hours=median(hours),
        resolved=resolved,
        share_resolved=share(resolved, len(facts)),
        overdue=sum(fact.overdue for fact in facts),
    )
