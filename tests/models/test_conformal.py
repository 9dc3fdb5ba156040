"""Intervals and sets of outcomes: they hold the truth as often as they say, overall, by group, by outcome."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alleviate.models.prognosis import cutoffs as module
from alleviate.models.prognosis.conformal import Intervals, Sets, fit_intervals, fit_sets, split
from alleviate.models.prognosis.coverage import covered
from alleviate.models.prognosis.cutoffs import Cutoffs, fit_cutoffs, members


def numbers(n, seed):
    """Skewed noise, three times as large in group c as in a, and growing with the first feature."""
    rng = np.random.default_rng(seed)
    x, group = rng.normal(size=(n, 3)), rng.integers(0, 3, n)
    noise = np.exp(0.4 * x[:, 0]) * np.array([0.6, 1.0, 1.8])[group] * (rng.gamma(2.0, size=n) - 2.0)
    return x, x[:, 0] + noise, {"group": np.array(["a", "b", "c"])[group]}


def risks(n, seed):
    rng = np.random.default_rng(seed)
    p = 1.0 / (1.0 + np.exp(2.0 - 1.5 * rng.normal(size=n)))
    return np.column_stack([1.0 - p, p]), (rng.random(n) < p).astype(float)


def coverage(intervals, seed, *, groups=True, n=4000):
    x, y, labels = numbers(n, seed)
    low, high = intervals.around(x, x[:, 0], labels if groups else None)
    return {c.group: c.share for c in covered((low <= y) & (y <= high), np.ones(n), labels)}


def fitted(n, seed, **more):
    x, y, labels = numbers(n, seed)
    return fit_intervals(x, y, x[:, 0], np.ones(n), seed=1, groups=labels, **more)


def test_nine_of_ten_new_people_lie_in_their_interval():
    shares = [coverage(fitted(300, 10_000 + s), 20_000 + s, groups=False)[""] for s in range(12)]
    assert 0.88 < np.mean(shares) < 0.92


def test_and_so_they_do_in_each_large_group_although_some_are_harder_to_foresee():
    found = [coverage(fitted(1500, 10_000 + s), 20_000 + s) for s in range(6)]
    means = {group: np.mean([each[group] for each in found]) for group in found[0]}
    assert 0.88 < means[""] < 0.92
    assert min(means.values()) > 0.86
    assert max(means.values()) < 0.94
    alone = coverage(fit_intervals(*plain(1500, 10_000), np.ones(1500), seed=1), 20_000)
    assert alone["c"] < 0.82, "without groups, the hardest one is not covered"


def plain(n, seed):
    x, y, _ = numbers(n, seed)
    return x, y, x[:, 0]


def test_intervals_are_wider_where_people_are_harder_to_foresee_and_lopsided_where_errors_are():
    x, _, labels = numbers(2000, 3)
    low, high = fitted(2000, 10_001).around(x, x[:, 0], labels)
    width = high - low
    assert width[x[:, 0] > 1].mean() > 1.5 * width[x[:, 0] < -1].mean()
    assert (high - x[:, 0]).mean() > 1.3 * (x[:, 0] - low).mean()


def test_a_group_or_column_that_was_never_seen_gets_the_common_interval():
    x, _, _ = numbers(4, 1)
    intervals = fitted(1500, 10_002)
    common = intervals.around(x, x[:, 0])
    for labels in ({"group": np.array(["z", None, "y", "z"], dtype=object)}, {"other": np.arange(4)}):
        assert np.array_equal(np.array(intervals.around(x, x[:, 0], labels)), np.array(common))


def test_bounds_keep_a_scale_within_what_it_can_say():
    x, y, held_out = plain(400, 4)
    low, high = fit_intervals(x, y, held_out, np.ones(400), seed=1, bounds=(-1.0, 1.0)).around(x, x[:, 0])
    assert low.min() == -1.0
    assert high.max() == 1.0


def test_too_few_people_give_endless_intervals_rather_than_false_ones():
    x, y, held_out = plain(15, 5)
    low, high = fit_intervals(x, y, held_out, np.ones(15), seed=1).around(x, x[:, 0])
    assert np.isinf(low).all()
    assert np.isinf(high).all()


def test_weights_make_the_sample_stand_for_another_population():
    """People from a tail are rare in the sample and common where the intervals are for."""
    rng, found = np.random.default_rng(6), []
    for weighted in (False, True):
        hard = rng.random(3000) < 0.15
        score = np.where(hard, 3.0, 1.0) * np.abs(rng.normal(size=3000))
        weight = np.where(hard, 0.5 / 0.15, 0.5 / 0.85) if weighted else np.ones(3000)
        fresh = np.where(rng.random(20_000) < 0.5, 3.0, 1.0) * np.abs(rng.normal(size=20_000))
        found.append(float((fresh <= fit_cutoffs(score, weight, 0.9).common).mean()))
    assert found[0] < 0.86
    assert 0.88 < found[1] < 0.92


def test_the_common_cutoff_is_the_conformal_quantile():
    score = np.random.default_rng(1).permutation(np.arange(1.0, 100.0))
    assert fit_cutoffs(score, np.ones(99), 0.9).common == 90.0
    assert fit_cutoffs(score, np.full(99, 7.0), 0.9).common == 90.0
    assert fit_cutoffs(score[:8], np.ones(8), 0.9) == Cutoffs(np.inf, {})
    assert fit_cutoffs(np.zeros(0), np.zeros(0), 0.9).common == np.inf
    heavy = np.where(score == 99.0, 30.0, 1.0)
    assert fit_cutoffs(score, heavy, 0.76).common == 99.0


def test_groups_of_the_same_difficulty_are_left_alone_and_small_ones_too():
    rng = np.random.default_rng(7)
    score, half = rng.normal(size=1000), np.arange(1000) % 2
    same = fit_cutoffs(np.repeat(score[:500], 2), np.ones(1000), 0.9, {"half": half})
    assert same.added == {"half": {"0": 0.0, "1": 0.0}}
    small = fit_cutoffs(
        score + 3.0 * (np.arange(1000) < 199), np.ones(1000), 0.9, {"s": np.arange(1000) < 199}
    )
    assert list(small.added["s"]) == ["false"]


def test_merging_neighbours_changes_next_to_nothing(monkeypatch):
    x, y, labels = numbers(6000, 8)
    weight = np.random.default_rng(9).uniform(0.5, 2.0, 6000)
    exact = fit_cutoffs(y - x[:, 0], weight, 0.95, labels)
    monkeypatch.setattr(module, "MOST", 3000)
    merged = fit_cutoffs(y - x[:, 0], weight, 0.95, labels)
    for group, addition in exact.added["group"].items():
        assert merged.added["group"][group] == pytest.approx(addition, abs=0.12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(0.5, 0.95), st.floats(0.1, 10.0), st.floats(-5.0, 5.0))
def test_cutoffs_rise_with_the_level_and_move_with_the_scores(seed, level, factor, shift):
    rng = np.random.default_rng(seed)
    score, weight, order = rng.normal(size=60), rng.uniform(0.5, 2.0, 60), rng.permutation(60)
    found = fit_cutoffs(score, weight, level).common
    assert fit_cutoffs(score[order], weight[order], level).common == found
    assert fit_cutoffs(score, weight, level - 0.3).common <= found
    if np.isfinite(found):
        assert fit_cutoffs(factor * score + shift, weight, level).common == pytest.approx(
            factor * found + shift
        )


def test_groups_have_the_same_name_however_they_are_kept():
    for labels in (
        np.array([1, 2, 2]), np.array([1.0, 2.0, 2.0]), np.array(["1", "2", "2"]), pl.Series(["1", "2", "2"]),
    ):  # fmt: skip
        assert {name: here.tolist() for name, here in members(labels).items()} == {
            "1": [True, False, False],
            "2": [False, True, True],
        }
    assert list(members(np.array([np.nan, 1.0]))) == ["1"]
    assert list(members(np.array([0.5, 1.0]))) == ["0.5", "1.0"]


def test_either_outcome_is_in_its_set_nine_times_of_ten_the_rare_one_too():
    found = []
    for s in range(10):
        held_out, y = risks(600, 10_000 + s)
        sets = fit_sets(y, held_out, np.ones(600), "binary")
        fresh, truth = risks(5000, 20_000 + s)
        held = sets.accepted(fresh)[np.arange(5000), truth.astype(int)]
        found.append([held.mean(), held[truth == 1].mean(), held[truth == 0].mean()])
    assert np.abs(np.mean(found, axis=0) - 0.9).max() < 0.02
    all_alike = fit_sets(y, held_out, np.ones(600), "binary", by_level=False)
    held = all_alike.accepted(fresh)[np.arange(5000), truth.astype(int)]
    assert 0.88 < held.mean() < 0.92
    assert held[truth == 1].mean() < 0.75, "on average is not enough for a rare event"


def test_a_set_that_is_shown_is_never_empty():
    held_out, _ = risks(600, 1)
    sharp = np.clip((held_out - 0.5) * 50 + 0.5, 0.0, 1.0)
    truth = sharp[:, 1].round()
    sets = fit_sets(np.where(np.arange(600) % 12 == 0, 1 - truth, truth), sharp, np.ones(600), "binary")
    unusual = np.array([[0.5, 0.5], [0.4, 0.6]])
    assert not sets.accepted(unusual).all()
    shown = sets.sets(unusual)
    assert shown.any(axis=1).all()
    assert (shown >= sets.accepted(unusual)).all()


def test_a_set_of_ordered_levels_has_no_gaps_and_holds_the_truth():
    rng = np.random.default_rng(11)
    chances = rng.dirichlet([2.0, 0.5, 1.0, 2.0], size=4000)
    y = (rng.random(4000)[:, None] > np.cumsum(chances, axis=1)).sum(axis=1).astype(float)
    sets = fit_sets(y[:2000], chances[:2000], np.ones(2000), "ordinal")
    shown = sets.sets(chances[2000:])
    assert 0.88 < sets.accepted(chances[2000:])[np.arange(2000), y[2000:].astype(int)].mean() < 0.92
    assert (np.abs(np.diff(shown.astype(int), prepend=0, append=0, axis=1)).sum(axis=1) == 2).all()


def test_people_lost_to_follow_up_count_by_those_who_stand_for_them():
    """Half of the people with a low risk are lost: the others count double."""
    rng = np.random.default_rng(12)
    held_out, y = risks(20_000, 12)
    lost = (held_out[:, 1] < 0.1) & (rng.random(20_000) < 0.5)
    weight = np.where(lost, 0.0, np.where(held_out[:, 1] < 0.1, 2.0, 1.0))
    everybody = fit_sets(y, held_out, np.ones(20_000), "binary").cutoffs
    seen = fit_sets(np.where(lost, 0.0, y), held_out, weight, "time-to-event").cutoffs
    for a, b in zip(everybody, seen, strict=True):
        assert b.common == pytest.approx(a.common, abs=0.01)


def test_groups_are_covered_within_each_outcome():
    rng = np.random.default_rng(13)
    n = 4000
    group, p = rng.integers(0, 2, n), rng.uniform(0.1, 0.9, n)
    truth = np.where(group == 1, np.clip(p + 0.3 * (0.5 - p) * 2, 0, 1), p)
    y = (rng.random(n) < truth).astype(float)
    chances, labels = np.column_stack([1 - p, p]), {"group": group}
    sets = fit_sets(y, chances, np.ones(n), "binary", groups=labels)
    assert all(set(cutoffs.added["group"]) == {"0", "1"} for cutoffs in sets.cutoffs)
    held = sets.accepted(chances, labels)[np.arange(n), y.astype(int)]
    assert all(abs(held[(group == g) & (y == k)].mean() - 0.9) < 0.02 for g in (0, 1) for k in (0, 1))


def test_json_keeps_intervals_and_sets_as_they_are():
    x, _, labels = numbers(50, 14)
    for intervals in (fitted(1500, 15), fitted(12, 15), fitted(300, 15, bounds=(-2.0, 9.0))):
        again = Intervals.from_json(json.loads(json.dumps(intervals.to_json(), allow_nan=False)))
        for a, b in zip(again.around(x, x[:, 0], labels), intervals.around(x, x[:, 0], labels), strict=True):
            assert np.array_equal(a, b)
    held_out, y = risks(300, 16)
    sets = fit_sets(y, held_out, np.ones(300), "binary")
    again = Sets.from_json(json.loads(json.dumps(sets.to_json(), allow_nan=False)))
    assert np.array_equal(again.sets(held_out), sets.sets(held_out))


def test_people_of_one_cluster_are_never_parted():
    clusters = np.random.default_rng(17).integers(0, 30, 300)
    part = split(300, clusters, 1)
    assert all(len(set(part[clusters == c])) == 1 for c in range(30))
    assert sorted(set(split(23, None, 1))) == [0, 1, 2, 3, 4]
    x, y, held_out = plain(100, 18)
    alone = fit_intervals(x, y, held_out, np.ones(100), seed=1, clusters=np.zeros(100, dtype=np.int64))
    assert np.isfinite(alone.below.common)


def test_coverage_is_told_for_everybody_and_for_groups_large_enough_with_wilsons_interval():
    held, group = np.arange(500) % 10 > 0, np.where(np.arange(500) < 300, "large", "small")
    weight = np.ones(500)
    everybody, large, *more = covered(held, weight, {"g": group}, least=250)
    assert not more
    assert (everybody.column, everybody.n, everybody.share) == ("", 500, 0.9)
    assert (everybody.low, everybody.high) == pytest.approx((0.8706, 0.9234), abs=2e-4)
    assert (large.column, large.group, large.n) == ("g", "large", 300)
    half = covered(held, np.where(np.arange(500) % 2, 1.0, 0.0))[0]
    assert (half.n, half.share) == (250, 1.0)
