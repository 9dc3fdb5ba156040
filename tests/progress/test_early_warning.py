"""Early warning: surprises are standard normal while nothing changes, and alarms come at the stated rate."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy import stats

from alleviate.progress.early_warning.charts import (
    DAYS,
    LEVEL,
    SLOW,
    Chart,
    alarms,
    run_length,
    threshold,
)
from alleviate.progress.early_warning.surprise import surprise
from alleviate.progress.early_warning.watching import LEAST, LEAST_SLOWING, Measure, slowing, watch
from alleviate.terms.errors import DataError

FIRST = date(2024, 1, 1)
MOOD = Measure("mood", "low")


def stationary(people, days, phi, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((people, days))
    for day in range(1, days):
        x[:, day] = phi * x[:, day - 1] + np.sqrt(1 - phi**2) * x[:, day]
    return x


def table(values, **more):
    days = [FIRST + timedelta(days=number) for number in range(len(values))]
    given = {"day": days, "mood": list(values), **more}
    return pl.DataFrame(given).with_columns(pl.col(pl.Float64).fill_nan(None))


def plain_scores(days, least):
    """One series, the regression done anew each day with the textbook's formula."""
    scores = []
    for day, value in enumerate(days):
        x, y = days[: max(day - 1, 0)], days[1:day]
        if len(x) < least:
            scores.append(np.nan)
            continue
        fit = stats.linregress(x, y)
        n, residuals = len(x), y - fit.intercept - fit.slope * x
        slope = fit.slope + (1 + 3 * fit.slope) / n
        level = (y.mean() - slope * x.mean()) / (1 - slope)
        off = value - level - slope * (days[day - 1] - level)
        leverage = 1 + 1 / n + (days[day - 1] - x.mean()) ** 2 / ((x - x.mean()) ** 2).sum()
        error = np.sqrt((residuals**2).sum() / (n - 2) * leverage)
        scores.append(stats.norm.ppf(stats.t.cdf(off / error, n - 2)))
    return np.array(scores)


def test_a_surprise_is_what_the_regression_of_all_days_before_says() -> None:
    days = 5 + 2 * stationary(1, 60, 0.5, 10_100)[0]
    np.testing.assert_allclose(surprise(days[None, :], 10)[0], plain_scores(days, 10), atol=1e-8)


@pytest.mark.parametrize("phi", [0.0, 0.6])
def test_while_nothing_changes_surprises_are_standard_normal_and_unrelated(phi) -> None:
    x = stationary(300, 150, phi, 10_101)
    x[np.random.default_rng(10_102).random(x.shape) < 0.15] = np.nan
    scores = surprise(x, LEAST)
    known = scores[np.isfinite(scores)]
    assert abs(known.mean()) < 0.03
    assert abs(known.std() - 1) < 0.02
    together = scores[:, 1:] * scores[:, :-1]
    assert abs(np.nanmean(together)) < 0.03
    spread, back = slowing(scores)
    for score in (spread, back):
        assert abs(np.nanmean(score)) < 0.03
        assert abs(np.nanstd(score) - 1) < 0.03


def test_surprises_do_not_hang_on_scale_or_place_and_never_on_later_days() -> None:
    x = stationary(3, 90, 0.4, 10_103)
    x[0, 40:50] = np.nan
    scores = surprise(x, LEAST)
    np.testing.assert_allclose(surprise(7 - 3 * x, LEAST), -scores, atol=1e-7)
    np.testing.assert_array_equal(surprise(x[:, :60], LEAST), scores[:, :60])
    assert np.isnan(scores[0, 40:50]).all()
    assert np.isnan(scores[:, :LEAST]).all()


def test_a_series_that_never_moved() -> None:
    x = np.full((1, 60), 5.0)
    x[0, 50] = 4.0
    scores = surprise(x, LEAST)[0]
    assert (scores[LEAST + 1 : 50] == 0).all()
    assert scores[50] < -6


@pytest.mark.parametrize("chart", [LEVEL, SLOW, Chart(1.0, 1.0, 0.5), Chart(0.8, 0.2, 0.0)])
def test_the_run_length_of_the_markov_chain_is_that_of_a_simulation(chart) -> None:
    limit = threshold(chart, 10.0)
    warned = alarms(np.random.default_rng(10_104).standard_normal((200, 2100)), chart, limit)
    assert run_length(chart, limit.at)[0] == pytest.approx(DAYS / 10, rel=1e-4)
    assert DAYS * warned.mean() == pytest.approx(10, rel=0.06)


def test_the_published_run_length_of_a_cusum() -> None:
    """One-sided, k = 0.5, h = 4 from 0: 335.4 (Siegmund; Montgomery, Statistical Quality Control: 336 and
    two-sided 168).
    """
    states = Chart(1.0, 1.0, 0.5)
    length, start = run_length(states, 4.0)
    assert 0 < start < 1.5
    assert 310 < length < 336


def test_a_day_without_a_value_leaves_a_chart_as_it_was() -> None:
    scores = np.random.default_rng(10_105).standard_normal((4, 200)) + 0.3
    limit = threshold(LEVEL, 2.0)
    gappy = np.full((4, 400), np.nan)
    gappy[:, ::2] = scores
    np.testing.assert_array_equal(alarms(gappy, LEVEL, limit)[:, ::2], alarms(scores, LEVEL, limit))


