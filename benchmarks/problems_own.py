"""Five problems of our own with 3 to 5 arms: sites, routine care, dropout, strong effects, no differences."""

import numpy as np

from problems import Draw, Floats

__all__ = ["curved", "dropout", "level", "routine", "sites", "strong"]

SITES = 12


def sites(n: int, seed: int) -> Draw:
    """Three arms in twelve sites, each with its own level, its own size and its own known allocation.

    The sites' levels (SD .5) are the same for every seed. Two arms suit different people, linearly; the third
    is usual care. The last 12 of 20 features say which site.
    """
    fixed = np.random.default_rng(12_012)
    levels = 0.5 * fixed.standard_normal(SITES)
    allocation = fixed.dirichlet([6.0, 6.0, 6.0], SITES)
    sizes = fixed.dirichlet(np.full(SITES, 5.0))
    rng = np.random.default_rng(seed)
    site = rng.choice(SITES, size=n, p=sizes)
    z = rng.standard_normal((n, 8))
    base = 0.5 * z[:, 0] - 0.3 * z[:, 1] + levels[site]
    mean = base[:, None] + np.column_stack(
        [np.zeros(n), 0.15 + 0.35 * z[:, 2] - 0.2 * z[:, 3], 0.20 - 0.30 * z[:, 2]]
    )
    probability = allocation[site]
    return _drawn(rng, np.column_stack([z, np.eye(SITES)[site]]), mean, probability, 0.9, site=site)


def routine(n: int, seed: int) -> Draw:
    """Routine care, three arms: the ill get more of the strong treatment, and of those whom it suits, more.

    Assignment is multinomial logistic in three of ten features and nobody is told: the raw difference of the
    arms points the wrong way.
    """
    rng = np.random.default_rng(seed)
    x = _correlated(rng, n, 10)
    severity = x[:, 0]
    mean = (-0.7 * severity + 0.3 * np.abs(x[:, 4]))[:, None] + np.column_stack(
        [np.zeros(n), 0.15 + 0.3 * x[:, 1], 0.20 + 0.25 * severity - 0.25 * x[:, 2]]
    )
    logits = np.column_stack(
        [np.zeros(n), 0.2 + 0.5 * x[:, 1] + 0.3 * severity, -0.2 + 0.9 * severity - 0.3 * x[:, 2]]
    )
    draw = _drawn(rng, x, mean, _softmax(logits), 0.9)
    return Draw(draw.x, draw.arm, draw.y, None, draw.mean)


def dropout(n: int, seed: int) -> Draw:
    """Three arms, 1:1:1; whom the hard treatment does not suit drops out of it, more than a third in all.

    Whether the outcome is known depends on features and arm, so that its completers flatter that arm.
    """
    rng = np.random.default_rng(seed)
    x = _correlated(rng, n, 10)
    suits = x[:, 1]
    mean = (0.5 * x[:, 0])[:, None] + np.column_stack(
        [np.zeros(n), 0.45 * suits - 0.05, 0.15 - 0.15 * suits + 0.15 * x[:, 3]]
    )
    draw = _drawn(rng, x, mean, np.full((n, 3), 1 / 3), 0.85)
    stays = np.column_stack([1.2 + 0.5 * x[:, 0], 0.3 + 1.5 * suits + 0.5 * x[:, 0], 0.8 - 0.3 * suits])
    known = rng.uniform(size=n) < 1 / (1 + np.exp(-stays[np.arange(n), draw.arm]))
    return Draw(draw.x, draw.arm, np.where(known, draw.y, 0.0), draw.probability, mean, observed=known)


def strong(n: int, seed: int) -> Draw:
    """Five arms, 1:1:1:1:1, each the best for its own curved region of three of ten features."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, size=(n, 10))
    a, b, c = x[:, 0], x[:, 1], x[:, 2]
    ring = a**2 + b**2
    effects = np.column_stack(
        [
            np.full(n, 0.2),
            np.where(a * b > 0, 0.8, -0.4),
            np.where(ring < 0.4, 1.1, -0.3),
            0.9 * np.sin(np.pi * c),
            np.where((c < -0.3) & (a > 0), 1.2, -0.2),
        ]
    )
    mean = (0.6 * x[:, 3] + 0.5 * np.cos(np.pi * x[:, 4]))[:, None] + effects
    return _drawn(rng, x, mean, np.full((n, 5), 0.2), 1.0)


def curved(n: int, seed: int) -> Draw:
    """Two arms whose difference is a wave in one feature and a bend in another: no line shows either."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 10))
    effect = 0.2 + 0.35 * np.sin(1.5 * x[:, 0]) + 0.25 * (np.abs(x[:, 1]) - 0.8)
    base = 0.5 * x[:, 0] + 0.3 * x[:, 2] - 0.2 * x[:, 3]
    mean = base[:, None] + np.array([-0.5, 0.5]) * effect[:, None]
    return _drawn(rng, x, mean, np.full((n, 2), 0.5), 0.85)


def level(n: int, seed: int) -> Draw:
    """Four arms that differ alike for everybody: whoever personalises can only lose."""
    rng = np.random.default_rng(seed)
    x = _correlated(rng, n, 15)
    base = 0.5 * x[:, 0] + 0.3 * np.maximum(x[:, 1], 0) - 0.2 * x[:, 2]
    mean = base[:, None] + np.array([0.0, 0.10, 0.35, 0.20])
    return _drawn(rng, x, mean, np.full((n, 4), 0.25), 0.9)


def _correlated(rng: np.random.Generator, n: int, p: int) -> Floats:
    lag = np.abs(np.subtract.outer(np.arange(p), np.arange(p)))
    return rng.multivariate_normal(np.zeros(p), 0.3**lag, size=n, method="cholesky")


def _softmax(logits: Floats) -> Floats:
    weights = np.exp(logits)
    return weights / weights.sum(axis=1, keepdims=True)


def _drawn(
    rng: np.random.Generator,
    x: Floats,
    mean: Floats,
    probability: Floats,
    noise: float,
    site: np.ndarray | None = None,
) -> Draw:
    n, k = mean.shape
    # the last threshold is 1 but for rounding
    arm = np.minimum((rng.uniform(size=n)[:, None] > probability.cumsum(axis=1)).sum(axis=1), k - 1)
    y = mean[np.arange(n), arm] + noise * rng.standard_normal(n)
    return Draw(x, arm, y, probability, mean, site=site)
