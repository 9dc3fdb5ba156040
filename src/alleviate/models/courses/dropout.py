"""Who leaves after which visit: a discrete-time hazard, logistic in the course (Singer & Willett 1993)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from alleviate.models.courses.growth import so_far
from alleviate.models.courses.histories import Histories
from alleviate.models.trial import Floats

__all__ = ["Dropout", "fit_dropout", "staying_weights"]

FEWEST = 20
"""With fewer who left, everybody's chance is the same."""

PENALTY = 1.0
NEWTON_STEPS = 12
MOST_VISITS = 200
LARGEST_WEIGHT = 20.0
HIGHEST = 0.98
"""No chance of leaving is taken to be above this."""


@dataclass(frozen=True, slots=True)
class Dropout:
    """logit P(leaves after this visit) = ``level`` + time·``by_time`` + course·``slopes``."""

    gap: float
    level: float
    by_time: Floats
    slopes: Floats

    def hazard(self, columns: Floats, time: Floats, horizon: Floats) -> Floats:
        """(N,) at a visit at ``time`` with course and intake ``columns`` (N, q)."""
        return self._chance(columns @ self.slopes, time, horizon)

    def before_the_end(self, columns: Floats, time: Floats, horizon: Floats) -> Floats:
        """(N,) P(leaves at some visit from now on), the course taken to stay as it is."""
        left = np.minimum(np.ceil((horizon - time) / self.gap - 1e-9), MOST_VISITS)
        still, course = np.ones(len(time)), columns @ self.slopes
        for visit in range(int(left.max(initial=0.0))):
            here = np.flatnonzero(left > visit)
            still[here] *= 1.0 - self._chance(course[here], time[here] + visit * self.gap, horizon[here])
        return 1.0 - still

    def _chance(self, course: Floats, time: Floats, horizon: Floats) -> Floats:
        signal = self.level + course + _moments(time, horizon, self.gap) @ self.by_time
        return np.asarray(np.minimum(expit(signal), HIGHEST))

    def to_json(self) -> dict[str, Any]:
        lists = {"by_time": self.by_time.tolist(), "slopes": self.slopes.tolist()}
        return {"gap": self.gap, "level": self.level, **lists}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Dropout":
        return cls(
            float(data["gap"]), float(data["level"]), np.array(data["by_time"]), np.array(data["slopes"])
        )


def _moments(time: Floats, horizon: Floats, gap: float) -> Floats:
    return np.column_stack([np.log1p(time / gap), np.minimum(time / horizon, 1.0)])


def fit_dropout(histories: Histories, columns: Floats, gap: float) -> Dropout:
    """``columns`` (N, q). At risk: every visit before the planned end, but the last of those under way."""
    ends = np.zeros(len(histories.score), dtype=bool)
    ends[histories.last] = True
    left = ends & histories.dropped[histories.person]
    risk = (histories.remaining > 0) & (~ends | left)
    happened, share = float(left[risk].sum()), (left[risk].sum() + 0.5) / (risk.sum() + 1.0)
    if happened < FEWEST:
        return Dropout(gap, float(np.log(share / (1 - share))), np.zeros(2), np.zeros(columns.shape[1]))
    rows = np.flatnonzero(risk)
    x = np.column_stack(
        [_moments(histories.time[rows], histories.horizon[histories.person[rows]], gap), columns[rows]]
    )
    centre, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    z = np.column_stack([np.ones(len(x)), (x - centre) / scale])
    beta = _logistic(z, left[rows].astype(float), float(np.log(share / (1 - share))))
    slopes = beta[1:] / scale
    return Dropout(gap, float(beta[0] - centre @ slopes), slopes[:2], slopes[2:])


def _logistic(z: Floats, y: Floats, level: float) -> Floats:
    """Ridge-penalised, by Newton's steps, the first column (ones) free; steps are held to a unit's length."""
    beta = np.zeros(z.shape[1])
    beta[0] = level
    penalty = np.full(len(beta), PENALTY)
    penalty[0] = 0.0
    for _ in range(NEWTON_STEPS):
        p = expit(z @ beta)
        curvature = z.T @ (z * (p * (1 - p))[:, None]) + np.diag(penalty + 1e-9)
        step = np.linalg.solve(curvature, z.T @ (y - p) - penalty * beta)
        beta = beta + step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-8:
            break
    return beta


def staying_weights(histories: Histories, hazard: Floats) -> Floats:
    """(N,) 1 / P(stays to the planned end | the course after each visit) of those who did, capped."""
    stays = np.where(histories.remaining > 0, np.log1p(-hazard), 0.0)
    total = so_far(stays, histories)
    ahead = total[histories.last][histories.person] - total + stays
    return np.asarray(np.minimum(np.exp(-ahead), LARGEST_WEIGHT))
