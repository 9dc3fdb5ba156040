"""Events in time, some never seen: an outcome for everybody that on average is the one never seen in full.

With G the chance of still being followed and Q(u) = E[Y | no event by u, x],
Y* = R Y / G(U-) + (1 - R) Q(U) / G(U) - Σ_{c ≤ U} Q(c) (1/G(c) - 1/G(c-)),
U the time followed and R whether Y was then known. E[Y* | x] = E[Y | x] if G or Q is right (Rubin & van der
Laan 2007, Int J Biostat 3:4; Robins & Rotnitzky 1992). Weighing known outcomes by 1/G alone needs G to be
right, and has the larger spread. Y is the time without the event up to the horizon, or whether none came.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alleviate.models.survival import Hazard, choose_hazard, fit_hazard
from alleviate.models.trial import Bools, Floats, Ints, Trial

__all__ = ["EventPlan", "EventTimes", "fit_event_times", "plan_event_times"]

FEWEST_EVENTS = 10
"""Events in an arm below which features do not enter."""

Chosen = tuple[tuple[float, float] | None, ...]
"""Penalty and calibration slope in each arm; ``None`` where features do not enter."""

MOST_STEPS = 100
ROWS = 2000
LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class EventPlan:
    """Of the models of the event: what was ``chosen`` in each arm; ``horizon``; ``sign`` of the outcome."""

    chosen: Chosen
    horizon: float
    sign: float

    def happened(self, trial: Trial) -> Bools:
        """(n,) whether the event was seen, by the horizon."""
        assert trial.observed is not None
        assert trial.followed is not None
        free = trial.y >= max(self.sign, 0.0) if trial.kind == "binary" else trial.followed >= self.horizon
        return np.asarray(trial.observed & ~free)


def plan_event_times(x: Floats, trial: Trial, folds: Ints) -> EventPlan:
    """Penalties and slopes by cross-validated likelihood over ``folds`` (n,); the horizon as it is found."""
    assert trial.followed is not None
    sign = -1.0 if trial.y.min() < 0 else 1.0
    bare = EventPlan((None,) * trial.arms, float(trial.followed.max()), sign)
    event = bare.happened(trial)
    chosen = []
    for k in range(trial.arms):
        own = trial.arm == k
        few = int(event[own].sum()) < FEWEST_EVENTS or not x.shape[1]
        chosen.append(None if few else choose_hazard(x[own], trial.followed[own], event[own], folds[own]))
    return EventPlan(tuple(chosen), bare.horizon, sign)


def fit_event_times(x: Floats, trial: Trial, plan: EventPlan) -> "EventTimes":
    """One ridge Cox model an arm."""
    assert trial.followed is not None
    event = plan.happened(trial)
    models = []
    for k, chosen in enumerate(plan.chosen):
        own = trial.arm == k
        models.append(fit_hazard(x[own], trial.followed[own], event[own], *(chosen or (np.inf, 0.0))))
    return EventTimes(tuple(models), plan)


@dataclass(frozen=True, slots=True)
class EventTimes:
    """One model an arm of the event, up to the horizon."""

    events: tuple[Hazard, ...]
    plan: EventPlan

    def completed(self, x: Floats, trial: Trial, lost: Sequence[Hazard], bound: float) -> Floats:
        """Y* (n,), signed like ``trial.y``; ``lost``: of each arm. No G is taken to be below ``bound``."""
        assert trial.observed is not None
        assert trial.followed is not None
        result, binary = trial.y.copy(), trial.kind == "binary"
        for k, (event, loss) in enumerate(zip(self.events, lost, strict=True)):
            own = np.flatnonzero(trial.arm == k)
            for start in range(0, len(own), ROWS):
                rows = own[start : start + ROWS]
                who = (x[rows], trial.followed[rows], trial.observed[rows], trial.y[rows])
                result[rows] = self._of(*who, binary, event, loss, bound)
        return result

    def _of(
        self,
        x: Floats,
        time: Floats,
        seen: Bools,
        y: Floats,
        binary: bool,
        event: Hazard,
        lost: Hazard,
        bound: float,
    ) -> Floats:
        course = _Course.of(x, event, self.plan.horizon)
        cuts, kept = lost.steps(x, MOST_STEPS)
        weight = 1.0 / np.maximum(np.column_stack([np.ones(len(x)), kept]), bound)
        before, through = lost.survival(x, time), lost.survival(x, time, through=True)
        own = 1.0 / np.maximum(np.where(seen, before, through), bound)
        step = np.searchsorted(cuts, time)
        # of the steps before a person's own all counts, of their own as much as they saw
        part = np.minimum(weight[:, 1:], own[:, None]) - weight[:, :-1]
        part[np.arange(len(cuts)) > step[:, None]] = 0.0
        ahead = course.expected(np.tile(cuts, (len(x), 1)), binary, self.plan.sign)
        last = course.expected(time[:, None], binary, self.plan.sign)[:, 0]
        result: Floats = own * np.where(seen, y, last) - (ahead * np.maximum(part, 0.0)).sum(axis=1)
        return result


@dataclass(frozen=True, slots=True)
class _Course:
    """Of n people: survival (n, m) from each of ``knots`` (m,) on, and the area under it up to there."""

    knots: Floats
    kept: Floats
    area: Floats
    total: Floats
    horizon: float

    @classmethod
    def of(cls, x: Floats, event: Hazard, horizon: float) -> "_Course":
        times, kept = event.steps(x, MOST_STEPS)
        knots = np.concatenate([[0.0], times])
        kept = np.column_stack([np.ones(len(x)), kept])
        width = np.diff(np.append(np.minimum(knots, horizon), horizon))
        area = np.column_stack([np.zeros(len(x)), np.cumsum(kept * width, axis=1)])
        return cls(knots, kept, area[:, :-1], area[:, -1], horizon)

    def expected(self, time: Floats, binary: bool, sign: float) -> Floats:
        """(n, c) outcome expected of each if there was no event by ``time`` (n, c)."""
        index = np.searchsorted(self.knots, time, side="right") - 1
        rows = np.arange(len(time))[:, None]
        here = np.maximum(self.kept[rows, index], LEAST)
        if binary:
            return np.minimum(self.kept[:, -1:] / here, 1.0) - (sign < 0)
        area = self.area[rows, index] + self.kept[rows, index] * (time - self.knots[index])
        return sign * np.minimum(time + (self.total[:, None] - area) / here, self.horizon)
