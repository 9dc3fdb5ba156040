"""From a score to the chance of each level."""

import numpy as np
import pytest
from scipy.special import expit
from statsmodels.miscmodels.ordinal_model import OrderedModel

from alleviate.models.prognosis.ordinal import ProportionalOdds


def drawn(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    score = rng.normal(2.0, 3.0, n)
    latent = 0.7 * score + rng.logistic(size=n)
    return score, np.digitize(latent, [-1.0, 1.0, 2.5]).astype(float)


def test_the_fit_is_that_of_statsmodels() -> None:
    score, y = drawn(3000, 1)
    ours = ProportionalOdds.fit(score, y, np.ones(3000), 4)
    theirs = OrderedModel(y.astype(int), score[:, None], distr="logit").fit(method="bfgs", disp=False)
    assert ours.slope == pytest.approx(theirs.params[0], abs=0.01)
    assert ours.probabilities(score) == pytest.approx(
        np.asarray(theirs.model.predict(theirs.params, exog=score[:, None])), abs=0.005
    )


def test_chances_sum_to_1_and_grow_with_the_score() -> None:
    score, y = drawn(200, 2)
    link = ProportionalOdds.fit(score, y, np.ones(200), 4)
    chances = link.probabilities(np.linspace(-20, 20, 50))
    assert chances.min() >= 0.0
    assert chances.sum(axis=1) == pytest.approx(np.ones(50))
    assert (np.diff(chances @ np.arange(4)) >= 0).all()
    again = ProportionalOdds.from_json(link.to_json())
    assert np.array_equal(again.probabilities(score), link.probabilities(score))


def test_a_level_that_nobody_has_stays_possible() -> None:
    score, y = drawn(100, 3)
    link = ProportionalOdds.fit(score, np.where(y == 2, 1.0, y), np.ones(100), 4)
    assert (np.diff(link.thresholds) > 0).all()
    assert 0.0 < link.probabilities(score)[:, 2].mean() < 0.05


def test_a_score_that_says_nothing_leaves_the_shares() -> None:
    y = np.repeat([0.0, 1.0, 2.0], [50, 30, 20])
    link = ProportionalOdds.fit(np.full(100, 1.3), y, np.ones(100), 3)
    assert link.slope == 0.0
    assert link.probabilities(np.zeros(1))[0] == pytest.approx([0.5, 0.3, 0.2], abs=0.01)


def test_a_score_that_points_the_wrong_way_is_not_believed() -> None:
    score, y = drawn(300, 4)
    link = ProportionalOdds.fit(-score, y, np.ones(300), 4)
    assert link.slope == 0.0
    assert expit(0.0 - link.thresholds)[0] == pytest.approx((y > 0).mean(), abs=0.1)
