"""Source people weighted to look like the target's (Shimodaira, J Stat Plan Inference 2000)."""

import numpy as np

from alleviate.models.prognosis.additive import fit_additive
from alleviate.models.prognosis.candidates.ridge import lines
from alleviate.models.prognosis.contract import Design
from alleviate.models.trial import Floats

__all__ = ["likeness"]

MOST = 10.0
"""Nobody stands for more people than this: a few odd ones would else decide (Cole & Hernán 2008)."""


def likeness(source: Design, target: Design) -> Floats:
    """(n_source,) density of the target's people over the source's, of mean 1, by a model of membership.

    Outcomes are not looked at.
    """
    member = np.concatenate([np.zeros(len(source.y)), np.ones(len(target.y))])
    # in equal parts, so that the odds of membership are the ratio of densities
    weight = np.concatenate([d.weight / d.weight.sum() for d in (source, target)]) * len(member) / 2
    both = Design(np.vstack([source.x, target.x]), source.columns, member, weight, "binary")
    odds = np.exp(np.clip(fit_additive(both, lines).linear(source.x), -20.0, 20.0))
    odds = np.minimum(odds, MOST)
    return np.asarray(odds / np.average(odds, weights=source.weight), dtype=float)
