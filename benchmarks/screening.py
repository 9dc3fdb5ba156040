"""What to ask next: probabilities against the truth and against rivals; how fast doubt shrinks."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import norm

from alleviate.instruments import INSTRUMENTS
from alleviate.models.performance.judged import Judged, log_odds
from alleviate.models.performance.performance import performance
from alleviate.models.prognosis.people import People
from alleviate.models.prognosis.selection import learn_prognosis
from alleviate.models.screening.learning import Panel, learn_screen
from alleviate.models.screening.screen import Screen, Target
from alleviate.records.synthetic import simulate
from alleviate.studies.nhanes.reading import folder_of, read_cycle
from alleviate.studies.screening.moments import Moment, moments
from alleviate.studies.screening.panel import panel_of, variables_of
from alleviate.terms.errors import DataError
from lines import Line, note, written

__all__ = ["lines"]

DAYS = 28
USUAL = ("phq9", "gad7", "wsas", "audit_c")
"""The order in which the clinic of the simulation asks."""

ITEMS = 8
LEVELS = (28, 22, 25, 13, 61, 81, 26, 41)
COVERED = (6, 7)
"""Of the simulation with a known truth: questionnaires, the scores that each can have, and two coarse
variables that are always known."""


def lines(first: int = 0, clinics: int = 3, people: int = 800, truths: int = 40) -> list[Line]:
    """Seeds from ``first`` on."""
    return [
        *_clinic(first, clinics, people),
        *_coverage(first, truths),
        *_orders_of_many(first, 10),
        *_nhanes(),
    ]


Seen = list[tuple[int, Moment]]


def _seen(seed: int, people: int) -> Seen:
    records = simulate(patients=people, seed=seed).records()
    return [(i, moment) for i, record in enumerate(records) for moment in moments(record, DAYS)]


def _clinic(first: int, clinics: int, people: int) -> list[Line]:
    """Learn in one clinic, foresee in another of the same kind: half of the other answers hidden."""
    judged: dict[str, list[Judged]] = {}
    losses: list[tuple[float, float, float]] = []
    areas: list[dict[str, float]] = []
    for seed in range(first, first + clinics):
        note(f"Screening: clinic {seed}")
        taught = _seen(2 * seed, people)
        variables = variables_of(taught)
        panel = panel_of(taught, variables)
        new = panel_of(_seen(2 * seed + 1, people), variables)
        screen = learn_screen(panel, seed).screen
        point = replace(screen, draws=())  # without intervals, quicker
        rng = np.random.default_rng([seed, 5])
        for i, target in enumerate(panel.targets):
            seen = new.asked[:, i]
            hidden = _hidden(new, target, rng)
            y = target.is_case(new.x)
            p = np.array([point.probable(row)[target.name].p for row in hidden[seen]])
            judged.setdefault(target.name, []).append(
                Judged(y[seen], p, new.weight[seen], clusters=new.people[seen])
            )
            ridge, share = _ridge(panel, i, hidden[seen], rng, seed)
            losses.append(tuple(_loss(y[seen], q, new.weight[seen]) for q in (p, ridge, share)))  # type: ignore[arg-type]
        areas += _areas(point, panel, new)
    found = []
    for name, each in judged.items():
        whole = Judged(
            *(np.concatenate([getattr(j, part) for j in each]) for part in ("y", "p", "weight")),
            clusters=np.concatenate([j.clusters + 1_000_000 * k for k, j in enumerate(each)]),  # type: ignore[operator]
        )
        told = performance([whole])
        slope, auc = told["calibration_slope"], told["auc"]
        shown = (
            f"slope {slope.estimate:.2f} ({slope.low:.2f} to {slope.high:.2f}), AUC {auc.estimate:.2f}, "
            f"E:O {told['e_o'].estimate:.2f}"
        )
        weak = auc.estimate < 0.65
        holds = slope.low <= 1 <= slope.high if weak else 0.9 <= slope.estimate <= 1.1
        found.append(
            Line(
                f"synthetic clinic, {INSTRUMENTS[name].abbreviation}: {clinics} × {people} people, tested on "
                "as many new ones",
                "slope's interval holds 1 (little tells of it)" if weak else "slope .9 to 1.1",
                shown,
                bool(holds),
            )
        )
    ours, ridge, share = np.array(losses).mean(axis=0)
    found.append(
        Line(
            "the same, mean log loss: one joint model against a ridge per instrument and the share of cases",
            "≤ ridge + .005",
            f"{ours:.4f} against {ridge:.4f} and {share:.4f}",
            bool(ours <= ridge + 0.005),
        )
    )
    mean = {name: float(np.mean([area[name] for area in areas])) for name in areas[0]}
    found.append(
        Line(
            f"the same, doubt left (log loss of what is open, mean over the minutes), {len(areas)} people",
            "less than in a fixed or a random order",
            ", ".join(f"{name} {value:.3f}" for name, value in mean.items()),
            mean["ask next"] < min(mean["fixed"], mean["random"]),
        )
    )
    return found


def _hidden(panel: Panel, target: Target, rng: np.random.Generator) -> np.ndarray:
    """The table without the target and, by the toss of a coin, without each other questionnaire."""
    x = panel.x.copy()
    for other in panel.targets:
        away = rng.random(len(x)) < 0.5
        x[np.ix_(away | (other.name == target.name), [other.column, *other.items])] = np.nan
    return x


def _ridge(
    panel: Panel, i: int, x: np.ndarray, rng: np.random.Generator, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The rival: a ridge logistic regression of its own for each instrument, gaps as it takes them."""
    target, rows = panel.targets[i], panel.asked[:, i]
    taught = _hidden(panel, target, rng)[rows]
    y, weight = target.is_case(panel.x)[rows], panel.weight[rows]
    names = [f"v{j}" for j in range(x.shape[1]) if np.isfinite(taught[:, j]).any()]
    columns = [int(name[1:]) for name in names]

    def frame(table: np.ndarray) -> pl.DataFrame:
        return pl.DataFrame({n: table[:, j] for n, j in zip(names, columns, strict=True)}, nan_to_null=True)

    _, clusters = np.unique(panel.people[rows], return_inverse=True)
    people = People(frame(taught), y, "binary", weight=weight, clusters=clusters)
    model = learn_prognosis(people, ["ridge"], seed).model
    return model.predict(frame(x)).estimate, np.full(len(x), np.average(y, weights=weight))


