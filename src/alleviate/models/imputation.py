"""Repeated outcomes of people who drop out, drawn many times under a stated assumption (multiple imputation).

Bayesian normal model: the mean at each visit is linear in the arm and the features, the visits' covariance
is free and the same in each arm (the MMRM of trials). Missing at random: the rest of a person's course
follows their own arm. Jump to reference: from dropout on their expected course is that of the reference arm,
given what was seen of them. A shift δ may be added. Results are pooled by Rubin's rules.
Carpenter, Roger & Kenward 2013 (J Biopharm Stat 23:1352); as implemented by Gower-Page, Noci & Wolbers 2022
(rbmi, J Open Source Softw 7:4251), whose published example the tests reproduce.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import invwishart, t

from alleviate.models.trial import Bools, Floats, Ints
from alleviate.terms.estimates import LEVEL, Estimate

__all__ = ["Courses", "pooled_difference"]

WARM_UP = 200
BETWEEN = 10
"""Draws thrown away at first, and between two that are kept."""


@dataclass(frozen=True, slots=True)
class Courses:
    """n people: ``y`` (n, T) outcomes by visit, NaN where missing; ``x`` (n, p) baseline; two arms, 0 and 1.

    ``left`` (n,): the first visit from which the person had left (T: never); gaps before it are at random.
    """

    y: Floats
    x: Floats
    arm: Ints
    left: Ints

    def imputed(
        self, reference: int | None, *, draws: int, rng: np.random.Generator, shift: float = 0.0
    ) -> list[Floats]:
        """``draws`` completed tables (n, T). ``reference``: the arm to jump to; ``None``: missing at random.

        ``shift`` is added to outcomes after dropout in the arms other than ``reference``.
        """
        design = np.column_stack([np.ones(len(self.y)), self.arm, self.x])
        gone = np.isnan(self.y)
        y = np.where(gone, np.nanmean(self.y, axis=0), self.y)
        after = np.arange(self.y.shape[1]) >= self.left[:, None]
        tables = []
        for step in range(WARM_UP + draws * BETWEEN):
            slope, covariance = _drawn(design, y, rng)
            own = design @ slope
            y = _filled(y, gone, own, covariance, rng)
            if step >= WARM_UP and (step - WARM_UP) % BETWEEN == 0:
                mean = own
                if reference is not None:
                    elsewhere = design.copy()
                    elsewhere[:, 1] = reference
                    mean = np.where(after, elsewhere @ slope, own)
                table = _filled(y, gone, mean, covariance, rng)
                tables.append(table + shift * (gone & after & (self.arm != reference)[:, None]))
        return tables


def _drawn(design: Floats, y: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Coefficients (q, T) and covariance (T, T) from their posterior under Jeffreys' prior, y complete."""
    n, q = design.shape
    inverse = np.linalg.inv(design.T @ design)
    fitted = inverse @ design.T @ y
    rest = y - design @ fitted
    covariance = np.atleast_2d(invwishart.rvs(n - q, rest.T @ rest, random_state=rng))
    noise = rng.standard_normal(fitted.shape)
    return fitted + np.linalg.cholesky(inverse) @ noise @ np.linalg.cholesky(covariance).T, covariance


def _filled(y: Floats, gone: Bools, mean: Floats, covariance: Floats, rng: np.random.Generator) -> Floats:
    """Missing visits drawn given those seen, for everyone with the same visits missing at once."""
    filled = y.copy()
    patterns, which = np.unique(gone, axis=0, return_inverse=True)
    for index, out in enumerate(patterns):
        if not out.any():
            continue
        rows = np.flatnonzero(which.ravel() == index)
        across = np.linalg.solve(covariance[np.ix_(~out, ~out)], covariance[np.ix_(~out, out)])
        spread = covariance[np.ix_(out, out)] - covariance[np.ix_(out, ~out)] @ across
        centre = mean[np.ix_(rows, out)] + (y - mean)[np.ix_(rows, ~out)] @ across
        noise = rng.standard_normal(centre.shape) @ np.linalg.cholesky(spread).T
        filled[np.ix_(rows, out)] = centre + noise
    return filled


def pooled_difference(tables: list[Floats], courses: Courses, visit: int) -> tuple[Estimate, float]:
    """Arm 1 less arm 0 at ``visit``, by analysis of covariance on ``x``, and its standard error.

    Rubin's rules with the degrees of freedom of Barnard & Rubin (1999, Biometrika 86:948).
    """
    design = np.column_stack([np.ones(len(courses.x)), courses.arm, courses.x])
    n, q = design.shape
    inverse = np.linalg.inv(design.T @ design)
    found = []
    for table in tables:
        slope = inverse @ design.T @ table[:, visit]
        rest = table[:, visit] - design @ slope
        found.append((slope[1], inverse[1, 1] * float(rest @ rest) / (n - q)))
    estimates, variances = np.array(found).T
    m = len(tables)
    between = (1.0 + 1.0 / m) * float(estimates.var(ddof=1))
    total = float(variances.mean()) + between
    share = between / total
    complete = (n - q + 1.0) / (n - q + 3.0) * (n - q) * (1.0 - share)
    freedom = 1.0 / (share**2 / (m - 1.0) + 1.0 / complete)
    middle, error = float(estimates.mean()), float(np.sqrt(total))
    reach = float(t.ppf((1.0 + LEVEL) / 2.0, freedom)) * error
    return Estimate(middle, middle - reach, middle + reach), error
