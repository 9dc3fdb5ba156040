"""Bayesian causal forest (Hahn, Murray & Carvalho 2020), by stochtree: the extra ``bayes``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from alleviate.models.explanation import Question
from alleviate.models.trial import EffectData, Floats
from alleviate.terms.errors import InputError

__all__ = ["LEARNER", "BayesianCausalForest"]

DRAWS = 40
"""Posterior draws kept; the warm start (grow-from-root) needs no long burn-in."""


def _required() -> Any:
    """Found only when asked for: it is an extra, and brings libraries that nothing else needs."""
    try:
        return import_module("stochtree")
    except ImportError:
        raise InputError(
            "The learner 'bcf' needs the package stochtree, which is not installed.",
            hint="Run: pip install 'alleviate[bayes]', or leave 'bcf' out of [learning] candidates.",
        ) from None


def _wide(x: Floats) -> Floats:
    """At least two columns, constant ones added: stochtree fails on fewer."""
    return np.pad(x, ((0, 0), (0, max(0, 2 - x.shape[1]))))


@dataclass(frozen=True, slots=True)
class ForestModel:
    model: Any
    arms: int

    def predict(self, x: Floats) -> Floats:
        x = _wide(x)
        given = np.zeros((len(x), self.arms - 1))
        chance = np.full((len(x), self.arms - 1), 1.0 / self.arms)
        draws = self.model.predict(X=x, Z=given, propensity=chance, type="mean", terms="cate")
        effect = np.asarray(draws, dtype=float).reshape(len(x), self.arms - 1)
        against_first = np.column_stack([np.zeros(len(x)), effect])
        centred: Floats = against_first - against_first.mean(axis=1, keepdims=True)
        return centred

    def contributions(self, question: Question) -> Floats:
        return question.linear

    def to_files(self) -> Mapping[str, bytes]:
        return {
            "effect.json": json.dumps({"arms": self.arms}).encode(),
            "effect-bcf.json": self.model.to_json().encode(),
        }


@dataclass(frozen=True, slots=True)
class BayesianCausalForest:
    name: str = "bcf"
    description: str = "effects by a Bayesian causal forest (stochtree)"
    complexity: int = 7

    def fit(self, data: EffectData, seed: int) -> ForestModel:
        model = _required().BCFModel()
        weighted = bool((data.weight != 1.0).any())
        data = data.rows(np.flatnonzero(data.weight > 0))
        model.sample(
            X_train=_wide(data.x),
            Z_train=np.eye(data.arms)[data.arm][:, 1:],
            y_train=data.y,
            propensity_train=data.probability[:, 1:],
            observation_weights=data.weight if weighted else None,
            num_gfr=10,
            num_burnin=0,
            num_mcmc=DRAWS,
            general_params={"random_seed": seed, "num_threads": 1},
        )
        return ForestModel(model, data.arms)

    def load(self, files: Mapping[str, bytes]) -> ForestModel:
        model = _required().BCFModel()
        model.from_json(files["effect-bcf.json"].decode())
        return ForestModel(model, json.loads(files["effect.json"])["arms"])


LEARNER = BayesianCausalForest()