def _loss(y: np.ndarray, p: np.ndarray, weight: np.ndarray) -> float:
    linear = log_odds(p)
    return float(np.average(np.logaddexp(0, linear) - y * linear, weights=weight))


def _areas(screen: Screen, panel: Panel, new: Panel) -> list[dict[str, float]]:
    """Of new people of whom all four were asked at their first visit: each order of asking."""
    names = [target.name for target in panel.targets]
    if sorted(names) != sorted(USUAL):
        return []
    minutes = [len(INSTRUMENTS[name].items) * 0.25 for name in names]
    usual = [names.index(name) for name in USUAL]
    _, start = np.unique(new.people, return_index=True)
    start = [row for row in start if new.asked[row].all()][:150]
    return [_race(screen, new.x[row], minutes, usual, list(permutations(range(4)))[::5]) for row in start]


def _race(
    screen: Screen,
    x: np.ndarray,
    minutes: Sequence[float],
    usual: Sequence[int],
    random: Sequence[Sequence[int]],
) -> dict[str, float]:
    """The mean over the minutes of the log loss that is open, by who chooses what to ask."""
    targets = screen.targets
    blank = x.copy()
    for target in targets:
        blank[[target.column, *target.items]] = np.nan
    cases = [float(target.is_case(x[None, :])[0]) for target in targets]

    def area(choose: Callable[[np.ndarray, list[int]], int]) -> float:
        row, left, total = blank.copy(), list(range(len(targets))), 0.0
        while left:
            told = screen.probable(row)
            p = np.array([told[targets[i].name].p for i in left])
            open_loss = _loss(np.array([cases[i] for i in left]), p, np.ones(len(left))) * len(left)
            i = choose(row, left)
            total += open_loss * minutes[i]
            row[targets[i].column] = x[targets[i].column]
            left.remove(i)
        return total / sum(minutes)

    def most(row: np.ndarray, left: list[int]) -> int:
        return max(left, key=lambda i: sum(screen.gains(row, targets[i].column).values()) / minutes[i])

    return {
        "ask next": area(most),
        "shortest first": area(lambda _, left: min(left, key=lambda i: (minutes[i], i))),
        "fixed": area(lambda _, left: next(i for i in usual if i in left)),
        "random": float(
            np.mean([area(lambda _, left, o=o: next(i for i in o if i in left)) for o in random])
        ),  # type: ignore[misc]
    }


