"""What a source is worth by how many of the target's people are learned from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from alleviate.models.prognosis.contract import Budget
from alleviate.models.prognosis.losses import mean_loss
from alleviate.models.prognosis.model import PrognosisModel
from alleviate.models.prognosis.people import People, target
from alleviate.models.prognosis.transfer.learning import Source, learn_transferred
from alleviate.models.trial import Floats
from alleviate.terms.errors import NotEnoughDataError
from alleviate.terms.estimates import LEVEL, Estimate

__all__ = ["SIZES", "TransferPoint", "transfer_curve"]

SIZES = (25, 50, 100, 200, 400)

DRAWS = 8

FEWEST_TESTED = 50
"""People left to test on, at least."""


@dataclass(frozen=True, slots=True)
class TransferPoint:
    """Mean loss on the people not learned from, over ``draws`` samples of ``n``, with t-intervals over draws

    (which tell of who was sampled, the people in all being given). ``gain``: afresh less transferred, of the
    same draws."""

    n: int
    draws: int
    transferred: Estimate
    afresh: Estimate
    source: Estimate
    gain: Estimate


def transfer_curve(
    people: People,
    source: Source,
    names: Sequence[str],
    seed: int,
    budget: Budget,
    sizes: Sequence[int] = SIZES,
    draws: int = DRAWS,
) -> tuple[TransferPoint, ...]:
    """A point for each of ``sizes`` that leaves enough people, from samples that can be learned from."""
    points = []
    for n in sizes:
        if n + FEWEST_TESTED > len(people):
            break
        found = []
        for draw in range(draws):
            if budget.spent():
                break
            order = np.random.default_rng([seed, n, draw]).permutation(len(people))
            drawn, others = people.take(order[:n]), people.take(order[n:])
            try:
                found.append(_losses(drawn, others, source, names, seed + draw))
            except NotEnoughDataError:
                continue
        if len(found) > draws // 2:
            points.append(_point(n, np.array(found)))
    return tuple(points)


def _losses(
    people: People, others: People, source: Source, names: Sequence[str], seed: int
) -> tuple[float, float, float]:
    """On ``others``: transferred, afresh, source as it is."""
    found = learn_transferred(people, source, names, seed)
    return (
        _loss(found.learned.model, others),
        _loss(found.afresh.model, others),
        _loss(source.model, others),
    )


def _loss(model: PrognosisModel, people: People) -> float:
    aim = target(people)
    return mean_loss(aim.y, model.predict(people.features).linear, aim.weight, people.loss)


def _point(n: int, losses: Floats) -> TransferPoint:
    transferred, afresh, source = losses.T
    found = (_mean(each) for each in (transferred, afresh, source, afresh - transferred))
    return TransferPoint(n, len(losses), *found)


def _mean(values: Floats) -> Estimate:
    mean = float(values.mean())
    error = float(values.std(ddof=1)) / np.sqrt(len(values))
    half = float(stdtrit(len(values) - 1, (1 + LEVEL) / 2)) * error
    return Estimate(mean, mean - half, mean + half)
