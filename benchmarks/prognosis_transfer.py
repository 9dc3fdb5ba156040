"""What another population's model is worth where few people are at hand, and what a wrong one costs."""

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from joblib import Parallel, delayed
from scipy.special import expit

from alleviate.models.prognosis.contract import Budget
from alleviate.models.prognosis.losses import mean_loss
from alleviate.models.prognosis.model import PrognosisModel
from alleviate.models.prognosis.people import People, target
from alleviate.models.prognosis.selection import LEAST_EVENTS, learn_prognosis
from alleviate.models.prognosis.transfer.curve import SIZES, transfer_curve
from alleviate.models.prognosis.transfer.learning import Source, learn_transferred
from alleviate.models.trial import Floats
from alleviate.records.synthetic import Clinic
from alleviate.studies.datasets import open_data
from alleviate.studies.files import load
from alleviate.studies.prognosis.cohort import cohort
from alleviate.terms.prognosis_study import PrognosisStudy
from lines import Line, note

__all__ = ["WORSE", "lines"]

DATA = Path(__file__).parents[2] / "shared" / "data"
NAMES = ("ridge", "spline")
N = 50
WORSE = 0.01
"""Log loss above that of training afresh that counts as harm; foreseeing nothing has .69."""

COLUMNS, SOURCE_PEOPLE, TESTED = 8, 800, 2_000

Asked = tuple[Any, ...]
"""A function of a seed, and its further arguments."""

Pair = tuple[People, People]
"""The source's people and the target's."""


def people_of(x: Floats, y: Floats) -> People:
    return People(pl.DataFrame(x, schema=[f"x{j}" for j in range(x.shape[1])]), y, "binary", np.ones(len(y)))


def drawn(seed: int, kind: str) -> Pair:
    """Of a logistic truth, the target's being another by ``kind``."""
    rng = np.random.default_rng([seed, 7])
    slopes = rng.normal(0.0, 0.4, COLUMNS)
    level, shift, own = -0.3, 0.0, slopes.copy()
    if kind == "level":
        level = 0.7
    elif kind == "case-mix":
        shift = 0.7
    elif kind == "changed":
        own[rng.choice(COLUMNS, 2, replace=False)], level = rng.normal(0.0, 0.4, 2), 0.3
    elif kind == "reversed":
        own = -slopes
    else:
        own = rng.normal(0.0, 0.4, COLUMNS)
    pair = []
    for n, b, a, moved in ((SOURCE_PEOPLE, slopes, -0.3, 0.0), (N + TESTED, own, level, shift)):
        x = rng.normal(size=(n, COLUMNS))
        x[:, :2] += moved
        pair.append(people_of(x, (rng.random(n) < expit(a + x @ b)).astype(float)))
    return pair[0], pair[1]


@cache
def clinic() -> Pair:
    """Two sites of a clinic that never was: PHQ-9 of 10 or more at the end, from the start."""
    known = [
        "baseline_phq9",
        "severe",
        "trauma",
        "unemployed",
        "recurrent",
        "insomnia",
        "pain",
        "young",
        "older",
    ]
    truth = Clinic(2_000, 1).truth()

    def site(name: str) -> People:
        own = truth.filter(site=name)
        y = (own["end_phq9"] >= 10).cast(pl.Float64).to_numpy()
        return People(own.select(*known, "assigned"), y, "binary", np.ones(len(y)))

    return site("Harbour"), site("Parkway")


@cache
def trials(study: str, source: str) -> Pair:
    """The buprenorphine arms of two trials."""
    asked = load(study)
    assert isinstance(asked, PrognosisStudy)
    found = cohort(asked, open_data(asked, data_dir=DATA))
    there = np.array(found.sites) == source
    return found.people.take(np.flatnonzero(there)), found.people.take(np.flatnonzero(~there))


@cache
def source_of(make: Callable[..., Pair], *arguments: str) -> PrognosisModel:
    return learn_prognosis(make(*arguments)[0], NAMES, 1).model


