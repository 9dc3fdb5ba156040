"""What may happen to the person: an interval of a number, or a set of outcomes, true as often as it says.

Cross-conformal (Vovk 2015; Barber et al. 2021): how far people's outcomes lay from what models that had not
seen them foretold says how far a new person's may lie. No assumption on the model; people exchangeable.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from alleviate.models.prognosis.cutoffs import Cutoffs, Groups, fit_cutoffs
from alleviate.models.prognosis.people import Kind
from alleviate.models.regressors import AveragedRidge
from alleviate.models.trial import Bools, Floats, Ints

__all__ = ["COVERAGE", "Intervals", "Sets", "Spread", "fit_intervals", "fit_sets", "split"]

COVERAGE = 0.9
"""Share of people whose outcome is to lie in what is foretold."""

FOLDS = 5
"""Parts over which the spread is fitted to some people and judged on others."""

FURTHEST = 4.0
"""A person's spread is at most so many times the typical one, and at least its inverse."""

LEAST = 0.1
"""Share of the typical error that is added before logarithms are taken: no error of 0 rules."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How hard a person is to foresee: log |error| as a line in what is encoded and in what is foretold.

    ``centre``, ``scale``, ``slope`` (p + 2,): of the columns, the estimate and its square; ``level``: the
    typical log error.
    """

    centre: Floats
    scale: Floats
    slope: Floats
    level: float

    def of(self, x: Floats, estimate: Floats) -> Floats:
        """(n,) > 0 the size of error to expect."""
        furthest = np.log(FURTHEST)
        away = (_wide(x, estimate) - self.centre) / self.scale @ self.slope
        spread: Floats = np.exp(self.level + np.clip(away, -furthest, furthest))
        return spread

    def to_json(self) -> dict[str, Any]:
        arrays = {name: getattr(self, name).tolist() for name in ("centre", "scale", "slope")}
        return arrays | {"level": self.level}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Spread":
        centre, scale, slope = (np.array(data[name], dtype=float) for name in ("centre", "scale", "slope"))
        return cls(centre, scale, slope, float(data["level"]))


def _wide(x: Floats, estimate: Floats) -> Floats:
    return np.column_stack([x, estimate, estimate**2])


def _fit_spread(x: Floats, estimate: Floats, error: Floats, weight: Floats) -> Spread:
    wide = _wide(x, estimate)
    centre, scale = wide.mean(axis=0), wide.std(axis=0)
    scale = np.where(scale > 1e-12, scale, 1.0)
    size = np.abs(error)
    logs = np.log(size + max(LEAST * float(np.average(size, weights=weight)), 1e-12))
    ridge = AveragedRidge().fit((wide - centre) / scale, logs, weight)
    return Spread(centre, scale, ridge.coef_, float(np.average(logs, weights=weight)))


