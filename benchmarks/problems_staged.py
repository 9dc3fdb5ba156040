"""Problems of two decisions in turn with a known optimum: P3, and two where the second often does nothing.

P3 is Zhang, Tsiatis, Laber & Davidian (2013, Biometrika 100:681); the others are of the family of
Chakraborty, Murphy & Strecher (2010, Stat Methods Med Res 19:317) and Laber et al. (2014, Electron J Stat
8:1225).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alleviate.models.trial import Floats, Ints
from alleviate.policies.stages import StagedTrial, StageTable

__all__ = ["FAMILY", "Assign", "StagedDraw", "family", "family_effect", "family_value", "p3", "p3_value"]

Assign = Callable[[int, pl.DataFrame], Ints]
"""Stage and history (n rows) → arm (n,)."""

FAMILY: dict[str, tuple[tuple[float, ...], tuple[float, float]]] = {
    "null": ((0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0), (0.5, 0.5)),
    "half": ((0.0, 0.0, -0.5, 0.0, 0.5, 0.0, 0.5), (0.5, 0.5)),
    "near": ((0.0, 0.0, -0.5, 0.0, 0.5, 0.0, 0.49), (0.5, 0.5)),
    "regular": ((0.0, 0.0, -0.25, 0.0, 0.25, 0.5, 0.5), (0.1, 0.1)),
}
"""γ of 1, O1, A1, O1A1, A2, O2A2, A1A2 and δ of O1, A1 in the chance of O2.

