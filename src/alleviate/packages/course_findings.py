"""What learning courses found on people held out: the one object that report, JSON and package share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from alleviate.models.courses.workload import Compared
from alleviate.models.performance.curve import CalibrationCurve
from alleviate.terms.estimates import Estimate

__all__ = ["AlertFindings", "CourseFindings", "CourseVerdict", "JudgedCourses", "SessionFindings"]

CourseVerdict = Literal["usable", "no-signal"]


@dataclass(frozen=True, slots=True)
class SessionFindings:
    """After so many ``scores``.

    ``n``: people whose end is known; ``n_next``: whose next score is. ``measures``: auc, brier, coverage
    and errors, as told in ``docs/tracking.md``. ``by_third``: coverage of the end by severity at
    intake.
    """

    scores: int
    n: int
    n_next: int
    measures: Mapping[str, Estimate]
    by_third: tuple[Estimate | None, Estimate | None, Estimate | None]


@dataclass(frozen=True, slots=True)
class AlertFindings:
    """Alerts asked for per 100 patients (``per`` session or course): told beforehand and what happened.

    ``happened``: of ``people`` people held out; those whose end is not known are in the alerts alone.
    ``predictive_value``: the share of alerts that were right.
    """

    per_100: float
    per: Literal["session", "patient"]
    people: int
    known: int
    compared: tuple[Compared, ...]
    predictive_value: Estimate | None


@dataclass(frozen=True, slots=True)
class JudgedCourses:
    """How forecasts fared beside what came, of ``n`` courses, ``rows`` scores, ``ends`` known ends."""

    n: int
    rows: int
    ends: int
    measures: Mapping[str, Estimate]
    sessions: tuple[SessionFindings, ...]
    calibration: Mapping[str, CalibrationCurve]
    alerts: AlertFindings


@dataclass(frozen=True, slots=True)
class CourseFindings:
    """Everything found. ``problems``: rows left out, by what was wrong. ``left``: gone before the end.

    ``too_good``: began too near the best score to improve reliably, and are not learned from. ``horizon``:
    the usual planned end, in ``unit`` since the first score.
    """

    verdict: CourseVerdict
    reason: str
    rows_read: int
    people: int
    judged: JudgedCourses
    instrument: str
    reliable: float
    unit: str
    horizon: float
    left: int
    under_way: int
    too_good: int
    features: tuple[str, ...]
    further: tuple[str, ...]
    problems: Mapping[str, int]
    warnings: tuple[str, ...]
    folds: int
    seed: int
    fingerprint: str
    versions: Mapping[str, str]
