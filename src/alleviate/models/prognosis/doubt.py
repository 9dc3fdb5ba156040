"""How sure a risk, or an expected value, is itself: whichever candidate foretold it, how far may it be off?

A posterior of its own over what the truth may look like (``uncertainty.fit_surface``): lines, steps, waves,
and what the model says of people whom it has not seen. Risks come down to it by the working response of
logistic regression: one step of Fisher scoring from what was said of the unseen (McCullagh & Nelder 1989).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import lightgbm as lgb
import numpy as np

from alleviate.models.prognosis.losses import on_scale
from alleviate.models.prognosis.people import Loss
from alleviate.models.ridge import effective
from alleviate.models.trial import Floats, Ints
from alleviate.models.uncertainty.surface import Basis, fit_surface
from alleviate.terms.estimates import LEVEL

__all__ = ["Doubt", "fit_doubt"]

MOST_COLUMNS = 40
"""Columns in which the truth may bend in its own ways: the most relevant. The model speaks for the rest."""

WIDTH = 2.0
"""Prior of the log odds: half-normal, of SD .4 times this between people."""

NUMERIC_WIDTH = 2.0
"""The same of a number, in SDs of what nobody can foresee."""

REST = 1.0
"""What bends that no column follows, as a share of what is believed to bend.

Chosen, as ``WIDTH``, on simulated people with seeds from 10,000 on: see docs/methods/conformal.md."""

LEAST_RISK = 0.01
"""Risks nearer to 0 or 1 than this count as this: one surprise there would outweigh everybody."""

KEPT = 0.95
"""Share of the posterior variance that is kept by direction; the rest is the same for everybody."""

ROWS = 4096
"""People at a time: bounds the memory."""

TRIED, AT_ONCE = 256, 16
"""People and columns at a time on whom it is tried how much the model heeds a column."""

TREES = {
    "num_leaves": 4,
    "learning_rate": 0.1,
    "verbose": -1,
    "num_threads": 1,
    "deterministic": True,
    "seed": 1,
}
ROUNDS = 40


@dataclass(frozen=True, slots=True)
class Doubt:
    """How far a model may be off, on its linear scale.

    On a ``basis`` of m columns made of the encoded ``columns`` (k,) and of what the model says: the truth's
    posterior ``mean`` (m,) and covariance, ``factor`` (m, r) times its transpose. ``rest``: variance that no
    column follows; ``unknown`` (k,): what not knowing a column adds. ``level``: the model's average, with its
    variance ``level_variance``.
    """

    basis: Basis
    columns: Ints
    mean: Floats
    factor: Floats
    rest: float
    unknown: Floats
    level: float
    level_variance: float
    loss: Loss

    def error(self, x: Floats, linear: Floats, imputed: Floats | None = None) -> Floats:
        """(n,) root mean square error expected of ``linear`` (n,), foretold of encoded people ``x`` (n, p).

        ``imputed`` (n, p): 1 where an entry stands for a missing value.
        """
        squared = np.full(len(x), self.rest + self.level_variance)
        if imputed is not None:
            squared += imputed[:, self.columns] @ self.unknown
        for start in range(0, len(x), ROWS):
            part = slice(start, start + ROWS)
            learnt = _near(linear[part], self.loss) - self.level
            made = self.basis.columns(x[part, self.columns], learnt[:, None])
            squared[part] += ((made @ self.factor) ** 2).sum(axis=1) + (learnt - made @ self.mean) ** 2
        error: Floats = np.sqrt(squared)
        return error

    def interval(
        self, x: Floats, linear: Floats, imputed: Floats | None = None, level: float = LEVEL
    ) -> tuple[Floats, Floats]:
        """(n,) ends of the interval of the risk, or of the expected number."""
        reach = NormalDist().inv_cdf((1.0 + level) / 2.0) * self.error(x, linear, imputed)
        low, high = linear - reach, linear + reach
        return on_scale(low, self.loss), on_scale(high, self.loss)

    def to_json(self) -> dict[str, Any]:
        arrays = {
            name: getattr(self, name).ravel().tolist() for name in ("columns", "mean", "factor", "unknown")
        }
        numbers = {name: getattr(self, name) for name in ("rest", "level", "level_variance", "loss")}
        return {"basis": self.basis.to_json()} | arrays | numbers

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Doubt":
        mean = np.array(data["mean"], dtype=float)
        return cls(
            Basis.from_json(data["basis"]),
            np.array(data["columns"], dtype=np.int64),
            mean,
            np.array(data["factor"], dtype=float).reshape(len(mean), -1),
            float(data["rest"]),
            np.array(data["unknown"], dtype=float),
            float(data["level"]),
            float(data["level_variance"]),
            data["loss"],
        )


def fit_doubt(
    x: Floats,
    y: Floats,
    weight: Floats,
    held_out: Floats,
    linear: Callable[[Floats], Floats],
    loss: Loss,
    seed: int,
) -> Doubt:
    """Fit to encoded people ``x`` (n, p), their outcome ``y`` (n,) and ``weight`` (n,) ≥ 0.

    ``held_out`` (n,): what was foretold, on the linear scale, by models that had not seen the person.
    ``linear``: x → (n,) what the final model foretells.
    """
    weight, held_out = effective(weight), _near(held_out, loss)
    response, precision = y, weight
    if loss == "binary":
        risk = on_scale(held_out, loss)
        information = risk * (1.0 - risk)
        response = held_out + (y - risk) / information
        precision = weight * information
    noise = _noise(response, held_out, weight, precision, loss)
    relevance = _heeded(x, linear, seed) + _found(x, y, weight, loss)
    columns = np.sort(np.argsort(-np.round(relevance, 9), kind="stable")[:MOST_COLUMNS])
    level = float(np.average(held_out, weights=precision))
    learnt, some, ones = (held_out - level)[:, None], x[:, columns], np.ones((len(y), 1))
    surface = fit_surface(
        some,
        ones,
        ones,
        response,
        weight=precision,
        relevance=relevance[columns] / max(float(relevance.max(initial=0.0)), 1e-12),
        length=(noise / WIDTH) ** 2 if loss == "binary" else NUMERIC_WIDTH**-2,
        seed=seed,
        learnt=learnt,
        learner=lambda people: np.zeros((len(people), 1)),
    )
    made = surface.basis.columns(some, learnt)
    factor, lost = _factor(surface.covariance[0, 0], made)
    second = surface.covariance[0, 0] + surface.mean @ surface.mean.T
    return Doubt(
        surface.basis,
        columns,
        surface.mean[:, 0],
        factor,
        lost + REST * _bent(second, made, len(columns)),
        _unknown(surface.basis, second, x, columns, lambda z: _near(linear(z), loss), level),
        level,
        noise**2 / float(weight.sum()),
        loss,
    )


def _factor(covariance: Floats, made: Floats) -> tuple[Floats, float]:
    """(m, r) whose square is the covariance by and large; and the variance left out, on average."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    shares, turn = np.linalg.eigh(root.T @ (made.T @ made / len(made)) @ root)
    shares = np.maximum(shares[::-1], 0.0)
    r = int(np.searchsorted(np.cumsum(shares), KEPT * shares.sum())) + 1
    factor: Floats = root @ turn[:, ::-1][:, :r]
    return _rounded(factor), float(shares[r:].sum())