"null": the second treatment does nothing for anybody; "half": nothing for just half; "near": next to
nothing for half; "regular": something for everybody.
"""


@dataclass(frozen=True, slots=True)
class StagedDraw:
    """One simulated trial; ``value``: the true value of any regime; ``optimum``: of the best."""

    trial: StagedTrial
    value: Callable[[Assign], float]
    optimum: float


def p3(n: int, seed: int) -> StagedDraw:
    """Routine care, linear in what decides; V*=1120, best fixed pair 1060, as treated 772."""
    rng = np.random.default_rng(seed)
    first, second, noise = _p3_course(rng, n)
    a1 = _drawn(rng, _expit(2 - 0.006 * first))
    a2 = _drawn(rng, _expit(0.8 - 0.004 * second))
    trial = StagedTrial(
        (
            StageTable("a1", pl.DataFrame({"l1": first}), a1, ("0", "1")),
            StageTable("a2", pl.DataFrame({"l2": second}), a2, ("0", "1")),
        ),
        _p3_mean(first, second, a1, a2) + noise,
    )
    return StagedDraw(trial, p3_value, 1120.0)


def p3_value(assign: Assign) -> float:
    """True value of a regime, from 100,000 people (the same each time); its error is about 1."""
    first, second, _ = _p3_course(np.random.default_rng(12_013), 100_000)
    a1 = assign(0, pl.DataFrame({"l1": first}))
    names = pl.Series("a1", [("0", "1")[k] for k in a1.tolist()])
    a2 = assign(1, pl.DataFrame({"l1": first, "a1": names, "l2": second}))
    lost = _p3_mean(first, second, a1, a2) - (400 + 1.6 * first)
    return 400 + 1.6 * 450 + float(lost.mean())


def _p3_course(rng: np.random.Generator, n: int) -> tuple[Floats, Floats, Floats]:
    first = rng.normal(450, 150, n)
    return first, rng.normal(1.25 * first, 60), rng.normal(0, 60, n)


def _p3_mean(first: Floats, second: Floats, a1: Ints, a2: Ints) -> Floats:
    lost = np.abs(500 - 2 * first) * (a1 - (first < 250)) ** 2
    lost = lost + np.abs(1440 - 2 * second) * (a2 - (second < 720)) ** 2
    return np.asarray(400 + 1.6 * first - lost)


def family(kind: str, n: int, seed: int) -> StagedDraw:
    """A trial of two fair tosses, two signs known before each; noise of SD 1."""
    gamma, delta = FAMILY[kind]
    rng = np.random.default_rng(seed)
    o1, a1, a2 = (rng.integers(0, 2, n) for _ in range(3))
    o2 = _drawn(rng, _expit(delta[0] * _sign(o1) + delta[1] * _sign(a1)))
    fair = np.full((n, 2), 0.5)
    trial = StagedTrial(
        (
            StageTable("a1", pl.DataFrame({"o1": _sign(o1)}), a1, ("no", "yes"), fair),
            StageTable("a2", pl.DataFrame({"o2": _sign(o2)}), a2, ("no", "yes"), fair),
        ),
        _family_mean(gamma, o1, a1, o2, a2) + rng.standard_normal(n),
    )

    def value(assign: Assign) -> float:
        return family_value(kind, assign)

    return StagedDraw(trial, value, family_value(kind, _family_best(kind)))


def family_value(kind: str, assign: Assign) -> float:
    """True value of a regime, exactly."""
    o1 = np.array([0, 1])
    a1 = assign(0, pl.DataFrame({"o1": _sign(o1)}))
    return float(np.mean([_follow(kind, int(o), int(a), assign) for o, a in zip(o1, a1, strict=True)]))


def family_effect(kind: str, assign: Assign | None = None) -> float:
    """True effect of "yes" over "no" at the first stage, the second as assigned, by default at its best."""
    second = assign or _family_best(kind)
    return float(np.mean([_follow(kind, o, 1, second) - _follow(kind, o, 0, second) for o in (0, 1)]))


def _follow(kind: str, o1: int, a1: int, assign: Assign) -> float:
    gamma, delta = FAMILY[kind]
    o2 = np.array([0, 1])
    known = pl.DataFrame(
        {"o1": [2.0 * o1 - 1] * 2, "a1": [("no", "yes")[a1]] * 2, "o2": _sign(o2)},
        schema={"o1": pl.Float64, "a1": pl.String, "o2": pl.Float64},
    )
    a2 = assign(1, known)
    chance = _expit(np.array(delta[0] * (2 * o1 - 1) + delta[1] * (2 * a1 - 1)))
    mean = _family_mean(gamma, np.full(2, o1), np.full(2, a1), o2, a2)
    return float((1 - chance) * mean[0] + chance * mean[1])


def _family_best(kind: str) -> Assign:
    """The best arm of each stage, by trying both."""
    gamma, _ = FAMILY[kind]

    def second(history: pl.DataFrame) -> Ints:
        o1, o2 = ((history[name].to_numpy() > 0).astype(np.int64) for name in ("o1", "o2"))
        a1 = (history["a1"] == "yes").to_numpy().astype(np.int64)
        tried = [_family_mean(gamma, o1, a1, o2, np.full(len(o1), a2)) for a2 in (0, 1)]
        return np.asarray((tried[1] > tried[0]).astype(np.int64))

    def best(stage: int, history: pl.DataFrame) -> Ints:
        if stage == 1:
            return second(history)
        given = [[_follow(kind, int(o > 0), a, best) for a in (0, 1)] for o in history["o1"]]
        return np.array(given).argmax(axis=1)

    return best


def _family_mean(gamma: tuple[float, ...], o1: Ints, a1: Ints, o2: Ints, a2: Ints) -> Floats:
    s, t, u, v = (_sign(x) for x in (o1, a1, o2, a2))
    parts = (np.ones(len(s)), s, t, s * t, v, u * v, t * v)
    return np.sum([g * part for g, part in zip(gamma, parts, strict=True)], axis=0)


def _sign(x: Ints) -> Floats:
    return 2.0 * x - 1.0


def _expit(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)))


def _drawn(rng: np.random.Generator, chance: Floats) -> NDArray[np.int64]:
    return (rng.uniform(size=len(chance)) < chance).astype(np.int64)
