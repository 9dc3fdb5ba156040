"""How a function of the features may look, given the data: a posterior over lines, steps and waves.

y = fixed·a + Σ_c t_c f_c(x) + noise. Each f_c is a sum of straight lines in the features, steps on the few
that matter most, waves in those few together (random Fourier features, Rahimi & Recht 2007), which stand for
curves and interactions, and what a learner says of people whom it has not seen. How much there is to be
found, and how it is shared out among these, is not chosen but averaged over a grid, by marginal likelihood,
the noise integrated out (O'Hagan & Forster 2004, ch. 11): averaged ridge fits, with several kinds of ridge.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from alleviate.models.ridge import effective
from alleviate.models.trial import Floats, Ints

__all__ = ["Basis", "Surface", "fit_surface"]

SPREADS = np.array([0.1, 0.2, 0.3, 0.45, 0.7, 1.0, 1.5])
"""SD of f between people, in units of the noise. Never 0: data that cannot tell a small f from none must not
make an interval as narrow as if there were none."""

SPREAD_PRIOR = np.exp(-0.5 * (SPREADS / 0.4) ** 2)
"""Half-normal: effects of therapies seldom differ by more (Nye et al. 2023)."""

MIXES: tuple[tuple[float, tuple[float, ...]], ...] = (
    (0.3, (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)),
    (0.5, (0.0, 1.0, 0.0, 0.0, 0.0, 0.0)),
    (0.5, (0.0, 0.6, 0.4, 0.0, 0.0, 0.0)),
    (1.0, (0.0, 0.5, 0.25, 0.25, 0.0, 0.0)),
    (1.0, (0.0, 0.1, 0.1, 0.8, 0.0, 0.0)),
    (2.0, (0.0, 0.25, 0.25, 0.0, 0.5, 0.0)),
    (2.0, (0.0, 0.1, 0.1, 0.0, 0.8, 0.0)),
    (1.0, (0.4, 0.0, 0.3, 0.0, 0.3, 0.0)),
    (6.0, (0.0, 0.15, 0.1, 0.0, 0.25, 0.5)),
    (6.0, (0.0, 0.05, 0.05, 0.0, 0.1, 0.8)),
)
"""Prior weight, and how the variance of f is shared out: lines in all features alike, lines by relevance,
steps, long waves, short waves, and what a learner says, if there is one."""

FEW, CUTS, WAVES = 6, 4, 40
"""Features with steps and waves; steps a feature; waves of each length."""

FLOOR = 0.03
"""Least relevance of a feature: none is ruled out."""

ROWS = 4096
"""People at a time: bounds the memory."""

STAND_INS = 256
"""People on whom it is tried how much f varies, and what not knowing a feature costs."""

DIGITS = 6
"""Significant digits kept: far more than the posterior is worth, and a third of the room."""


@dataclass(frozen=True, slots=True)
class Basis:
    """The columns: p lines, steps ``cut`` on feature ``stepped`` (s,), waves of ``frequency`` (p, w).

    ``centre``, ``scale`` (p,) standardise the features, ``average`` (m,) centres the columns.
    """

    centre: Floats
    scale: Floats
    stepped: Ints
    cut: Floats
    frequency: Floats
    phase: Floats
    average: Floats

    def columns(self, x: Floats, learnt: Floats) -> Floats:
        """(n, p) and what a learner says, (n, e) → (n, m), on average 0 over the people learned from."""
        z = (x - self.centre) / self.scale
        steps = z[:, self.stepped] > self.cut
        return np.column_stack([z, steps, np.cos(z @ self.frequency + self.phase), learnt]) - self.average

    def to_json(self) -> dict[str, Any]:
        return {
            name: getattr(self, name).ravel().tolist()
            for name in ("centre", "scale", "stepped", "cut", "frequency", "phase", "average")
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Basis":
        p = len(data["centre"])
        arrays = {name: np.array(values, dtype=float) for name, values in data.items()}
        arrays["stepped"] = arrays["stepped"].astype(np.int64)
        arrays["frequency"] = arrays["frequency"].reshape(p, len(arrays["phase"]))
        return cls(**arrays)


@dataclass(frozen=True, slots=True)
class Surface:
    """q functions on a ``basis`` of m columns: ``mean`` (m, q), ``covariance`` (q, q, m, m) of coefficients.

    Of each block of the covariance only the symmetric part is kept: it is all that a variance needs.

    ``unknown`` (p, q, q): second moment of what an unknown feature adds to f at its stand-in, by feature.
    ``rest`` (q, q): second moment of what no column follows, the same for everybody.
    """

    basis: Basis
    mean: Floats
    covariance: Floats
    unknown: Floats
    rest: Floats

    @property
    def learns(self) -> int:
        """e: how many columns are a learner's."""
        basis = self.basis
        return len(basis.average) - len(basis.centre) - len(basis.stepped) - len(basis.phase)

    def values(self, x: Floats, learnt: Floats) -> Floats:
        """(n, p), (n, e) → (n, q) posterior means, on average 0 over the people learned from."""
        return np.concatenate(
            [self.basis.columns(x[part], learnt[part]) @ self.mean for part in _parts(len(x))]
        )

    def spread(self, x: Floats, learnt: Floats, imputed: Floats) -> Floats:
        """(n, q, q) posterior covariance of f and its rest; ``imputed`` (n, p): 1 for a stand-in."""
        q = self.mean.shape[1]
        result: Floats = self.rest + np.einsum("np,pab->nab", imputed, self.unknown, optimize=True)
        for part in _parts(len(x)):
            columns = self.basis.columns(x[part], learnt[part])
            for a, b in zip(*np.tril_indices(q), strict=True):
                known = np.einsum("ni,ni->n", columns @ self.covariance[a, b], columns)
                result[part, a, b] += known
                if a != b:
                    result[part, b, a] += known
        return result

    def to_json(self) -> dict[str, Any]:
        q, m = self.covariance.shape[1:3]
        upper, lower = np.triu_indices(m), np.tril_indices(q)
        return {
            "basis": self.basis.to_json(),
            "mean": self.mean.ravel().tolist(),
            "covariance": [self.covariance[a, b][upper].tolist() for a, b in zip(*lower, strict=True)],
            "unknown": self.unknown.ravel().tolist(),
            "rest": self.rest.ravel().tolist(),
            "functions": q,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Surface":
        basis, q = Basis.from_json(data["basis"]), int(data["functions"])
        m, p = len(basis.average), len(basis.centre)
        covariance = np.zeros((q, q, m, m))
        for a, b, values in zip(*np.tril_indices(q), data["covariance"], strict=True):
            upper = np.zeros((m, m))
            upper[np.triu_indices(m)] = values
            covariance[a, b] = covariance[b, a] = upper + np.triu(upper, 1).T
        mean = np.array(data["mean"], dtype=float).reshape(m, q)
        unknown = np.array(data["unknown"], dtype=float).reshape(p, q, q)
        return cls(basis, mean, covariance, unknown, np.array(data["rest"], dtype=float).reshape(q, q))


def fit_surface(
    x: Floats,
    treated: Floats,
    fixed: Floats,
    y: Floats,
    *,
    weight: Floats,
    relevance: Floats,
    length: float,
    seed: int,
    learnt: Floats,
    learner: Callable[[Floats], Floats],
    rest: float = 0.0,
) -> Surface:
    """Fit f to ``x`` (n, p), ``treated`` (n, q) its multipliers, ``fixed`` (n, r) and ``y`` (n,).

    ``weight`` (n,) ≥ 0: people count by it, and together as many as their effective number (Kish 1965).
    ``relevance`` (p,) ≥ 0: how much of f each feature may carry. ``length``: squared length of the contrast
    of f whose SD the spreads speak of: 2 where two arms differ by f in orthonormal contrasts. ``learnt``
    (n, e): what a learner says of f to people whom it has not seen, on average 0; (n, 0) if there is none.
    ``learner``: x → (n, e) the same, learned from everybody. ``rest``: what f has that no column follows, as
    a share of its variance: corners that noise hides. The data cannot tell how much.
    """
    relevance = relevance + FLOOR
    basis, kinds = _basis(x, learnt, relevance, seed)
    weight = effective(weight)
    q, m = treated.shape[1], len(basis.average)
    gram, response, squares, rank = _sums(basis, x, learnt, treated, fixed, y, weight)
    freedom = max(float(weight.sum()) - rank, 1.0)
    means, evidence, noises, rotations = [], [], [], []
    mixes = [(prior, mix) for prior, mix in MIXES if learnt.any() or not mix[-1]]
    for prior, mix in mixes:
        root = np.repeat(np.sqrt(kinds @ np.array(mix)), q)
        values, vectors = np.linalg.eigh(gram * root * root[:, None])
        g = (SPREADS**2 / length)[:, None]
        rotated, inflation = vectors.T @ (root * response), 1.0 + g * np.maximum(values, 0.0)
        coefficients = g * rotated / inflation
        rss = np.maximum(squares - (coefficients * rotated).sum(axis=1), 1e-12)
        likelihood = -0.5 * np.log(inflation).sum(axis=1) - 0.5 * freedom * np.log(rss)
        evidence.append(likelihood + np.log(prior * SPREAD_PRIOR))
        noises.append((rss / freedom)[:, None] * g / inflation)
        rotations.append(root[:, None] * vectors)
        means.append(coefficients @ rotations[-1].T)
    chance = np.exp(np.array(evidence) - np.max(evidence))
    chance /= chance.sum()
    mean = np.einsum("ms,msi->i", chance, np.array(means))
    away = (np.sqrt(chance)[:, :, None] * (np.array(means) - mean)).reshape(-1, m * q)
    covariance = away.T @ away
    for own, noise, rotation in zip(chance, noises, rotations, strict=True):
        covariance += (rotation * (own @ noise)) @ rotation.T
    blocks = covariance.reshape(m, q, m, q).transpose(1, 3, 0, 2)
    blocks = _rounded((blocks + blocks.transpose(0, 1, 3, 2)) / 2.0)
    mean = _rounded(mean.reshape(m, q))
    return Surface(basis, mean, blocks, *_unseen(basis, x, mean, blocks, learner, rest))


def _basis(x: Floats, learnt: Floats, relevance: Floats, seed: int) -> tuple[Basis, Floats]:
    """The columns, and (m, 6) the prior variances of their coefficients in each kind of f of variance 1."""
    n, p = x.shape
    centre, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 1e-12, scale, 1.0)
    few = np.sort(np.argsort(-np.round(relevance, 9), kind="stable")[:FEW])
    cuts = {j: np.unique(np.quantile((x[:, j] - centre[j]) / scale[j], _quantiles())) for j in few}
    stepped = np.repeat(few, [len(cuts[j]) for j in few]).astype(np.int64)
    rng = np.random.default_rng(seed)
    reach = np.zeros(p)
    reach[few] = np.sqrt(relevance[few] / max(float(relevance[few].sum()), 1e-12))
    long, short = (pace * reach[:, None] * rng.standard_normal((p, WAVES)) for pace in (1.0, 2.0))
    draft = Basis(
        centre,
        scale,
        stepped,
        np.concatenate([np.zeros(0), *cuts.values()]),
        np.column_stack([long, short]),
        rng.uniform(0.0, 2.0 * np.pi, 2 * WAVES),
        np.zeros(p + len(stepped) + 2 * WAVES + learnt.shape[1]),
    )
    average, square = np.zeros(len(draft.average)), np.zeros(len(draft.average))
    for part in _parts(n):
        columns = draft.columns(x[part], learnt[part])
        average += columns.sum(axis=0) / n
        square += (columns**2).sum(axis=0) / n
    variance = np.maximum(square - average**2, 0.0)
    start = p + len(stepped)
    kinds = np.zeros((len(average), 6))
    kinds[:p, 0] = 1.0
    kinds[:p, 1] = relevance
    kinds[p:start, 2] = relevance[stepped]
    kinds[start : start + WAVES, 3] = 1.0
    kinds[start + WAVES : start + 2 * WAVES, 4] = 1.0
    kinds[start + 2 * WAVES :, 5] = 1.0
    basis = Basis(centre, scale, stepped, draft.cut, draft.frequency, draft.phase, average)
    return basis, kinds / np.maximum(variance @ kinds, 1e-12)


