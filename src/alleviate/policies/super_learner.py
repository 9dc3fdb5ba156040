"""Learners combined: a convex blend of their effects, weighted by how well they foretell others.

The weights minimise Σ_i |Γ_i - Σ_m w_m τ_m(x_i)|² over w ≥ 0, Σ w ≤ 1, with doubly robust scores Γ and
out-of-fold effects τ, both centred: the super learner (van der Laan, Polley & Hubbard 2007, Stat Appl Genet
Mol Biol 6:25) for rules (Luedtke & van der Laan 2016, Int J Biostat 12:305). What is missing to 1 goes to
"nobody differs": it shrinks towards the best single arm.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from alleviate.models.effects import EffectLearner, EffectModel
from alleviate.models.explanation import Question
from alleviate.models.trial import Floats, Ints

__all__ = ["BlendModel", "BlendReader", "Part", "centred", "convex_weights", "crossfit_blend"]


def centred(effects: Floats) -> Floats:
    """(n, K) without what all arms, and then all people, share: that is the level, not who differs."""
    own = effects - effects.mean(axis=1, keepdims=True)
    result: Floats = own - own.mean(axis=0)
    return result


def convex_weights(effects: Sequence[Floats], scores: Floats) -> Floats:
    """(M,) weights ≥ 0 with sum ≤ 1 of M candidates' effects (n, K), by least squares on scores (n, K).

    With "none" as another candidate the weights sum to 1, and the loss is |Σ_m w_m (Γ - τ_m)|². Non-negative
    least squares of those columns on 0 and of a row of ones on 1 finds the same direction: with w = s·v its
    loss s²|Dv|² + (s - 1)² is, at the best s, an increasing function of |Dv|².
    """
    target = centred(scores).ravel()
    length = float(np.sqrt(target @ target)) or 1.0
    away = [target, *(target - centred(each).ravel() for each in effects)]
    # the triangle holds all that squared lengths need, and is small
    triangle = np.linalg.qr(np.column_stack(away) / length, mode="r")
    design = np.vstack([triangle, np.ones(len(away))])
    found = nnls(design, np.concatenate([np.zeros(len(triangle)), [1.0]]))[0]
    weights: Floats = found[1:] / found.sum()
    return weights


def crossfit_blend(effects: Sequence[Floats], scores: Floats, folds: Ints) -> Floats:
    """(n, K) effects of the blend for each fold's people, by weights found on the others: to be judged by."""
    result = np.zeros_like(scores)
    for fold in np.unique(folds):
        train, test = folds != fold, folds == fold
        weights = convex_weights([each[train] for each in effects], scores[train])
        result[test] = sum(w * each[test] for w, each in zip(weights, effects, strict=True))
    return result


@dataclass(frozen=True, slots=True)
class Part:
    """One learner of a blend, by name, with its weight (0–1)."""

    learner: str
    weight: float
    model: EffectModel


@dataclass(frozen=True, slots=True)
class BlendModel:
    """Weighted sum of the effects of ``parts``; of none: nobody differs."""

    arms: int
    parts: tuple[Part, ...]

    def predict(self, x: Floats) -> Floats:
        result = np.zeros((len(x), self.arms))
        for part in self.parts:
            result += part.weight * part.model.predict(x)
        return result

    def contributions(self, question: Question) -> Floats:
        result = np.zeros_like(question.x)
        for part in self.parts:
            result += part.weight * part.model.contributions(question)
        return result

    def to_files(self) -> Mapping[str, bytes]:
        """Each part's own files stand beside ``effect.json`` as ``effect-<number>.<name>``."""
        own = [part.model.to_files() for part in self.parts]
        data = {
            "arms": self.arms,
            "parts": [
                {"learner": part.learner, "weight": part.weight, "files": sorted(files)}
                for part, files in zip(self.parts, own, strict=True)
            ],
        }
        nested = {_nested(i, name): content for i, files in enumerate(own) for name, content in files.items()}
        return {"effect.json": json.dumps(data).encode(), **nested}


def _nested(number: int, name: str) -> str:
    return f"effect-{number}.{name}"


@dataclass(frozen=True, slots=True)
class BlendReader:
    """How a stored blend is read and described; it is learned by ``policies.selection`` from its parts."""

    learners: Mapping[str, EffectLearner]
    name: str = "blend"
    description: str = "several learners combined, each weighted by how well it foretells (super learner)"

    def load(self, files: Mapping[str, bytes]) -> BlendModel:
        """The inverse of ``BlendModel.to_files``. Raises ``KeyError``: unknown learner, missing file."""
        data = json.loads(files["effect.json"])
        parts = []
        for i, part in enumerate(data["parts"]):
            own = {name: files[_nested(i, name)] for name in part["files"]}
            model = self.learners[part["learner"]].load(own)
            parts.append(Part(part["learner"], float(part["weight"]), model))
        return BlendModel(int(data["arms"]), tuple(parts))
