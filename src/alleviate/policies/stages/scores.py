"""What each person's outcome would be under a regime, doubly robust at every stage and cross-fitted.

With V_i of the last stage the outcome itself, backwards over stages s,

    Γ_ik = μ_k(H_i) + 1{A_i = k} (V_i - μ_k(H_i)) / e_k(H_i),    V_i ← Γ_i,d(H_i),

where H is all that was known at s, μ_k = E[V | H, A = k] and d the rule of s; who was not treated at s keeps
V. The mean of the first stage's V is the value of the regime (Zhang et al. 2013; Tsiatis, Davidian, Holloway
& Laber 2019, Dynamic Treatment Regimes, ch. 6), right where at every stage either μ or e is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alleviate.models.encoding import Encoder
from alleviate.models.scores import (
    NuisancePlan,
    balanced_folds,
    crossfit,
    doubly_robust,
    plan_nuisances,
    strata,
)
from alleviate.models.trial import Floats, Ints, Trial
from alleviate.policies.stages.trial import Policy, StagedTrial
from alleviate.policies.value import scores_under

__all__ = ["FOLDS", "Scored", "score"]

FOLDS = 5

Tail = tuple[int, ...]
"""Fixed arms of the last stages."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Of n people: ``rule`` (n,) under the regime; ``sequences`` (n, Q) under each fixed sequence of arms.

    ``stages``: for each, (n_s, K) of those who came to it, each arm followed by the regime of later stages.
    """

    rule: Floats
    sequences: Floats
    stages: tuple[Floats, ...]

    @property
    def best(self) -> int:
        """The sequence that did best in these people."""
        return int(self.sequences.mean(axis=0).argmax())


def score(
    people: Sequence[StagedTrial],
    policy: Policy | None,
    seed: np.random.SeedSequence,
    plans: Sequence[NuisancePlan] | None = None,
) -> list[Scored]:
    """Scores of the first of ``people`` out of fold, and of any others by models fitted on all of the first.

    ``policy`` ``None`` is the fixed sequence that does best in the first. ``plans``: of each stage's
    nuisances, where they are chosen already.
    """
    train = people[0]
    last = len(train.stages) - 1
    fixed: dict[Tail, list[Floats]] = {(): [np.zeros(len(part)) for part in people]}
    ruled = fixed[()]
    by_tail: list[dict[Tail, list[Floats]]] = []
    by_rule: list[list[Floats]] = []
    for s, child in reversed(list(enumerate(seed.spawn(last + 1)))):
        models = _Stage.planned(train.trial(s, ruled[0]), child, plans[s] if plans else None)
        found = {tail: models.scores(s, people, later) for tail, later in fixed.items()}
        by_tail.insert(0, found)
        if policy is not None:
            own = found[()] if s == last else models.scores(s, people, ruled)
            by_rule.insert(0, own)
            arms = [policy(s, part.history(s)[part.at(s)]) for part in people]
            ruled = [
                part.spread(s, scores_under(scores, arm))
                for part, scores, arm in zip(people, own, arms, strict=True)
            ]
        fixed = {
            (k, *tail): [part.spread(s, scores[:, k]) for part, scores in zip(people, parts, strict=True)]
            for k in range(train.stages[s].arms)
            for tail, parts in found.items()
        }
        if policy is None:  # nuisances are chosen on some tail: the first
            ruled = next(iter(fixed.values()))
    sequences = train.sequences()
    if policy is None:
        best = max(sequences, key=lambda sequence: float(fixed[sequence][0].mean()))
        ruled = fixed[best]
        by_rule = [found[best[s + 1 :]] for s, found in enumerate(by_tail)]
    return [
        Scored(
            ruled[i],
            np.column_stack([fixed[sequence][i] for sequence in sequences]),
            tuple(stage[i] for stage in by_rule),
        )
        for i in range(len(people))
    ]


@dataclass(frozen=True, slots=True)
class _Stage:
    """How the nuisances of one stage are fitted, whatever follows the stage."""

    encoder: Encoder
    plan: NuisancePlan
    folds: Ints
    number: int

    @classmethod
    def planned(cls, trial: Trial, seed: np.random.SeedSequence, plan: NuisancePlan | None) -> "_Stage":
        rng = np.random.default_rng(seed)
        number = int(rng.integers(2**31 - 1))
        encoder = Encoder.fit(trial.features)
        folds = balanced_folds(strata(trial), FOLDS, rng)
        if plan is None:
            plan = plan_nuisances(encoder.transform(trial.features).x, trial, folds=folds, seed=number)
        return cls(encoder, plan, folds, number)

    def scores(self, stage: int, people: Sequence[StagedTrial], later: Sequence[Floats]) -> list[Floats]:
        """(n_s, K) of each part of the people, if ``later`` (n,) comes after the stage."""
        train, *others = (part.trial(stage, own) for part, own in zip(people, later, strict=True))
        x = self.encoder.transform(train.features).x
        fit = crossfit(x, train, plan=self.plan, folds=self.folds, seed=self.number)
        result = [doubly_robust(fit, train)]
        if others:
            whole = self.plan.fit(x, train, self.number)
            for other in others:
                at = whole.at(self.encoder.transform(other.features).x, other)
                result.append(doubly_robust(at, other, len(train)))
        return result
