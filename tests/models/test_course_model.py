import json
from dataclasses import fields, replace

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from alleviate.models.courses import course
from alleviate.models.courses.bands import Adaptive
from alleviate.models.courses.course import CourseModel, Forecasts, fit_courses
from alleviate.models.courses.histories import Histories
from alleviate.models.courses.scale import Scale
from alleviate.terms.errors import InputError, NotEnoughDataError
from courses_p5 import PEERS, SESSIONS, band_alarm, draw, histories, oracle

SCALE = Scale(0, 27, "lower", 6)


@pytest.fixture(scope="module")
def model() -> CourseModel:
    return fit_courses(histories(draw(500, np.random.default_rng(50_010), dropout=True)), SCALE, seed=3)


@pytest.fixture(scope="module")
def new() -> Histories:
    return histories(draw(800, np.random.default_rng(50_011)))


@pytest.fixture(scope="module")
def found(model: CourseModel, new: Histories) -> Forecasts:
    return model.forecast(new)


def same(one: Forecasts, two: Forecasts, rows: slice | np.ndarray = slice(None), atol: float = 0.0) -> None:
    for field in fields(Forecasts):
        np.testing.assert_allclose(
            getattr(one, field.name)[rows], getattr(two, field.name), rtol=0, atol=atol
        )


def test_chances_are_chances(found: Forecasts) -> None:
    total = found.p_improve + found.p_no_change + found.p_worse
    np.testing.assert_allclose(total, 1.0)
    for chance in (found.p_improve, found.p_no_change, found.p_worse, found.p_dropout):
        assert chance.min() >= 0
        assert chance.max() <= 1


def test_it_foresees_almost_as_well_as_the_truth(found: Forecasts) -> None:
    """Learned from 500 people of whom almost half left, the worse they did."""
    courses = draw(800, np.random.default_rng(50_011))
    off = (1 - found.p_improve).reshape(800, SESSIONS)
    for session in (2, 4):
        best = roc_auc_score(courses.unchanged, oracle(courses, session, np.random.default_rng(0)))
        assert roc_auc_score(courses.unchanged, off[:, session]) > best - 0.02
    assert off[:, 2].mean() == pytest.approx(courses.unchanged.mean(), abs=0.08)


def test_what_is_expected_comes_on_average_though_half_are_at_the_end_of_the_scale() -> None:
    rng = np.random.default_rng(50_012)

    def crowded(n: int) -> Histories:
        latent = rng.normal(0.5, 4, (n, 1)) + rng.normal(0, 2, (n, 4))
        return Histories(
            np.repeat(np.arange(n), 4),
            np.tile(np.arange(4.0), n),
            np.clip(latent, 0, 27).ravel(),
            pl.DataFrame({"age": rng.uniform(20, 60, n)}),
            np.full(n, 3.0),
            np.zeros(n, dtype=bool),
            np.empty((4 * n, 0)),
        )

    new = crowded(3000)
    found = fit_courses(crowded(400), SCALE, seed=1).forecast(new)
    end = np.repeat(new.end, 4)
    for visit in range(3):
        now = new.time == visit
        assert found.end[now].mean() == pytest.approx(end[now].mean(), abs=0.15)
        assert found.next[now].mean() == pytest.approx(new.score[new.time == visit + 1].mean(), abs=0.15)


def test_bands_hold_and_narrow(found: Forecasts, new: Histories) -> None:
    end = new.end[new.person]
    ahead = new.remaining > 0
    covered = ((found.low <= end) & (end <= found.high))[ahead]
    assert 0.85 < covered.mean() < 0.95
    width = (found.high - found.low).reshape(800, SESSIONS).mean(axis=0)
    assert width[1] > width[4] > width[8] > width[10]
    coming = (found.next_low <= np.roll(new.score, -1)) & (np.roll(new.score, -1) <= found.next_high)
    assert 0.85 < coming[ahead].mean() < 0.95


def test_an_end_that_has_come_is_certain(found: Forecasts, new: Histories) -> None:
    over = new.remaining == 0
    np.testing.assert_allclose(found.end[over], new.score[over], atol=1e-6)
    np.testing.assert_allclose(found.high[over] - found.low[over], 0.0, atol=1e-6)
    start = new.score[new.first][new.person][over]
    np.testing.assert_array_equal(found.p_improve[over] > 0.5, start - new.score[over] >= 6)
    assert not found.p_dropout[over].any()


def test_a_forecast_knows_nothing_of_later_scores(
    model: CourseModel, new: Histories, found: Forecasts
) -> None:
    early = new.time <= 3
    so_far = Histories(
        new.person[early],
        new.time[early],
        new.score[early],
        new.features,
        new.horizon,
        new.dropped,
        new.further[early],
    )
    same(found, model.forecast(so_far), early, atol=1e-8)


