"""One simulated trial through the whole of learning, judged by the truth."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from alleviate.models.trial import Trial
from alleviate.policies.choice import choose_arms
from alleviate.policies.selection import Learned, learn_rule
from alleviate.policies.trees import assign, fit_tree
from alleviate.studies.evaluation import evaluate_learning
from alleviate.terms.estimates import Estimate
from alleviate.terms.study import CANDIDATES
from contenders import plain_pick
from problems import Draw, p1, p2

__all__ = ["JudgedTree", "Outcome", "judge_learning", "judge_tree"]

MANY = 20_000
TRUTH_SEED = 987_654_321
NEAR = 1e-3
"""The truth's own error: one rule in ``MANY`` people is never quite one arm for all."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one trial gave. Values are true means over ``MANY`` new people; larger is better.

    ``rule_covered``: the interval of the rule's value holds the mean true value of the folds' rules, which
    is what cross-fitting estimates; ``packaged_covered``: it holds that of the one rule that is packaged;
    ``gain_covered``: the interval of the gain holds the folds' mean true gain over the truly best arm.
    """

    chosen: str
    personalised: bool
    advice: float
    plain: float
    best: float
    optimum: float
    rule_covered: bool
    packaged_covered: bool
    gain_covered: bool
    arms_covered: tuple[bool, ...]
    width: float


def frame(draw: Draw) -> pl.DataFrame:
    return pl.DataFrame({f"x{j + 1}": column for j, column in enumerate(draw.x.T)})


@lru_cache(maxsize=8)
def truth(problem: str) -> Draw:
    return p2(MANY, TRUTH_SEED) if problem == "P2" else p1(problem, MANY, TRUTH_SEED)


def covers(estimate: Estimate, value: float) -> bool:
    return bool(estimate.low - NEAR <= value <= estimate.high + NEAR)


def judge_learning(problem: str, n: int, seed: int, folds: int, repeats: int) -> Outcome:
    """Learn from ``n`` people of ``problem`` as `alleviate learn` does; judge rule, verdict, intervals."""
    draw, new = p1(problem, n, seed), truth(problem)
    trial = Trial(frame(draw), draw.arm, draw.y, draw.mean.shape[1], draw.probability)
    people, arms = frame(new), new.mean.mean(axis=0)

    def probe(learned: Learned) -> tuple[float, float]:
        x = learned.forecaster.encoder.transform(people).x
        value = new.value(learned.forecaster.differences(x).argmax(axis=1))
        return value, value - float(arms.max())

    with threadpool_limits(1):
        evaluation = evaluate_learning(
            trial, CANDIDATES, folds=folds, repeats=repeats, seed=seed, probe=probe
        )
        learned = learn_rule(trial, CANDIDATES, np.random.SeedSequence([seed, 1]))
        value = np.array([arm.estimate for arm in evaluation.arms])
        forecasts = replace(learned.forecaster, value=value).forecast(people)
    best = int(value.argmax())
    personalised = evaluation.gain_over_best.low > 0 and learned.chosen != "none"
    choices = choose_arms(forecasts, best_arm=best, verdict="personalise" if personalised else "equipoise")
    advised = np.where(choices.arm >= 0, choices.arm, best)
    advice = new.value(advised)
    return Outcome(
        chosen=learned.chosen,
        personalised=bool(personalised),
        advice=advice,
        plain=float(arms[plain_pick(draw)]),
        best=float(arms.max()),
        optimum=float(new.mean.max(axis=1).mean()),
        rule_covered=covers(evaluation.rule, evaluation.probed[0]),
        packaged_covered=covers(evaluation.rule, advice),
        gain_covered=covers(evaluation.gain_over_best, evaluation.probed[1]),
        arms_covered=tuple(covers(e, float(v)) for e, v in zip(evaluation.arms, arms, strict=True)),
        width=evaluation.rule.high - evaluation.rule.low,
    )


@dataclass(frozen=True, slots=True)
class JudgedTree:
    """Regret of a depth-2 tree on AIPW scores, against the optimum and against the best such tree."""

    against_optimum: float
    against_tree: float


@lru_cache(maxsize=1)
def best_tree_value() -> float:
    """The best depth-2 tree of P2, searched on the true means of many people."""
    new = truth("P2")
    return new.value(assign(fit_tree(new.x, new.mean, depth=2, cuts=100), new.x))


def judge_tree(n: int, seed: int) -> JudgedTree:
    """The tree on the engine's own cross-fitted scores, probabilities known, 32 cut points a feature."""
    draw, new = p2(n, seed), truth("P2")
    trial = Trial(frame(draw), draw.arm, draw.y, 3, draw.probability)
    with threadpool_limits(1):
        scores = learn_rule(trial, ("none",), np.random.SeedSequence(seed)).scores
        value = new.value(assign(fit_tree(draw.x, scores, depth=2), new.x))
    return JudgedTree(float(new.mean.max(axis=1).mean()) - value, best_tree_value() - value)
