"""Forecasts beside what came: discrimination, calibration, coverage, errors, alerts, on people held out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from alleviate.models.courses.course import Forecasts
from alleviate.models.courses.histories import Histories
from alleviate.models.courses.scale import Scale
from alleviate.models.courses.workload import Expected, compare
from alleviate.models.performance.curve import CalibrationCurve, calibration_curve
from alleviate.models.performance.influence import Scale as OnScale
from alleviate.models.performance.influence import interval, spread
from alleviate.models.performance.judged import Judged
from alleviate.models.performance.performance import performance
from alleviate.models.trial import Bools, Floats, Ints
from alleviate.packages.course_findings import AlertFindings, JudgedCourses, SessionFindings
from alleviate.terms.estimates import Estimate

__all__ = ["Foretold", "judge", "mean_of", "off_track"]

FEWEST = 30
"""A session with fewer known ends is told together with the one before."""
FEWEST_OF_A_THIRD = 10
MOST_SESSIONS = 12
RISK = ("auc", "brier", "calibration_slope", "calibration_intercept", "e_o", "ici")


@dataclass(frozen=True, slots=True)
class Foretold:
    """Courses with ends, what was foretold of each of their scores, by models that had not seen them.

    ``off`` (N,): not on track, by the model's own thresholds; ``weight`` (N,): 1 / P(staying to the end);
    ``part`` (n,): which model. ``who`` (n,): people; ``thirds`` (n,): of severity, as the model cuts.
    """

    histories: Histories
    found: Forecasts
    off: Bools
    weight: Floats
    part: Ints
    who: Ints
    thirds: Ints
    scale: Scale

    @property
    def end(self) -> Floats:
        """(N,) of the course that each score is of."""
        return self.histories.end[self.histories.person]

    @property
    def improved(self) -> Floats:
        """(N,) 1 where the course ends reliably improved, NaN where its end is not known."""
        h = self.histories
        return self.scale.improved(h.score[h.first][h.person], self.end)

    @property
    def ahead(self) -> Bools:
        """(N,) scores before the end, of courses whose end is known."""
        return (self.histories.remaining > 0) & np.isfinite(self.end)

    @property
    def followed(self) -> Bools:
        """(N,) scores after which one more came, one usual gap on or sooner than two."""
        h, gap = self.histories, self.histories.gap()
        step = np.append(np.diff(h.time), np.inf)
        same = np.append(np.diff(h.person) == 0, False)
        return same & (step <= 1.5 * gap) & (h.remaining > 0)


def off_track(thresholds: Floats, stage: Ints, found: Forecasts, too_good: Bools) -> Bools:
    """(N,) whose chance of no reliable improvement reaches the threshold of their stage."""
    limit = thresholds[np.minimum(stage, len(thresholds) - 1)]
    return (1.0 - found.p_improve >= limit) & ~too_good


def mean_of(values: Floats, weight: Floats, who: Ints, on: OnScale = "plain") -> Estimate:
    """The weighted mean of values (R,), with a 95 % interval over people ``who`` (R,)."""
    mean = float(weight @ values / weight.sum())
    if on == "share":
        mean = min(1.0, max(0.0, mean))
    least = 1.0 / (len(values) + 2.0) if on == "share" and mean in (0.0, 1.0) else 0.0
    found = interval(mean, spread(weight * (values - mean) / weight.sum(), who), on)
    return Estimate(mean, max(0.0, mean - 3 * least), min(1.0, mean + 3 * least)) if least else found


def judge(foretold: Foretold, per_100: float, per: str, expected: Expected) -> JudgedCourses:
    """Everything that ``docs/tracking.md`` defines. ``expected``: of alerts, as told beforehand."""
    h = foretold.histories
    ahead = foretold.ahead
    stage = h.stage
    counts = np.bincount(np.minimum(stage[ahead], MOST_SESSIONS), minlength=MOST_SESSIONS + 1)[1:]
    stages = int(np.append(counts < FEWEST, True).argmax())
    return JudgedCourses(
        n=len(h),
        rows=len(h.score),
        ends=int(np.isfinite(h.end).sum()),
        measures=_measures(foretold, np.ones(len(stage), dtype=bool)),
        sessions=tuple(_session(foretold, s) for s in range(1, stages + 1)),
        calibration=_calibration(foretold),
        alerts=_alerts(foretold, per_100, per, expected),
    )


def _session(foretold: Foretold, scores: int) -> SessionFindings:
    h = foretold.histories
    here = h.stage == scores
    ahead, thirds = here & foretold.ahead, foretold.thirds[h.person]
    inside, who = _inside_end(foretold), foretold.who[h.person]
    by_third = []
    for third in range(3):
        rows = ahead & (thirds == third)
        enough = rows.sum() >= FEWEST_OF_A_THIRD
        by_third.append(mean_of(inside[rows], foretold.weight[rows], who[rows], "share") if enough else None)
    return SessionFindings(
        scores,
        int(ahead.sum()),
        int((here & foretold.followed).sum()),
        _measures(foretold, here),
        (by_third[0], by_third[1], by_third[2]),
    )


def _inside_end(foretold: Foretold) -> Floats:
    found, end = foretold.found, foretold.end
    return ((found.low - 1e-9 <= end) & (end <= found.high + 1e-9)).astype(float)


def _measures(foretold: Foretold, here: Bools) -> Mapping[str, Estimate]:
    """Of the end and of the next score, over these scores; those that cannot be told are left out."""
    h, found = foretold.histories, foretold.found
    told: dict[str, Estimate] = {}
    rows = np.flatnonzero(here & foretold.ahead)
    if len(rows):
        weight, who = foretold.weight[rows], foretold.who[h.person[rows]]
        told |= _of_risk(foretold, rows)
        told["coverage_end"] = mean_of(_inside_end(foretold)[rows], weight, who, "share")
        told["width_end"] = mean_of((found.high - found.low)[rows], weight, who)
        told |= _errors("end", found.end[rows], foretold.end[rows], h.score[rows], weight, who)
    rows = np.flatnonzero(here & foretold.followed)
    if len(rows):
        coming, weight, who = h.score[rows + 1], np.ones(len(rows)), foretold.who[h.person[rows]]
        inside = (found.next_low[rows] - 1e-9 <= coming) & (coming <= found.next_high[rows] + 1e-9)
        told["coverage_next"] = mean_of(inside.astype(float), weight, who, "share")
        told |= _errors("next", found.next[rows], coming, h.score[rows], weight, who)
    return told


def _of_risk(foretold: Foretold, rows: Ints) -> dict[str, Estimate]:
    """Of the chance of no reliable improvement; AUC and the rest where some improve and some do not."""
    judged = _judged(foretold, rows, 1.0 - foretold.found.p_improve, 1.0 - foretold.improved)
    if judged.y.min() == judged.y.max():
        return {}
    measures = performance([judged])
    return {name: measures[name] for name in RISK if name in measures}


def _judged(foretold: Foretold, rows: Ints, p: Floats, y: Floats) -> Judged:
    person = foretold.histories.person[rows]
    return Judged(
        y[rows],
        np.clip(p[rows], 0.0, 1.0),
        foretold.weight[rows],
        part=foretold.part[person],
        clusters=foretold.who[person],
    )


def _errors(
    what: str, told: Floats, came: Floats, last: Floats, weight: Floats, who: Ints
) -> dict[str, Estimate]:
    """Mean absolute error, that of the last score carried forward, and how much less ours is."""
    ours, carried = np.abs(told - came), np.abs(last - came)
    return {
        f"mae_{what}": mean_of(ours, weight, who),
        f"mae_{what}_carried": mean_of(carried, weight, who),
        f"gain_{what}": mean_of(carried - ours, weight, who),
    }


def _calibration(foretold: Foretold) -> dict[str, CalibrationCurve]:
    """Of the chances of improving and of worsening, over all scores; where both happen often enough."""
    rows, h = np.flatnonzero(foretold.ahead), foretold.histories
    start = h.score[h.first][h.person]
    outcomes = {
        "p_improve": (foretold.found.p_improve, foretold.improved),
        "p_worse": (foretold.found.p_worse, foretold.scale.worsened(start, foretold.end)),
    }
    found = {}
    for name, (p, y) in outcomes.items():
        events = float(y[rows].sum())
        if min(events, len(rows) - events) >= FEWEST:
            found[name] = calibration_curve([_judged(foretold, rows, p, y)], 25)
    return found


def _alerts(foretold: Foretold, per_100: float, per: str, expected: Expected) -> AlertFindings:
    """Over whole courses: who was alerted at some time before the end, and how it ended for them.

    Those whose end is known stand for those who left, by their chance of staying after the first score."""
    h = foretold.histories
    raised = foretold.off & (h.remaining > 0)
    ever = np.maximum.reduceat(raised.astype(int), h.first) > 0
    better = foretold.improved[h.first]
    known, weight = np.isfinite(better), foretold.weight[h.first]
    n, k = len(h), int(known.sum())
    share = np.where(known, weight, 0.0) * k / max(weight[known].sum(), 1e-9)
    happened = {
        "caught": float(share @ (ever & (better == 0))),
        "false_alarms": float(share @ (ever & (better == 1))),
        "missed": float(share @ (~ever & (better == 0))),
    }
    right, by = ever & known, foretold.who
    return AlertFindings(
        per_100,
        "session" if per == "session" else "patient",
        n,
        k,
        compare(expected, n, {"alerts": float(ever.sum())}) + (compare(expected, k, happened) if k else ()),
        mean_of((better[right] == 0).astype(float), weight[right], by[right], "share")
        if right.any()
        else None,
    )
