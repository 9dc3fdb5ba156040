"""How fast the engine is: forest, learning, exact tree, advice. Part of `make bench`.

``python benchmarks/engine.py --only learn1000`` runs one part; each may run alone.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl

import alleviate
from alleviate.models.effects.forest import LEARNER as FOREST
from alleviate.models.encoding import Encoder
from alleviate.models.scores import balanced_folds, crossfit, effect_data, plan_nuisances, strata
from alleviate.policies.trees import fit_tree
from contender_ours import frame, trial_of
from lines import RESULTS, Line, note, written
from problems import p1
from race_cells import MANY, TRUTH_SEED
from records_memory import run_watched

__all__ = ["PARTS", "lines"]

PEER = Path(__file__).parents[1] / ".venv-peers" / "bin" / "python"
STUDY = """[study]
name = "speed"
title = "Speed"
question = "Who should get which?"
reference = "None"

[data]
path = "trial.csv"
id = "id"

[treatment]
column = "arm"
usual = "a0"
assignment = "randomised"

[outcome]
column = "y"
better = "higher"

[features]
include = [{features}]
"""
QUICK = '\n[learning]\ncandidates = ["ridge"]\n\n[validation]\nfolds = 5\nrepeats = 1\n'


def forest(n: int = 10_000, seed: int = 0) -> list[Line]:
    """Fit with its nuisances, and effects of 20,000 new people: seconds and root mean squared error."""
    draw, new = p1("thr", n, seed), p1("thr", MANY, TRUTH_SEED)
    started = perf_counter()
    trial = trial_of(draw)
    encoder = Encoder.fit(trial.features)
    x = encoder.transform(trial.features).x
    folds = balanced_folds(strata(trial), 5, np.random.default_rng(seed))
    fit = crossfit(x, trial, plan=plan_nuisances(x, trial, folds=folds, seed=seed), folds=folds, seed=seed)
    effects = FOREST.fit(effect_data(x, fit, trial), seed).predict(encoder.transform(frame(new.x)).x)
    seconds = perf_counter() - started
    error = float(np.sqrt(((effects[:, 1] - effects[:, 0] - (new.mean[:, 1] - new.mean[:, 0])) ** 2).mean()))
    what = f"honest forest, n={n:,}, p=20, nuisances included: seconds"
    ours = f"{seconds:.1f} s, error of the effect {error:.3f}"
    if not PEER.exists():
        return [Line(what, "≥ 10 × faster than econml's", f"{ours}; econml not installed: make peers", None)]
    script = Path(__file__).with_name("engine_peer.py")
    ran = subprocess.run([PEER, script, str(n), str(seed)], check=True, capture_output=True, text=True)
    peer = json.loads(ran.stdout.splitlines()[-1])
    ratio = peer["seconds"] / seconds
    theirs = f"econml {peer['seconds']:.1f} s, {peer['error']:.3f}"
    return [
        Line(what, "≥ 10 × faster than econml's", f"{ratio:.1f} × ({ours}; {theirs})", ratio >= 10),
        Line(
            f"honest forest, n={n:,}: root mean squared error of the effect",
            "≤ econml's",
            f"{error:.3f}; econml {peer['error']:.3f}",
            error <= peer["error"],
        ),
    ]


def learn_small() -> list[Line]:
    took, _ = _learned(1000, 2)
    what = "learn, default candidates: n=1,000, p=20, 2 arms, two workers"
    return [Line(what, "≤ 90 s", f"{took:.1f} s", took <= 90)]


def learn_large() -> list[Line]:
    took, peak = _learned(100_000, 2)
    found = f"{took / 60:.1f} min, {peak / 2**30:.1f} GiB at most"
    what = "learn, default candidates: n=100,000, p=20, 2 arms, two workers"
    return [Line(what, "≤ 10 min, ≤ 4 GiB", found, took <= 600 and peak <= 4 * 2**30)]


def tree(n: int = 100_000) -> list[Line]:
    rng = np.random.default_rng(0)
    x, scores = rng.normal(size=(n, 30)), rng.normal(size=(n, 4))
    started = perf_counter()
    fit_tree(x, scores, depth=2)
    took = perf_counter() - started
    return [Line(f"exact tree of depth 2: n={n:,}, p=30, 4 arms", "≤ 30 s", f"{took:.1f} s", took <= 30)]


def advice(n: int = 100_000, times: int = 200) -> list[Line]:
    """A package loaded in a process of its own, and a CSV advised; then one row at a time."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _drawn(folder, 1000, QUICK)
        _learn(folder, 1)
        _table(n, 1).write_csv(folder / "new.csv")
        started = perf_counter()
        subprocess.run([sys.executable, "-c", ADVISE, str(folder)], check=True)
        took = perf_counter() - started
        rule, one = alleviate.load(folder / "package"), _table(1, 2)
        rule.advise(one)
        each = np.empty(times)
        for i in range(times):
            started = perf_counter()
            rule.advise(one)
            each[i] = perf_counter() - started
    found = (
        f"{1000 * np.median(each):.1f} ms (median of {times}; 95 %: {1000 * np.quantile(each, 0.95):.1f} ms)"
    )
    return [
        Line(
            f"advice on a file of {n:,} rows, start and loading included",
            "≤ 10 s",
            f"{took:.1f} s",
            took <= 10,
        ),
        Line("advice on one row, package loaded", "≤ 5 ms", found, bool(np.median(each) <= 0.005)),
    ]


