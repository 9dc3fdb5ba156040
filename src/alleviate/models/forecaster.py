"""Forecasts: the outcome under each arm, how the arms differ, how sure, and who cannot be judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl

from alleviate.models.effects.contract import EffectModel
from alleviate.models.effects.ridge import RidgeModel
from alleviate.models.encoding import Encoded, Encoder
from alleviate.models.ridge import bayesian_ridge
from alleviate.models.trial import Floats, Ints, contrasts
from alleviate.models.trimming import Reach
from alleviate.models.uncertainty import Known, Neighbourhoods, Outcomes, Surface
from alleviate.terms.estimates import LEVEL

__all__ = ["Baseline", "Forecaster", "Forecasts", "crossfit_baseline", "fit_baseline"]

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


def crossfit_baseline(x: Floats, arm: Ints, y: Floats, arms: int, folds: Ints) -> Floats:
    """(n,) what ``fit_baseline`` says of each fold's people, fitted without them."""
    result = np.zeros(len(y))
    for fold in np.unique(folds):
        train, test = folds != fold, folds == fold
        result[test] = fit_baseline(x[train], arm[train], y[train], arms).predict(x[test])
    return result


@dataclass(frozen=True, slots=True)
class Forecasts:
    """n people, K arms, all larger-is-better.

    ``expected`` (n, K) with ``expected_se``; ``pair_se`` (n, K, K): standard error of the difference of two
    arms; ``comparable`` (n, K): people like this who got each arm; ``problems``: why a person cannot be
    judged, or ``None``. ``outcomes``: how far a person's own outcome may lie from what is expected, where
    that is known (not for binary outcomes, whose expectation is a risk).
    """

    expected: Floats
    expected_se: Floats
    pair_se: Floats
    comparable: Ints
    problems: tuple[str | None, ...]
    outcomes: Outcomes | None = None

    def benefit(self, arm: Ints, against: Ints, level: float = LEVEL) -> tuple[Floats, Floats, Floats]:
        """(n,) expected benefit of ``arm`` (n,) over ``against`` (n,), low end and high end at ``level``."""
        rows = np.arange(len(self.expected))
        benefit = self.expected[rows, arm] - self.expected[rows, against]
        reach = _reach(level) * self.pair_se[rows, arm, against]
        return benefit, benefit - reach, benefit + reach

    def expectation(self, level: float = LEVEL) -> tuple[Floats, Floats]:
        """(n, K) ends of the interval of the expected outcome under each arm."""
        reach = _reach(level) * self.expected_se
        return self.expected - reach, self.expected + reach

    def own_outcome(self, level: float = LEVEL) -> tuple[Floats, Floats] | None:
        """(n, K) ends of the interval of the person's own outcome under each arm; ``level`` is .5 to .99."""
        if self.outcomes is None:
            return None
        low, high = self.outcomes.around(level).T
        return self.expected + low, self.expected + high


def _reach(level: float) -> float:
    return NormalDist().inv_cdf((1.0 + level) / 2.0)


