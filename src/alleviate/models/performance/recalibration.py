"""Recalibration: as little as is needed, found by a closed test, and what it brings for people it did not
see.

Forms, each holding the one before: none; a new level; level and slope; a bend besides (a restricted cubic
spline of three knots). The closed test of Vergouwe et al. (2017, Stat Med 36:4529) compares the last with
each simpler one, from the simplest, at 5 % each, and keeps the first that is not refuted: none of them is,
95 times in 100, where the model is right. Tests are Wald's with influences, so that they hold for weights,
clusters and strata.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import expit, fdtrc
from sklearn.isotonic import isotonic_regression

from alleviate.models.performance.comparison import compared
from alleviate.models.performance.influence import totals
from alleviate.models.performance.judged import Judged, log_odds
from alleviate.models.performance.logistic import logistic
from alleviate.models.trial import Floats, Ints
from alleviate.terms.estimates import Estimate

__all__ = ["FORMS", "Form", "Recalibrated", "Recalibration", "fitted", "recalibrated"]

Form = Literal["none", "level", "slope", "bend"]
FORMS: tuple[Form, ...] = ("none", "level", "slope", "bend")
ALPHA = 0.05
FOLDS = 5
POINTS = 50


@dataclass(frozen=True, slots=True)
class Recalibration:
    """From what was foreseen to what is: ``to`` (K,) at each of ``at`` (K,), on log odds or the number
    itself,

    straight between them, and beyond them as the stretches at the ends. No ``at``: as it is. Never falling.
    """

    form: Form
    risk: bool
    at: tuple[float, ...] = ()
    to: tuple[float, ...] = ()

    def apply(self, p: Floats) -> Floats:
        """(n,) risks or numbers → (n,) recalibrated."""
        if not self.at:
            return p
        linear = log_odds(p) if self.risk else p
        at, to = np.array(self.at), np.array(self.to)
        inside = np.interp(linear, at, to)
        low, high = (to[1] - to[0]) / (at[1] - at[0]), (to[-1] - to[-2]) / (at[-1] - at[-2])
        moved = inside + low * np.minimum(linear - at[0], 0) + high * np.maximum(linear - at[-1], 0)
        return np.asarray(expit(moved) if self.risk else moved, dtype=float)

    def to_json(self) -> dict[str, Any]:
        return {"form": self.form, "risk": self.risk, "at": list(self.at), "to": list(self.to)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Recalibration":
        return cls(data["form"], bool(data["risk"]), tuple(data["at"]), tuple(data["to"]))


@dataclass(frozen=True, slots=True)
class Recalibrated:
    """``chosen``: by the closed test. ``chances``: form → p-value of what it leaves out (of all but the
    last).

    ``gain``: measure → how much better (positive) people of other folds are foreseen when all of this, the
    choice included, is done without them. ``offered``: whether a form other than none is chosen and gains.
    """

    chosen: Recalibration
    chances: Mapping[str, float]
    gain: Mapping[str, Estimate]

    @property
    def offered(self) -> bool:
        first = next(iter(self.gain.values()), None)
        return self.chosen.form != "none" and first is not None and first.estimate > 0


def recalibrated(judged: Judged, seed: int) -> Recalibrated:
    """Choose, fit and test a recalibration. Folds keep clusters together."""
    chosen, chances = _chosen(judged)
    fold = _folds(judged, seed)
    held_out = judged.p.copy()
    for f in np.unique(fold):
        rest, own = np.flatnonzero(fold != f), np.flatnonzero(fold == f)
        held_out[own] = _chosen(judged.take(rest))[0].apply(judged.p[own])
    apart = compared([judged.foreseen(judged.p)], [judged.foreseen(held_out)]).differences
    names = ("log_loss", "brier") if judged.of_risk else ("rmse", "mae")
    return Recalibrated(chosen, chances, {name: apart[name] for name in names if name in apart})


def fitted(judged: Judged, form: Form) -> Recalibration:
    """A recalibration of this form; of a simpler one where the data cannot tell the form's parameters."""
    for simpler in FORMS[FORMS.index(form) :: -1]:
        found = _fit(judged, simpler)
        if found is not None:
            return found
    return Recalibration("none", judged.of_risk)


