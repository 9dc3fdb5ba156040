"""Rules for decisions in turn: learned backwards, valued doubly robustly."""

import numpy as np
import polars as pl
import pytest

from alleviate.models.trial import Floats, Ints
from alleviate.policies.stages import StagedTrial, StageTable, learn_regime, q_learning, score

NAMES = ("none", "ridge")


def two_stages(
    n: int, seed: int, *, effect: float = 1.0, second: float = 1.0, share: float = 0.7
) -> StagedTrial:
    """y = x1 + x2 + effect·x1·(±½) + second·x2·(±½) + noise; ``share`` of the people come to the second."""
    rng = np.random.default_rng(seed)
    x1, x2 = rng.normal(size=n), rng.normal(size=n)
    a1, a2 = rng.integers(0, 2, n), rng.integers(0, 2, n)
    on = rng.uniform(size=n) < share
    y = x1 + x2 + effect * x1 * (a1 - 0.5) + np.where(on, second * x2 * (a2 - 0.5), 0.0)
    half = np.full((n, 2), 0.5)
    return StagedTrial(
        (
            StageTable("a1", pl.DataFrame({"x1": x1}), a1, ("no", "yes"), half),
            StageTable("a2", pl.DataFrame({"x2": x2}), np.where(on, a2, -1), ("stay", "switch"), half),
        ),
        y + 0.5 * rng.normal(size=n),
    )


def three_stages(n: int, seed: int) -> StagedTrial:
    """Three arms at each of three stages, the chances steered by x; an arm is worth its own slope of x."""
    rng = np.random.default_rng(seed)
    stages, y = [], rng.normal(size=n) * 0.5
    for s in range(3):
        x = rng.normal(size=n)
        logits = np.column_stack([np.zeros(n), 0.5 * x, -0.5 * x])
        chance = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        arm = (rng.uniform(size=n)[:, None] > chance.cumsum(axis=1)).sum(axis=1)
        y = y + np.column_stack([np.zeros(n), x, -x])[np.arange(n), arm]
        stages.append(StageTable(f"a{s}", pl.DataFrame({f"x{s}": x}), arm, ("a", "b", "c"), None))
    return StagedTrial(tuple(stages), y)


def near(person: Floats, truth: float) -> bool:
    return abs(person.mean() - truth) < 4 * person.std() / np.sqrt(len(person))


def constant(*sequence: int):
    return lambda stage, history: np.full(len(history), sequence[stage], dtype=np.int64)


def knowing(stage: int, history: pl.DataFrame) -> Ints:
    """The best regime of ``two_stages``."""
    return (history[("x1", "x2")[stage]].to_numpy() > 0).astype(np.int64)


def test_a_later_stage_knows_what_came_before_and_which_arm_it_was():
    trial = two_stages(50, 1)
    assert trial.history(0).columns == ["x1"]
    assert trial.history(1).columns == ["x1", "a1", "x2"]
    assert set(trial.history(1)["a1"]) == {"no", "yes"}


def test_nobody_skips_a_stage():
    trial = two_stages(50, 1)
    first, second = trial.stages
    with pytest.raises(ValueError, match="at the first stage"):
        StagedTrial((second, first), trial.y)
    with pytest.raises(ValueError, match="none at the stage before"):
        StagedTrial((first, second, first), trial.y)


def test_who_had_no_later_stage_keeps_the_outcome():
    trial = two_stages(60, 1)
    own = trial.trial(0, np.full(60, 99.0))
    on = trial.stages[1].arm >= 0
    assert (own.y[on] == 99.0).all()
    np.testing.assert_array_equal(own.y[~on], trial.y[~on])


def test_a_sequence_is_followed_as_far_as_somebody_was_treated():
    trial = two_stages(60, 1)
    first, second = (stage.arm for stage in trial.stages)
    expected = (first == 1) & ((second == 0) | (second < 0))
    np.testing.assert_array_equal(trial.follows((1, 0)), expected)
    assert trial.sequences() == ((0, 0), (0, 1), (1, 0), (1, 1))


def test_scores_tell_the_value_of_every_sequence_and_of_any_regime():
    trial = two_stages(4000, 2)
    scored = score([trial], knowing, np.random.SeedSequence(1))[0]
    mean_of_half_normal = np.sqrt(2 / np.pi) / 2
    assert near(scored.rule, mean_of_half_normal * (1 + 0.7))
    for column in scored.sequences.T:
        assert near(column, 0.0)