def test_people_do_not_depend_on_one_another(model: CourseModel, new: Histories, found: Forecasts) -> None:
    one = new.take(np.array([7]))
    same(found, model.forecast(one), np.arange(7 * SESSIONS, 8 * SESSIONS), atol=1e-8)


def test_many_rows_are_forecast_in_parts(
    model: CourseModel, new: Histories, found: Forecasts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "ROWS", 1000)
    same(found, model.forecast(new), atol=1e-8)


def test_the_same_data_and_seed_give_the_same_model(model: CourseModel) -> None:
    again = fit_courses(histories(draw(500, np.random.default_rng(50_010), dropout=True)), SCALE, seed=3)
    assert json.dumps(again.to_json()) == json.dumps(model.to_json())


def test_a_model_is_plain_values(model: CourseModel, new: Histories, found: Forecasts) -> None:
    text = json.dumps(model.to_json())
    assert len(text) < 150_000
    again = CourseModel.from_json(json.loads(text))
    same(found, again.forecast(new), atol=1e-3)  # reaches are kept to five digits
    assert json.dumps(again.to_json()) == text


def test_adaptive_bands_ask_for_another_share(model: CourseModel, new: Histories, found: Forecasts) -> None:
    wide = model.forecast(new, adaptive=Adaptive(miss=0.02))
    ahead = new.remaining > 0
    assert (wide.high - wide.low)[ahead].mean() > (found.high - found.low)[ahead].mean()
    same(wide, model.forecast(new, share=0.98))
    with pytest.raises(InputError, match="between 0 and 1"):
        model.forecast(new, share=1.0)


def test_who_has_one_score_leans_on_those_alike_at_intake(model: CourseModel) -> None:
    """Two who score the same: with one score intake tells their ends apart, with ten almost nothing."""
    score = 16.0 - 4 * np.log1p(np.arange(10.0)) / np.log(11)
    frame = pl.DataFrame({"x1": [-1.5, 1.5], "x2": [-1.5, 1.5]})
    two = Histories(
        np.repeat([0, 1], 10),
        np.tile(np.arange(10.0), 2),
        np.tile(score, 2),
        frame,
        np.full(2, 10.0),
        np.zeros(2, dtype=bool),
        np.empty((20, 0)),
    )
    end = model.forecast(two).end.reshape(2, 10)
    apart = end[1] - end[0]
    assert apart[0] > 2.0
    assert 0 < apart[9] < apart[4] < apart[0] / 2


def test_who_does_badly_is_foreseen_to_leave(model: CourseModel, new: Histories, found: Forecasts) -> None:
    """In these data people leave the more the higher they score just then."""
    third = new.time == 3
    leave, score = found.p_dropout[third], new.score[third]
    assert leave[score > 18].mean() > 2 * leave[score < 8].mean()
    left = (draw(20_000, np.random.default_rng(1), dropout=True).stayed < 10).mean()
    assert found.p_dropout[new.time == 0].mean() == pytest.approx(left, abs=0.1)


@pytest.mark.slow
def test_missing_intake_and_more_measures_are_no_hindrance() -> None:
    rng = np.random.default_rng(50_012)
    own = histories(draw(120, rng))
    gone = own.features.with_columns(pl.when(pl.col("x1") > 1).then(None).otherwise(pl.col("x1")).alias("x1"))
    other = own.score / 2 + rng.normal(size=len(own.score))
    other[rng.uniform(size=len(other)) < 0.3] = np.nan
    both = replace(own, features=gone, further=other[:, None])
    found = fit_courses(both, SCALE, seed=1).forecast(both)
    off = (1 - found.p_improve).reshape(120, SESSIONS)
    assert roc_auc_score(1 - SCALE.improved(own.score[own.first], own.end), off[:, 4]) > 0.8


def test_too_few_known_ends_are_refused() -> None:
    with pytest.raises(NotEnoughDataError, match="40 people"):
        fit_courses(histories(draw(40, np.random.default_rng(1))), SCALE, seed=1)


def test_the_simple_ways_are_fair_peers() -> None:
    """What the benchmark compares with reaches what was published for it."""
    train, new = (draw(n, np.random.default_rng(s)) for n, s in ((1000, 50_013), (5000, 50_014)))
    auc = {name: roc_auc_score(new.unchanged, peer(train, new, 4)) for name, peer in PEERS.items()}
    assert auc["ridge on all scores"] == pytest.approx(0.878, abs=0.015)
    assert auc["change score"] == pytest.approx(0.857, abs=0.015)
    assert auc["severity bands"] < auc["nearest neighbours"] < auc["ridge on all scores"]
    alarm = band_alarm(train, new, 4)
    assert alarm[new.unchanged].mean() == pytest.approx(0.3, abs=0.06)
    assert 1 - alarm[~new.unchanged].mean() == pytest.approx(0.95, abs=0.03)
