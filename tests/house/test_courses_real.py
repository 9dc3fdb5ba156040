"""Real courses are judged on people not learned from, by what was known at the visit, nothing later."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from statsmodels.regression.mixed_linear_model import MixedLM

from alleviate.models.courses.course import fit_courses
from alleviate.models.courses.scale import Scale
from courses_data import DATA, SOURCES, Source, as_source
from courses_real import HeldOut, cross_validated, lines, splits, tables
from courses_rivals import WAYS, foresee

SCALE = Scale(0, 27, "lower", 6)
LAST = 3


@pytest.fixture(scope="module")
def source() -> Source:
    """150 people made by a seed, of whom some leave and some skip a visit."""
    rng = np.random.default_rng(10_000)
    n = 150
    level, slope = rng.normal(15, 4, n), rng.normal(-2.5, 1.5, n)
    scores = level[:, None] + slope[:, None] * np.arange(LAST + 1) + rng.normal(0, 2, (n, LAST + 1))
    gone = rng.random((n, LAST + 1)) < [0, 0.1, 0.1, 0.2]
    long = pl.DataFrame(
        {
            "id": np.repeat(np.arange(n), LAST + 1),
            "visit": np.tile(np.arange(LAST + 1), n),
            "score": np.where(gone, np.nan, np.clip(scores, 0, 27)).ravel(),
        }
    ).with_columns(pl.col("score").fill_nan(None))
    intake = pl.DataFrame({"id": np.arange(n), "age": rng.uniform(20, 60, n), "site": ["a", "b", "c"] * 50})
    return as_source("made", long, intake, LAST, SCALE, part="site")


@pytest.fixture(scope="module")
def tested(source: Source) -> HeldOut:
    return cross_validated(replace(source, part=None, folds=3), repeats=2, first=10_000)


def test_who_skipped_the_end_counts_as_gone_and_up_to_the_last_score(source: Source) -> None:
    h = source.histories
    np.testing.assert_array_equal(h.dropped, ~np.isfinite(h.end))
    assert 0.1 < h.dropped.mean() < 0.3
    assert (h.time[h.first] == 0).all()
    assert len(h) == 150


@pytest.mark.parametrize("way", WAYS)
def test_no_way_knows_what_is_still_to_come(source: Source, way: str) -> None:
    """Other scores from visit 2 on change nothing of what is foreseen before."""
    h = source.histories
    train, test = h.take(np.arange(100)), h.take(np.arange(100, 150))
    other = replace(test, score=np.where(test.time >= 2, 27.0 - test.score, test.score))
    one, two = (foresee(way, train, some, SCALE, 1) for some in (test, other))
    early = test.time < 2
    for name in ("next", "end", "low", "high", "off"):
        np.testing.assert_allclose(getattr(one, name)[early], getattr(two, name)[early], atol=1e-9)


def test_the_mixed_model_foresees_what_a_plain_conditional_normal_does(source: Source) -> None:
    """Of one person after three scores: from the covariance of all four, at once."""
    h = source.histories
    train, test = h.take(np.arange(100)), h.take(np.arange(100, 150))
    x, new = (some.features["age"].to_numpy() for some in (train, test))
    x, new = (x - x.mean()) / x.std(), (new - x.mean()) / x.std()

    def fixed(time: np.ndarray, age: np.ndarray) -> np.ndarray:
        log = np.log1p(time)
        return np.column_stack([np.ones_like(time), log, age, age * log])

    fit = MixedLM(
        train.score,
        fixed(train.time, x[train.person]),
        train.person,
        np.column_stack([np.ones_like(train.time), np.log1p(train.time)]),
    ).fit(method="bfgs")
    someone = int(np.flatnonzero((test.count == LAST + 1) & (test.end > 3))[0])
    mine = np.flatnonzero(test.person == someone)
    z = np.column_stack([np.ones(4), np.log1p(np.arange(4.0))])
    cov = z @ fit.cov_re @ z.T + fit.scale * np.eye(4)
    mean = fixed(np.arange(4.0), np.full(4, new[someone])) @ fit.fe_params
    weight = np.linalg.solve(cov[:3, :3], cov[:3, 3])
    end = mean[3] + weight @ (test.score[mine[:3]] - mean[:3])
    reach = 1.645 * np.sqrt(cov[3, 3] - weight @ cov[:3, 3])
    found = foresee("mixed model", train, test, SCALE, 0)
    assert found.end[mine[2]] == pytest.approx(end, abs=1e-3)
    assert found.high[mine[2]] == pytest.approx(end + reach, abs=1e-3)


def test_every_person_is_held_out_once_a_repeat_and_trials_as_a_whole(source: Source) -> None:
    (trials,) = splits(source, 5, 0)
    assert len(set(zip(trials, source.part or (), strict=True))) == 3
    parts = splits(replace(source, part=None), 2, 0)
    assert [np.bincount(part).tolist() for part in parts] == [[30] * 5] * 2
    assert (parts[0] != parts[1]).any()


def test_only_scores_that_came_are_judged_and_never_the_visit_itself(tested: HeldOut) -> None:
    h = tested.source.histories
    end, near = tested.truth("end"), tested.truth("next")
    assert np.isnan(end[h.time == LAST]).all()
    assert np.isnan(near[h.last]).all()
    rows = np.flatnonzero(np.isfinite(near))
    np.testing.assert_array_equal(near[rows], h.score[rows + 1])
    np.testing.assert_array_equal(h.time[rows + 1], h.time[rows] + 1)
    for visit in range(LAST):
        assert (h.time[tested.rows("off", visit)] == visit).all()
    start = h.score[h.first][h.person]
    assert start[tested.rows("off")].min() >= SCALE.reliable


def test_the_report_says_error_coverage_order_and_calibration_beside_each_rival(tested: HeldOut) -> None:
    found = {line.what: line for line in lines(tested)}
    assert len(found) == 13
    better = found["made: end score, ours; mean course"]
    assert better.holds
    assert found["made: calibration slope of no reliable improvement"].found.startswith("ours ")
    share, width = tested.covered("ours", "end")
    assert 0.8 < share.low <= share.estimate <= share.high <= 1
    assert width > 0
    assert tables(tested).count("\n| end |") == LAST * len(WAYS)


@pytest.mark.skipif(not (DATA / "antidepressant").is_dir(), reason=f"the trials are not there: {DATA}")
@pytest.mark.parametrize(
    ("name", "people", "ends", "scores"),
    [("help", 470, 272, 1463), ("btheb", 100, 73, 270), ("antidepressant", 172, 129, 780)],
)
def test_the_sources_hold_whom_they_should(name: str, people: int, ends: int, scores: int) -> None:
    h = SOURCES[name]().histories
    assert (len(h), int(np.isfinite(h.end).sum()), len(h.score)) == (people, ends, scores)
    assert h.gap() == 1


def test_few_people_do_not_break_the_search_for_their_curves() -> None:
    """90 people of Beat the Blues on whom a trial step of the search once overflowed."""
    source = SOURCES["btheb"]()
    kept = np.flatnonzero(np.random.default_rng(2).permutation(100) % 10 != 3)
    model = fit_courses(source.histories.take(kept), source.scale, seed=2)
    assert np.isfinite(model.growth.spread).all()
    assert 4 < model.growth.sd[0] < 10
