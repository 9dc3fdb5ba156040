"""How long the courses take: fit, memory, one patient, a million visits; beside statsmodels' mixed model."""

import os
import resource
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import statsmodels.api as sm
from threadpoolctl import threadpool_limits

from alleviate.models.courses.course import fit_courses
from alleviate.models.courses.growth_fit import fit_growth
from alleviate.models.courses.scale import Scale
from courses_p5 import CHANGE, LOG, SESSIONS, draw, histories
from lines import Line, note

__all__ = ["speed"]

BOTH = 2000
"""People at the size where statsmodels runs too."""

SCALE = Scale(0, 27, "lower", CHANGE)


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """What it gave, seconds on the clock, and seconds of processor: a shared machine stretches the first."""
    clock, processor = time.perf_counter(), time.process_time()
    found = work()
    return found, time.perf_counter() - clock, time.process_time() - processor


def speed(people: int) -> list[Line]:
    """Fit ``people`` × 11 sessions, score a million visits; all on one thread."""
    with threadpool_limits(1):
        return _speed(people)


def _speed(people: int) -> list[Line]:
    note(f"speed: {people} people")
    learned = histories(draw(people, np.random.default_rng(1)))
    model, fit, fit_cpu = timed(lambda: fit_courses(learned, SCALE, seed=1))
    many = learned.take(np.resize(np.arange(people), -(-1_000_000 // SESSIONS)))
    rows = len(many.score)
    _, score, score_cpu = timed(lambda: model.forecast(many))
    one = learned.take(np.array([0]))
    model.forecast(one)
    patient = [timed(lambda: model.forecast(one))[1] for _ in range(200)]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    load = f"load {os.getloadavg()[0]:.1f}"
    found = [
        Line(
            f"fit {people:,} × {SESSIONS} sessions",
            "≤ 60 s",
            f"{fit:.1f} s ({fit_cpu:.1f} s of processor; {load})",
            fit <= 60,
        ),
        Line("memory at most", "≤ 4 GB", f"{memory:.2f} GB", memory <= 4),
        Line(
            f"score {rows:,} visits", "≤ 10 s", f"{score:.1f} s ({score_cpu:.1f} s of processor)", score <= 10
        ),
        Line(
            "score one patient",
            "≤ 5 ms",
            f"median {1000 * np.median(patient):.2f} ms",
            bool(np.median(patient) <= 0.005),
        ),
    ]
    return [*found, *_against_statsmodels()]


def _against_statsmodels() -> list[Line]:
    """The same model but for the correlation in time, which statsmodels lacks."""
    courses = draw(BOTH, np.random.default_rng(2))
    own = histories(courses)
    design = np.column_stack([np.ones(SESSIONS), LOG])
    curve = np.tile(design, (BOTH, 1))
    x = np.repeat(courses.x, SESSIONS, axis=0)
    fixed = np.column_stack([curve, x, x * curve[:, 1:]])

    def peer() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return sm.MixedLM(own.score, fixed, groups=own.person, exog_re=curve).fit()

    _, slow, slow_cpu = timed(peer)
    _, fast, fast_cpu = timed(lambda: fit_growth(own, courses.x, sizes=(2,)))
    text = f"{slow_cpu / fast_cpu:.0f} × ({fast_cpu:.2f} against {slow_cpu:.1f} s of processor; "
    text += f"by the clock {slow / fast:.0f} ×)"
    _, _, whole_cpu = timed(lambda: fit_courses(own, SCALE, seed=1))
    return [
        Line(
            f"growth model of {BOTH:,} people against MixedLM",
            "≥ 20 × faster",
            text,
            slow_cpu / fast_cpu >= 20,
        ),
        Line(
            "all of it, cross-fitted, against MixedLM",
            "",
            f"{slow_cpu / whole_cpu:.1f} × ({whole_cpu:.1f} s)",
            None,
        ),
    ]
