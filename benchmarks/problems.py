"""Problems with a known optimum: what each arm would do for each person is known, so regret is exact.

P1 is a small psychotherapy trial, P2 the three-arm problem of Zhou, Athey & Wager (2023, Operations
Research 71:148).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["P1_EFFECTS", "Draw", "p1", "p2"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Draw:
    """One simulated trial of n people: features (n, p), arm (n,) in 0..K-1, outcome (n,) larger is better.

    ``probability`` (n, K): how the arms were assigned, ``None`` where nobody is told; ``mean`` (n, K):
    expected outcome under each arm. ``observed`` (n,): whose outcome is known, ``None`` where everybody's is;
    ``y`` is 0 where it is not. ``site`` (n,): where each was treated, if there are sites.
    """

    x: Floats
    arm: NDArray[np.int64]
    y: Floats
    probability: Floats | None
    mean: Floats
    observed: NDArray[np.bool_] | None = None
    site: NDArray[np.int64] | None = None

    def value(self, assigned: NDArray[np.int64]) -> float:
        """True value of giving person i arm ``assigned[i]``."""
        return float(self.mean[np.arange(len(self.mean)), assigned].mean())


P1_EFFECTS: dict[str, Callable[[Floats], Floats]] = {
    "lin": lambda x: 0.10 + 0.25 * x[:, 2] - 0.15 * x[:, 5],
    "thr": lambda x: np.where((x[:, 2] > 0) & (x[:, 5] < 0.5), 0.45, -0.15),
    "null": lambda x: np.full(len(x), 0.15),
}


def p1(effect: str, n: int, seed: int) -> Draw:
    """Small psychotherapy trial: two arms, p=20 correlated features, SD of the noise .85."""
    rng = np.random.default_rng(seed)
    lag = np.abs(np.subtract.outer(np.arange(20), np.arange(20)))
    x = rng.multivariate_normal(np.zeros(20), 0.3**lag, size=n, method="cholesky")
    arm = rng.integers(0, 2, size=n)
    tau = P1_EFFECTS[effect](x)
    base = 0.45 * x[:, 0] + 0.3 * x[:, 1] + 0.2 * np.maximum(x[:, 4], 0)
    mean = base[:, None] + np.array([-0.5, 0.5]) * tau[:, None]
    y = mean[np.arange(n), arm] + 0.85 * rng.standard_normal(n)
    return Draw(x, arm, y, np.full((n, 2), 0.5), mean)


def p2(n: int, seed: int) -> Draw:
    """Three arms, three regions that also steer the treatment; V*=2.252, best arm 1.450."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(size=(n, 10))
    a, b = x[:, 4], x[:, 6]
    region = np.ones(n, dtype=np.int64)
    region[(a < 0.6) & (b > 0.35)] = 0
    ellipses = (a**2 / 0.6**2 + b**2 / 0.35**2 < 1) | ((a - 1) ** 2 / 0.4**2 + (b - 1) ** 2 / 0.35**2 < 1)
    region[ellipses] = 2
    mean = np.array([[3.0, 2.0, 1.0], [1.5, 2.0, 1.5], [-1.5, 0.0, 1.5]])[region]
    probability = np.array([[0.2, 0.6, 0.2], [0.2, 0.6, 0.2], [0.4, 0.2, 0.4]])[region]
    arm = (rng.uniform(size=n)[:, None] > probability.cumsum(axis=1)).sum(axis=1)
    y = mean[np.arange(n), arm] + 2.0 * rng.standard_normal(n)
    return Draw(x, arm, y, probability, mean)
