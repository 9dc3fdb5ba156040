"""Whether what is said to hold 90 % of outcomes does: on the whole and in every large group."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from joblib import Parallel, delayed

from alleviate.models.prognosis.coverage import covered
from alleviate.models.prognosis.foresight import fit_foresight
from alleviate.models.prognosis.people import Kind, People
from alleviate.models.prognosis.selection import learn_prognosis
from lines import Line

__all__ = ["lines", "shares"]

N, NEW = 800, 20_000
KINDS: tuple[Kind, ...] = ("numeric", "binary")


def _drawn(kind: Kind, n: int, rng: np.random.Generator) -> tuple[People, np.ndarray]:
    """A group of three in ten is harder to foresee, and does worse than the features say."""
    x = rng.normal(size=(n, 6))
    hard = rng.random(n) < 0.3
    level = 0.8 * x[:, 0] - 0.5 * x[:, 1] + 0.6 * hard
    if kind == "binary":
        y = (rng.random(n) < 1 / (1 + np.exp(0.5 - level))).astype(float)
    else:
        y = level + np.where(hard, 2.0, 1.0) * np.exp(0.3 * x[:, 2]) * rng.normal(size=n)
    frame = pl.DataFrame({f"x{j}": x[:, j] for j in range(6)})
    return People(frame, y, kind, np.ones(n)), np.where(hard, "hard", "easy")


def shares(kind: Kind, seed: int) -> dict[str, float]:
    """Share of 20,000 new people whose outcome was held, by group; "" everybody."""
    rng = np.random.default_rng([seed, 7])
    people, groups = _drawn(kind, N, rng)
    new, theirs = _drawn(kind, NEW, rng)
    learned = learn_prognosis(people, ("ridge", "spline"), seed)
    foresight = fit_foresight(learned.model, people, learned.held_out, seed, {"group": groups})
    told = foresight.foresee(new.features, {"group": theirs})
    if told.sets is None:
        held = (told.low <= new.y) & (new.y <= told.high)
    else:
        held = told.sets[np.arange(NEW), new.y.astype(int)]
    return {one.group: one.share for one in covered(held, new.weight, {"group": theirs})}


def lines(seeds: int, first: int, cores: int) -> list[Line]:
    found: list[Line] = []
    for kind in KINDS:
        drawn = Parallel(cores)(delayed(shares)(kind, seed) for seed in range(first, first + seeds))
        found += _told(kind, drawn)
    return found


def _told(kind: Kind, drawn: Sequence[dict[str, float]]) -> list[Line]:
    by_group = {group: np.array([one[group] for one in drawn]) for group in drawn[0]}
    what = f"conformal, {kind}, n={N}, {len(drawn)} draws: outcomes held"
    whole = by_group.pop("")
    worst = min(by_group, key=lambda group: by_group[group].mean())
    share = by_group[worst].mean()
    return [
        Line(what, "88–92 %", _spread(whole), bool(0.88 <= whole.mean() <= 0.92)),
        Line(f"{what}, worst group", "≥ 85 %", f"{worst}: {_spread(by_group[worst])}", bool(share >= 0.85)),
    ]


def _spread(shares: np.ndarray) -> str:
    return f"{shares.mean():.1%} ({shares.min():.1%} to {shares.max():.1%})"