ADVISE = """
import sys, alleviate
advice = alleviate.load(sys.argv[1] + "/package").advise(sys.argv[1] + "/new.csv")
assert all(len(one["reasons"]) for one in advice if not one["abstained"])
"""

PARTS: dict[str, Callable[[], list[Line]]] = {
    "forest": forest,
    "learn1000": learn_small,
    "learn100000": learn_large,
    "tree": tree,
    "advice": advice,
}


def lines(only: Sequence[str] = ()) -> list[Line]:
    result = []
    for name in only or PARTS:
        found = PARTS[name]()
        for line in found:
            note(f"{line.what}: {line.found}")
        result += found
    return result


def _table(n: int, seed: int) -> pl.DataFrame:
    """18 numbers, a category and a yes/no, some of them missing; an id."""
    rng = np.random.default_rng(seed)
    x = np.round(p1("lin", n, seed).x, 4)
    table = frame(x[:, :18]).with_columns(
        x4=pl.when(pl.Series(rng.uniform(size=n) < 0.95)).then(pl.col("x4")),
        region=pl.Series(rng.choice(["north", "south", "east", "west"], n)),
        smokes=pl.Series(rng.choice(["yes", "no"], n)),
    )
    return table.insert_column(0, pl.Series("id", [f"p{i}" for i in range(n)]))


def _drawn(folder: Path, n: int, more: str = "") -> None:
    draw, table = p1("lin", n, 0), _table(n, 0)
    features = ", ".join(f'"{name}"' for name in table.columns[1:])
    (folder / "study.toml").write_text(STUDY.format(features=features) + more, encoding="utf-8")
    arms = pl.Series("arm", [f"a{arm}" for arm in draw.arm])
    table.with_columns(arms, pl.Series("y", draw.y)).write_csv(folder / "trial.csv")


def _learn(folder: Path, workers: int) -> tuple[float, int]:
    out = ["--out", str(folder / "package"), "--workers", str(workers), "--json"]
    ran = run_watched(["-m", "alleviate", "learn", str(folder / "study.toml"), *out])
    return ran.seconds, ran.peak


def _learned(n: int, workers: int) -> tuple[float, int]:
    with tempfile.TemporaryDirectory() as name:
        _drawn(Path(name), n)
        return _learn(Path(name), workers)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=list(PARTS), help="may be given again")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the table")
    asked = parser.parse_args()
    found = lines(asked.only or ())
    if asked.only is None:
        settings = {"workers": 2, "processes at work elsewhere": f"{os.getloadavg()[0]:.1f} (load)"}
        written("engine", "The engine's speed", found, settings, results=asked.results)
    return 0 if all(line.holds is not False for line in found) else 1


if __name__ == "__main__":
    sys.exit(main())