@pytest.mark.parametrize("rate", [0.0, 51.0, float("nan")])
def test_a_rate_that_nobody_means(rate) -> None:
    with pytest.raises(DataError, match=r"from 0\.01 to 50"):
        threshold(LEVEL, rate)


def test_a_shift_is_seen_within_days_and_its_way_is_told() -> None:
    x = stationary(1, 120, 0.2, 10_106)[0]
    x[80:] -= 3
    watched = watch(table(x), [MOOD])
    (first, *_) = [each for each in watched.warnings if each.kind == "shift"]
    assert (first.measure, first.way) == ("mood", "down")
    assert 80 <= (first.day - FIRST).days <= 90
    assert watched.false_alarms == 2.0
    assert watched.missing == ()
    assert watched.judged == {"mood": 120 - LEAST - 1}


def test_only_the_worse_way_warns_unless_either_is() -> None:
    x = stationary(1, 120, 0.0, 10_107)[0]
    x[80:] += 3
    ways = {
        worse: {each.way for each in watch(table(x), [Measure("mood", worse)]).warnings if each.way}
        for worse in ("low", "high", "either")
    }
    assert ways == {"low": set(), "high": {"up"}, "either": {"up"}}


def test_a_spread_that_grows_and_a_return_that_slows() -> None:
    rng = np.random.default_rng(10_108)
    wide = rng.standard_normal(200) * np.where(np.arange(200) < 100, 1, 3)
    kinds = {each.kind for each in watch(table(wide), [MOOD]).warnings}
    assert "spread" in kinds
    slow = rng.standard_normal(240)
    for day in range(120, 240):
        slow[day] += 0.95 * slow[day - 1]
    assert "slower return" in {each.kind for each in watch(table(slow), [MOOD]).warnings}


def test_too_few_days_say_what_is_missing_and_warn_of_nothing() -> None:
    x = stationary(1, 21, 0.0, 10_109)[0]
    x[10:] -= 50
    watched = watch(table(x), [MOOD])
    assert (watched.warnings, watched.judged) == ((), {"mood": 0})
    assert watched.missing == (
        "mood: a shift is judged from 28 days with the day before recorded too; there are 20, "
        "8 more are needed",
        "mood: a rising spread and a slower return is judged from 56 days with the day before recorded too; "
        "there are 20, 36 more are needed",
    )
    empty = watch(table([None] * 3).with_columns(pl.col("mood").cast(pl.Float64)), [MOOD])
    assert len(empty.missing) == 2


def test_after_a_gap_of_months_everything_is_learned_anew() -> None:
    x = np.concatenate([stationary(1, 100, 0.0, 10_110)[0], np.full(91, np.nan), np.full(20, -9.0)])
    watched = watch(table(x), [MOOD])
    assert watched.warnings == ()
    assert "there are 19" in watched.missing[0]


def test_order_is_no_matter_and_the_rate_is_shared_among_measures() -> None:
    x = stationary(2, 150, 0.3, 10_111)
    x[:, 100:] -= 1
    days = table(x[0], sleep=x[1])
    one = watch(days, [MOOD, Measure("sleep", "either")], rate=4.0)
    assert (
        watch(days.sample(fraction=1.0, shuffle=True, seed=1), [MOOD, Measure("sleep", "either")], rate=4.0)
        == one
    )
    assert one.judged.keys() == {"mood", "sleep"}
    alone = watch(days, [MOOD], rate=4.0 * 3 / 7)
    assert [each for each in one.warnings if each.measure == "mood"] == list(alone.warnings)


@pytest.mark.parametrize(
    ("days", "measures", "message"),
    [
        (table([1.0, 2.0]), [], "no measure"),
        (table([1.0, 2.0]), [Measure("mood", "sideways")], "low, high or either"),
        (table([1.0, 2.0]), [Measure("sleep", "low")], "no column sleep"),
        (table([1.0, float("inf")]), [MOOD], "infinite"),
        (pl.concat([table([1.0]), table([2.0])]), [MOOD], "2024-01-01 comes twice"),
        (table([1.0]).with_columns(pl.col("day").cast(pl.String)), [MOOD], "must hold a date"),
    ],
)
def test_bad_input(days, measures, message) -> None:
    with pytest.raises(DataError, match=message):
        watch(days, measures)


@pytest.mark.slow
@pytest.mark.parametrize("phi", [0.0, 0.5])
def test_false_alarms_come_within_20_percent_of_the_stated_rate(phi) -> None:
    x = stationary(700, 200, phi, 50_001)
    x[np.random.default_rng(50_002).random(x.shape) < 0.1] = np.nan
    scores, late = surprise(x, LEAST), surprise(x, LEAST_SLOWING)
    for series, chart in ((scores, LEVEL), (-scores, LEVEL), *((each, SLOW) for each in slowing(late))):
        warned = alarms(series, chart, threshold(chart, 3.0))
        assert DAYS * warned.sum() / np.isfinite(series).sum() == pytest.approx(3.0, rel=0.2)
