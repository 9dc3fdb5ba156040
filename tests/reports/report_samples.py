"""Findings to report on, each by its name."""

from collections.abc import Callable

from sample_extremes import bare, hostile, long_labels, observational
from sample_jobs2 import Sample, jobs2
from sample_trials import anorexia, equipoise, relapse

SAMPLES: dict[str, Callable[[], Sample]] = {
    "jobs2": jobs2,
    "anorexia": anorexia,
    "relapse": relapse,
    "equipoise": equipoise,
    "observational": observational,
    "long-labels": long_labels,
    "hostile": hostile,
    "bare": bare,
}