def sampled(seed: int, make: Callable[..., Pair], *arguments: str) -> tuple[float, float, float]:
    """As ``losses``, of people of the target drawn by ``seed``: as often as it takes to learn from them."""
    there, here = make(*arguments)
    rng, rows = np.random.default_rng([seed, 3]), np.arange(N)
    while not LEAST_EVENTS <= here.y[rows[:N]].sum() <= N - LEAST_EVENTS or len(rows) == N:
        rows = rng.permutation(len(here))
    source = Source(source_of(make, *arguments), there)
    return losses(source, here.take(rows[:N]), here.take(rows[N:]), seed)


def simulated(seed: int, kind: str) -> tuple[float, float, float]:
    there, here = drawn(seed, kind)
    source = Source(learn_prognosis(there, NAMES, 1).model, there)
    return losses(source, here.take(np.arange(N)), here.take(np.arange(N, len(here))), seed)


def losses(source: Source, people: People, others: People, seed: int) -> tuple[float, float, float]:
    """On ``others``: transferred, afresh (with an encoder of its own), source as it is."""
    models = (
        learn_transferred(people, source, NAMES, seed).learned.model,
        learn_prognosis(people, NAMES, seed).model,
        source.model,
    )
    aim = target(others)
    found = [mean_loss(aim.y, m.predict(others.features).linear, aim.weight, "binary") for m in models]
    return found[0], found[1], found[2]


def lines(seeds: int, first: int, cores: int) -> list[Line]:
    """``seeds`` of each kind."""
    right: dict[str, Asked] = {
        "simulated, another level": (simulated, "level"),
        "simulated, other case-mix": (simulated, "case-mix"),
        "simulated, the level and two of 8 coefficients changed": (simulated, "changed"),
        "synthetic clinic, Harbour to Parkway": (sampled, clinic),
    }
    if (DATA / "ctn0094").is_dir():
        right |= {
            f"{study} from {source}": (sampled, trials, study, source)
            for study in ("ctn-dropout", "ctn-relapse")
            for source in ("CTN-0027", "CTN-0051")
        }
    wrong: dict[str, Asked] = {
        f"simulated, coefficients {kind}": (simulated, kind) for kind in ("reversed", "unrelated")
    }
    every = range(first, first + seeds)
    table = []
    for what, asked in right.items():
        gain = _gains(what, asked, every, cores)
        better = float((gain[:, 0] > 0).mean())
        shown = (
            f"{better:.0%}, on average by {gain[:, 0].mean():.4f} (source as it is: {gain[:, 1].mean():.4f})"
        )
        table.append(
            Line(f"{what}: log loss below training afresh, n = {N}", "≥ 80 % of seeds", shown, better >= 0.8)
        )
    for what, asked in wrong.items():
        gain = _gains(what, asked, every, cores)
        worse = float((gain[:, 0] < -WORSE).mean())
        shown = (
            f"{worse:.0%}, on average {gain[:, 0].mean():+.4f} (source as it is: {gain[:, 1].mean():+.4f})"
        )
        table.append(
            Line(f"{what}: worse than afresh by > {WORSE}, n = {N}", "≤ 5 % of seeds", shown, worse <= 0.05)
        )
    return [*table, *_curve(first)]


def _gains(what: str, asked: Asked, seeds: Iterable[int], cores: int) -> Floats:
    """(seeds, 2) log loss afresh less that of what was transferred, and less that of the source as it is."""
    note(f"  {what}")
    run, *arguments = asked
    found = np.array(Parallel(cores)(delayed(run)(seed, *arguments) for seed in seeds))
    return np.column_stack([found[:, 1] - found[:, 0], found[:, 1] - found[:, 2]])


def _curve(first: int) -> list[Line]:
    there, here = drawn(first, "changed")
    source = Source(learn_prognosis(there, NAMES, 1).model)
    points = transfer_curve(here, source, NAMES, first, Budget(), SIZES, 8)
    return [
        Line(
            f"two coefficients changed, {point.n} people: log loss transferred, afresh, source as it is",
            "",
            ", ".join(
                f"{value.estimate:.3f} ({value.low:.3f} to {value.high:.3f})"
                for value in (point.transferred, point.afresh, point.source)
            ),
            None,
        )
        for point in points
    ]