def _quantiles() -> Floats:
    return np.arange(1, CUTS + 1) / (CUTS + 1)


def _sums(
    basis: Basis, x: Floats, learnt: Floats, treated: Floats, fixed: Floats, y: Floats, weight: Floats
) -> tuple[Floats, Floats, float, int]:
    """Gram matrix (mq, mq) and response (mq,) of the design, y'y, all without ``fixed``, and its rank."""
    orthonormal, triangle = np.linalg.qr(fixed * np.sqrt(weight)[:, None])
    keep = np.abs(np.diag(triangle)) > 1e-10 * max(1.0, float(np.abs(triangle).max()))
    orthonormal = orthonormal[:, keep]
    y = y * np.sqrt(weight)
    y = y - orthonormal @ (orthonormal.T @ y)
    size = len(basis.average) * treated.shape[1]
    gram, response, across = np.zeros((size, size)), np.zeros(size), np.zeros((orthonormal.shape[1], size))
    for part in _parts(len(x)):
        moved = treated[part] * np.sqrt(weight[part])[:, None]
        design = (basis.columns(x[part], learnt[part])[:, :, None] * moved[:, None, :]).reshape(
            len(moved), size
        )
        gram += design.T @ design
        response += design.T @ y[part]
        across += orthonormal[part].T @ design
    return gram - across.T @ across, response, float(y @ y), int(keep.sum())


