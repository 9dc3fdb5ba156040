"""How far the benefit that is forecast for a person may be off, whichever learner forecast it."""

from collections.abc import Callable

import numpy as np

from alleviate.models.moderators import average_models
from alleviate.models.trial import EffectData, Floats, Ints, contrasts
from alleviate.models.uncertainty.surface import Surface, fit_surface

__all__ = ["fit_doubt", "fit_level_doubt"]

REST = 0.125
"""Share of the differences' variance that no line, step or wave follows: corners and kinks that noise hides.

Chosen on simulated trials with seeds from 10,000 on: see docs/methods/person-intervals.md."""


def fit_doubt(
    data: EffectData, seed: int, effects: Floats | None = None, rule: Callable[[Floats], Floats] | None = None
) -> Surface:
    """The posterior over how the arms' differences vary between people, in orthonormal contrasts.

    Y - m(x) = Σ_k (1{A = k} - e_k(x)) (a_k + f_k(x)) + noise (Robinson 1988; Nie & Wager 2021).
    Which features matter is first guessed from the average over small models of moderators. ``effects``
    (n, K): what the rule says of people whom it has not seen, centred over arms and people; ``rule`` says
    the same of anybody, learned from all. Without them the posterior knows of no rule.
    """
    back = contrasts(data.arms)
    treated = (np.eye(data.arms)[data.arm] - data.probability) @ back
    relevance = average_models(data.x, treated, data.residual, data.weight).inclusion
    return fit_surface(
        data.x,
        treated,
        treated,
        data.residual,
        weight=data.weight,
        relevance=relevance,
        length=2.0,
        seed=seed,
        learnt=np.zeros((len(data.x), 0)) if effects is None else effects @ back,
        learner=lambda x: np.zeros((len(x), 0)) if rule is None else rule(x) @ back,
        rest=REST,
    )


def fit_level_doubt(
    x: Floats,
    arm: Ints,
    y: Floats,
    arms: int,
    *,
    seed: int,
    slopes: Floats,
    unseen: Floats,
    level: Callable[[Floats], Floats],
) -> Surface:
    """The posterior over the outcome of the average arm, one function: how far a forecast of it may be off.

    ``slopes`` (p,) of ``level``, which forecasts it, per SD of each feature; ``unseen`` (n,): what it says
    of people whom it has not seen.
    """
    return fit_surface(
        x,
        np.ones((len(y), 1)),
        np.eye(arms)[arm],
        y,
        weight=np.ones(len(y)),
        relevance=slopes**2 / max(float((slopes**2).max(initial=0.0)), 1e-12),
        length=1.0,
        seed=seed,
        learnt=(unseen - unseen.mean())[:, None],
        learner=lambda people: level(people)[:, None],
    )
