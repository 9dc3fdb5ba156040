"""Which features matter, how surely, and whether models of other people say the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt

import numpy as np
from scipy.stats import rankdata

from alleviate.models.prognosis.losses import losses
from alleviate.models.prognosis.model import PrognosisModel
from alleviate.models.prognosis.people import People, target
from alleviate.models.trial import Floats
from alleviate.terms.estimates import Estimate

__all__ = ["FeatureImportance", "Importance", "Stability", "importance", "over_models"]

TOP = 5


@dataclass(frozen=True, slots=True)
class FeatureImportance:
    """``size``: mean |contribution| on the linear scale. ``loss``: by how much the loss on people held out

    would rise if what the feature adds were left out. ``kept``: share of the models that use it."""

    feature: str
    size: Estimate
    loss: Estimate
    kept: float


@dataclass(frozen=True, slots=True)
class Stability:
    """Over all pairs of ``models`` models: ``ranks``, mean Spearman correlation of their features' sizes, and

    ``top``, mean share that their five largest have in common. ``None`` where there is no pair."""

    models: int
    ranks: float | None
    top: float | None


@dataclass(frozen=True, slots=True)
class Importance:
    """``features``: the largest first; those that no model uses are left out."""

    features: tuple[FeatureImportance, ...]
    stability: Stability


def importance(parts: Sequence[tuple[PrognosisModel, People]], folds: int) -> Importance:
    """Of models, each with people it did not see, from (repeated) cross-validation with ``folds`` folds.

    All models must have been offered the same features. One model: doubt is over its people.
    """
    names = parts[0][0].features
    found = [_of(model, people) for model, people in parts]
    sizes = np.array([np.average(size, axis=0, weights=weight) for size, _, weight in found])
    kept = np.array([[name in set(model.features_kept) for name in names] for model, _ in parts])
    each: list[FeatureImportance] = []
    for j in np.argsort(-sizes.mean(axis=0), kind="stable"):
        if kept[:, j].any():
            size, loss = (_estimated([part[i][:, j] for part in found], found, folds) for i in (0, 1))
            each.append(FeatureImportance(names[j], size, loss, float(kept[:, j].mean())))
    return Importance(tuple(each), _stability(sizes))


Found = tuple[Floats, Floats, Floats]
"""Of one model: (n, features) |contribution| and loss without it, and each person's weight (n,)."""


def over_models(values: Floats, folds: int) -> Estimate:
    """Mean over models (m,) ≥ 2 of cross-validation, with the variance of models that share people

    (Nadeau & Bengio, Mach Learn 2003): (1/m + n_test/n_train)·s²."""
    variance = float(values.var(ddof=1)) * (1.0 / len(values) + 1.0 / max(folds - 1, 1))
    return Estimate.from_se(float(values.mean()), sqrt(variance))


def _of(model: PrognosisModel, people: People) -> Found:
    aim = target(people)
    level, added = model.contributions(people.features)
    linear = level + added.sum(axis=1)
    whole = losses(aim.y, linear, people.loss)
    without = losses(aim.y[:, None], linear[:, None] - added, people.loss)
    return np.abs(added), without - whole[:, None], aim.weight


def _estimated(values: Sequence[Floats], found: Sequence[Found], folds: int) -> Estimate:
    weights = [weight for _, _, weight in found]
    if len(values) > 1:
        means = [np.average(own, weights=weight) for own, weight in zip(values, weights, strict=True)]
        return over_models(np.array(means), folds)
    mean = float(np.average(values[0], weights=weights[0]))
    error = sqrt(float((weights[0] ** 2 * (values[0] - mean) ** 2).sum())) / float(weights[0].sum())
    return Estimate.from_se(mean, error)


def _stability(sizes: Floats) -> Stability:
    pairs = list(combinations(range(len(sizes)), 2))
    if not pairs:
        return Stability(len(sizes), None, None)
    tops = [{int(j) for j in np.argsort(-own, kind="stable")[:TOP] if own[j] > 0} for own in sizes]
    shared = [len(tops[a] & tops[b]) / max(len(tops[a]), len(tops[b]), 1) for a, b in pairs]
    together = [_rank_correlation(sizes[a], sizes[b]) for a, b in pairs]
    return Stability(len(sizes), float(np.mean(together)), float(np.mean(shared)))


def _rank_correlation(a: Floats, b: Floats) -> float:
    """Spearman's, with ties; 0 where one of the models tells its features not apart."""
    ranks = np.array([rankdata(a), rankdata(b)])
    if (np.ptp(ranks, axis=1) == 0).any():
        return 0.0
    return float(np.corrcoef(ranks)[0, 1])
