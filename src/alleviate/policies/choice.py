"""From forecasts to a choice: the best bet, how strong it is, or why nothing can be said."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from alleviate.models.forecaster import Forecasts
from alleviate.models.trial import Bools, Ints
from alleviate.terms.estimates import Z

__all__ = ["BEYOND", "Choices", "Strength", "choose_arms"]

Strength = Literal["established", "leaning", "none"]

SHOWN = ("personalise", "one-for-all")
"""Verdicts under which the advice to one person may be called established."""

BEYOND = "no treatment is expected to stay within the limits"


@dataclass(frozen=True, slots=True)
class Choices:
    """n choices. ``arm`` (n,): the best bet, -1 where abstaining; ``second`` (n,): the next best.

    ``benefit`` (n,): expected benefit of the first over the second, with ``error`` its standard error,
    larger is better.
    """

    arm: Ints
    second: Ints
    benefit: np.ndarray[tuple[int], np.dtype[np.float64]]
    error: np.ndarray[tuple[int], np.dtype[np.float64]]
    strength: tuple[Strength, ...]
    reasons: tuple[str | None, ...]


def choose_arms(forecasts: Forecasts, *, best_arm: int, verdict: str, barred: Bools | None = None) -> Choices:
    """The arm with the best expected outcome; ties go to ``best_arm``.

    ``barred`` (n, K): arms that a person must not be advised; the next best is another that may be, if any.

    "established": the person's interval of benefit excludes 0 and the verdict says that something was shown;
    "leaning": expected to be better, not shown; "none": no difference is expected.
    """
    n = len(forecasts.expected)
    rows = np.arange(n)
    barred = np.zeros(forecasts.expected.shape, dtype=np.bool_) if barred is None else barred
    # behind all that may be advised
    expected = forecasts.expected - barred * (np.ptp(forecasts.expected, axis=1, keepdims=True) + 1.0)
    tie = np.isclose(expected[:, best_arm], expected.max(axis=1), rtol=0.0, atol=1e-12)
    arm = np.where(tie, best_arm, expected.argmax(axis=1)).astype(np.int64)
    expected[rows, arm] = -np.inf
    second = expected.argmax(axis=1).astype(np.int64)
    benefit = forecasts.expected[rows, arm] - forecasts.expected[rows, second]
    error = forecasts.pair_se[rows, arm, second]
    reasons = tuple(
        BEYOND if problem is None and stuck else problem
        for problem, stuck in zip(forecasts.problems, np.asarray(barred.all(axis=1)), strict=True)
    )
    judged = np.array([reason is None for reason in reasons], dtype=bool)
    established = (benefit - Z * error > 0) & (verdict in SHOWN)
    strength: list[Strength] = [
        "none" if not ok or gain <= 1e-12 else "established" if shown else "leaning"
        for ok, gain, shown in zip(judged, benefit, established, strict=True)
    ]
    return Choices(np.where(judged, arm, -1), second, benefit, error, tuple(strength), reasons)
