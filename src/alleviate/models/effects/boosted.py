"""Boosted trees on doubly robust scores (DR-learner, Kennedy 2023), one booster per contrast of the arms.

How many rounds, none included, is what has the least squared error on scores that the trees did not see.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from alleviate.models.explanation import Question
from alleviate.models.trial import EffectData, Floats, contrasts

__all__ = ["LEARNER", "BoostedEffect"]

BOOSTING = {
    "objective": "regression",
    "learning_rate": 0.1,
    "num_leaves": 4,
    "min_child_samples": 25,
    "lambda_l2": 10.0,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}

MOST_ROUNDS = 150
FOLDS = 3
PATIENCE = 20
"""Rounds without a lower error in a fold, after which none is awaited."""


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

    def contributions(self, question: Question) -> Floats:
        """TreeSHAP by LightGBM itself; its last column is the average."""
        result, weights = np.zeros_like(question.x), question.weights @ contrasts(len(self.boosters) + 1)
        for weight, booster in zip(weights.T, self.boosters, strict=True):
            own = booster.predict(_wide(question.x), pred_contrib=True, num_threads=1)
            result += weight[:, None] * np.asarray(own)[:, : question.x.shape[1]]
        return result

    def to_files(self) -> Mapping[str, bytes]:
        texts = {f"effect-{j}.txt": b.model_to_string().encode() for j, b in enumerate(self.boosters)}
        return {"effect.json": json.dumps({"boosters": list(texts)}).encode(), **texts}


def _table(x: Floats, target: Floats, reference: lgb.Dataset | None = None) -> lgb.Dataset:
    return lgb.Dataset(x, target, reference=reference, params={"verbosity": -1})


def _boost(x: Floats, target: Floats, parameters: Mapping[str, object], rounds: int) -> lgb.Booster:
    """With no rounds one that says the mean: LightGBM keeps none without a tree."""
    limits = {} if rounds else {"min_child_samples": len(x) + 1}
    return lgb.train({**parameters, **limits}, _table(x, target), num_boost_round=max(rounds, 1))


def _rounds(x: Floats, targets: Floats, parameters: Mapping[str, object]) -> int:
    """The number of rounds of least error out of fold, all contrasts together.

    Every ``FOLDS``-th person by the first contrast belongs to a fold, so that folds are alike and do not
    depend on the order of people.
    """
    fold = np.empty(len(x), dtype=np.int64)
    fold[np.argsort(targets[:, 0], kind="stable")] = np.arange(len(x)) % FOLDS
    loss = np.zeros(MOST_ROUNDS + 1)
    for held in range(FOLDS):
        train, test = fold != held, fold == held
        for target in targets.T:
            seen: dict[str, dict[str, list[float]]] = {}
            fitted = _table(x[train], target[train])
            lgb.train(
                {**parameters, "metric": "l2"},
                fitted,
                num_boost_round=MOST_ROUNDS,
                valid_sets=[_table(x[test], target[test], fitted)],
                callbacks=[lgb.record_evaluation(seen), lgb.early_stopping(PATIENCE, verbose=False)],
            )
            errors = np.array(seen["valid_0"]["l2"])
            flat = float(((target[test] - target[train].mean()) ** 2).mean())
            loss += (
                np.concatenate([[flat], errors, np.full(MOST_ROUNDS - len(errors), errors[-1])]) * test.sum()
            )
    return int(loss.argmin())


@dataclass(frozen=True, slots=True)
class BoostedEffect:
    name: str = "boosted"
    description: str = "effects by boosted trees on doubly robust scores (DR-learner, LightGBM)"
    complexity: int = 5

    def fit(self, data: EffectData, seed: int) -> BoostedModel:
        x, targets = _wide(data.x), data.scores @ contrasts(data.arms)
        parameters = {**BOOSTING, "seed": seed}
        rounds = _rounds(x, targets, parameters)
        return BoostedModel(tuple(_boost(x, target, parameters, rounds) for target in targets.T))

    def load(self, files: Mapping[str, bytes]) -> BoostedModel:
        names = json.loads(files["effect.json"])["boosters"]
        return BoostedModel(tuple(lgb.Booster(model_str=files[name].decode()) for name in names))


LEARNER = BoostedEffect()
