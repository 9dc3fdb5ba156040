"""Two packages learned for real, once: expected courses of the PHQ-9, and a rule; clinics with them."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from alleviate.studies.courses.asking import Asked
from alleviate.studies.courses.learning import learn_courses
from alleviate.studies.learning import learn
from alleviate.studies.rules import table_from

STUDY = """
[study]
name = "made"

[data]
path = "made.csv"

[treatment]
column = "arm"

[outcome]
column = "after"
better = "lower"

[features]
include = ["before"]

[learning]
candidates = ["none", "ridge"]

[validation]
folds = 2
repeats = 1
"""


@pytest.fixture(scope="session")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages ``courses`` and ``rule``."""
    folder, work = tmp_path_factory.mktemp("packages"), tmp_path_factory.mktemp("work")
    learn_courses(
        table_from(_scores()),
        Asked("phq9"),
        out=folder / "courses",
        now=datetime(2026, 3, 2, tzinfo=UTC),
        workers=1,
    )
    rng = np.random.default_rng(2)
    before = rng.integers(10, 25, 80)
    arm = np.where(rng.random(80) < 0.5, "talk", "wait")
    after = before - 3 * (arm == "talk") + rng.normal(0, 3, 80)
    pl.DataFrame({"arm": arm, "before": before, "after": after.round(1)}).write_csv(work / "made.csv")
    (work / "made.toml").write_text(STUDY)
    learn(work / "made.toml", out=folder / "rule", workers=1)
    return folder


def _scores() -> pl.DataFrame:
    """150 people with five weekly scores, and a second measure that moves along."""
    rng = np.random.default_rng(0)
    n, visits = 150, 5
    fall = rng.normal(2.0, 1.2, (n, 1))
    scores = np.clip(np.round(16 - fall * np.arange(visits) + rng.normal(0, 1.5, (n, visits))), 0, 27)
    beside = np.clip(np.round(scores * 0.7 + rng.normal(0, 1.5, (n, visits))), 0, 21)
    return pl.DataFrame(
        {
            "id": [f"p{i}" for i in np.repeat(np.arange(n), visits)],
            "time": np.tile(np.arange(visits, dtype=float), n),
            "score": scores.ravel(),
            "gad7": beside.ravel(),
        }
    )


@pytest.fixture
def packages(learned: Path, tmp_path: Path) -> Path:
    """A copy of the packages, to be spoiled."""
    shutil.copytree(learned, tmp_path / "packages")
    return tmp_path / "packages"


@pytest.fixture
def clinic_with(make_clinic: Callable[..., Any], packages: Path) -> Callable[..., Any]:
    """Makes clinics that advise by the copied packages."""
    return lambda **settings: make_clinic(packages=packages, **settings)