def _world(rng: np.random.Generator) -> np.ndarray:
    """The correlations of questionnaires and two coarse variables in a world of two factors."""
    loads = rng.normal(size=(ITEMS + 2, 2)) * 0.8
    cross = loads @ loads.T + np.diag(np.full(ITEMS + 2, 0.5))
    size = np.sqrt(np.diag(cross))
    return np.asarray(cross / np.outer(size, size))


def _scores(z: np.ndarray) -> np.ndarray:
    """Scores with a floor: three in ten have none. The last two variables have 2 and 4 values."""
    x = np.empty_like(z)
    for j in range(z.shape[1]):
        levels = [*LEVELS, 2, 4][j]
        x[:, j] = np.searchsorted(norm.ppf(np.linspace(0.3, 1, levels)[:-1]), z[:, j])
    return x


def _targets() -> tuple[Target, ...]:
    return tuple(Target(f"q{j}", j, float(round(0.4 * levels))) for j, levels in enumerate(LEVELS))


def _coverage(first: int, truths: int) -> list[Line]:
    """Learned of 500 people with four in ten scores missing; the truth by 400,000 draws of that world."""
    inside = total = 0
    errors = []
    for seed in range(first, first + truths):
        rng = np.random.default_rng([seed, 77])
        correlations = _world(rng)
        z = rng.multivariate_normal(np.zeros(ITEMS + 2), correlations, size=500)
        x = _scores(z)
        x[:, :ITEMS][rng.random((500, ITEMS)) < 0.4] = np.nan
        targets = _targets()
        screen = learn_screen(Panel(x, np.arange(500), np.isfinite(x[:, :ITEMS]), targets), seed).screen
        many = _scores(rng.multivariate_normal(np.zeros(ITEMS + 2), correlations, size=400_000))
        for values in ((0.0, 0.0), (1.0, 1.0), (1.0, 3.0)):
            like = (many[:, ITEMS] == values[0]) & (many[:, ITEMS + 1] == values[1])
            if like.sum() < 2_000:
                continue
            person = np.full(ITEMS + 2, np.nan)
            person[[ITEMS, ITEMS + 1]] = values
            for name, told in screen.probable(person).items():
                target = targets[int(name[1:])]
                truth = float((many[like, target.column] >= target.threshold).mean())
                inside += told.low <= truth <= told.high
                total += 1
                errors.append(told.p - truth)
    share = inside / total
    return [
        Line(
            f"truth known, n=500, 40 % missing: 95 % intervals of {total} probabilities hold it",
            "90 to 99 %",
            f"{share:.1%}; bias {np.mean(errors):+.4f}, RMSE {np.sqrt(np.mean(np.square(errors))):.3f}",
            bool(0.9 <= share <= 0.99),
        )
    ]


