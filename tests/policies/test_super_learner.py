"""Learners combined: weights as a plain search finds them, 0 or more, at most 1 together; kept as files."""

import json
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alleviate.models.explanation import Question
from alleviate.models.trial import EffectData
from alleviate.policies.candidates import BLEND, CANDIDATES, RULES, SHOWN, competing
from alleviate.policies.super_learner import BlendModel, Part, centred, convex_weights, crossfit_blend
from alleviate.terms.study import CANDIDATES as DEFAULTS
from problems import p2


def loss(weights, effects, scores):
    blend = sum((w * centred(e) for w, e in zip(weights, effects, strict=True)), 0 * scores)
    return float(((centred(scores) - blend) ** 2).sum())


def some(seed, learners, n=60, arms=3):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(n, arms))
    effects = [rng.uniform(0.5, 1.5) * truth + rng.normal(size=(n, arms)) for _ in range(learners)]
    return effects, truth + 2 * rng.normal(size=(n, arms))


@pytest.mark.parametrize("seed", range(6))
def test_no_other_convex_weights_do_better(seed):
    effects, scores = some(seed, 3)
    found = convex_weights(effects, scores)
    assert (found >= 0).all()
    assert found.sum() <= 1 + 1e-12
    grid = [w for w in product(np.linspace(0, 1, 21), repeat=3) if sum(w) <= 1]
    assert loss(found, effects, scores) <= min(loss(w, effects, scores) for w in grid) + 1e-9


def test_within_the_simplex_they_are_those_of_least_squares():
    effects, scores = some(1, 2, n=4000)
    design = np.column_stack([centred(e).ravel() for e in effects])
    free = np.linalg.lstsq(design, centred(scores).ravel(), rcond=None)[0]
    assert (free > 0).all()
    assert free.sum() < 1
    assert convex_weights(effects, scores) == pytest.approx(free)


def test_noise_is_left_to_nobody_differs():
    rng = np.random.default_rng(3)
    weights = [convex_weights(rng.normal(size=(2, 400, 2)), rng.normal(size=(400, 2))) for _ in range(50)]
    assert np.mean(weights) < 0.05


def test_the_truth_gets_all_the_weight():
    effects, scores = some(4, 2)
    assert convex_weights([effects[0], scores], scores) == pytest.approx([0, 1], abs=1e-9)


def test_where_scores_do_not_differ_nothing_breaks():
    assert 0 <= convex_weights([np.zeros((9, 2))], np.ones((9, 2))).sum() <= 1


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.floats(-5, 5), st.integers(1, 4))
def test_what_all_arms_or_all_people_share_changes_nothing(seed, shift, learners):
    effects, scores = some(seed, learners)
    moved = [e + shift + np.arange(3) for e in effects]
    assert convex_weights(moved, scores - shift) == pytest.approx(convex_weights(effects, scores), abs=1e-6)


def test_each_fold_is_blended_by_the_weights_of_the_others():
    effects, scores = some(5, 2)
    folds = np.arange(60) % 5
    blend = crossfit_blend(effects, scores, folds)
    changed = scores.copy()
    changed[folds == 2] += 50 * np.random.default_rng(1).normal(size=(12, 3))
    again = crossfit_blend(effects, changed, folds)
    assert (again[folds == 2] == blend[folds == 2]).all()
    assert not np.allclose(again[folds == 1], blend[folds == 1])


@pytest.fixture(scope="module")
def blend():
    draw = p2(300, 1)
    scores = draw.mean + np.random.default_rng(1).normal(size=draw.mean.shape)
    data = EffectData(
        draw.x,
        draw.arm,
        draw.y,
        draw.y - draw.mean.mean(axis=1),
        draw.probability,
        scores,
        draw.mean,
        np.ones(300),
    )
    weights = {"sparse": 0.4, "tree2": 0.3, "boosted": 0.2}
    return draw, BlendModel(3, tuple(Part(n, w, CANDIDATES[n].fit(data, 1)) for n, w in weights.items()))


class TestAsAModel:
    def test_it_is_the_weighted_sum(self, blend):
        draw, model = blend
        expected = sum(part.weight * part.model.predict(draw.x) for part in model.parts)
        assert model.predict(draw.x) == pytest.approx(expected)

    def test_each_part_explains_its_share(self, blend):
        draw, model = blend
        weights = np.tile([1.0, -1.0, 0.0], (len(draw.x), 1))
        question = Question(draw.x, draw.x.mean(axis=0), weights, np.ones_like(draw.x))
        expected = sum(part.weight * part.model.contributions(question) for part in model.parts)
        assert model.contributions(question) == pytest.approx(expected)

    def test_its_files_nest_those_of_its_parts(self, blend):
        draw, model = blend
        files = model.to_files()
        assert all(name.startswith("effect") for name in files)
        stored = json.loads(files["effect.json"])["parts"]
        assert [part["learner"] for part in stored] == ["sparse", "tree2", "boosted"]
        again = RULES[BLEND].load(files)
        assert (again.predict(draw.x) == model.predict(draw.x)).all()
        assert again.to_files() == files

    def test_of_nothing_nobody_differs(self):
        empty = BlendModel(3, ())
        again = RULES[BLEND].load(empty.to_files())
        assert again.predict(np.ones((4, 2))).tolist() == [[0.0] * 3] * 4

    def test_an_unknown_learner_or_a_missing_file_is_refused(self, blend):
        _, model = blend
        with pytest.raises(KeyError):
            RULES[BLEND].load({"effect.json": model.to_files()["effect.json"]})
        odd = json.dumps({"arms": 2, "parts": [{"learner": "oracle", "weight": 1, "files": []}]}).encode()
        with pytest.raises(KeyError, match="oracle"):
            RULES[BLEND].load({"effect.json": odd})


class TestWhatCompetes:
    def test_a_blend_where_there_are_two_to_be_blended(self):
        assert competing(()) == competing(("none",)) == ("none",)
        assert competing(("tree2",)) == ("none", "tree2")
        assert competing(("tree2", "none", "ridge")) == ("none", "ridge", "tree2", "blend")
        assert competing(competing(DEFAULTS)) == competing(DEFAULTS)

    def test_what_is_shown_alone_can_be_told_in_words(self):
        assert {"none", "sparse", "ridge", "tree1", "tree2", "blend"} == SHOWN
        assert list(RULES) == [*CANDIDATES, "blend"]
        assert RULES[BLEND].description