def _chosen(judged: Judged) -> tuple[Recalibration, dict[str, float]]:
    none = Recalibration("none", judged.of_risk)
    linear = _linear(judged)
    terms = _terms(linear, _knots(judged, linear))
    found = _departure(judged, linear, terms)
    if found is None:
        found = _departure(judged, linear, terms[:, :1])
        if found is None:
            return none, {}
    beta, influence = found
    drawn, freedom = totals(influence, judged.clusters, judged.strata)
    covariance = drawn.T @ drawn
    chances: dict[str, float] = {}
    for simpler, left_out in zip(FORMS, range(len(beta)), strict=False):
        rest = beta[left_out:]
        q = len(rest)
        statistic = float(rest @ np.linalg.lstsq(covariance[left_out:, left_out:], rest, rcond=None)[0])
        left = max(freedom - q + 1, 1.0)
        chances[simpler] = float(fdtrc(q, left, statistic * left / (freedom * q)))
    kept = (simpler for simpler in FORMS[: len(beta)] if chances[simpler] >= ALPHA)
    return fitted(judged, next(kept, FORMS[len(beta)])), chances


def _fit(judged: Judged, form: Form) -> Recalibration | None:
    linear = _linear(judged)
    knots = _knots(judged, linear)
    count = FORMS.index(form)
    if count == 0:
        return Recalibration("none", judged.of_risk)
    found = _departure(judged, linear, _terms(linear, knots)[:, :count])
    if found is None:
        return None
    low, high = float(linear.min()), float(linear.max())
    at = np.linspace(low, high if high > low else low + 1, POINTS if form == "bend" else 2)
    to = at + _terms(at, knots)[:, :count] @ found[0]
    near = np.searchsorted((at[1:] + at[:-1]) / 2, linear)
    people = np.bincount(near, judged.weight, minlength=len(at)) + 1e-9 * judged.weight.sum()
    to = isotonic_regression(to, sample_weight=people)
    return Recalibration(form, judged.of_risk, tuple(at.tolist()), tuple(to.tolist()))


def _linear(judged: Judged) -> Floats:
    return log_odds(judged.p) if judged.of_risk else judged.p


def _knots(judged: Judged, linear: Floats) -> Floats:
    return np.asarray(np.quantile(linear[judged.weight > 0], (0.1, 0.5, 0.9)), dtype=float)


def _terms(linear: Floats, knots: Floats) -> Floats:
    """(n, 3) level, slope, bend: straight outside the outer knots (Harrell 2015, Regression Modeling
    Strategies)."""
    a, b, c = knots
    slope = linear - b
    if not a < b < c:
        return np.stack([np.ones_like(linear), slope, np.zeros_like(linear)], axis=1)
    cubes = [np.maximum(linear - knot, 0) ** 3 for knot in knots]
    bend = (cubes[0] - cubes[1] * (c - a) / (c - b) + cubes[2] * (b - a) / (c - b)) / (c - a) ** 2
    return np.stack([np.ones_like(linear), slope, bend], axis=1)


def _departure(judged: Judged, linear: Floats, terms: Floats) -> tuple[Floats, Floats] | None:
    """Coefficients of ``terms`` on top of what was foreseen, and their influences (n, k)."""
    if judged.of_risk:
        return logistic(terms, judged.y, judged.weight, linear)
    square = terms.T @ (terms * judged.weight[:, None])
    if np.linalg.cond(square) > 1e12:
        return None
    error = judged.y - linear
    beta = np.asarray(np.linalg.solve(square, terms.T @ (judged.weight * error)), dtype=float)
    left = judged.weight * (error - terms @ beta)
    return beta, np.asarray((terms * left[:, None]) @ np.linalg.inv(square), dtype=float)


def _folds(judged: Judged, seed: int) -> Ints:
    """(n,) five folds, clusters whole."""
    rng = np.random.default_rng(seed)
    if judged.clusters is None:
        return np.asarray(rng.permutation(len(judged)) % FOLDS, dtype=np.int64)
    strata = np.zeros(len(judged), dtype=np.int64) if judged.strata is None else judged.strata
    drawn = np.unique(np.stack([strata, judged.clusters], axis=1), axis=0, return_inverse=True)[1].ravel()
    return np.asarray((rng.permutation(int(drawn.max()) + 1) % FOLDS)[drawn], dtype=np.int64)