def _rounded(values: Floats) -> Floats:
    """To six significant digits: far more than a posterior is worth, and a third of the room."""
    size = 10.0 ** (5 - np.floor(np.log10(np.maximum(np.abs(values), 1e-30))))
    rounded: Floats = np.round(values * size) / size
    return rounded


def _near(linear: Floats, loss: Loss) -> Floats:
    """Log odds no further than those of ``LEAST_RISK``; a number as it is."""
    if loss == "numeric":
        return linear
    furthest = np.log(1.0 / LEAST_RISK - 1.0)
    return np.clip(linear, -furthest, furthest)


def _noise(response: Floats, said: Floats, weight: Floats, precision: Floats, loss: Loss) -> float:
    """SD of one person's response around the truth: of log odds by theory, of a number by its errors."""
    if loss == "binary":
        return float(np.sqrt(weight.sum() / precision.sum()))
    return float(np.sqrt(np.average((response - said) ** 2, weights=weight)))


def _heeded(x: Floats, linear: Callable[[Floats], Floats], seed: int) -> Floats:
    """(p,) how much what the model says changes when a column is shuffled; the most is 1, or all are 0."""
    rng = np.random.default_rng(seed)
    some = x[np.linspace(0, len(x) - 1, min(len(x), TRIED)).astype(np.int64)]
    said, moves = linear(some), np.zeros(x.shape[1])
    shuffled = rng.permutation(len(some))
    for start in range(0, x.shape[1], AT_ONCE):
        here = range(start, min(start + AT_ONCE, x.shape[1]))
        moved = np.tile(some, (len(here), 1))
        for k, j in enumerate(here):
            moved[k * len(some) : (k + 1) * len(some), j] = some[shuffled, j]
        away = linear(moved).reshape(len(here), len(some)) - said
        moves[here.start : here.stop] = (away**2).mean(axis=1)
    return moves / max(float(moves.max(initial=0.0)), 1e-12)


def _found(x: Floats, y: Floats, weight: Floats, loss: Loss) -> Floats:
    """(p,) how much small trees gain by a column; the most is 1: a model may overlook what bends."""
    if not x.shape[1]:
        return np.zeros(0)
    settings = TREES | {
        "objective": "binary" if loss == "binary" else "regression",
        "min_data_in_leaf": max(10, len(y) // 50),
    }
    data = lgb.Dataset(x, y, weight=weight, params={"verbose": -1})
    gain = lgb.train(settings, data, ROUNDS).feature_importance("gain")
    return np.asarray(gain / max(float(gain.max(initial=0.0)), 1e-12), dtype=float)


def _bent(second: Floats, made: Floats, straight: int) -> float:
    """How much the truth is believed to vary otherwise than along the ``straight`` first columns.

    ``second`` (m, m): second moment of the coefficients; ``made`` (n, m): people's columns.
    """
    lines = made[:, :straight]
    bent = made - lines @ np.linalg.lstsq(lines, made, rcond=None)[0]
    return float((second * (bent.T @ bent / len(made))).sum())


def _unknown(
    basis: Basis,
    second: Floats,
    x: Floats,
    columns: Ints,
    linear: Callable[[Floats], Floats],
    level: float,
) -> Floats:
    """(k,) average second moment of what each of ``columns`` adds, over what it adds at its average."""
    some = x[np.linspace(0, len(x) - 1, min(len(x), TRIED)).astype(np.int64)]
    here, unknown = basis.columns(some[:, columns], (linear(some) - level)[:, None]), np.zeros(len(columns))
    for k, j in enumerate(columns):
        moved = some.copy()
        moved[:, j] = basis.centre[k]
        change = here - basis.columns(moved[:, columns], (linear(moved) - level)[:, None])
        unknown[k] = float((second * (change.T @ change / len(some))).sum())
    return unknown
