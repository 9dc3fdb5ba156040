"""Logistic regression of an outcome on a few columns, with the influence of each person on each
coefficient."""

import numpy as np
from scipy.special import expit

from alleviate.models.trial import Floats

__all__ = ["logistic"]

ROUNDS = 50
FAR = 30.0
"""No coefficient of use is beyond this; what goes there is running off to infinity (separation)."""


def logistic(
    x: Floats, y: Floats, weight: Floats, offset: Floats | None = None
) -> tuple[Floats, Floats] | None:
    """Coefficients (p,) and their influences (n, p), for ``x`` (n, p), ``y`` (n,) 0/1, ``weight`` (n,) ≥ 0.

    By Newton's steps, halved until the likelihood rises. ``None`` where there is no finite maximum.
    """
    start = np.zeros(len(y)) if offset is None else offset
    beta, deviance = np.zeros(x.shape[1]), np.inf
    step = np.zeros_like(beta)
    for _ in range(ROUNDS):
        linear = start + x @ beta
        now = float(weight @ (np.logaddexp(0, linear) - y * linear))
        if now > deviance + 1e-12 * abs(deviance):
            step = step / 2
            beta = beta - step
            if np.abs(step).max() < 1e-9:
                break
            continue
        deviance, risk = now, expit(linear)
        slope = x.T @ (weight * (y - risk))
        curvature = x.T @ (x * (weight * risk * (1 - risk))[:, None])
        if np.linalg.cond(curvature) > 1e12:
            return None
        step = np.linalg.solve(curvature, slope)
        if np.abs(step).max() < 1e-9:
            influence = (x * (weight * (y - risk))[:, None]) @ np.linalg.inv(curvature)
            return beta, influence
        beta = beta + step
        if np.abs(beta).max() > FAR:
            return None
    return None
