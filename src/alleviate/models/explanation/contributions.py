"""What each feature adds to a person's benefit of one arm over another, relative to the average person.

Shapley values: exact for linear effects, lines and thresholds, trees and boosted trees, and blends of those,
where they add up to the benefit less the average benefit. Forests whose leaves are not averaged but solved
(``forest``, ``bcf``) have no such closed form: of them the ridge posterior speaks, and what it does not say
is left out.
"""

from collections.abc import Sequence

import numpy as np

from alleviate.models.explanation.question import Question
from alleviate.models.forecaster import Forecaster
from alleviate.models.trial import Floats, Ints

__all__ = ["contributions"]


def contributions(
    forecaster: Forecaster, x: Floats, arm: Ints, against: Ints, features: Sequence[str]
) -> Floats:
    """(n, f) of the f ``features``, in outcome units; what is positive speaks for ``arm`` (n,).

    ``x`` (n, p) encoded; ``against`` (n,) the other arm. A feature's columns count together; one without any
    adds nothing.
    """
    columns, names = forecaster.encoder.columns, list(features)
    if forecaster.slope == 0.0 or not columns:
        return np.zeros((len(x), len(names)))
    rows, weights = np.arange(len(x)), np.zeros((len(x), forecaster.arms))
    weights[rows, arm] += 1.0
    weights[rows, against] -= 1.0
    nothing = np.zeros_like(x)
    mean = np.array([column.mean for column in columns])
    linear = forecaster.moderation.contributions(Question(x, mean, weights, nothing))
    by_column = forecaster.effect.contributions(Question(x, mean, weights, linear))
    belongs = np.zeros((len(columns), len(names)))
    belongs[np.arange(len(columns)), [names.index(column.feature) for column in columns]] = 1.0
    result: Floats = forecaster.slope * by_column @ belongs
    return result
