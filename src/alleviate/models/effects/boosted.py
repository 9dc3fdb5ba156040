"""Boosted trees on doubly robust scores (DR-learner, Kennedy 2023), one booster per contrast of the arms."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from alleviate.models.trial import EffectData, Floats, contrasts

__all__ = ["LEARNER", "BoostedEffect"]

BOOSTING = {
    "objective": "regression",
    "learning_rate": 0.05,
    "num_leaves": 4,
    "min_child_samples": 25,
    "lambda_l2": 10.0,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}

ROUNDS = 60


def _wide(x: Floats) -> Floats:
    """At least one column, a constant: LightGBM fails on none."""
    return x if x.shape[1] else np.zeros((len(x), 1))


@dataclass(frozen=True, slots=True)
class BoostedModel:
    boosters: tuple[lgb.Booster, ...]

    def predict(self, x: Floats) -> Floats:
        columns = [np.asarray(booster.predict(_wide(x), num_threads=1)) for booster in self.boosters]
        predicted: Floats = np.column_stack(columns) @ contrasts(len(columns) + 1).T
        return predicted

    def to_files(self) -> Mapping[str, bytes]:
        texts = {f"effect-{j}.txt": b.model_to_string().encode() for j, b in enumerate(self.boosters)}
        return {"effect.json": json.dumps({"boosters": list(texts)}).encode(), **texts}


@dataclass(frozen=True, slots=True)
class BoostedEffect:
    name: str = "boosted"
    description: str = "effects by boosted trees on doubly robust scores (DR-learner, LightGBM)"
    complexity: int = 4

    def fit(self, data: EffectData, seed: int) -> BoostedModel:
        x, targets = _wide(data.x), data.scores @ contrasts(data.arms)
        parameters, quiet = {**BOOSTING, "seed": seed}, {"verbosity": -1}
        tables = [lgb.Dataset(x, target, params=quiet) for target in targets.T]
        return BoostedModel(tuple(lgb.train(parameters, table, num_boost_round=ROUNDS) for table in tables))

    def load(self, files: Mapping[str, bytes]) -> BoostedModel:
        names = json.loads(files["effect.json"])["boosters"]
        return BoostedModel(tuple(lgb.Booster(model_str=files[name].decode()) for name in names))


LEARNER = BoostedEffect()
