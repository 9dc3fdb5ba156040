"""Made-up trials of two or three stages with a known truth, and the study file that asks about them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from alleviate.packages import Origin, write
from alleviate.packages.stage_rule import stage_files
from alleviate.studies import files
from alleviate.studies.datasets import open_data
from alleviate.studies.stages import StagesLearned, learn_stages

__all__ = ["STUDY", "learned_at", "smart", "study_text"]

STUDY = """\
[study]
name = "smart"
title = "Smart: first talk or pills, then go on or change"

[data]
path = "smart.csv"
id = "person"

[outcome]
column = "y"
better = "lower"
label = "depression"
unit = "points"

[[stage]]
name = "first"
column = "a1"
arms = { "1" = "talk", "2" = "pills" }
usual = "talk"
probability = "known"
features = ["severity", "sex"]

[[stage]]
name = "second"
column = "a2"
usual = "go on"
probability = { "go on" = 0.5, "change" = 0.5 }
features = ["early"]

[learning]
candidates = ["none", "ridge"]

[validation]
folds = 2
repeats = 1
"""


def study_text(changes: Mapping[str, str] | None = None) -> str:
    text = STUDY
    for old, new in (changes or {}).items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def smart(n: int = 600, *, first: float = 2.0, second: float = 3.0, seed: int = 1) -> pl.DataFrame:
    """People better early on (a third or so) have no second stage; the rest go on or change by a toss.

    Pills take off ``first`` points a SD of severity above the mean; change takes off ``second`` points where
    ``early`` is above 0 and adds as many where it is below, in proportion.
    """
    rng = np.random.default_rng(seed)
    severity, sex = rng.normal(size=n), rng.choice(["f", "m"], n)
    a1, a2 = rng.integers(0, 2, n), rng.integers(0, 2, n)
    early = 0.5 * severity + rng.normal(size=n)
    better = early < -0.6
    y = 20 + 2 * severity + early - first * (a1 - 0.5) * severity + rng.normal(size=n)
    y = y - np.where(better, 0.0, second * (a2 - 0.5) * early)
    changed = [
        None if b else ("go on", "change")[a] for a, b in zip(a2.tolist(), better.tolist(), strict=True)
    ]
    return pl.DataFrame(
        {
            "person": [f"p{i}" for i in range(n)],
            "severity": severity.round(4),
            "sex": sex,
            "a1": [str(1 + a) for a in a1.tolist()],
            "early": early.round(4),
            "a2": changed,
            "y": y.round(4),
        }
    )


def learned_at(
    folder: Path, frame: pl.DataFrame, changes: Mapping[str, str] | None = None, *, workers: int = 1
) -> tuple[StagesLearned, Path]:
    """Learn from ``frame`` and write the package, as `alleviate learn` does."""
    frame.write_csv(folder / "smart.csv")
    text = study_text(changes)
    (folder / "smart.toml").write_text(text)
    study = files.load(folder / "smart.toml")
    learned = learn_stages(study, open_data(study), text, workers=workers)
    found = learned.findings
    origin = Origin("stages", study.name, study.validation.seed, found.fingerprint, found.versions)
    return learned, write(folder / "package", stage_files(learned.package), origin)
