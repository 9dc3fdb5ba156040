"""How the service does: waiting, dropping out, recovering; by site, treatment, step and therapist, small
groups hidden.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files

import msgspec

from alleviate.oversight.parts import Fact, Tabled, tabled
from alleviate.progress.talking_therapies import Outcome, Pair, talking_therapies

__all__ = ["GROUPINGS", "Rules", "Score", "ServiceFigures", "Spell", "rules", "service_figures"]

GROUPINGS = ("site", "treatment", "step", "therapist")
"""What is compared. A step is the how-manieth course of treatment it is: 1, 2, or 3 and later."""

_LAST_STEP = 3

Score = tuple[datetime, float]


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The numbers and words of service.toml."""

    dropped_out: tuple[str, ...]
    first_score_days_before: int
    last_score_days_after: int
    longest_wait_days: int


@cache
def rules() -> Rules:
    """Those that ship."""
    text = (files("alleviate.oversight") / "service.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """One course of treatment, or one person who waits (``since`` None).

    ``turn``: the how-manieth course it is, from 1; ``asked``: the first contact that led to it.
    ``contacts``: attended ones within it; ``depression`` and ``anxiety``: scores of PHQ-9 and GAD-7, by
    time, of the whole record.
    """

    person: int
    site: str
    treatment: str = ""
    therapist: str = ""
    turn: int = 1
    asked: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None
    reason: str = ""
    contacts: int = 0
    depression: tuple[Score, ...] = ()
    anxiety: tuple[Score, ...] = ()

    @property
    def groups(self) -> Mapping[str, str]:
        return {
            "site": self.site,
            "treatment": self.treatment,
            "step": str(min(self.turn, _LAST_STEP)),
            "therapist": self.therapist,
        }

    @property
    def waited(self) -> float | None:
        """Days from the first contact to the start; None where the record has no contact before it."""
        if self.since is None or self.asked is None:
            return None
        days = (self.since - self.asked).total_seconds() / 86_400
        return days if 0 <= days <= rules().longest_wait_days else None

    @property
    def outcome(self) -> Outcome:
        """By the rules of NHS Talking Therapies."""
        return talking_therapies(
            self.pair(self.depression),
            self.pair(self.anxiety),
            contacts=self.contacts,
            ended=self.until is not None,
        )

    def pair(self, scores: Sequence[Score]) -> Pair:
        """The first and the last score of the course; (None, None) where there are not two."""
        if self.since is None:
            return None, None
        known = rules()
        ends = None if self.until is None else self.until + timedelta(days=known.last_score_days_after)
        opens = self.since - timedelta(days=known.first_score_days_before)
        # A score of the day of the start was given before the first session.
        day = self.since.replace(hour=23, minute=59, second=59)
        within = sorted(each for each in scores if opens <= each[0] and (ends is None or each[0] <= ends))
        before = [each for each in within if each[0] <= day]
        first = before[-1] if before else within[0] if within else None
        last = within[-1] if within else None
        if first is None or last is None or last[0] <= first[0]:
            return None, None
        return first[1], last[1]


@dataclass(frozen=True, slots=True)
class ServiceFigures:
    """``people`` had so many ``courses`` of treatment. ``waited``: median days from first contact to the
    start; ``waiting``: the same of those who still wait, so far.

    ``dropout``: of courses that ended. ``improved`` reliably: of courses that count; ``recovered`` and
    ``reliably`` recovered: of those who were cases at the start. ``uncounted``: ended courses whose records
    lack what it takes.
    """

    people: int
    courses: int
    waited: Tabled
    waiting: Tabled
    dropout: Tabled
    improved: Tabled
    recovered: Tabled
    reliably: Tabled
    uncounted: int


def service_figures(spells: Iterable[Spell], now: datetime) -> ServiceFigures:
    """Of everybody's courses, as of ``now`` (UTC)."""
    every = list(spells)
    begun = [spell for spell in every if spell.since is not None]
    ended = [spell for spell in begun if spell.until is not None]
    told = [(spell, spell.outcome) for spell in ended]
    counted = [(spell, outcome) for spell, outcome in told if outcome.counted]
    cases = [(spell, outcome) for spell, outcome in counted if outcome.case]
    return ServiceFigures(
        people=len({spell.person for spell in begun}),
        courses=len(begun),
        waited=tabled([_valued(s, s.waited) for s in begun if s.waited is not None], GROUPINGS, medians=True),
        waiting=tabled(_so_far(every, now), ("site",), medians=True),
        dropout=tabled([_hit(s, s.reason in rules().dropped_out) for s in ended], GROUPINGS),
        improved=tabled([_hit(s, o.reliable_improvement) for s, o in counted], GROUPINGS),
        recovered=tabled([_hit(s, o.recovery) for s, o in cases], GROUPINGS),
        reliably=tabled([_hit(s, o.reliable_recovery) for s, o in cases], GROUPINGS),
        uncounted=len(ended) - len(counted),
    )


def _so_far(spells: Iterable[Spell], now: datetime) -> list[Fact]:
    return [
        _valued(spell, (now - spell.asked).total_seconds() / 86_400)
        for spell in spells
        if spell.since is None and spell.asked is not None
    ]


def _valued(spell: Spell, value: float | None) -> Fact:
    return Fact(spell.person, spell.groups, value=value)


def _hit(spell: Spell, hit: bool | None) -> Fact:
    return Fact(spell.person, spell.groups, hit=bool(hit))
