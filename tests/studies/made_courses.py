"""Made-up courses of PHQ-9 scores, as a clinic would hand them over: a row a score."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from alleviate.studies.courses.asking import Asked
from alleviate.studies.courses.learning import learn_courses
from alleviate.studies.courses.loaded import LoadedCourses
from alleviate.studies.courses.telling import LearnedCourses
from alleviate.studies.loading import load_courses
from alleviate.studies.rules import table_from

__all__ = ["NOW", "SESSIONS", "MadeCourses", "courses", "learned"]

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SESSIONS = 6


@dataclass(frozen=True)
class MadeCourses:
    folder: Path
    told: LearnedCourses
    loaded: LoadedCourses


def courses(n: int, seed: int, *, leave: float = 0.0, sessions: int = SESSIONS) -> pl.DataFrame:
    """Scores start about 16 and fall by 4 to 9 over a course, the old by less; some ``leave``."""
    rng = np.random.default_rng(seed)
    age = np.round(rng.uniform(20, 70, n))
    start = rng.normal(16, 3.5, n)
    fall = rng.normal(6.0, 3.5, n) - 0.06 * (age - 45)
    shape = np.log1p(np.arange(sessions)) / np.log(sessions)
    scores = start[:, None] - fall[:, None] * shape + rng.normal(0, 1.8, (n, sessions))
    stay = np.cumprod(rng.uniform(size=(n, sessions)) > np.r_[0.0, np.full(sessions - 1, leave)], axis=1) > 0
    person, session = np.nonzero(stay)
    return pl.DataFrame(
        {
            "id": [f"p{i:04d}" for i in person],
            "time": session.astype(float),
            "score": np.clip(np.round(scores), 0, 27)[person, session].astype(int),
            "age": age[person],
            "sex": np.where(person % 2, "female", "male"),
        }
    )


def learned(folder: Path, frame: pl.DataFrame, asked: Asked, workers: int = 1) -> MadeCourses:
    told = learn_courses(table_from(frame), asked, out=folder / "courses", now=NOW, workers=workers)
    return MadeCourses(folder, told, load_courses(told.package))
