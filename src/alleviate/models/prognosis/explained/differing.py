"""What would have to differ: the fewest features whose other values take what is foreseen across a line.

Never advice: the model knows what people are like, not what changing them does. A search by beam: the best
few sets of k features are widened by every other feature and value. Where the model is additive on the linear
scale, the best single differences are the parts of the best set, so that the beam finds it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from alleviate.models.prognosis.explained.scale import outcome
from alleviate.models.prognosis.explained.seen import Seen
from alleviate.models.prognosis.explained.values import Value, with_values
from alleviate.models.prognosis.explained.words import WORDS, Speech, spelled
from alleviate.models.prognosis.model import PrognosisModel
from alleviate.models.trial import Floats

__all__ = ["Difference", "Differing", "differing"]

MOST = 3
BEAM = 5

STRANGER = 1.1
"""Times as strange as the person is that a like one may be, where the person is strange already."""


@dataclass(frozen=True, slots=True)
class Difference:
    feature: str
    label: str
    before: Value | None
    after: Value


@dataclass(frozen=True, slots=True)
class Differing:
    """``differences``: the fewest that reach the aim, or, where none do, those that come nearest.

    ``before``, ``after``: what is foreseen; ``aim``: the line to be crossed, on the outcome's own scale."""

    differences: tuple[Difference, ...]
    before: float
    after: float
    aim: float
    reached: bool
    text: str


def differing(
    model: PrognosisModel,
    person: pl.DataFrame,
    seen: Seen,
    speech: Speech,
    aim: float,
    fixed: Collection[str] = (),
    most: int = MOST,
) -> Differing:
    """For one ``person`` (a frame of one row): what takes the estimate to the other side of ``aim``.

    Downwards where it lies at or above the aim, else upwards. ``fixed``: features nobody can change. Values
    are those that people have (``seen``), in combinations no stranger than 95 % of people are, or hardly more
    so than the person is.
    """
    before = {name: person[name][0] for name in seen.values if name in person.columns and name not in fixed}
    before = {name: value for name, value in before.items() if value is not None}
    search = _Search(model, seen, model.encode(person).x, aim, before)
    best, front = search.start, [search.start]
    for _ in range(most):
        front = search.wider(front)
        if crossed := [each for each in front if search.across(each)]:
            best = min(crossed, key=search.size)
            break
        front = front[:BEAM]
        best = max([best, *front[:1]], key=lambda each: search.sign * each.outcome)
    found = tuple(
        Difference(name, speech.label(name), before[name], value) for name, value in best.values.items()
    )
    text = _text(found, search.start.outcome, best.outcome, aim, search.across(best), most, speech)
    return Differing(found, search.start.outcome, best.outcome, aim, search.across(best), text)


@dataclass(frozen=True, slots=True)
class _Person:
    """One who differs in ``values``: encoded ``x`` (p,), and the ``outcome`` foreseen."""

    values: Mapping[str, Value]
    x: Floats
    outcome: float


class _Search:
    def __init__(
        self, model: PrognosisModel, seen: Seen, x: Floats, aim: float, before: Mapping[str, Value]
    ) -> None:
        self._model, self._seen, self._before, self._aim = model, seen, before, aim
        self._strangest = max(seen.common, STRANGER * float(seen.strangeness(x)[0]))
        self.start = _Person({}, x[0], float(outcome(model, model.linear(x))[0]))
        self.sign = -1.0 if self.start.outcome >= aim else 1.0

    def across(self, person: _Person) -> bool:
        return person.outcome < self._aim if self.sign < 0 else person.outcome >= self._aim

    def size(self, person: _Person) -> float:
        """How far away: numbers in SD, a level counts 1."""
        apart = 0.0
        for name, value in person.values.items():
            number = not isinstance(value, str | bool)
            far = abs(float(value) - float(self._before[name])) / self._seen.spread[name] if number else 1.0
            apart += far
        return apart

    def wider(self, front: Sequence[_Person]) -> list[_Person]:
        """``front`` with one more feature each: of each set of features the furthest, and all that cross."""
        made: list[tuple[dict[str, Value], Floats]] = []
        done: set[frozenset[str]] = set()
        for person in front:
            for name, old in self._before.items():
                features = frozenset({*person.values, name})
                if name in person.values or features in done:
                    continue
                done.add(features)
                values = [value for value in self._seen.values[name] if value != old]
                rows = np.repeat(person.x[None], len(values), axis=0)
                rows = with_values(self._model, rows, name, values)
                made += [
                    ({**person.values, name: value}, row) for value, row in zip(values, rows, strict=True)
                ]
        if not made:
            return []
        x = np.array([row for _, row in made])
        possible = np.flatnonzero(self._seen.strangeness(x) <= self._strangest)
        said = outcome(self._model, self._model.linear(x[possible]))
        people = [_Person(made[i][0], x[i], float(y)) for i, y in zip(possible, said, strict=True)]
        people.sort(key=lambda each: -self.sign * each.outcome)
        kept: list[_Person] = []
        for person in people:
            alike = any(person.values.keys() == other.values.keys() for other in kept)
            if self.across(person) or not alike:
                kept.append(person)
        return kept


def _text(
    found: Sequence[Difference],
    before: float,
    after: float,
    aim: float,
    reached: bool,
    most: int,
    speech: Speech,
) -> str:
    words = WORDS["differ"]
    kind = "reached" if reached else "closer" if found else "nothing"
    said = (
        words["difference"].format(label=d.label, after=spelled(d.after), before=spelled(d.before))
        for d in found
    )
    return str(
        words[kind].format(
            differences=words["join"].join(said),
            outcome=speech.name,
            before=speech.amount(before),
            after=speech.amount(after),
            aim=speech.amount(aim),
            most=most,
        )
    )
