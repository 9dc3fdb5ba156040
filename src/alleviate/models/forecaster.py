"""Forecasts: the outcome under each arm, how the arms differ, how sure, and who cannot be judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from alleviate.models.effects.contract import EffectModel
from alleviate.models.effects.ridge import RidgeModel
from alleviate.models.encoding import Encoder
from alleviate.models.ridge import bayesian_ridge
from alleviate.models.trial import Floats, Ints
from alleviate.models.uncertainty import Known, Neighbourhoods

__all__ = ["Baseline", "Forecaster", "Forecasts", "fit_baseline"]

BASELINE_SPREADS = np.array([0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 4.0])
"""How well the features may predict the outcome itself: SD of the prediction over SD of the rest."""

TOO_MUCH_MISSING = 0.5
"""Share of features missing above which a person cannot be judged."""

FEWEST_PER_ARM = 5
"""People per arm among the comparable ones, below which a person cannot be judged."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Outcome of the average arm, linear in standardised features: slopes' ``mean``, ``covariance``."""

    centre: Floats
    scale: Floats
    mean: Floats
    covariance: Floats

    def predict(self, x: Floats) -> Floats:
        """(n,) difference from the average person."""
        return (x - self.centre) / self.scale @ self.mean

    def variance(self, x: Floats, imputed: Floats) -> Floats:
        """(n,) posterior variance; a missing feature adds its slope's second moment."""
        z = (x - self.centre) / self.scale
        known = np.einsum("ni,ij,nj->n", z, self.covariance, z, optimize=True)
        variance: Floats = np.maximum(known, 0.0) + imputed @ (self.mean**2 + np.diag(self.covariance))
        return variance

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name).tolist() for name in ("centre", "scale", "mean", "covariance")}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Baseline":
        p = len(data["centre"])
        arrays = {
            name: np.array(data[name], dtype=float) for name in ("centre", "scale", "mean", "covariance")
        }
        arrays["covariance"] = arrays["covariance"].reshape(p, p)
        return cls(**arrays)


def fit_baseline(x: Floats, arm: Ints, y: Floats, arms: int) -> Baseline:
    """Bayesian ridge of the outcome on the features, each arm with its own level."""
    centre, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 1e-12, scale, 1.0)
    posterior = bayesian_ridge(
        (x - centre) / scale,
        np.eye(arms)[arm],
        y,
        scale=max(x.shape[1], 1),
        spreads=BASELINE_SPREADS,
        prior=np.ones(len(BASELINE_SPREADS)),
    )
    return Baseline(centre, scale, posterior.mean, posterior.covariance)


@dataclass(frozen=True, slots=True)
class Forecasts:
    """n people, K arms, all larger-is-better.

    ``expected`` (n, K) with ``expected_se``; ``pair_se`` (n, K, K): standard error of the difference of two
    arms; ``comparable`` (n, K): people like this who got each arm; ``problems``: why a person cannot be
    judged, or ``None``.
    """

    expected: Floats
    expected_se: Floats
    pair_se: Floats
    comparable: Ints
    problems: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Forecaster:
    """Everything learned that a new person needs; tables in, numbers out.

    ``value`` (K,): cross-fitted mean outcome under each arm, with ``value_covariance`` (K, K). ``effect``
    predicts how a person differs from the average in the arms' differences; it is centred at ``centre``
    (K,) and multiplied by the calibration ``slope`` (0–1). ``moderation`` is the ridge posterior, which
    says how far any such prediction may be off.
    """

    encoder: Encoder
    baseline: Baseline
    value: Floats
    value_covariance: Floats
    effect: EffectModel
    slope: float
    centre: Floats
    moderation: RidgeModel
    neighbourhoods: Neighbourhoods

    @property
    def arms(self) -> int:
        return len(self.value)

    def differences(self, x: Floats) -> Floats:
        """(n, p) encoded → (n, K): expected outcome under each arm, minus the arms' mean for this person."""
        average = self.value - self.value.mean()
        if self.slope == 0.0:
            return np.tile(average, (len(x), 1))
        own: Floats = average + self.slope * (self.effect.predict(x) - self.centre)
        return own

    def forecast(self, frame: pl.DataFrame) -> Forecasts:
        """Forecast for each row of typed features; columns that the frame lacks count as missing."""
        encoded = self.encoder.transform(frame)
        x, gone = encoded.x, encoded.imputed.astype(float)
        k = self.arms
        level = self.value.mean() + self.baseline.predict(x)
        expected = level[:, None] + self.differences(x)
        base = self.baseline.variance(x, gone)
        own = np.empty((len(x), k))
        pairs = np.zeros((len(x), k, k))
        for a in range(k):
            weights = np.eye(k)[a] - 1.0 / k
            own[:, a] = base + self.value_covariance[a, a] + self.moderation.variance(x, weights, gone)
            for b in range(a):
                weights = np.eye(k)[a] - np.eye(k)[b]
                level_variance = float(weights @ self.value_covariance @ weights)
                pairs[:, a, b] = pairs[:, b, a] = level_variance + self.moderation.variance(x, weights, gone)
        indicator = np.array([column.role == "missing" for column in self.encoder.columns], dtype=bool)
        known = ~(encoded.imputed | indicator)
        group, distance = self.neighbourhoods.nearest(x, known)
        counts = self.neighbourhoods.counts[group]
        return Forecasts(
            expected,
            np.sqrt(own),
            np.sqrt(pairs),
            counts,
            tuple(self._problems(frame, x, known, encoded.unknown, encoded.missing, distance, counts)),
        )

    def _problems(
        self,
        frame: pl.DataFrame,
        x: Floats,
        known: Known,
        unknown: Sequence[Sequence[str]],
        missing: Floats,
        distance: Floats,
        counts: Ints,
    ) -> list[str | None]:
        result: list[str | None] = [None] * len(x)
        suspect = (distance > 1.0) | (missing > TOO_MUCH_MISSING) | (counts.min(axis=1) < FEWEST_PER_ARM)
        for i in range(len(x)):
            if unknown[i]:
                name = unknown[i][0]
                result[i] = f"{name} is {str(frame[name][i])!r}, which nobody in the study was"
            elif not suspect[i]:
                continue
            elif missing[i] > TOO_MUCH_MISSING:
                result[i] = f"{missing[i]:.0%} of the features are missing: too much to judge"
            elif distance[i] > 1.0:
                result[i] = (
                    f"too unlike the people of the study, above all in {self._strangest(x[i], known[i])}"
                )
            else:
                fewest = int(counts[i].min())
                result[i] = f"too few comparable people: {fewest} in one of the arms, {FEWEST_PER_ARM} needed"
        return result

    def _strangest(self, x: Floats, known: Known) -> str:
        z = known * np.abs(x - self.neighbourhoods.centre) / self.neighbourhoods.scale
        return self.encoder.columns[int(z.argmax())].feature
