"""The races and proofs, in one run: `make bench`. Writes a table and its numbers to ``benchmarks/results/``.

Trial s of a problem is drawn with seed s, from 0 on, or from ``--first``. The gates of `policies.candidates`
were chosen while looking at P1 with seeds 0 to 299: to judge them, draw others (``--first 5000``).
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
from joblib import Parallel, delayed

from alleviate.policies.trees import fit_tree
from lines import Line, mean_error, note, written
from trials import Outcome, best_tree_value, judge_learning, judge_tree


def jobs2() -> list[Line]:
    """Time and bytes of the shipped study, by the command line, as a user would run it."""
    prints, times = [], []
    with tempfile.TemporaryDirectory() as folder:
        for name, workers in (("one", 1), ("two", 2), ("again", 2)):
            out = Path(folder) / name / "jobs2"
            start = perf_counter()
            subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "alleviate",
                    "learn",
                    "jobs2",
                    "--out",
                    str(out),
                    "--workers",
                    str(workers),
                ],
                check=True,
                capture_output=True,
            )
            times.append(perf_counter() - start)
            prints.append({f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(out.iterdir())})
    same = prints[0] == prints[1] == prints[2]
    took = f"{times[1]:.1f} s (one worker: {times[0]:.1f} s)"
    return [
        Line("jobs2, 5 folds × 10 repeats, default learners, two cores", "≤ 60 s", took, times[1] <= 60),
        Line("the same bytes with 1 and 2 workers, and on a second run", "the same", str(same), same),
    ]


def tree_speed() -> list[Line]:
    rng = np.random.default_rng(0)
    x, scores = rng.normal(size=(10_000, 20)), rng.normal(size=(10_000, 3))
    start = perf_counter()
    fit_tree(x, scores, depth=2, cuts=32)
    took = perf_counter() - start
    return [Line("exact tree: n=10,000, p=20, 3 arms, depth 2, 32 cuts", "≤ 5 s", f"{took:.2f} s", took <= 5)]


def trees(seeds: int, first: int, cores: int) -> list[Line]:
    lines = []
    for n, limit in ((1000, 0.14), (2000, 0.075)):
        judged = Parallel(cores)(delayed(judge_tree)(n, seed) for seed in range(first, first + seeds))
        regret = np.array([j.against_tree for j in judged])
        whole = np.array([j.against_optimum for j in judged])
        what = f"P2, n={n}: mean regret of the exact depth-2 tree, {seeds} seeds"
        found = f"{mean_error(regret)} against the best such tree (value {best_tree_value():.3f})"
        lines.append(Line(what, f"≤ {limit}", found, bool(regret.mean() <= limit)))
        beyond = "— of it no tree of depth 2 can have less than the best one leaves"
        lines.append(
            Line(f"{beyond}, n={n}", "for the record", f"{mean_error(whole)} against the optimum 2.25", None)
        )
    return lines


def learned_trials(scale: float, repeats: int, first: int, cores: int) -> list[Line]:
    def run(problem: str, n: int, seeds: int) -> list[Outcome]:
        seeds = max(4, round(seeds * scale))
        started = perf_counter()
        found = Parallel(cores)(
            delayed(judge_learning)(problem, n, seed, 5, repeats) for seed in range(first, first + seeds)
        )
        note(f"P1 {problem}, n={n}: {seeds} trials in {perf_counter() - started:.0f} s")
        return list(found)

    null, lin, thr = run("null", 200, 100), run("lin", 500, 100), run("thr", 200, 100)
    personal = sum(o.personalised for o in null)
    harmed = sum(o.advice < o.plain - 0.01 for o in null)
    early = lin[:40]
    gain = np.array([o.advice - o.best for o in early])
    every = [*null, *lin, *thr]
    rule = np.mean([o.rule_covered for o in every])
    arms = np.mean([covered for o in every for covered in o.arms_covered])
    lines = [
        Line(
            "P1 τ_null, n=200: verdict personalise",
            "≤ 5 of 100",
            f"{personal} of {len(null)}",
            personal <= 0.05 * len(null),
        ),
        Line(
            "P1 τ_null, n=200: advice harms (> .01 below the plain pick)",
            "≤ 5 of 100",
            f"{harmed} of {len(null)}",
            harmed <= 0.05 * len(null),
        ),
        Line(
            f"P1 τ_lin, n=500, {len(early)} seeds: true value of the advice over the best arm",
            "> 0",
            mean_error(gain),
            bool(gain.mean() > 0),
        ),
        Line(
            f"value of the rule covered by its 95 % interval, {len(every)} P1 trials",
            "92–97 %",
            f"{rule:.1%}",
            bool(0.92 <= rule <= 0.97),
        ),
        Line(
            f"value of each arm covered, {len(every)} P1 trials",
            "92–97 %",
            f"{arms:.1%}",
            bool(0.92 <= arms <= 0.97),
        ),
    ]
    for name, outcomes in (("null, n=200", null), ("lin, n=500", lin), ("thr, n=200", thr)):
        covered, packaged, gained = (
            np.mean([getattr(o, name) for o in outcomes])
            for name in ("rule_covered", "packaged_covered", "gain_covered")
        )
        value = np.array([o.advice - o.plain for o in outcomes])
        harmed = sum(o.advice < o.plain - 0.01 for o in outcomes)
        found = (
            f"covered: value {covered:.0%}, of the packaged rule {packaged:.0%}, gain {gained:.0%}; "
            f"advice over the plain pick {mean_error(value)}; harmed {harmed}; "
            f"personalise {sum(o.personalised for o in outcomes)}"
        )
        lines.append(Line(f"— P1 {name}, {len(outcomes)} trials", "for the record", found, None))
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--scale", type=float, default=1.0, help="share of the trials to run, for a quick look"
    )
    parser.add_argument(
        "--repeats", type=int, default=3, help="repeats of the outer cross-fitting of simulated trials"
    )
    parser.add_argument("--first", type=int, default=0, help="seed of the first trial of each problem")
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    parts: list[Callable[[], list[Line]]] = [
        jobs2,
        tree_speed,
        lambda: trees(12, asked.first, asked.cores),
        lambda: learned_trials(asked.scale, asked.repeats, asked.first, asked.cores),
    ]
    lines: list[Line] = []
    for part in parts:
        lines += part()
    written(
        "walk", "The walk", lines, {"scale": asked.scale, "repeats": asked.repeats, "first seed": asked.first}
    )
    return 0 if all(line.holds is not False for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
