"""How long foreseeing takes: a million people, one person, one with the reasons."""

from collections.abc import Callable
from time import perf_counter

import numpy as np
import polars as pl

from alleviate.models.prognosis.people import People
from alleviate.models.prognosis.selection import learn_prognosis
from lines import Line

__all__ = ["lines"]

MILLION = 1_000_000
CANDIDATES = ("ridge", "spline", "boosted")


def lines(rows: int = MILLION, times: int = 50) -> list[Line]:
    """20 numbers and 2 categories; the quickest of ``times`` for one person, since other work only slows."""
    rng = np.random.default_rng(0)
    frame = _people(rng, 1000)
    linear = frame["x0"].to_numpy() - frame["x1"].to_numpy() ** 2 + (frame["g0"] == "a").to_numpy()
    y = (rng.random(len(frame)) < 1 / (1 + np.exp(-linear))).astype(float)
    model = learn_prognosis(People(frame, y, "binary", np.ones(len(y))), CANDIDATES, 0).model
    many = _people(rng, rows)
    one = frame[:1]
    members = " + ".join(member.name for member in model.members)
    whole = _seconds(lambda: model.predict(many), 1)
    single = 1000 * _seconds(lambda: model.predict(one), times)
    why = 1000 * _seconds(lambda: (model.predict(one), model.contributions(one)), times)
    return [
        Line(f"{rows:,} people foreseen, 22 features, {members}", "≤ 20 s", f"{whole:.1f} s", whole <= 20),
        Line("one person", "≤ 5 ms", f"{single:.1f} ms", single <= 5),
        Line("one person with what each feature adds", "≤ 20 ms", f"{why:.1f} ms", why <= 20),
    ]


def _people(rng: np.random.Generator, n: int) -> pl.DataFrame:
    numbers = {f"x{j}": rng.normal(size=n) for j in range(20)}
    return pl.DataFrame(numbers | {f"g{j}": rng.choice(["a", "b", "c"], n) for j in range(2)})


def _seconds(work: Callable[[], object], times: int) -> float:
    took = []
    for _ in range(times):
        began = perf_counter()
        work()
        took.append(perf_counter() - began)
    return min(took)