def _unseen(
    basis: Basis,
    x: Floats,
    mean: Floats,
    covariance: Floats,
    learner: Callable[[Floats], Floats],
    rest: float,
) -> tuple[Floats, Floats]:
    """(p, q, q) average second moment of f(x) - f(x with the feature at its average); (q, q) of the rest."""
    some = x[np.linspace(0, len(x) - 1, min(len(x), STAND_INS)).astype(np.int64)]
    here, second = basis.columns(some, learner(some)), covariance + np.einsum("ia,jb->abij", mean, mean)
    unknown = np.zeros((x.shape[1], *covariance.shape[:2]))
    for j in range(x.shape[1]):
        moved = some.copy()
        moved[:, j] = basis.centre[j]
        change = here - basis.columns(moved, learner(moved))
        unknown[j] = np.einsum("abij,ij->ab", second, change.T @ change / len(some))
    varies = np.einsum("abij,ij->ab", second, here.T @ here / len(some))
    return _rounded(unknown), _rounded(rest * varies)


def _parts(n: int) -> Iterator[slice]:
    return (slice(start, start + ROWS) for start in range(0, max(n, 1), ROWS))


def _rounded(values: Floats) -> Floats:
    size = 10.0 ** (DIGITS - 1 - np.floor(np.log10(np.maximum(np.abs(values), 1e-30))))
    rounded: Floats = np.round(values * size) / size
    return rounded
