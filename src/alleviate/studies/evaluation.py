"""Nested, repeated cross-fitting: the whole rule is learned anew without the people on whom it is valued."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from alleviate.models.scores import balanced_folds, doubly_robust, strata
from alleviate.models.trial import Floats, Ints, Trial
from alleviate.policies.selection import Learned, learn_rule
from alleviate.policies.value import mean_with_interval, scores_under
from alleviate.terms.estimates import Estimate

__all__ = ["Evaluation", "Probe", "Progress", "default_repeats", "evaluate_learning"]

Progress = Callable[[int, int, str], None]
"""Told steps done, steps in all, and what is being done."""

Probe = Callable[[Learned], tuple[float, ...]]
"""Asked of what each outer fold learned: a simulation can thus tell the truth that the values estimate."""


@dataclass(frozen=True, slots=True)
class _Fold:
    """What one outer fold saw of its own people, none of whom the rule had seen."""

    repeat: int
    people: Ints
    scores: Floats
    assigned: Ints
    best_arm: int
    rivals: dict[str, Ints]
    chosen: str
    seconds: dict[str, float]
    probed: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Cross-fitted results, larger is better. Values are means over people and repeats.

    ``arms``: value of each arm; ``gains``: each candidate's gain over the best single arm; ``chosen``: share
    of the folds in which it was chosen; ``seconds`` a candidate cost in all.
    """

    rule: Estimate
    best_arm: Estimate
    arms: tuple[Estimate, ...]
    gain_over_best: Estimate
    gain_over_arm: tuple[Estimate, ...]
    contrasts: tuple[tuple[Estimate, ...], ...]
    gains: dict[str, Estimate]
    chosen: dict[str, float]
    seconds: dict[str, float]
    probed: tuple[float, ...]


def default_repeats(n: int) -> int:
    """Repeats where a study names none: what splits add to the spread vanishes as people get many."""
    return 10 if n < 2_000 else 3 if n < 20_000 else 1


def evaluate_learning(
    trial: Trial,
    names: Sequence[str],
    *,
    folds: int,
    repeats: int,
    seed: int,
    workers: int = 1,
    sites: Sequence[str] | None = None,
    progress: Progress | None = None,
    probe: Probe | None = None,
) -> Evaluation:
    """Value of learning a rule from this trial. The same for any number of ``workers``.

    Where ``sites`` (n,) are given, each outer fold is a site left out, and intervals are clustered by site.
    """
    tasks = _tasks(trial, folds, repeats, seed, sites)
    results: list[_Fold] = []
    if progress:
        progress(0, len(tasks), "cross-fitting")
    run = Parallel(n_jobs=workers, return_as="generator", batch_size=1)
    for fold in run(delayed(_run)(trial, tuple(names), probe, *task) for task in tasks):
        results.append(fold)
        if progress:
            progress(len(results), len(tasks), "cross-fitting")
    return _summed(trial, names, results, 1 if sites is not None else repeats, sites)


def _tasks(
    trial: Trial, folds: int, repeats: int, seed: int, sites: Sequence[str] | None
) -> list[tuple[int, Ints, np.random.SeedSequence]]:
    """(repeat, people held out, seed) of each outer fold."""
    root = np.random.SeedSequence(seed)
    if sites is not None:
        names, index = np.unique(np.asarray(sites), return_inverse=True)
        return [(0, np.flatnonzero(index == s), child) for s, child in enumerate(root.spawn(len(names)))]
    tasks = []
    for repeat, child in enumerate(root.spawn(repeats)):
        split, *own = child.spawn(1 + folds)
        fold = balanced_folds(strata(trial), folds, np.random.default_rng(split))
        tasks += [(repeat, np.flatnonzero(fold == f), own[f]) for f in range(folds)]
    return tasks


def _run(
    trial: Trial,
    names: tuple[str, ...],
    probe: Probe | None,
    repeat: int,
    people: Ints,
    seed: np.random.SeedSequence,
) -> _Fold:
    # one thread: the order of a sum, and so the last bit, must not depend on how many cores there are
    with threadpool_limits(1):
        others = np.setdiff1d(np.arange(len(trial)), people)
        train, test = trial.rows(others), trial.rows(people)
        learned = learn_rule(train, names, seed)
        encoder = learned.forecaster.encoder
        x, x_test = encoder.transform(train.features).x, encoder.transform(test.features).x
        number = int(seed.generate_state(1)[0] % (2**31 - 1))
        fit = learned.plan.fit(x, train, number).at(x_test, test)
        scores = doubly_robust(fit, test, len(train))
        rivals = {name: rule.differences(x_test).argmax(axis=1) for name, rule in learned.rivals.items()}
        return _Fold(
            repeat,
            people,
            scores,
            rivals[learned.chosen],
            learned.best_arm,
            rivals,
            learned.chosen,
            dict(learned.seconds),
            probe(learned) if probe else (),
        )


def _summed(
    trial: Trial, names: Sequence[str], folds: Sequence[_Fold], repeats: int, sites: Sequence[str] | None
) -> Evaluation:
    n, k = len(trial), trial.arms
    scores, rule, best = np.zeros((k, repeats, n)), np.zeros((repeats, n)), np.zeros((repeats, n))
    rivals = {name: np.zeros((repeats, n)) for name in names}
    for fold in folds:
        r, people = fold.repeat, fold.people
        scores[:, r, people] = fold.scores.T
        rule[r, people] = scores_under(fold.scores, fold.assigned)
        best[r, people] = fold.scores[:, fold.best_arm]
        for name in rivals:
            rivals[name][r, people] = scores_under(fold.scores, fold.rivals[name])

    def mean(person: Floats) -> Estimate:
        return mean_with_interval(person, sites)

    return Evaluation(
        rule=mean(rule),
        best_arm=mean(best),
        arms=tuple(mean(scores[a]) for a in range(k)),
        gain_over_best=mean(rule - best),
        gain_over_arm=tuple(mean(rule - scores[a]) for a in range(k)),
        contrasts=tuple(tuple(mean(scores[a] - scores[b]) for b in range(k)) for a in range(k)),
        gains={name: mean(rivals[name] - best) for name in names},
        chosen={name: sum(fold.chosen == name for fold in folds) / len(folds) for name in names},
        seconds={name: sum(fold.seconds.get(name, 0.0) for fold in folds) for name in names},
        probed=tuple(
            float(np.mean(answers)) for answers in zip(*(fold.probed for fold in folds), strict=True)
        ),
    )
