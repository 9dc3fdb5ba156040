"""What an evaluation found of harms: under the rule, under each arm, and had they weighed more or less."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alleviate.models.trial import Floats, Ints, Trial
from alleviate.policies.frontier import Held, Point, Trade, frontier, natural_weight, trade
from alleviate.policies.limits import exceeded
from alleviate.policies.value import mean_with_interval
from alleviate.terms.estimates import Estimate

__all__ = ["HarmValues", "harm_values", "stuck"]


@dataclass(frozen=True, slots=True)
class HarmValues:
    """What one harm would be, in its own units (larger is worse), under the rule and under each arm.

    ``barred`` (K,): share of the people for whom an arm is expected to exceed this harm's limit.
    ``frontier``: what other weights would give; ``trade``: what the stated weight gives up and avoids, or
    where none is stated the ``natural`` one, at which one SD is worth one of the outcome.
    """

    rule: Estimate
    arms: tuple[Estimate, ...]
    barred: tuple[float, ...]
    frontier: tuple[Point, ...]
    trade: Trade
    natural: float


def harm_values(
    trial: Trial, held: Held, rule: Ints, clusters: Sequence[object] | None
) -> tuple[HarmValues, ...]:
    """``rule`` (R, n): the arm that rules learned without each person gave them."""
    result = []
    known = np.ones(len(trial), dtype=np.bool_) if trial.observed is None else trial.observed
    for harm, weight in enumerate(held.weights):
        assert trial.harms is not None
        scores = held.harms[harm]
        natural = natural_weight(trial.y[known], trial.harms[:, harm])
        unit = weight or natural
        result.append(
            HarmValues(
                mean_with_interval(_under(scores, rule), clusters),
                tuple(mean_with_interval(scores[:, :, k], clusters) for k in range(trial.arms)),
                tuple(map(float, _beyond(held)[harm].mean(axis=(0, 1)))),
                frontier(held, harm, unit, clusters),
                trade(held, harm, unit, clusters),
                natural,
            )
        )
    return tuple(result)


def stuck(held: Held) -> float:
    """Share of the people for whom every arm is expected to exceed a limit: a rule abstains from them."""
    return float(_beyond(held).any(axis=0).all(axis=-1).mean()) if held.weights else 0.0


def _under(scores: Floats, arm: Ints) -> Floats:
    taken: Floats = np.take_along_axis(scores, arm[:, :, None], axis=2)[:, :, 0]
    return taken


def _beyond(held: Held) -> Floats:
    """(H, R, n, K) 1 where a limit is exceeded."""
    h, r, n, k = held.expected.shape
    return exceeded(held.expected.reshape(h, r * n, k), held.limits).reshape(h, r, n, k).astype(float)
