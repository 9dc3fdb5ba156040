"""Boosted shallow trees by LightGBM, strongly penalised, settings sought by Optuna's TPE over the folds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import lightgbm as lgb
import numpy as np
import optuna

from alleviate.models.prognosis.apart import best_apart
from alleviate.models.prognosis.contract import Budget, Design, Tuned
from alleviate.models.prognosis.losses import average, on_scale
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
        """Rounds and settings of least loss, all folds together; no round at all is one of the choices.

        Each fold's people are foreseen with the settings and rounds that did best among the others.
        """
        parts = [_fold(design, folds, fold) for fold in np.unique(folds)]
        best: tuple[float, dict[str, Any]] = np.inf, {}
        least, held_out = np.full(len(parts), np.inf), np.zeros(len(design.y))
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
            boosters, by_fold = _tried(parts, _parameters(design, settings, seed))
            whole = by_fold.sum(axis=1)
            rounds = int(whole.argmin())
            study.tell(trial, float(whole[rounds]))
            if whole[rounds] < best[0]:
                best = float(whole[rounds]), {**settings, "rounds": rounds}
            for k, own in enumerate(best_apart(by_fold)):
                among_others = whole[own] - by_fold[own, k]
                if among_others < least[k]:
                    least[k] = among_others
                    held_out[parts[k].own] = _foreseen(boosters[k], parts[k], int(own))
        return Tuned(best[1], held_out)

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


def _tried(parts: Sequence[_Fold], parameters: Mapping[str, Any]) -> tuple[list[lgb.Booster], Floats]:
    """A booster a fold, and (rounds + 1, F) losses of the people held out, before any round first."""
    boosters = [lgb.Booster(dict(parameters), part.learned).add_valid(part.held, "held") for part in parts]
    losses = [_losses_held(boosters, parts)]
    least, at = float(losses[0].sum()), 0
    while len(losses) <= min(MOST_ROUNDS, at + PATIENCE):
        for booster in boosters:
            booster.update()
        losses.append(_losses_held(boosters, parts))
        if losses[-1].sum() < least:
            least, at = float(losses[-1].sum()), len(losses) - 1
    return boosters, np.stack(losses)


def _losses_held(boosters: Sequence[lgb.Booster], parts: Sequence[_Fold]) -> Floats:
    return np.array(
        [
            part.weight * float(booster.eval_valid()[0][2])
            for booster, part in zip(boosters, parts, strict=True)
        ]
    )


def _foreseen(booster: lgb.Booster, part: _Fold, rounds: int) -> Floats:
    """(n of the fold,) after so many rounds."""
    if not rounds:
        return np.full(len(part.x), part.level)
    raw = booster.predict(part.x, raw_score=True, num_iteration=rounds, num_threads=1)
    return part.level + np.asarray(raw, dtype=float)


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
