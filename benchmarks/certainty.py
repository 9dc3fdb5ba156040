"""Do a prognosis's intervals, sets and doubts about risks hold the truth? People made up, the truth known.

`python benchmarks/certainty.py --trials 20`; seeds from 50,000 on judge, nothing was chosen on them.
"""

import argparse
from collections.abc import Callable, Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from alleviate.models.prognosis.conformal import fit_intervals, fit_sets, split
from alleviate.models.prognosis.coverage import covered
from alleviate.models.prognosis.doubt import fit_doubt
from alleviate.models.trial import Floats
from lines import Line, note, written

__all__ = ["lines", "outcomes", "risks"]

SEED = 50_000
NEW = 4_000
TRUTHS: dict[str, Callable[[Floats], Floats]] = {
    "nothing to foretell": lambda x: np.full(len(x), -1.0),
    "lines": lambda x: -0.7 + x[:, :5] @ np.array([0.8, -0.6, 0.4, 0.3, 0.2]),
    "rare, lines": lambda x: -3.0 + x[:, :3] @ np.array([0.8, -0.6, 0.4]),
    "strong lines": lambda x: x[:, :3] @ np.array([2.2, -1.5, 1.0]),
    "bent": lambda x: (
        -0.5 + 0.8 * x[:, 0] + (x[:, 1] > 0.5) - 0.64 * x[:, 2] * x[:, 3] + 0.6 * np.sin(2 * x[:, 4])
    ),
}


def lines(trials: int = 20) -> list[Line]:
    with threadpool_limits(1):
        return [*outcomes(trials), *risks(trials)]


def outcomes(trials: int) -> list[Line]:
    """Of people's own outcomes, overall and in the worst group of 200 or more, on average over trials."""
    found = []
    for n in (300, 1000, 3000):
        number = np.array([_number(n, SEED + trial) for trial in range(trials)])
        yes_no = np.array([_yes_no(n, SEED + trial) for trial in range(trials)])
        note(f"outcomes of {n}: {number.mean(axis=0)} {yes_no.mean(axis=0)}")
        for what, shares in (("numbers", number), ("yes or no", yes_no)):
            overall, worst = shares.mean(axis=0)
            found.append(
                Line(f"{what}, n={n}: covered", "88 to 92 %", f"{overall:.1%}", 0.88 <= overall <= 0.92)
            )
            asked = ("≥ 85 %", worst >= 0.85) if n >= 1000 else ("for the record", None)
            found.append(Line(f"{what}, n={n}: worst group", asked[0], f"{worst:.1%}", asked[1]))
    return found


def _number(n: int, seed: int) -> tuple[float, float]:
    """Skewed noise that grows with a feature and differs threefold between groups."""

    def draw(n: int, rng: np.random.Generator) -> tuple[Floats, Floats, dict[str, Floats]]:
        x, group = rng.normal(size=(n, 6)), rng.integers(0, 3, n)
        noise = np.exp(0.5 * x[:, 0]) * np.array([0.6, 1.0, 1.8])[group] * (rng.gamma(1.5, size=n) - 1.5)
        return x, x[:, 0] + 0.5 * x[:, 1] + np.sin(2 * x[:, 2]) + noise, {"group": group}

    rng = np.random.default_rng(seed)
    (x, y, groups), (fresh, truth, theirs) = draw(n, rng), draw(NEW, rng)
    held_out = _unseen(x, y, lambda a, b: Ridge(1.0).fit(a, b).predict, seed)
    intervals = fit_intervals(x, y, held_out, np.ones(n), seed=seed, groups=groups)
    low, high = intervals.around(fresh, Ridge(1.0).fit(x, y).predict(fresh), theirs)
    shares = [each.share for each in covered((low <= truth) & (truth <= high), np.ones(NEW), theirs)]
    return shares[0], min(shares[1:])


def _yes_no(n: int, seed: int) -> tuple[float, float]:
    """A model that does not know of the groups, whose risks differ."""

    def draw(n: int, rng: np.random.Generator) -> tuple[Floats, Floats, dict[str, Floats]]:
        x, group = rng.normal(size=(n, 5)), rng.integers(0, 3, n)
        linear = -1.8 + 1.2 * x[:, 0] + 0.6 * x[:, 1] + np.array([-0.8, 0.0, 0.8])[group]
        return x, (rng.random(n) < _risk(linear)).astype(float), {"group": group}

    rng = np.random.default_rng(seed)
    (x, y, groups), (fresh, truth, theirs) = draw(n, rng), draw(NEW, rng)
    held_out, final = _risk(_unseen(x, y, _logistic, seed)), _risk(_logistic(x, y)(fresh))
    sets = fit_sets(y, np.column_stack([1 - held_out, held_out]), np.ones(n), "binary", groups=groups)
    accepted = sets.accepted(np.column_stack([1 - final, final]), theirs)
    shares = [
        each.share for each in covered(accepted[np.arange(NEW), truth.astype(int)], np.ones(NEW), theirs)
    ]
    return shares[0], min(shares[1:])


def risks(trials: int) -> list[Line]:
    """Of true risks, by the 95 % interval of a ridge's."""
    found, every = [], []
    for name, truth in TRUTHS.items():
        for n in (200, 500, 1000):
            cells = np.array([_true_risk(truth, n, SEED + trial) for trial in range(trials)])
            share, width, error = cells.mean(axis=0)
            every.append(share)
            told = f"{share:.1%}, width {width:.2f}, mean error {error:.3f}"
            note(f"{name}, {n}: {told}")
            found.append(Line(f"true risk covered: {name}, n={n}", "for the record", told, None))
    mean = float(np.mean(every))
    found.append(Line("true risk covered, mean of the above", "about 95 %", f"{mean:.1%}", None))
    return found


def _true_risk(truth: Callable[[Floats], Floats], n: int, seed: int) -> tuple[float, float, float]:
    rng = np.random.default_rng(seed)
    x, fresh = rng.normal(size=(n, 10)), rng.normal(size=(NEW, 10))
    y = (rng.random(n) < _risk(truth(x))).astype(float)
    model = _logistic(x, y)
    doubt = fit_doubt(x, y, np.ones(n), _unseen(x, y, _logistic, seed), model, "binary", seed)
    low, high = doubt.interval(fresh, model(fresh))
    true = _risk(truth(fresh))
    off = np.abs(_risk(model(fresh)) - true)
    return float(((low <= true) & (true <= high)).mean()), float((high - low).mean()), float(off.mean())


def _logistic(x: Floats, y: Floats) -> Callable[[Floats], Floats]:
    model: Callable[[Floats], Floats] = LogisticRegression(C=0.05).fit(x, y).decision_function
    return model


def _unseen(
    x: Floats, y: Floats, learn: Callable[[Floats, Floats], Callable[[Floats], Floats]], seed: int
) -> Floats:
    part, held_out = split(len(y), None, seed), np.zeros(len(y))
    for fold in np.unique(part):
        held_out[part == fold] = learn(x[part != fold], y[part != fold])(x[part == fold])
    return held_out


def _risk(linear: Floats) -> Floats:
    risk: Floats = 1.0 / (1.0 + np.exp(-linear))
    return risk


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=20)
    trials = parser.parse_args(arguments).trials
    written("certainty", "How sure a prognosis is", lines(trials), {"trials": trials, "seeds from": SEED})


if __name__ == "__main__":
    main()
