"""Ours in the race: the rule that `alleviate learn` would package, without the outer evaluation."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alleviate.models.trial import Trial
from alleviate.policies.choice import choose_arms
from alleviate.policies.selection import learn_rule
from alleviate.terms.study import CANDIDATES
from contenders import Assign, Contender
from problems import Draw, Floats
from race_names import OURS as NAMED

__all__ = ["OURS", "frame", "trial_of"]


def frame(x: Floats) -> pl.DataFrame:
    return pl.DataFrame({f"x{j + 1}": column for j, column in enumerate(x.T)})


def trial_of(draw: Draw) -> Trial:
    arms = draw.mean.shape[1]
    return Trial(
        frame(draw.x),
        draw.arm,
        draw.y,
        arms,
        draw.probability,
        observed=draw.observed,
        clusters=draw.site,
    )


def ours(draw: Draw, seed: int) -> Assign:
    """Who cannot be judged gets the best arm."""
    # the rule needs no intervals
    learned = learn_rule(trial_of(draw), CANDIDATES, np.random.SeedSequence([seed, 1]), intervals=False)

    def assign(x: Floats) -> NDArray[np.int64]:
        forecasts = learned.forecaster.forecast(frame(x))
        choices = choose_arms(forecasts, best_arm=learned.best_arm, verdict="equipoise")
        return np.where(choices.arm >= 0, choices.arm, learned.best_arm)

    return assign


OURS = Contender(NAMED, ours)