@dataclass(frozen=True, slots=True)
class Forecaster:
    """Everything learned that a new person needs; tables in, numbers out.

    ``value`` (K,): cross-fitted mean outcome under each arm, with ``value_covariance`` (K, K). ``effect``
    predicts how a person differs from the average in the arms' differences; it is centred at ``centre``
    (K,) and multiplied by the calibration ``slope``. ``moderation`` is the ridge posterior, which tells the
    features' slopes. ``doubt`` is the posterior that says how far ``effect`` may be off, whichever learner it
    is of: expected squared error = posterior variance + squared distance from the posterior mean. ``None``:
    the ridge posterior. ``level_doubt`` says the same of ``baseline``, ``None``: its own posterior.
    ``reach``: whom a rule from routine care may speak of.
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
    doubt: Surface | None = None
    level_doubt: Surface | None = None
    outcomes: Outcomes | None = None
    reach: Reach | None = None

    @property
    def arms(self) -> int:
        return len(self.value)

    def level(self, x: Floats) -> Floats:
        """(n, p) encoded → (n,): expected outcome of the average arm."""
        mean: Floats = self.value.mean() + self.baseline.predict(x)
        return mean

    def differences(self, x: Floats) -> Floats:
        """(n, p) encoded → (n, K): expected outcome under each arm, minus the arms' mean for this person."""
        average = self.value - self.value.mean()
        if self.slope == 0.0:
            return np.tile(average, (len(x), 1))
        own: Floats = average + self.slope * (self.effect.predict(x) - self.centre)
        return own

    def forecast(self, frame: pl.DataFrame, encoded: Encoded | None = None) -> Forecasts:
        """Forecast for each row of typed features; columns that the frame lacks count as missing.

        ``encoded``: the same people, where the encoder was asked before.
        """
        encoded = encoded or self.encoder.transform(frame)
        x, gone = encoded.x, encoded.imputed.astype(float)
        differences = self.differences(x)
        expected = self.level(x)[:, None] + differences
        errors = self.value_covariance + self._effect_errors(x, differences, gone)
        alone = np.maximum(np.einsum("naa->na", errors), 0.0)
        shared = errors + errors.transpose(0, 2, 1)
        pairs = np.maximum(alone[:, :, None] + alone[:, None, :] - shared, 0.0)
        own = self._level_errors(x, gone)[:, None] + alone
        indicator = np.array([column.role == "missing" for column in self.encoder.columns], dtype=bool)
        known = ~(encoded.imputed | indicator)
        group, distance = self.neighbourhoods.nearest(x, known)
        counts = self.neighbourhoods.counts[group]
        problems = self._problems(frame, x, known, encoded.unknown, encoded.missing, distance, counts)
        if self.reach is not None:
            problems = [a or b for a, b in zip(problems, self.reach.problems(frame), strict=True)]
        return Forecasts(
            expected,
            np.sqrt(own),
            np.sqrt(pairs),
            counts,
            tuple(problems),
            self.outcomes,
        )

    def _level_errors(self, x: Floats, gone: Floats) -> Floats:
        """(n,) expected squared error of the outcome of the average arm."""
        if self.level_doubt is None:
            return self.baseline.variance(x, gone)
        learnt = self.baseline.predict(x)[:, None]
        away = learnt - self.level_doubt.values(x, learnt)
        errors: Floats = self.level_doubt.spread(x, learnt, gone)[:, 0, 0] + away[:, 0] ** 2
        return np.maximum(errors, 0.0)

    def _effect_errors(self, x: Floats, differences: Floats, gone: Floats) -> Floats:
        """(n, K, K) expected products of the errors of the effects; ``gone`` (n, p): 1 where imputed."""
        basis = contrasts(self.arms)
        if self.doubt is not None:
            said = (differences - self.value) @ basis
            learnt = said[:, : self.doubt.learns]
            away = said - self.doubt.values(x, learnt)
            inner = self.doubt.spread(x, learnt, gone) + away[:, :, None] * away[:, None, :]
        else:
            inner = self._moderation(x, basis, gone)
        errors: Floats = basis @ inner @ basis.T
        return errors

    def _moderation(self, x: Floats, basis: Floats, gone: Floats) -> Floats:
        """(n, K-1, K-1) covariance of the effects' contrasts by the ridge posterior, from its variances."""
        inner = np.empty((len(x), basis.shape[1], basis.shape[1]))
        for a, first in enumerate(basis.T):
            inner[:, a, a] = self.moderation.variance(x, first, gone)
            for b, second in enumerate(basis.T[:a]):
                both = self.moderation.variance(x, first + second, gone)
                inner[:, a, b] = inner[:, b, a] = (both - inner[:, a, a] - inner[:, b, b]) / 2.0
        return inner

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
