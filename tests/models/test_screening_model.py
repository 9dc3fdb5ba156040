"""One joint model of questionnaires: EM against the plain likelihood, probabilities against a known truth."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from alleviate.models.performance.performance import performance
from alleviate.models.screening.joint import Joint, fit_joint
from alleviate.models.screening.learning import LearnedScreen, Panel, learn_screen
from alleviate.models.screening.scale import Scale
from alleviate.models.screening.screen import Screen, Target, targets_from, unbent
from alleviate.terms.errors import NotEnoughDataError

SCORES = 28
CUT = 10.0


def world(n: int, seed: int, r: float = 0.7, missing: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """Two totals with a floor and an answer of 0 to 3 that go together with ``r``; with gaps, and whole."""
    rng = np.random.default_rng(seed)
    cross = np.full((3, 3), r) + (1 - r) * np.eye(3)
    z = rng.multivariate_normal(np.zeros(3), cross, size=n)
    whole = np.empty_like(z)
    for j, levels in enumerate((SCORES, SCORES, 4)):
        whole[:, j] = np.searchsorted(norm.ppf(np.linspace(0.3, 1, levels)[:-1]), z[:, j])
    gaps = whole.copy()
    gaps[:, :2][rng.random((n, 2)) < missing] = np.nan
    return gaps, whole


def learned(x: np.ndarray, seed: int = 1) -> LearnedScreen:
    targets = (Target("a", 0, CUT), Target("b", 1, CUT))
    return learn_screen(Panel(x, np.arange(len(x)), np.isfinite(x[:, :2]), targets), seed)


@pytest.fixture(scope="module")
def related() -> LearnedScreen:
    return learned(world(400, 10_000)[0])


def test_em_finds_the_top_of_the_likelihood_of_what_was_seen() -> None:
    rng = np.random.default_rng(3)
    z = rng.multivariate_normal([0.3, -0.2], [[1.0, 0.6], [0.6, 1.3]], size=60)
    z[rng.random((60, 2)) < 0.3] = np.nan
    z = z[np.isfinite(z).any(axis=1)]
    weight = rng.uniform(0.5, 2.0, len(z))
    found = fit_joint(z, weight)
    there = np.isfinite(z)
    mean = [np.average(z[there[:, j], j], weights=weight[there[:, j]]) for j in range(2)]
    diagonal = [np.average((z[there[:, j], j] - mean[j]) ** 2, weights=weight[there[:, j]]) for j in range(2)]

    def likelihood(at: np.ndarray) -> float:
        """Row by row, with the three made-up rows that hold the covariance."""
        covariance = np.array([[at[2], at[3]], [at[3], at[4]]])
        total = -1.5 * np.log(np.linalg.det(covariance))
        total -= 0.5 * np.trace(3.0 * np.diag(diagonal) @ np.linalg.inv(covariance))
        for row, w, o in zip(z, weight, there, strict=True):
            density = multivariate_normal(at[:2][o], covariance[np.ix_(o, o)])
            total += w * density.logpdf(row[o])
        return float(total)

    at = np.array([*found.mean, found.covariance[0, 0], found.covariance[0, 1], found.covariance[1, 1]])
    top = likelihood(at)
    for j in range(5):
        for step in (-0.02, 0.02):
            assert likelihood(at + step * np.eye(5)[j]) < top


def test_what_is_known_tells_of_the_rest_as_the_textbook_says() -> None:
    joint = Joint(np.array([1.0, 2.0, 0.0]), np.array([[2.0, 0.8, 0.3], [0.8, 1.0, 0.2], [0.3, 0.2, 1.5]]))
    told = joint.told(np.array([[np.nan, 3.0, np.nan]]), np.array([False, True, False]))
    assert told.mean[0] == pytest.approx([1.0 + 0.8, 3.0, 0.2])
    assert told.covariance[0, 0] == pytest.approx(2.0 - 0.64)
    assert told.covariance[0, 2] == pytest.approx(0.3 - 0.16)
    assert np.all(told.covariance[1] == 0)


@given(st.lists(st.integers(0, 6), min_size=5, max_size=60).filter(lambda x: len(set(x)) > 1))
def test_a_scale_keeps_order_and_loses_no_spread(answers: list[int]) -> None:
    x = np.array(answers, dtype=float)
    scale = Scale.fit(x, np.ones(len(x)))
    assert np.all(np.diff(scale.means) > 0)
    share = np.unique(x, return_counts=True)[1] / len(x)
    assert (share * scale.means**2).sum() + scale.hidden == pytest.approx(1.0)
    assert norm.cdf(scale.cut(x.max())) == pytest.approx((x < x.max()).mean())
    assert scale.cut(x.min()) < scale.cut(x.max()) < scale.cut(x.max() + 1)
    assert np.isnan(scale.place(np.array([np.nan]))[0])


def test_nobody_known_makes_an_empty_scale() -> None:
    scale = Scale.fit(np.full(3, np.nan), np.ones(3))
    assert np.isnan(scale.place(np.array([1.0]))).all()


def test_probabilities_are_near_the_truth(related: LearnedScreen) -> None:
    _, many = world(200_000, 10_001)
    for answer in (0.0, 3.0):
        told = related.screen.probable(np.array([np.nan, np.nan, answer]))["a"]
        truth = (many[many[:, 2] == answer, 0] >= CUT).mean()
        assert told.low < truth < told.high
        assert told.p == pytest.approx(truth, abs=0.09)


def test_people_held_out_bear_them_out(related: LearnedScreen) -> None:
    told = performance([related.judged["a"]])
    assert told["auc"].low > 0.7
    assert told["calibration_slope"].low < 1 < told["calibration_slope"].high


def test_what_has_nothing_to_do_with_it_tells_nothing() -> None:
    found = learned(world(300, 10_002, r=0.0)[0])
    auc = performance([found.judged["a"]])["auc"]
    assert auc.low < 0.5 < auc.high
    far = [found.screen.probable(np.array([np.nan, b, 1.0]))["a"].p for b in (0.0, 27.0)]
    assert abs(far[0] - far[1]) < 0.3


def test_a_total_that_is_known_is_not_guessed(related: LearnedScreen) -> None:
    assert set(related.screen.probable(np.array([12.0, np.nan, np.nan]))) == {"b"}


def test_what_asking_tells_is_the_mutual_information(related: LearnedScreen) -> None:
    """Against a fine grid instead of Gauss and Hermite."""
    screen = related.screen
    x = np.array([np.nan, np.nan, 1.0])
    z, known = screen.place(x[None, :]), np.array([False, False, True])
    told = screen.joint.told(z, known)
    grid = np.linspace(-6, 6, 4001)
    mass = norm.pdf(grid) / norm.pdf(grid).sum()
    spread = np.sqrt(told.covariance[1, 1])
    ps = []
    for step in grid:
        after = z.copy()
        after[0, 1] = told.mean[0, 1] + step * spread
        again = screen.joint.told(after, np.array([False, True, True]))
        cut = screen.cuts(screen.targets[0], x[None, :])[0]
        s = np.sqrt(again.covariance[0, 0] + screen.scales[0].hidden)
        odds = norm.cdf((again.mean[0, 0] - cut) / s)
        a, b = screen.bends[0][0]
        ps.append(1 / (1 + np.exp(-(a + b * np.log(odds / (1 - odds))))))
    p = np.array(ps)

    def doubt(q: np.ndarray) -> np.ndarray:
        return -(q * np.log2(q) + (1 - q) * np.log2(1 - q))

    plain = float(doubt(np.array([mass @ p]))[0] - mass @ doubt(p))
    gains = screen.gains(x, 1)
    assert gains["a"] == pytest.approx(plain, rel=0.02)
    assert gains["b"] > gains["a"], "its own caseness is told outright"


def test_a_cut_off_of_each_sex_counts() -> None:
    x = np.array([[3.0, 1.0], [3.0, 0.0], [3.0, np.nan], [np.nan, 1.0]])
    target = Target("audit_c", 0, 3.0, by=1, thresholds=((1.0, 3.0), (0.0, 4.0)))
    assert target.is_case(x)[:3].tolist() == [1.0, 0.0, 1.0]
    assert np.isnan(target.is_case(x)[3])
    assert targets_from(json.loads(json.dumps([asdict(target)]))) == (target,)


def test_what_is_bent_needs_no_second_bend() -> None:
    rng = np.random.default_rng(5)
    linear = rng.normal(size=5_000) * 2
    y = (rng.random(5_000) < 1 / (1 + np.exp(-(0.5 + 0.6 * linear)))).astype(float)
    a, b = unbent(linear, y, np.ones(5_000))
    assert (a, b) == (pytest.approx(0.5, abs=0.15), pytest.approx(0.6, abs=0.08))
    again = unbent(a + b * linear, y, np.ones(5_000))
    assert again == (pytest.approx(0.0, abs=0.02), pytest.approx(1.0, abs=0.02))


def test_the_same_seed_gives_the_same_screen() -> None:
    x = world(120, 10_003)[0]
    person = np.array([np.nan, 9.0, 1.0])
    first, second = (learned(x).screen.probable(person)["a"] for _ in range(2))
    assert (first.p, first.low, first.high) == (second.p, second.low, second.high)


def test_too_few_cases_are_left_out_with_the_reason() -> None:
    x = world(120, 10_004)[0]
    targets = (Target("a", 0, CUT), Target("b", 1, 27.0))
    found = learn_screen(Panel(x, np.arange(120), np.isfinite(x[:, :2]), targets), 1)
    assert [target.name for target in found.screen.targets] == ["a"]
    assert found.left_out["b"].startswith("not enough data")
    with pytest.raises(
        NotEnoughDataError, match="No instrument was filled in by enough people: b: not enough"
    ):
        learn_screen(Panel(x, np.arange(120), np.isfinite(x[:, :2]), targets[1:]), 1)


def test_moments_of_one_person_never_teach_and_test_each_other() -> None:
    """Everybody ten times over, with noise as the only predictor: were people split, they would be known."""
    rng = np.random.default_rng(8)
    noise, case = rng.normal(size=60).round(3), rng.integers(0, 2, 60) * 20.0
    x = np.repeat(np.column_stack([case, noise]), 10, axis=0)
    people = np.repeat(np.arange(60), 10)
    found = learn_screen(Panel(x, people, np.isfinite(x[:, :1]), (Target("a", 0, CUT),)), 1)
    auc = performance([found.judged["a"]])["auc"]
    assert auc.low < 0.5 < auc.high or auc.estimate < 0.5


def test_an_answer_of_its_own_begins_a_questionnaire() -> None:
    x = world(300, 10_005)[0]
    x[:, 1][:100] = np.nan
    target = Target("a", 0, CUT, items=(2,))
    screen: Screen = learn_screen(Panel(x, np.arange(300), np.isfinite(x[:, :1]), (target,)), 1).screen
    assert screen.bends[0][0] != screen.bends[0][1]
    low, high = (screen.probable(np.array([np.nan, np.nan, answer]))["a"].p for answer in (0.0, 3.0))
    assert low < 0.3 < high


@settings(max_examples=20, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(0, 40)), min_size=3, max_size=3))
def test_whatever_is_known_a_probability_lies_in_its_interval(
    related: LearnedScreen, answers: list[int | None]
) -> None:
    screen = related.screen
    x = np.array([np.nan if answer is None else float(answer) for answer in answers])
    for told in screen.probable(x).values():
        assert 0 <= told.low <= told.p <= told.high <= 1
    for j in range(3):
        if np.isnan(x[j]):
            assert all(gain >= -1e-9 for gain in screen.gains(x, j).values())