def _orders_of_many(first: int, worlds: int) -> list[Line]:
    """Eight questionnaires of the same length: nothing but what they tell sets the order."""
    areas = []
    for seed in range(first, first + worlds):
        rng = np.random.default_rng([seed, 78])
        correlations = _world(rng)
        x = _scores(rng.multivariate_normal(np.zeros(ITEMS + 2), correlations, size=700))
        gaps = x[:600].copy()
        gaps[:, :ITEMS][rng.random((600, ITEMS)) < 0.3] = np.nan
        asked = np.isfinite(gaps[:, :ITEMS])
        screen = learn_screen(Panel(gaps, np.arange(600), asked, _targets()), seed).screen
        orders = [tuple(rng.permutation(ITEMS)) for _ in range(5)]
        areas += [
            _race(replace(screen, draws=()), row, [1.0] * ITEMS, range(ITEMS), orders) for row in x[600:640]
        ]
    mean = {name: float(np.mean([area[name] for area in areas])) for name in areas[0]}
    apart = np.array([area["random"] - area["ask next"] for area in areas])
    error = apart.std(ddof=1) / np.sqrt(len(apart))
    return [
        Line(
            f"truth known, eight questionnaires of one length, {worlds} worlds: doubt left on the way",
            "less than in a fixed or a random order",
            ", ".join(f"{name} {value:.3f}" for name, value in mean.items() if name != "shortest first")
            + f" (random less ask next: {apart.mean():.3f} ± {error:.3f})",
            mean["ask next"] < min(mean["fixed"], mean["random"]),
        )
    ]


def _nhanes() -> list[Line]:
    """Learned in 2013 to 2016, tested in 2017 to 2020: the PHQ-9 of those of whom two answers are known."""
    try:
        folder = folder_of()
    except DataError as error:
        return [
            Line(
                "NHANES: PHQ-9 ≥ 10 foreseen from age, sex and the PHQ-2", "slope .9 to 1.1", str(error), None
            )
        ]
    taught = np.vstack([_adults(folder, *files) for files in (("DEMO_H", "DPQ_H"), ("DEMO_I", "DPQ_I"))])
    new = _adults(folder, "P_DEMO", "P_DPQ")
    target = Target("phq9", 0, 10.0, items=(1, 2))
    panel = Panel(taught, np.arange(len(taught)), np.isfinite(taught[:, :1]), (target,))
    screen = learn_screen(panel, 0).screen
    seen = np.unique(new[:, 1:], axis=0, return_inverse=True)
    row = seen[0].copy()
    p = np.array([screen.probable(np.concatenate([[np.nan], each]))["phq9"].p for each in row])
    told = performance([Judged(target.is_case(new), p[seen[1].ravel()], np.ones(len(new)))])
    slope, auc, e_o = told["calibration_slope"], told["auc"], told["e_o"]
    return [
        Line(
            f"NHANES, {len(taught)} adults of 2013–16, tested on {len(new)} of 2017–20: "
            "PHQ-9 ≥ 10 from age, sex, PHQ-2",
            "slope .9 to 1.1",
            f"slope {slope.estimate:.2f} ({slope.low:.2f} to {slope.high:.2f}), AUC {auc.estimate:.3f}, "
            f"E:O {e_o.estimate:.2f} ({e_o.low:.2f} to {e_o.high:.2f})",
            bool(0.9 <= slope.estimate <= 1.1),
        )
    ]


def _adults(folder: Path, people: str, answers: str) -> np.ndarray:
    """(n, 5): the PHQ-9, its first two answers, age, female; of adults who answered all of it."""
    frame = read_cycle(folder, people, answers).filter(pl.col("RIDAGEYR") >= 20)
    asked = frame.select(pl.col(f"DPQ0{i}0").cast(pl.Float64) for i in range(1, 10)).to_numpy()
    asked = np.where(asked <= 3, asked, np.nan)
    age, female = frame["RIDAGEYR"].to_numpy(), frame["RIAGENDR"].to_numpy() == 2
    table = np.column_stack([asked.sum(axis=1), asked[:, 0], asked[:, 1], age, female]).astype(float)
    return np.asarray(table[np.isfinite(table).all(axis=1)])


if __name__ == "__main__":
    written("screening", "Screening: what to ask next", lines(), {"first seed": 0})
