"""Nested, repeated cross-fitting: the whole rule is learned anew without the people on whom it is valued."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from threadpoolctl import threadpool_limits

from alleviate.models.scores import doubly_robust, strata
from alleviate.models.trial import Floats, Ints, Trial
from alleviate.policies.candidates import competing
from alleviate.policies.frontier import Held
from alleviate.policies.gain import gain_over_arm, gain_over_best
from alleviate.policies.limits import assigned
from alleviate.policies.selection import Learned, learn_rule
from alleviate.policies.shortest import CHOSEN, SHORT, behind_best
from alleviate.policies.utility import Preferences, harm_scores, weighed
from alleviate.policies.value import mean_with_interval, scores_under
from alleviate.studies.harm_values import HarmValues, harm_values, stuck
from alleviate.studies.outer_folds import Progress, held_out, over_folds
from alleviate.terms.estimates import Estimate

__all__ = ["Evaluation", "Probe", "Progress", "UtilityValues", "default_repeats", "evaluate_learning"]

Probe = Callable[[Learned], tuple[float, ...]]
"""Asked of what each outer fold learned: a simulation can thus tell the truth that the values estimate."""


@dataclass(frozen=True, slots=True)
class _Fold:
    """What one outer fold saw of its own people, none of whom the rule had seen.

    ``scores`` (n, K) and ``harms`` (H, n, K): doubly robust; ``utility`` (n, K) and ``expected`` (H, n, K):
    forecasts of the utility, up to what all arms share, and of each harm.
    """

    repeat: int
    people: Ints
    scores: Floats
    harms: Floats
    utility: Floats
    expected: Floats
    rivals: dict[str, Ints]
    chosen: str
    seconds: dict[str, float]
    probed: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class UtilityValues:
    """Outcome less weighted harms, in units of the outcome (larger is better)."""

    rule: Estimate
    arms: tuple[Estimate, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Cross-fitted results, larger is better. Values are means over people and repeats.

    ``arms``: value of each arm; ``best_arm``: that of the arm whose estimate is highest; ``gain_over_best``
    and each candidate's ``gains``: over the truly best single arm, see ``policies.gain``; ``chosen``: share
    of the folds in which a candidate was chosen; ``seconds`` it cost in all; ``harms``: of each harm.
    ``scores`` (n, K) of each person and ``followed`` (n,), the score under the rule: means over repeats.
    ``advised`` (n, K): share of the repeats in which the rule learned without a person gave them each arm.
    ``behind``: of short rules and what was chosen, how much better the best of them does.

    Where harms have a weight, all that compares (``best_arm``'s choice, gains, contrasts, ``scores``,
    ``followed``, ``behind``) is of the ``utility``; ``rule``, ``arms`` and ``best_arm`` stay the outcome's.
    ``stuck``: share of people for whom every arm exceeds a limit.
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
    harms: tuple[HarmValues, ...]
    scores: Floats
    followed: Floats
    advised: Floats | None = None
    behind: Mapping[str, Estimate] = field(default_factory=dict)
    utility: UtilityValues | None = None
    stuck: float = 0.0

    @property
    def ranked(self) -> tuple[Estimate, ...]:
        """Of each arm the value that arms are compared by."""
        return self.arms if self.utility is None else self.utility.arms


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
    preferences: Preferences | None = None,
) -> Evaluation:
    """Value of learning a rule from this trial. The same for any number of ``workers``.

    ``preferences`` of the trial's harms: what is valued is the rule of the utility, within every limit.

    Where ``sites`` (n,) are given (or trials), each outer fold is one of them left out, and intervals are
    clustered by it; else by ``trial.clusters``, if any.
    """
    tasks = held_out(strata(trial), folds, repeats, seed, sites)
    results = over_folds(_run, (trial, tuple(names), probe, preferences), tasks, workers, progress)
    times = 1 if sites is not None else repeats
    return _summed(trial, competing(names), results, times, sites, preferences)


def _run(
    trial: Trial,
    names: tuple[str, ...],
    probe: Probe | None,
    preferences: Preferences | None,
    repeat: int,
    people: Ints,
    seed: np.random.SeedSequence,
) -> _Fold:
    # one thread: the order of a sum, and so the last bit, must not depend on how many cores there are
    with threadpool_limits(1):
        others = np.setdiff1d(np.arange(len(trial)), people)
        train, test = trial.rows(others), trial.rows(people)
        learned = learn_rule(train, names, seed, preferences, intervals=False)
        encoder = learned.forecaster.encoder
        x, x_test = encoder.transform(train.features).x, encoder.transform(test.features).x
        number = int(seed.generate_state(1)[0] % (2**31 - 1))
        fit = learned.plan.fit(x, train, number).at(x_test, test)
        scores = doubly_robust(fit, test, len(train))
        harms = expected = np.zeros((0, *scores.shape))
        limits = () if preferences is None else preferences.limits
        if preferences is not None:
            harms = harm_scores(x, train, x_test, test, fit, number)
            expected = np.array([h.level(x_test)[:, None] + h.differences(x_test) for h in learned.harms])
        told = {name: rule.differences(x_test) for name, rule in learned.rivals.items()}
        return _Fold(
            repeat,
            people,
            scores,
            harms,
            told[learned.chosen],
            expected,
            {name: assigned(differences, expected, limits) for name, differences in told.items()},
            learned.chosen,
            dict(learned.seconds),
            probe(learned) if probe else (),
        )


def _held(trial: Trial, folds: Sequence[_Fold], repeats: int, preferences: Preferences | None) -> Held:
    harms = 0 if preferences is None else len(preferences.weights)
    shape = repeats, len(trial), trial.arms
    held = Held(
        utility=np.zeros(shape),
        expected=np.zeros((harms, *shape)),
        outcome=np.zeros(shape),
        harms=np.zeros((harms, *shape)),
        weights=() if preferences is None else preferences.weights,
        limits=() if preferences is None else preferences.limits,
    )
    for fold in folds:
        held.utility[fold.repeat, fold.people] = fold.utility
        held.expected[:, fold.repeat, fold.people] = fold.expected
        held.outcome[fold.repeat, fold.people] = fold.scores
        held.harms[:, fold.repeat, fold.people] = fold.harms
    return held


def _summed(
    trial: Trial,
    names: Sequence[str],
    folds: Sequence[_Fold],
    repeats: int,
    sites: Sequence[str] | None,
    preferences: Preferences | None,
) -> Evaluation:
    n, k = len(trial), trial.arms
    clusters: Sequence[object] | None = sites
    if sites is None and trial.clusters is not None:
        clusters = trial.clusters.tolist()
    held = _held(trial, folds, repeats, preferences)
    given = {name: np.zeros((repeats, n), dtype=np.int64) for name in names}
    rule = np.zeros((repeats, n), dtype=np.int64)
    for fold in folds:
        rule[fold.repeat, fold.people] = fold.rivals[fold.chosen]
        for name in names:
            given[name][fold.repeat, fold.people] = fold.rivals[name]
    # (R, n, K): what is compared, which without weights is the outcome
    compared = weighed(held.outcome, held.harms, held.weights)

    def mean(person: Floats) -> Estimate:
        return mean_with_interval(person, clusters)

    def under(scores: Floats, arm: Ints) -> Floats:
        return np.array([scores_under(own, given) for own, given in zip(scores, arm, strict=True)])

    def each(scores: Floats) -> tuple[Estimate, ...]:
        return tuple(mean(scores[:, :, a]) for a in range(k))

    def over_each(followed: Floats) -> tuple[Estimate, ...]:
        return tuple(gain_over_arm(followed, compared[:, :, a], clusters) for a in range(k))

    followed = under(compared, rule)
    rivals = {name: under(compared, given[name]) for name in names}
    arms, over_arm = each(held.outcome), over_each(followed)
    utility = UtilityValues(mean(followed), each(compared)) if any(held.weights) else None
    ranked = arms if utility is None else utility.arms
    return Evaluation(
        rule=mean(under(held.outcome, rule)),
        best_arm=arms[max(range(k), key=lambda a: ranked[a].estimate)],
        arms=arms,
        gain_over_best=gain_over_best(over_arm),
        gain_over_arm=over_arm,
        contrasts=tuple(
            tuple(mean(compared[:, :, a] - compared[:, :, b]) for b in range(k)) for a in range(k)
        ),
        gains={name: gain_over_best(over_each(rivals[name])) for name in names},
        chosen={name: sum(fold.chosen == name for fold in folds) / len(folds) for name in names},
        seconds={name: sum(fold.seconds.get(name, 0.0) for fold in folds) for name in names},
        probed=tuple(
            float(np.mean(answers)) for answers in zip(*(fold.probed for fold in folds), strict=True)
        ),
        harms=harm_values(trial, held, rule, clusters),
        scores=compared.mean(axis=0),
        followed=followed.mean(axis=0),
        advised=np.array([(rule == a).mean(axis=0) for a in range(k)]).T,
        behind=behind_best(
            {name: rivals[name] for name in SHORT if name in rivals} | {CHOSEN: followed}, clusters
        ),
        utility=utility,
        stuck=stuck(held),
    )
