"""Effects in groups are plain means, and what is said of them holds although all were looked at."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, t, ttest_ind

from alleviate.policies.subgroups import compare_groups


def halves(x):
    return np.column_stack([side for column in x.T for side in (column <= 0, column > 0)]).astype(float)


def trial(seed, n=300, p=6, planted=0.0, sites=None, spread=0.0):
    """Differences of scores of mean 0.3 for everybody, but ``planted`` more above 0 of the second feature."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p))
    site = rng.integers(0, sites or 1, n)
    effect = 0.3 + planted * (x[:, 1] > 0) + spread * rng.normal(size=sites or 1)[site]
    arm = rng.permutation(np.arange(n) % 2)
    scores = effect + (2.0 * arm - 1.0) * 2.0 * rng.normal(size=n)
    return scores[:, None], halves(x), rng, site if sites else None


def looked(seed, **made):
    difference, inside, rng, site = trial(seed, **made)
    return compare_groups(difference, inside, 1 - inside, rng, site)


def test_estimates_are_means_inside_and_inside_less_outside():
    difference, inside, rng, _ = trial(10_000)
    found = compare_groups(difference, inside, 1 - inside, rng)
    for g in range(inside.shape[1]):
        own, rest = difference[inside[:, g] == 1, 0], difference[inside[:, g] == 0, 0]
        assert found.effects.estimate[g] == pytest.approx(own.mean())
        assert found.interactions.estimate[g] == pytest.approx(own.mean() - rest.mean())
        assert found.interactions.p_alone[g] == pytest.approx(ttest_ind(own, rest, equal_var=False).pvalue)
        half = t.ppf(norm.cdf(found.effects.critical), len(own) - 1) * own.std(ddof=1) / np.sqrt(len(own))
        assert found.effects.high[g] - own.mean() == pytest.approx(half)
        assert own.mean() - found.effects.low[g] == pytest.approx(half)


def test_of_one_group_nothing_is_corrected():
    difference, inside, rng, _ = trial(10_001, n=2000)
    found = compare_groups(difference, inside[:, :1], 1 - inside[:, :1], rng)
    assert found.effects.critical == pytest.approx(norm.ppf(0.975), abs=0.05)
    assert found.interactions.p[0] == pytest.approx(found.interactions.p_alone[0], abs=0.02)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 12))
def test_never_wider_than_bonferroni_and_never_narrower_than_one_alone(seed, p):
    found = looked(seed, n=120, p=p)
    for corrected in (found.effects, found.interactions):
        assert corrected.critical <= norm.ppf(1 - 0.025 / (2 * p)) + 1e-12
        assert corrected.critical >= norm.ppf(0.975) - 0.05
        assert (corrected.p >= corrected.p_alone).all()
        assert (corrected.p <= 1).all()
        order = np.argsort(corrected.p_alone)
        assert (np.diff(corrected.p[order]) >= -1e-12).all()


def test_groups_that_say_the_same_cost_nothing():
    """Twelve copies of one group are one group."""
    difference, inside, rng, _ = trial(10_002)
    many = np.repeat(inside[:, :1], 12, axis=1)
    assert compare_groups(difference, many, 1 - many, rng).effects.critical < 2.05


@pytest.mark.parametrize("seed", range(10_010, 10_015))
def test_a_planted_moderator_is_found(seed):
    found = looked(seed, n=600, planted=1.0).interactions
    assert found.p.argmin() in (2, 3)
    assert found.p.min() < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("made", [{}, {"sites": 8}, {"sites": 8, "spread": 0.3}])
def test_where_nobody_differs_at_most_one_trial_in_twenty_shows_a_moderator(made):
    """150 trials: up to 12 of them (95 % of the time, were it exactly 5 %)."""
    found = [looked(seed, n=200, **made) for seed in range(11_000, 11_150)]
    assert sum(one.interactions.p.min() <= 0.05 for one in found) <= 12
    covered = [((one.effects.low <= 0.3) & (one.effects.high >= 0.3)).all() for one in found]
    assert np.mean(covered) >= 0.90


def test_sites_that_differ_widen_the_intervals_and_alike_ones_hardly():
    def width(**made):
        effects = [looked(seed, n=800, sites=8, **made).effects for seed in range(10_020, 10_030)]
        return float(np.mean([one.high - one.low for one in effects]))

    difference, inside, rng, _ = trial(10_020, n=800)
    alone = compare_groups(difference, inside, 1 - inside, rng).effects
    assert width() < 1.3 * float((alone.high - alone.low).mean())
    assert width(spread=0.6) > 1.5 * width()


def test_a_part_of_a_person_counts_in_part():
    """Half of everybody inside, half outside: no difference at all, and the mean of all as the effect."""
    difference, inside, rng, _ = trial(10_003)
    half = np.full((len(inside), 1), 0.5)
    found = compare_groups(difference, half, half, rng)
    assert found.effects.estimate[0] == pytest.approx(difference.mean())
    assert found.interactions.estimate[0] == pytest.approx(0.0)


def test_several_contrasts_stand_side_by_side():
    difference, inside, rng, _ = trial(10_004)
    two = np.column_stack([difference, -2.0 * difference])
    found = compare_groups(two, inside, 1 - inside, rng)
    np.testing.assert_allclose(found.effects.estimate[1::2], -2 * found.effects.estimate[::2])
    assert found.effects.critical == pytest.approx(
        compare_groups(difference, inside, 1 - inside, rng).effects.critical, abs=0.05
    )


def test_the_same_seed_gives_the_same_numbers():
    first, again = looked(10_005), looked(10_005)
    assert first.effects.p.tolist() == again.effects.p.tolist()
    assert first.effects.low.tolist() == again.effects.low.tolist()
