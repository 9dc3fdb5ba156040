"""The evaluation is honest: whoever is judged has had no part in the rule that judges, recomputed by hand."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.stats import t

from alleviate.models.scores import balanced_folds
from alleviate.models.trial import Trial
from alleviate.policies.gain import gain_over_best
from alleviate.policies.selection import learn_rule
from alleviate.policies.utility import Preferences
from alleviate.policies.value import mean_with_interval
from alleviate.studies import evaluation
from alleviate.studies.evaluation import evaluate_learning
from alleviate.terms.estimates import Z

NAMES = ("none", "ridge")
FOLDS, REPEATS, SEED = 3, 2, 5


def trial(n=90, arms=2, known=True, seed=1):
    """Whoever has a positive x gains by arm 1, the others lose. ``who`` tells people apart."""
    rng = np.random.default_rng(seed)
    x, arm = rng.normal(size=n), rng.permutation(np.resize(np.arange(arms), n))
    y = 1.5 * x * (arm == 1) + rng.normal(size=n)
    frame = pl.DataFrame({"x": x, "who": np.arange(n, dtype=float), "sex": rng.choice(["f", "m"], n)})
    chances = np.full((n, arms), 1 / arms) if known else None
    return Trial(frame, arm.astype(np.int64), y, arms, chances)


def folds_of(study: Trial):
    """(repeat, people held out, seed) of every fold, from the seed, in order."""
    for repeat, child in enumerate(np.random.SeedSequence(SEED).spawn(REPEATS)):
        split, *own = child.spawn(1 + FOLDS)
        fold = balanced_folds(study.arm, FOLDS, np.random.default_rng(split))
        for f in range(FOLDS):
            yield repeat, [i for i in range(len(study)) if fold[i] == f], own[f]


def by_hand(study: Trial, tasks, repeats):
    """Repeat by repeat, person by person: AIPW scores (R, n, K), and what the rule scores (R, n)."""
    n, arms = len(study), study.arms
    scores, rule = np.zeros((repeats, n, arms)), np.zeros((repeats, n))
    for repeat, people, seed in tasks:
        train = study.rows(np.array([i for i in range(n) if i not in people]))
        learned = learn_rule(train, NAMES, seed)
        encode = learned.forecaster.encoder.transform
        x = encode(train.features).x
        fitted = learned.plan.fit(x, train, 0)
        for i in people:
            one = encode(study.features[i]).x
            expected = fitted.outcome.predict(one)[0]
            if study.probability is not None:
                chance = study.probability[i]
            else:
                chance = fitted.propensity.predict(one)[0]
                chance = np.maximum(chance, min(0.2, 5 / (np.sqrt(len(train)) * np.log(len(train)))))
            own = expected.copy()
            own[study.arm[i]] += (study.y[i] - expected[study.arm[i]]) / chance[study.arm[i]]
            advised = int(learned.forecaster.differences(one)[0].argmax())
            scores[repeat, i] = own
            rule[repeat, i] = own[advised]
    return scores, rule


def is_the_mean_of(estimate, values, *, averaged=False):
    """Of (R, n) values: each repeat has its own error (people theirs), and lies beside the others."""
    middle = values.mean()
    rows = [values.mean(axis=0)] if averaged else values
    within = sum(row.var(ddof=1) / len(row) for row in rows) / len(rows)
    error = np.sqrt(within + sum((row.mean() - middle) ** 2 for row in values) / len(values))
    assert estimate.estimate == pytest.approx(values.mean(), abs=1e-9)
    assert estimate.low == pytest.approx(values.mean() - Z * error, abs=1e-9)
    assert estimate.high == pytest.approx(values.mean() + Z * error, abs=1e-9)


@pytest.mark.parametrize(
    ("arms", "known"), [(3, True), (2, False)], ids=["three arms, known chances", "two, estimated chances"]
)
def test_the_value_is_that_of_a_slow_plain_recomputation(known, arms):
    study = trial(n=60, arms=arms, known=known)
    found = evaluate_learning(study, NAMES, folds=FOLDS, repeats=REPEATS, seed=SEED)
    scores, rule = by_hand(study, list(folds_of(study)), REPEATS)
    is_the_mean_of(found.rule, rule)
    is_the_mean_of(found.best_arm, scores[:, :, scores.mean(axis=(0, 1)).argmax()])
    assert found.scores == pytest.approx(scores.mean(axis=0))
    assert found.followed == pytest.approx(rule.mean(axis=0))
    for a in range(arms):
        is_the_mean_of(found.arms[a], scores[:, :, a])
        is_the_mean_of(found.gain_over_arm[a], rule - scores[:, :, a], averaged=True)
        for b in range(arms):
            is_the_mean_of(found.contrasts[a][b], scores[:, :, a] - scores[:, :, b])


def test_the_gain_is_the_value_of_the_rule_less_that_of_the_best_arm():
    found = evaluate_learning(trial(), NAMES, folds=FOLDS, repeats=REPEATS, seed=SEED)
    assert found.gain_over_best.estimate == pytest.approx(found.rule.estimate - found.best_arm.estimate)
    assert found.gain_over_best == gain_over_best(found.gain_over_arm)
    assert found.gains["none"].estimate <= 0
    assert sum(found.chosen.values()) == pytest.approx(1)
    assert set(found.seconds) == set(NAMES)


@pytest.fixture
def spied(monkeypatch):
    """Every (people learned from, what was learned), in order."""
    seen = []

    def spy(train, names, seed, preferences, *, intervals):
        learned = learn_rule(train, names, seed, preferences, intervals=intervals)
        seen.append((set(train.features["who"].cast(int)), learned))
        return learned

    monkeypatch.setattr(evaluation, "learn_rule", spy)
    return seen


def test_nobody_is_judged_by_a_rule_learned_from_him(spied):
    study = trial()
    evaluate_learning(study, NAMES, folds=FOLDS, repeats=REPEATS, seed=SEED)
    held_out = [set(range(len(study))) - learned_from for learned_from, _ in spied]
    assert held_out == [set(people) for _, people, _ in folds_of(study)]
    for repeat in range(REPEATS):
        parts = held_out[repeat * FOLDS : (repeat + 1) * FOLDS]
        assert sorted(who for part in parts for who in part) == list(range(len(study)))


def test_the_outcome_of_one_person_changes_only_rules_that_do_not_judge_him(spied):
    study, who = trial(), 17
    y = study.y.copy()
    y[who] += 25.0
    for outcomes in (study.y, y):
        changed = Trial(study.features, study.arm, outcomes, study.arms, study.probability)
        evaluate_learning(changed, NAMES, folds=FOLDS, repeats=REPEATS, seed=SEED)
    before, after = spied[: FOLDS * REPEATS], spied[FOLDS * REPEATS :]
    judged_without = 0
    for (learned_from, one), (_, other) in zip(before, after, strict=True):
        x = one.forecaster.encoder.transform(study.features).x
        same = np.array_equal(one.forecaster.differences(x), other.forecaster.differences(x))
        assert same == (who not in learned_from)
        if who not in learned_from:
            assert (one.chosen, one.best_arm) == (other.chosen, other.best_arm)
            judged_without += 1
    assert judged_without == REPEATS


def test_with_sites_each_is_left_out_once_and_intervals_are_clustered(spied):
    study = trial()
    sites = ["Bonn", "Kiel", "Jena"] * 30
    found = evaluate_learning(study, NAMES, folds=FOLDS, repeats=REPEATS, seed=SEED, sites=sites)
    held_out = [set(range(90)) - learned_from for learned_from, _ in spied]
    assert held_out == [{i for i in range(90) if sites[i] == site} for site in ("Bonn", "Jena", "Kiel")]
    seeds = np.random.SeedSequence(SEED).spawn(3)
    tasks = [(0, sorted(people), seed) for people, seed in zip(held_out, seeds, strict=True)]
    scores, rule = by_hand(study, tasks, 1)
    for a, over in enumerate(found.gain_over_arm):
        gain = (rule - scores[:, :, a])[0]
        totals = [
            sum(gain[i] - gain.mean() for i in range(90) if sites[i] == site)
            for site in ("Bonn", "Jena", "Kiel")
        ]
        error = np.sqrt(sum(total**2 for total in totals) * 3 / 2) / 90
        assert over.estimate == pytest.approx(gain.mean())
        assert over.high - gain.mean() == pytest.approx(t.ppf(0.975, 2) * error)


def test_people_who_belong_together_are_counted_together_whatever_is_left_out():
    study = trial()
    together = replace(study, clusters=np.arange(90) % 9)
    alone, found = (evaluate_learning(s, NAMES, folds=FOLDS, repeats=1, seed=SEED) for s in (study, together))
    assert found.rule == mean_with_interval(found.followed, together.clusters.tolist())
    assert found.rule.estimate == alone.rule.estimate
    assert found.rule.low != alone.rule.low


def test_harms_are_valued_as_outcomes_are():
    """The outcome turned round, as a harm, has the values turned round; unknown ones are weighed."""
    study = trial(n=120)
    lost = study.y.copy()
    lost[::7] = np.nan
    found = evaluate_learning(
        replace(study, harms=np.column_stack([-study.y, lost])),
        NAMES,
        folds=FOLDS,
        repeats=2,
        seed=SEED,
        preferences=Preferences((0.0, 0.0), (np.inf, np.inf)),
    )
    turned, weighed = found.harms
    for harm, value in zip((turned.rule, *turned.arms), (found.rule, *found.arms), strict=True):
        assert harm.estimate == pytest.approx(-value.estimate, abs=0.2 * (value.high - value.low))
    for k, arm in enumerate(weighed.arms):
        assert arm.low <= study.y[study.arm == k].mean() <= arm.high
    assert (
        found.harms[0].arms[0].high - found.harms[0].arms[0].low < weighed.arms[0].high - weighed.arms[0].low
    )


def test_progress_is_told_step_by_step():
    steps = []
    evaluate_learning(
        trial(), NAMES, folds=FOLDS, repeats=REPEATS, seed=SEED, progress=lambda *step: steps.append(step)
    )
    assert steps == [(done, 6, "cross-fitting") for done in range(7)]


def test_another_seed_draws_other_folds():
    one, other = (evaluate_learning(trial(), NAMES, folds=FOLDS, repeats=1, seed=seed) for seed in (1, 2))
    assert one.rule != other.rule
    assert one.rule == evaluate_learning(trial(), NAMES, folds=FOLDS, repeats=1, seed=1).rule
