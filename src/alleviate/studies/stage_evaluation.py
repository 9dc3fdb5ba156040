"""Nested cross-fitting of regimes: every stage's rule is learned anew without the people who judge it.

In the people held out the regime is fixed, so that its value and the effects of each stage, later stages as
it advises, are means of independent scores. Their intervals hold also where a later stage does nothing for
many: nothing is maximised over the people who judge (Robins 2004; Laber et al. 2014 on why it would not).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from alleviate.models.trial import Floats, Ints
from alleviate.policies.candidates import competing
from alleviate.policies.gain import gain_over_arm, gain_over_best
from alleviate.policies.stages import Regime, Scored, StagedTrial, assigned, learn_regime, score
from alleviate.policies.value import mean_with_interval, scores_under
from alleviate.studies.evaluation import Evaluation
from alleviate.studies.outer_folds import Progress, held_out, over_folds
from alleviate.terms.estimates import Estimate

__all__ = ["StageProbe", "StagesEvaluation", "evaluate_stages"]

StageProbe = Callable[[Regime, tuple[int, ...]], tuple[float, ...]]
"""Asked of what each outer fold learned, and of the sequence that it took for the best.

A simulation can thus tell the truth that the values estimate.
"""


@dataclass(frozen=True, slots=True)
class StagesEvaluation:
    """Cross-fitted results, larger is better.

    ``whole``: of everybody, its "arms" the fixed sequences as ``StagedTrial.sequences`` orders them.
    ``stages``: of those who came to each stage, its own arms, later stages as the regime advises.
    """

    whole: Evaluation
    stages: tuple[Evaluation, ...]
    probed: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """What one outer fold saw of its own people at one stage, or of their sequences.

    ``rule`` (n,) and ``rivals``: the score of each person under what they advise; ``scores`` (n, K).
    """

    people: Ints
    scores: Floats
    rule: Floats
    rivals: dict[str, Floats]
    chosen: str
    seconds: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Fold:
    repeat: int
    whole: _Part
    stages: tuple[_Part, ...]
    probed: tuple[float, ...]


def evaluate_stages(
    trial: StagedTrial,
    names: Sequence[str],
    *,
    folds: int,
    repeats: int,
    seed: int,
    workers: int = 1,
    sites: Sequence[str] | None = None,
    progress: Progress | None = None,
    probe: StageProbe | None = None,
) -> StagesEvaluation:
    """Value of learning a regime from this trial. The same for any number of ``workers``.

    Where ``sites`` (n,) are given, each outer fold is a site left out, and intervals are clustered by site.
    """
    tasks = held_out(trial.paths(), folds, repeats, seed, sites)
    found = over_folds(_run, (trial, tuple(names), probe), tasks, workers, progress)
    return _summed(trial, competing(names), found, 1 if sites is not None else repeats, sites)


def _run(
    trial: StagedTrial,
    names: tuple[str, ...],
    probe: StageProbe | None,
    repeat: int,
    people: Ints,
    seed: np.random.SeedSequence,
) -> _Fold:
    # one thread: the order of a sum, and so the last bit, must not depend on how many cores there are
    with threadpool_limits(1):
        train, test = trial.rows(np.setdiff1d(np.arange(len(trial)), people)), trial.rows(people)
        first, second = seed.spawn(2)
        regime = learn_regime(train, names, first, intervals=False)
        seen, own = score([train, test], None if regime.fixed else regime.assign, second, regime.plans)
        whole = _Part(people, own.sequences, own.rule, {}, "", {})
        stages = tuple(_part(regime, test, people, seen, own, s) for s in range(len(trial.stages)))
        return _Fold(repeat, whole, stages, probe(regime, trial.sequences()[seen.best]) if probe else ())


def _part(regime: Regime, test: StagedTrial, people: Ints, seen: Scored, own: Scored, stage: int) -> _Part:
    learned, scores, at = regime.stages[stage], own.stages[stage], test.at(stage)
    history, sequence = test.history(stage)[at], test.sequences()[seen.best]
    rivals = {name: scores_under(scores, assigned(rival, history)) for name, rival in learned.rivals.items()}
    rule = scores_under(scores, regime.policy(sequence)(stage, history))
    return _Part(people[at], scores, rule, rivals, learned.chosen, dict(learned.seconds))


def _summed(
    trial: StagedTrial,
    names: Sequence[str],
    folds: Sequence[_Fold],
    repeats: int,
    sites: Sequence[str] | None,
) -> StagesEvaluation:
    clusters = None if sites is None else np.asarray(sites)
    everyone = np.arange(len(trial))
    return StagesEvaluation(
        whole=_evaluation([(f.repeat, f.whole) for f in folds], everyone, repeats, (), clusters),
        stages=tuple(
            _evaluation([(f.repeat, f.stages[s]) for f in folds], trial.at(s), repeats, names, clusters)
            for s in range(len(trial.stages))
        ),
        probed=tuple(float(np.mean(a)) for a in zip(*(fold.probed for fold in folds), strict=True)),
    )


def _evaluation(
    parts: Sequence[tuple[int, _Part]],
    people: Ints,
    repeats: int,
    names: Sequence[str],
    clusters: np.ndarray[tuple[int], np.dtype[np.str_]] | None,
) -> Evaluation:
    """``people`` (m,): whom the parts of each repeat hold together, ascending."""
    k, m = parts[0][1].scores.shape[1], len(people)
    scores, rule = np.zeros((k, repeats, m)), np.zeros((repeats, m))
    rivals = {name: np.zeros((repeats, m)) for name in names}
    for r, part in parts:
        here = np.searchsorted(people, part.people)
        scores[:, r, here] = part.scores.T
        rule[r, here] = part.rule
        for name, person in rivals.items():
            person[r, here] = part.rivals[name]
    own = None if clusters is None else clusters[people].tolist()

    def mean(person: Floats) -> Estimate:
        return mean_with_interval(person, own)

    def over_each(person: Floats) -> tuple[Estimate, ...]:
        return tuple(gain_over_arm(person, scores[a], own) for a in range(k))

    arms, over_arm = tuple(mean(scores[a]) for a in range(k)), over_each(rule)
    return Evaluation(
        rule=mean(rule),
        best_arm=max(arms, key=lambda arm: arm.estimate),
        arms=arms,
        gain_over_best=gain_over_best(over_arm),
        gain_over_arm=over_arm,
        contrasts=tuple(tuple(mean(scores[a] - scores[b]) for b in range(k)) for a in range(k)),
        gains={name: gain_over_best(over_each(person)) for name, person in rivals.items()},
        chosen={name: sum(part.chosen == name for _, part in parts) / len(parts) for name in names},
        seconds={name: sum(part.seconds.get(name, 0.0) for _, part in parts) for name in names},
        probed=(),
        harms=(),
        scores=scores.mean(axis=1).T,
        followed=rule.mean(axis=0),
    )