@dataclass(frozen=True, slots=True)
class Intervals:
    """Of a number: the estimate, less ``below`` and plus ``above`` times the person's spread."""

    spread: Spread
    below: Cutoffs
    above: Cutoffs
    bounds: tuple[float, float] | None = None

    def around(self, x: Floats, estimate: Floats, groups: Groups | None = None) -> tuple[Floats, Floats]:
        """(n,) low and high ends for encoded people ``x`` (n, p) of whom ``estimate`` (n,) was foretold."""
        spread, n = self.spread.of(x, estimate), len(x)
        low = estimate - spread * self.below.of(n, groups)
        high = estimate + spread * self.above.of(n, groups)
        low, high = np.minimum(low, high), np.maximum(low, high)
        return (
            (low, high) if self.bounds is None else (np.clip(low, *self.bounds), np.clip(high, *self.bounds))
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "spread": self.spread.to_json(),
            "below": self.below.to_json(),
            "above": self.above.to_json(),
            "bounds": None if self.bounds is None else list(self.bounds),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Intervals":
        return cls(
            Spread.from_json(data["spread"]),
            Cutoffs.from_json(data["below"]),
            Cutoffs.from_json(data["above"]),
            None if data["bounds"] is None else (float(data["bounds"][0]), float(data["bounds"][1])),
        )


def split(n: int, clusters: Ints | None, seed: int, folds: int = FOLDS) -> Ints:
    """(n,) 0 … ``folds`` - 1 at random, people of one cluster together."""
    rng = np.random.default_rng(seed)
    _, whose = np.unique(np.arange(n) if clusters is None else clusters, return_inverse=True)
    part = rng.permutation(int(whose.max(initial=-1)) + 1) % folds
    return np.asarray(part[whose], dtype=np.int64)


def fit_intervals(
    x: Floats,
    y: Floats,
    held_out: Floats,
    weight: Floats,
    *,
    seed: int,
    groups: Groups | None = None,
    clusters: Ints | None = None,
    level: float = COVERAGE,
    bounds: tuple[float, float] | None = None,
) -> Intervals:
    """From encoded people ``x`` (n, p), their number ``y`` (n,) and what was foretold of them unseen.

    Errors are counted in units of a spread that was fitted to other people (Lei et al. 2018), below and above
    apart, each at half of what may be missed. ``weight`` (n,) ≥ 0: of a survey, of censoring, or how much
    more often such people come where the intervals are for (covariate shift: Tibshirani et al. 2019).
    """
    error, scaled = y - held_out, np.zeros(len(y))
    part = split(len(y), clusters, seed)
    for fold in np.unique(part):
        rest, here = part != fold, part == fold
        if not weight[rest].any():
            rest = here
        fitted = _fit_spread(x[rest], held_out[rest], error[rest], weight[rest])
        scaled[here] = error[here] / fitted.of(x[here], held_out[here])
    side = (1.0 + level) / 2.0
    return Intervals(
        _fit_spread(x, held_out, error, weight),
        fit_cutoffs(-scaled, weight, side, groups),
        fit_cutoffs(scaled, weight, side, groups),
        bounds,
    )


@dataclass(frozen=True, slots=True)
class Sets:
    """Of levels: those whose score is within the ``cutoffs``, one for each level, or one for all."""

    kind: Kind
    cutoffs: tuple[Cutoffs, ...]

    def accepted(self, probabilities: Floats, groups: Groups | None = None) -> Bools:
        """(n, L) the levels that are not unusual given ``probabilities`` (n, L); none may be left."""
        scores = _scores(probabilities, self.kind)
        cutoffs = np.column_stack([cutoffs.of(len(scores), groups) for cutoffs in self.cutoffs])
        accepted: Bools = scores <= cutoffs
        return accepted

    def sets(self, probabilities: Floats, groups: Groups | None = None) -> Bools:
        """(n, L) as shown: what is accepted, and the level least unusual where nothing is."""
        chosen = self.accepted(probabilities, groups)
        empty = ~chosen.any(axis=1)
        chosen[empty, _scores(probabilities, self.kind)[empty].argmin(axis=1)] = True
        return chosen

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "cutoffs": [cutoffs.to_json() for cutoffs in self.cutoffs]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Sets":
        return cls(data["kind"], tuple(Cutoffs.from_json(cutoffs) for cutoffs in data["cutoffs"]))


def _scores(probabilities: Floats, kind: Kind) -> Floats:
    """(n, L) how unusual each level would be. Ordinal: how far from the middle of what was foretold, so that

    sets have no gaps; else how unlikely (least ambiguous sets: Sadinle, Lei & Wasserman 2019)."""
    if kind == "ordinal":
        middle: Floats = np.abs(np.cumsum(probabilities, axis=1) - probabilities / 2.0 - 0.5)
        return middle
    return 1.0 - probabilities


def fit_sets(
    y: Floats,
    held_out: Floats,
    weight: Floats,
    kind: Kind,
    *,
    groups: Groups | None = None,
    by_level: bool | None = None,
    level: float = COVERAGE,
) -> Sets:
    """From people's level ``y`` (n,) and the probabilities (n, L) that were foretold of them unseen.

    ``by_level``: whether a set shall hold the truth equally often whatever it is (Vovk 2012). For two
    levels that is the default: sets that hold it on average may leave out a rare event every time.
    ``weight`` (n,): 0 where y cannot be told (lost to follow-up), then larger for those who stand for them.
    """
    scores, truth = _scores(held_out, kind), y.astype(np.int64)
    own = scores[np.arange(len(y)), truth]
    if by_level is None:
        by_level = kind != "ordinal"
    if not by_level:
        return Sets(kind, (fit_cutoffs(own, weight, level, groups),))
    levels = [truth == value for value in range(held_out.shape[1])]
    return Sets(
        kind,
        tuple(
            fit_cutoffs(
                own[here],
                weight[here],
                level,
                {name: pl.Series(values=labels).filter(here) for name, labels in (groups or {}).items()},
            )
            for here in levels
        ),
    )
