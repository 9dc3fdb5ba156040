"""Ridge R-learner: the effect is linear in the features, its slopes shrunk, the arms' own effects not.

Y - m(x) = Σ_k (1{A = k} - e_k(x)) (a_k + x'β_k) + noise (Robinson 1988; Nie & Wager 2021). How far the
slopes are shrunk is not one number but an average over a prior, the case of no moderation included,
weighted by what the data say.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from alleviate.models.explanation import Question
from alleviate.models.ridge import bayesian_ridge
from alleviate.models.trial import EffectData, Floats, contrasts

__all__ = ["LEARNER", "RidgeEffect", "RidgeModel", "fit_moderation"]

SPREADS = np.array([0.0, 0.05, 0.1, 0.2, 0.3, 0.45, 0.7, 1.0])
"""How much the benefit of one arm over another may differ between people: SD, in units of the residual SD."""

SPREAD_PRIOR = np.exp(-0.5 * (SPREADS / 0.3) ** 2)
"""Half-normal weights: effects of therapies seldom differ by more (Nye et al. 2023)."""


@dataclass(frozen=True, slots=True)
class RidgeModel:
    """Slopes per standardised feature and contrast: ``mean`` (p, K-1), ``covariance`` (p(K-1),)², row-major.

    ``centre``, ``scale`` (p,) standardise; ``no_signal`` is the posterior weight of no moderation at all.
    """

    centre: Floats
    scale: Floats
    mean: Floats
    covariance: Floats
    no_signal: float

    @property
    def arms(self) -> int:
        return int(self.mean.shape[1]) + 1

    def standardise(self, x: Floats) -> Floats:
        return (x - self.centre) / self.scale

    def predict(self, x: Floats) -> Floats:
        return self.standardise(x) @ self.mean @ contrasts(self.arms).T

    def contributions(self, question: Question) -> Floats:
        slopes: Floats = question.weights @ contrasts(self.arms) @ self.mean.T
        return self.standardise(question.x) * slopes

    def variance(self, x: Floats, weights: Floats, imputed: Floats) -> Floats:
        """(n,) posterior variance of Σ_k weights_k·effect_k(x); ``imputed`` (n, p): 1 where a value lacks.

        A missing standardised feature has variance 1: its slope's second moment is added.
        """
        p, q = self.mean.shape
        difference = weights @ contrasts(self.arms)
        blocks = self.covariance.reshape(p, q, p, q)
        covariance = np.einsum("a,iajb,b->ij", difference, blocks, difference)
        z = self.standardise(x)
        known = np.einsum("ni,ij,nj->n", z, covariance, z, optimize=True)
        second_moment = (self.mean @ difference) ** 2 + np.diag(covariance)
        variance: Floats = np.maximum(known, 0.0) + imputed @ second_moment
        return variance

    def slopes(self, arm: int, against: int) -> tuple[Floats, Floats]:
        """Change in the benefit of ``arm`` over ``against`` per SD of each feature, and its posterior SD."""
        p, q = self.mean.shape
        difference = contrasts(self.arms)[arm] - contrasts(self.arms)[against]
        covariance = np.einsum("a,iajb,b->ij", difference, self.covariance.reshape(p, q, p, q), difference)
        return self.mean @ difference, np.sqrt(np.maximum(np.diag(covariance), 0.0))

    def to_files(self) -> Mapping[str, bytes]:
        return {"effect.json": json.dumps(self.to_json()).encode()}

    def to_json(self) -> dict[str, object]:
        return {
            "centre": self.centre.tolist(),
            "scale": self.scale.tolist(),
            "mean": self.mean.tolist(),
            "covariance": self.covariance.tolist(),
            "no_signal": self.no_signal,
            "contrasts": self.mean.shape[1],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> "RidgeModel":
        p, q = len(data["centre"]), int(data["contrasts"])  # type: ignore[arg-type, call-overload]
        return cls(
            np.array(data["centre"], dtype=float),
            np.array(data["scale"], dtype=float),
            np.array(data["mean"], dtype=float).reshape(p, q),
            np.array(data["covariance"], dtype=float).reshape(p * q, p * q),
            float(data["no_signal"]),  # type: ignore[arg-type]
        )


def fit_moderation(data: EffectData) -> RidgeModel:
    """Fit the ridge R-learner; needs no seed."""
    centre = data.x.mean(axis=0)
    scale = data.x.std(axis=0)
    scale = np.where(scale > 1e-12, scale, 1.0)
    z = (data.x - centre) / scale
    k = data.arms
    treated = (np.eye(k)[data.arm] - data.probability) @ contrasts(k)
    design = (z[:, :, None] * treated[:, None, :]).reshape(len(z), -1)
    spread = float((z.var(axis=0) > 1e-12).sum())
    # two arms differ by a contrast of squared length 2: the prior is on the SD of that difference
    posterior = bayesian_ridge(
        design,
        treated,
        data.residual,
        scale=2.0 * max(spread, 1.0),
        spreads=SPREADS,
        prior=SPREAD_PRIOR,
        weight=data.weight,
    )
    return RidgeModel(
        centre, scale, posterior.mean.reshape(-1, k - 1), posterior.covariance, posterior.no_signal
    )


@dataclass(frozen=True, slots=True)
class RidgeEffect:
    name: str = "ridge"
    description: str = "effects linear in the features, shrunk (ridge R-learner)"
    complexity: int = 2

    def fit(self, data: EffectData, seed: int) -> RidgeModel:
        return fit_moderation(data)

    def load(self, files: Mapping[str, bytes]) -> RidgeModel:
        return RidgeModel.from_json(json.loads(files["effect.json"]))


LEARNER = RidgeEffect()
