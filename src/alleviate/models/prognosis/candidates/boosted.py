"""Boosted shallow trees by LightGBM, strongly penalised, settings sought by Optuna's TPE over the folds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import lightgbm as lgb
import numpy as np
import optuna

from alleviate.models.prognosis.contract import Budget, Design, Tuned
from alleviate.models.prognosis.losses import average, mean_loss, on_scale
from alleviate.models.prognosis.tree_sum import QUIET, TreeSum, parts_of, plain_text, wide
from alleviate.models.trial import Bools, Floats, Ints

__all__ = ["CANDIDATE", "Boosted"]

TRIALS = 14

MOST_ROUNDS = 160
RATE = 0.1
PATIENCE = 20
"""Rounds without less loss in a fold, after which none is awaited."""

BINNING = {**QUIET, "max_bin": 63, "min_data_in_bin": 1}

OBJECTIVE = {"binary": ("binary", "binary_logloss"), "numeric": ("regression", "l2")}

FIRST: dict[str, Any] = {
    "leaves": 4,
    "least": 15,
    "ridge": 10.0,
    "columns": 0.5,
    "people": 0.8,
    "random": False,
}
"""Tried first: what does well on most small data."""

PROBES = 12
"""Random vectors by which effective parameters are told (Hutchinson 1989)."""


@dataclass(frozen=True, slots=True)
class _Fold:
    """Those learned from, binned once, and those held out: ``x`` of ``own`` people, who weigh ``weight``.

    ``level``: what is foreseen before any tree."""

    own: Bools
    x: Floats
    weight: float
    learned: lgb.Dataset
    held: lgb.Dataset
    level: float


@dataclass(frozen=True, slots=True)
class Boosted:
    name: str = "boosted"
    words: str = "boosted trees"
    simple: bool = False

    def tune(self, design: Design, folds: Ints, seed: int, budget: Budget) -> Tuned:
        """Rounds and settings of least loss, all folds together; no round at all is one of the choices."""
        parts = [_fold(design, folds, fold) for fold in np.unique(folds)]
        best: tuple[float, dict[str, Any], Floats] | None = None
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        sampler = optuna.samplers.TPESampler(seed=seed % 2**32, n_startup_trials=6)
        study = optuna.create_study(sampler=sampler)
        study.enqueue_trial(FIRST)
        for number in range(TRIALS):
            if number and budget.spent():
                break
            trial = study.ask()
            settings = {
                "leaves": trial.suggest_int("leaves", 2, 8),
                "least": trial.suggest_int("least", 3, 40, log=True),
                "ridge": trial.suggest_float("ridge", 0.3, 100.0, log=True),
                "columns": trial.suggest_float("columns", 0.15, 1.0),
                "people": trial.suggest_float("people", 0.5, 1.0),
                "random": trial.suggest_categorical("random", (False, True)),
            }
            rounds, held_out = _tried(parts, _parameters(design, settings, seed), len(design.y))
            loss = mean_loss(design.y, held_out, design.weight, design.loss)
            study.tell(trial, loss)
            if best is None or loss < best[0]:
                best = loss, {**settings, "rounds": rounds}, held_out
        assert best is not None
        return Tuned(best[1], best[2])

    def fit(self, design: Design, settings: Mapping[str, Any], seed: int) -> TreeSum:
        level, rounds = average(design), int(settings["rounds"])
        learned = _table(design, level)
        booster = lgb.Booster(_parameters(design, settings, seed), learned)
        for _ in range(rounds):
            booster.update()
        boosted = TreeSum(plain_text(*parts_of(booster)), level, 1.0)
        return replace(boosted, complexity=_freedom(boosted, design, settings, seed)) if rounds else boosted

    def restore(self, data: Mapping[str, Any]) -> TreeSum:
        return TreeSum.from_json(data)


def _parameters(design: Design, settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
    objective, metric = OBJECTIVE[design.loss]
    return {
        **BINNING,
        "objective": objective,
        "metric": metric,
        "boost_from_average": False,
        "learning_rate": RATE,
        "num_leaves": settings["leaves"],
        "min_child_samples": settings["least"],
        "lambda_l2": settings["ridge"],
        "feature_fraction_bynode": settings["columns"],
        "bagging_fraction": settings["people"],
        "bagging_freq": 1,
        "extra_trees": settings["random"],
        "seed": seed % 2**31,
    }


def _table(design: Design, level: float, reference: lgb.Dataset | None = None) -> lgb.Dataset:
    return lgb.Dataset(
        wide(design.x),
        design.y,
        reference=reference,
        weight=design.weight,
        init_score=np.full(len(design.y), level),
        params=BINNING,
        free_raw_data=False,
    ).construct()


def _fold(design: Design, folds: Ints, fold: int) -> _Fold:
    own, rest = design.take(np.flatnonzero(folds == fold)), design.take(np.flatnonzero(folds != fold))
    level = average(rest)
    learned = _table(rest, level)
    held = _table(own, level, learned)
    return _Fold(folds == fold, wide(own.x), float(own.weight.sum()), learned, held, level)


def _tried(parts: Sequence[_Fold], parameters: Mapping[str, Any], people: int) -> tuple[int, Floats]:
    """Rounds of least loss, all folds together, and what is foreseen then for those held out."""
    boosters = [lgb.Booster(dict(parameters), part.learned).add_valid(part.held, "held") for part in parts]
    losses = [_loss_held(boosters, parts)]
    while len(losses) <= min(MOST_ROUNDS, int(np.argmin(losses)) + PATIENCE):
        for booster in boosters:
            booster.update()
        losses.append(_loss_held(boosters, parts))
    rounds, held_out = int(np.argmin(losses)), np.zeros(people)
    for booster, part in zip(boosters, parts, strict=True):
        held_out[part.own] = part.level
        if rounds:
            held_out[part.own] += booster.predict(part.x, raw_score=True, num_iteration=rounds, num_threads=1)
    return rounds, held_out


def _loss_held(boosters: Sequence[lgb.Booster], parts: Sequence[_Fold]) -> float:
    return sum(
        part.weight * float(booster.eval_valid()[0][2]) for booster, part in zip(boosters, parts, strict=True)
    )


def _freedom(boosted: TreeSum, design: Design, settings: Mapping[str, Any], seed: int) -> float:
    """The trace of what boosting does to outcomes, on the trees as grown: ν·(leaf sum)/(leaf information + λ)

    of what is left, round by round (Bühlmann & Yu 2003), told by random vectors."""
    leaf = np.asarray(boosted.booster.predict(wide(design.x), pred_leaf=True, num_threads=1), dtype=np.int64)
    mean = on_scale(boosted.linear(design.x), design.loss)
    curvature = mean * (1.0 - mean) if design.loss == "binary" else np.ones(len(mean))
    start = np.random.default_rng(seed).choice([-1.0, 1.0], size=(len(mean), PROBES))
    left, information = start.copy(), design.weight * curvature
    for reached in leaf.reshape(len(mean), -1).T:
        member = np.eye(int(reached.max()) + 1)[reached]
        step = member.T @ (design.weight[:, None] * left)
        step /= (member.T @ information + settings["ridge"])[:, None]
        left -= RATE * curvature[:, None] * (member @ step)
    return 1.0 + float((start * (start - left)).sum() / PROBES)


CANDIDATE = Boosted()