def test_the_value_of_a_fixed_regime_is_that_of_its_sequence():
    trial = two_stages(400, 3)
    scored = score([trial], constant(1, 0), np.random.SeedSequence(1))[0]
    np.testing.assert_allclose(scored.rule, scored.sequences[:, trial.sequences().index((1, 0))])


def test_scores_agree_with_weighting_alone():
    # plain: everyone who followed the sequence, times one over the chance of having done so
    trial = two_stages(4000, 4, share=1.0)
    plain = np.where(trial.follows((1, 1)), 4.0 * trial.y, 0.0)
    doubly = score([trial], None, np.random.SeedSequence(1))[0].sequences[:, 3]
    assert abs(plain.mean() - doubly.mean()) < 4 * (plain - doubly).std() / np.sqrt(len(trial))
    assert doubly.std() < plain.std()


def test_people_held_out_are_scored_by_models_of_the_others():
    train, test = two_stages(600, 5), two_stages(300, 6)
    alone = score([train], knowing, np.random.SeedSequence(1))[0]
    first, second = score([train, test], knowing, np.random.SeedSequence(1))
    np.testing.assert_allclose(first.rule, alone.rule)
    changed = StagedTrial(test.stages, test.y + 5.0)
    again = score([train, changed], knowing, np.random.SeedSequence(1))[0]
    np.testing.assert_allclose(again.rule, alone.rule)
    assert len(second.rule) == 300
    assert [len(stage) for stage in second.stages] == [300, len(test.at(1))]


def test_outcomes_lost_at_random_given_the_past_are_weighed_up():
    full = two_stages(6000, 7, share=1.0)
    x2 = full.stages[1].features["x2"].to_numpy()
    rng = np.random.default_rng(1)
    seen = rng.uniform(size=6000) < 1 / (1 + np.exp(-1.5 * x2))
    trial = StagedTrial(full.stages, np.where(seen, full.y, 0.0), seen)
    column = score([trial], None, np.random.SeedSequence(1))[0].sequences[:, 0]
    assert not near(full.y[seen & full.follows((0, 0))], 0.0)
    assert near(column, 0.0)


def test_backward_induction_agrees_with_q_learning_where_all_is_linear():
    trial, new = two_stages(2000, 8), two_stages(2000, 9)
    regime, plain = learn_regime(trial, NAMES, np.random.SeedSequence(1)), q_learning(trial)
    for stage in (0, 1):
        history = new.history(stage)
        same = regime.assign(stage, history) == plain.assign(stage, history)
        assert same.mean() > 0.93
        assert (regime.assign(stage, history) == knowing(stage, history)).mean() > 0.95
    assert plain.value == pytest.approx(np.sqrt(2 / np.pi) / 2 * 1.7, abs=0.12)


@pytest.mark.slow
def test_three_stages_of_three_arms_whose_chances_are_not_known():
    trial, new = three_stages(900, 10), three_stages(900, 11)
    regime = learn_regime(trial, NAMES, np.random.SeedSequence(1))
    reached = []
    for stage, table in enumerate(new.stages):
        x = table.features[f"x{stage}"].to_numpy()
        arm = regime.assign(stage, new.history(stage))
        reached.append(np.column_stack([np.zeros(len(x)), x, -x])[np.arange(len(x)), arm].mean())
    optimum = 3 * np.sqrt(2 / np.pi)
    assert sum(reached) > 0.95 * optimum
    scored = score([new], regime.assign, np.random.SeedSequence(1), regime.plans)[0]
    assert near(scored.rule, sum(reached))
    assert scored.sequences.shape == (900, 27)


def test_where_nothing_differs_everybody_gets_the_best_sequence():
    trial = two_stages(400, 12, effect=0.0, second=0.0)
    regime = learn_regime(trial, ("none",), np.random.SeedSequence(1))
    assert regime.fixed
    seen = score([trial], None, np.random.SeedSequence(1), regime.plans)[0]
    best = trial.sequences()[seen.best]
    np.testing.assert_array_equal(seen.rule, seen.sequences[:, seen.best])
    assert set(regime.policy(best)(1, trial.history(1))) == {best[1]}


def test_the_same_seed_gives_the_same_regime():
    trial = two_stages(300, 13)
    first, second = (learn_regime(trial, NAMES, np.random.SeedSequence(4)) for _ in range(2))
    for one, other in zip(first.stages, second.stages, strict=True):
        np.testing.assert_array_equal(one.scores, other.scores)
        np.testing.assert_array_equal(one.forecaster.value, other.forecaster.value)
