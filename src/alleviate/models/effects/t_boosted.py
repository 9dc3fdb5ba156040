"""Boosted trees in each arm, and their differences: the T-learner on LightGBM."""

import lightgbm as lgb

from alleviate.models.effects.t_learner import TLearner

__all__ = ["LEARNER", "boosted_trees"]


def boosted_trees(seed: int) -> lgb.LGBMRegressor:
    """80 trees of four leaves, strongly shrunk; deterministic."""
    return lgb.LGBMRegressor(
        n_estimators=80,
        learning_rate=0.05,
        num_leaves=4,
        min_child_samples=20,
        reg_lambda=10.0,
        n_jobs=1,
        random_state=seed,
        deterministic=True,
        force_row_wise=True,
        verbosity=-1,
    )


LEARNER = TLearner(
    boosted_trees,
    "t_boosted",
    "boosted trees in each arm, and their differences (T-learner, LightGBM)",
    5,
)
