"""What a clinic's alerts cost and catch: expected beforehand, and what then happened, per 100 patients."""

from dataclasses import dataclass

import numpy as np

from alleviate.models.trial import Floats
from alleviate.terms.errors import DataError

__all__ = ["Bookkeeping", "Workload", "bookkeeping", "expected_workload"]


@dataclass(frozen=True, slots=True)
class Workload:
    """Per 100 patients: ``alerts``, of which ``hits`` and ``false_alarms``, and ``misses`` without an alert.

    ``predictive_value``: the share of alerts that are hits; NaN without alerts.
    """

    n: int
    alerts: float
    hits: float
    false_alarms: float
    misses: float

    @property
    def predictive_value(self) -> float:
        return self.hits / self.alerts if self.alerts else float("nan")


@dataclass(frozen=True, slots=True)
class Bookkeeping:
    """``expected`` from the predictions, ``happened``; ``surprise``: SD by which the hits and misses differ
    from what was expected, positive where more went badly than was foreseen. ``open``: patients whose
    outcome is not known yet; they are in no count.
    """

    expected: Workload
    happened: Workload
    surprise: float
    open: int


def expected_workload(risk: Floats, alerted: np.ndarray) -> Workload:
    """What to expect of these alerts, for ``risk`` (n,): the predicted probabilities of a bad outcome.

    Raises DataError where a risk is no probability, or the lengths differ.
    """
    _check(risk, alerted)
    return _workload(alerted, risk)


def bookkeeping(risk: Floats, alerted: np.ndarray, outcome: Floats) -> Bookkeeping:
    """Expected against happened. ``outcome`` (n,): 1 went badly, 0 did not, NaN not known yet.

    Raises DataError.
    """
    _check(risk, alerted)
    known = np.isfinite(outcome)
    if len(outcome) != len(risk) or not np.isin(outcome[known], (0.0, 1.0)).all():
        raise DataError("An outcome is 0, 1 or NaN, one a patient.", hint="1: it went badly.")
    r, a, y = risk[known], alerted[known], outcome[known]
    spread = np.sqrt((r * (1 - r)).sum())
    return Bookkeeping(
        _workload(a, r),
        _workload(a, y),
        float((y - r).sum() / spread) if spread > 0 else float("nan"),
        int((~known).sum()),
    )


def _check(risk: Floats, alerted: np.ndarray) -> None:
    if not ((risk >= 0) & (risk <= 1)).all():  # also where it is NaN
        raise DataError("A predicted risk is from 0 to 1.", hint="Leave out who has none.")
    if alerted.dtype != np.bool_ or alerted.shape != risk.shape:
        raise DataError("Alerted is true or false, one a patient.", hint="Compare the risk with a threshold.")


def _workload(alerted: np.ndarray, bad: Floats) -> Workload:
    n = len(bad)
    per = 100 / n if n else float("nan")
    hits = per * float(bad[alerted].sum())
    alerts = per * int(alerted.sum())
    return Workload(n, alerts, hits, alerts - hits, per * float(bad[~alerted].sum()))
