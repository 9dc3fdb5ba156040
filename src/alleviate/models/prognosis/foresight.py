"""All that is told of a person: the estimate, how sure it is, what else may happen, whether to speak."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from alleviate.models.prognosis.conformal import Intervals, Sets, fit_intervals, fit_sets
from alleviate.models.prognosis.cutoffs import Groups
from alleviate.models.prognosis.doubt import Doubt, fit_doubt
from alleviate.models.prognosis.model import PrognosisModel
from alleviate.models.prognosis.people import People, target
from alleviate.models.prognosis.reach import Reach, fit_reach
from alleviate.models.trial import Bools, Floats, Ints

__all__ = ["Foreseen", "Foresight", "fit_foresight", "fit_outcomes", "holds"]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """``estimate``, ``low``, ``high`` (n,): a risk with the 95 % interval of the risk itself; a number with
    an interval that holds 90 % of outcomes; an expected level with its 95 % interval.

    ``sets`` (n, L): levels (no, yes; or the ordinal ones) that cannot be ruled out at 90 %, ``None`` of a
    number. ``comparable`` (n,) people studied; ``problems``: why a person cannot be judged, or ``None``.
    """

    estimate: Floats
    low: Floats
    high: Floats
    sets: Bools | None
    comparable: Ints
    problems: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Foresight:
    """The model, and what was learned of its errors from people it had not seen."""

    model: PrognosisModel
    doubt: Doubt
    outcomes: Intervals | Sets
    reach: Reach

    def foresee(self, frame: pl.DataFrame, groups: Groups | None = None) -> Foreseen:
        """``frame``: raw typed columns. ``groups``: those in which coverage was looked after, by column."""
        encoded = self.model.encode(frame)
        linear = self.model.linear(encoded.x)
        judged = self.reach.judge(encoded, frame)
        sets = None
        if isinstance(self.outcomes, Intervals):
            estimate = linear
            low, high = self.outcomes.around(self.model.plain(encoded.x), estimate, groups)
            low, high = np.minimum(low, estimate), np.maximum(high, estimate)
        else:
            imputed = encoded.imputed.astype(float)
            low, high = self.doubt.interval(self.model.plain(encoded.x), linear, imputed)
            if self.model.link is not None:
                estimate, low, high = (_level(self.model, value) for value in (linear, low, high))
            else:
                estimate = _risk(linear)
            sets = self.outcomes.sets(_chances(self.model, linear), groups)
        return Foreseen(estimate, low, high, sets, judged.comparable, judged.problems)

    def to_json(self) -> dict[str, Any]:
        return {
            "model": self.model.to_json(),
            "doubt": self.doubt.to_json(),
            "intervals": self.outcomes.to_json() if isinstance(self.outcomes, Intervals) else None,
            "sets": self.outcomes.to_json() if isinstance(self.outcomes, Sets) else None,
            "reach": self.reach.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Foresight":
        outcomes: Intervals | Sets
        if data["sets"] is None:
            outcomes = Intervals.from_json(data["intervals"])
        else:
            outcomes = Sets.from_json(data["sets"])
        return cls(
            PrognosisModel.from_json(data["model"]),
            Doubt.from_json(data["doubt"]),
            outcomes,
            Reach.from_json(data["reach"]),
        )


def fit_foresight(
    model: PrognosisModel, people: People, held_out: Floats, seed: int, groups: Groups | None = None
) -> Foresight:
    """``held_out`` (n,): foreseen of ``people``, on the linear scale, by models that had not seen them."""
    encoded, aim = model.encode(people.features), target(people)
    encoder = model.encoder
    return Foresight(
        model,
        fit_doubt(model.plain(encoded.x), aim.y, aim.weight, held_out, model.linear, people.loss, seed),
        fit_outcomes(model, people, held_out, seed, groups),
        fit_reach(encoded, encoder.columns, model.features_kept, encoder.kinds, seed),
    )


def fit_outcomes(
    model: PrognosisModel, people: People, held_out: Floats, seed: int, groups: Groups | None = None
) -> Intervals | Sets:
    """What holds nine in ten outcomes, overall and in each large group."""
    aim = target(people)
    if people.kind != "numeric":
        return fit_sets(aim.y, _chances(model, held_out), aim.weight, people.kind, groups=groups)
    return fit_intervals(
        model.plain(model.encode(people.features).x),
        aim.y,
        held_out,
        aim.weight,
        seed=seed,
        groups=groups,
        clusters=people.clusters,
        bounds=(float(aim.y.min()), float(aim.y.max())),
    )


def holds(
    outcomes: Intervals | Sets,
    model: PrognosisModel,
    people: People,
    linear: Floats,
    groups: Groups | None = None,
) -> Bools:
    """(n,) whether each person's outcome is among those that were not ruled out."""
    y = target(people).y
    if isinstance(outcomes, Sets):
        sets = outcomes.sets(_chances(model, linear), groups)
        return np.asarray(sets[np.arange(len(y)), y.astype(np.int64)], dtype=bool)
    low, high = outcomes.around(model.plain(model.encode(people.features).x), linear, groups)
    return np.asarray((low <= y) & (y <= high), dtype=bool)


def _chances(model: PrognosisModel, linear: Floats) -> Floats:
    """(n, L) of each level: no and yes, or the ordinal ones."""
    if model.link is not None:
        return model.link.probabilities(linear)
    risk = _risk(linear)
    return np.column_stack([1.0 - risk, risk])


def _level(model: PrognosisModel, linear: Floats) -> Floats:
    chances = _chances(model, linear)
    return np.asarray(chances @ np.arange(chances.shape[1], dtype=float), dtype=float)


def _risk(linear: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-linear)), dtype=float)
