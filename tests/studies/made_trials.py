"""Made-up trials with a known truth, and the study file that asks about them."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

import alleviate
from alleviate.studies.learning import Learned

__all__ = ["FEATURES", "STUDY", "TREE_STUDY", "Made", "benefits", "make", "people", "study_text"]

FEATURES = ["age", "severity", "sex", "first_episode", "entry"]

STUDY = """\
[study]
name = "made"
title = "Made: CBT and depression"

[data]
path = "trial.csv"
id = "person"

[treatment]
column = "arm"
usual = "TAU"
probability = "known"

[outcome]
column = "y"
better = "lower"
label = "depression"
unit = "points"

[features]
include = ["age", "severity", "sex", "first_episode", "entry"]

[learning]
candidates = ["none", "ridge"]

[validation]
folds = 2
repeats = 1
"""

TREE_STUDY = [('candidates = ["none", "ridge"]', 'candidates = ["none", "tree1"]')]
"""Changes of the study that let only a tree compete."""


@dataclass(frozen=True)
class Made:
    """A trial and what was learned of it; ``folder`` holds trial.csv, study.toml and the package ``made``."""

    folder: Path
    frame: pl.DataFrame
    learned: Learned

    @property
    def package(self) -> Path:
        return self.learned.package


def benefits(frame: pl.DataFrame, benefit: str) -> np.ndarray:
    """What CBT takes off the outcome of each person, in points."""
    n = len(frame)
    return {
        "none": np.zeros(n),
        "same": np.full(n, 4.0),
        "by severity": np.where(frame["severity"].to_numpy() > 20, 6.0, -6.0),
        "by sex": np.where((frame["sex"] == "f").to_numpy(), 6.0, -6.0),
    }[benefit]


def people(n: int, *, benefit: str = "none", noise: float = 3.0, seed: int = 1) -> pl.DataFrame:
    """Half TAU, half CBT. The outcome y: half the severity, plus noise, less the benefit of CBT."""
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame(
        {
            "person": [f"p{i}" for i in range(1, n + 1)],
            "arm": rng.permutation(np.resize(["TAU", "CBT"], n)),
            "age": rng.integers(18, 70, n),
            "severity": rng.normal(20, 5, n).round(1),
            "sex": rng.choice(["f", "m"], n),
            "first_episode": rng.choice(["yes", "no"], n),
            "entry": [str(date(2020, 1, 1) + timedelta(int(days))) for days in rng.integers(0, 700, n)],
        }
    )
    treated = (frame["arm"] == "CBT").to_numpy()
    y = 10 + 0.5 * frame["severity"].to_numpy() + rng.normal(0, noise, n)
    return frame.with_columns(pl.Series("y", (y - treated * benefits(frame, benefit)).round(3)))


def study_text(*changes: tuple[str, str]) -> str:
    """The study file with pieces of its text replaced; each must be there, once."""
    text = STUDY
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the study"
        text = text.replace(old, new)
    return text


def make(folder: Path, frame: pl.DataFrame, *changes: tuple[str, str], name: str = "trial.csv") -> Made:
    """Write the trial and its study, and learn it by one process."""
    frame.write_parquet(folder / name) if name.endswith("parquet") else frame.write_csv(folder / name)
    if name != "trial.csv":
        changes = (*changes, ("trial.csv", name))
    (folder / "study.toml").write_text(study_text(*changes))
    return Made(folder, frame, alleviate.learn(folder / "study.toml", out=folder / "made", workers=1))
