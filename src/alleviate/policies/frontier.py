"""What benefit costs in harm: the rules that a weight between nothing and very much would make.

Every rule follows out-of-fold forecasts, the arm with the highest E[U] + (w_stated - w)·E[H], and is valued
by the scores of people whom nothing was learned from: nothing is learned anew for another weight. The higher
the weight, the less harm the rule expects to do: that is a property of the maximum, not of the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alleviate.models.trial import Floats, Ints
from alleviate.policies.limits import assigned
from alleviate.policies.value import mean_with_interval
from alleviate.terms.estimates import Estimate

__all__ = ["MULTIPLES", "Held", "Point", "Trade", "at_weight", "frontier", "natural_weight", "trade"]

MULTIPLES = (0.0, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Weights shown, in multiples of the stated or natural one."""


@dataclass(frozen=True, slots=True)
class Held:
    """Of n people, R repeats, H harms and K arms, all out of fold, larger is better but for harms.

    ``utility`` (R, n, K) and ``expected`` (H, R, n, K): forecasts, harms in full, the utility up to what
    all arms share; ``outcome`` (R, n, K) and ``harms`` (H, R, n, K): doubly robust scores. ``weights`` and
    ``limits`` (H,): as stated.
    """

    utility: Floats
    expected: Floats
    outcome: Floats
    harms: Floats
    weights: tuple[float, ...]
    limits: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """The rule at one ``weight``: value of the outcome and of the harm, and the share that gets each arm."""

    weight: float
    outcome: Estimate
    harm: Estimate
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Trade:
    """Of the rule at ``weight`` against the one that disregards the harm: outcome given up, harm avoided."""

    weight: float
    given_up: Estimate
    avoided: Estimate


def natural_weight(y: Floats, harm: Floats) -> float:
    """SD of the known outcomes over SD of the known harms: one SD of one is worth one of the other."""
    return float(y.std() / harm[np.isfinite(harm)].std())


def at_weight(held: Held, harm: int, weight: float) -> Ints:
    """(R, n) the arm that each person gets if ``harm`` has ``weight``, the other harms what is stated."""
    wanted = held.utility + (held.weights[harm] - weight) * held.expected[harm]
    return np.array(
        [assigned(own, held.expected[:, r], held.limits) for r, own in enumerate(wanted)], dtype=np.int64
    )


def frontier(
    held: Held, harm: int, unit: float, clusters: Sequence[object] | None = None
) -> tuple[Point, ...]:
    """One point for each of ``MULTIPLES`` of ``unit``, from no weight on."""
    arms = held.outcome.shape[-1]
    result = []
    for multiple in MULTIPLES:
        arm = at_weight(held, harm, multiple * unit)
        result.append(
            Point(
                multiple * unit,
                mean_with_interval(_under(held.outcome, arm), clusters),
                mean_with_interval(_under(held.harms[harm], arm), clusters),
                tuple(float((arm == k).mean()) for k in range(arms)),
            )
        )
    return tuple(result)


def trade(held: Held, harm: int, weight: float, clusters: Sequence[object] | None = None) -> Trade:
    """What the rule at ``weight`` gives up of the outcome, and avoids of the harm, for disregarding it."""
    plain, careful = at_weight(held, harm, 0.0), at_weight(held, harm, weight)

    def between(scores: Floats) -> Estimate:
        return mean_with_interval(_under(scores, plain) - _under(scores, careful), clusters, averaged=True)

    return Trade(weight, between(held.outcome), between(held.harms[harm]))


def _under(scores: Floats, arm: Ints) -> Floats:
    """(R, n) of (R, n, K) under (R, n)."""
    taken: Floats = np.take_along_axis(scores, arm[:, :, None], axis=2)[:, :, 0]
    return taken
