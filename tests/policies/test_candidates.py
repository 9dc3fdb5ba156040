"""One conformance suite for every learner of effects: a new one is found by itself."""

import json
import os
import re
import subprocess
import sys
from dataclasses import fields, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from alleviate.models import effects
from alleviate.models.effects import LEARNERS
from alleviate.models.trial import EffectData
from alleviate.policies.candidates import CANDIDATES
from alleviate.terms.errors import InputError
from alleviate.terms.study import CANDIDATES as DEFAULTS

EACH = pytest.mark.parametrize("name", CANDIDATES)
ARMS = pytest.mark.parametrize("arms", [2, 3, 4])
RANDOM = ("bcf", "forest")
"""Draw people at random, so that their order matters."""

STORED = [(name, arms, p) for name in CANDIDATES if name != "bcf" for arms in (2, 3, 4) for p in (1, 3)]
FORESTS = [pytest.param("bcf", arms, p, marks=pytest.mark.slow) for arms, p in ((2, 1), (3, 3))]  # 10 MB each


def trial(arms, p=3, n=80, seed=1, effect=2.0):
    """Arm 0 is better by ``effect`` where the first feature is above 0, else worse; the others are whole."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p))
    x[:, 1:] = np.round(x[:, 1:])
    arm = np.arange(n) % arms
    mean = np.zeros((n, arms))
    mean[:, 0] = effect * np.sign(x[:, 0]) if p else 0.0
    y = mean[np.arange(n), arm] + 0.5 * rng.normal(size=n)
    scores = mean.copy()
    scores[np.arange(n), arm] += (y - mean[np.arange(n), arm]) * arms
    chances = np.full((n, arms), 1 / arms)
    return EffectData(x, arm, y, y - mean.mean(axis=1), chances, scores, mean, np.ones(n))


@lru_cache
def fitted(name, arms, p=3):
    data = trial(arms, p)
    return data, CANDIDATES[name].fit(data, 7)


@EACH
def test_it_is_listed_by_its_own_name_with_a_description(name):
    assert CANDIDATES[name].name == name
    assert CANDIDATES[name].description


@EACH
@ARMS
def test_effects_are_told_for_each_arm_and_sum_to_0(name, arms):
    data, model = fitted(name, arms)
    effects = model.predict(data.x)
    assert effects.shape == (80, arms)
    assert np.isfinite(effects).all()
    assert effects.sum(axis=1) == pytest.approx(np.zeros(80), abs=1e-9)


@EACH
def test_the_same_seed_gives_the_same_model(name):
    data, model = fitted(name, 3)
    again = CANDIDATES[name].fit(trial(3), 7)
    assert (again.predict(data.x) == model.predict(data.x)).all()
    if name != "bcf":  # a forest's text is large: see below
        assert again.to_files() == model.to_files()


@pytest.mark.parametrize(("name", "arms", "p"), STORED + FORESTS)
def test_its_files_hold_all_that_it_needs(name, arms, p):
    _data, model = fitted(name, arms, p)
    files = model.to_files()
    assert all(re.fullmatch(r"effect[a-z0-9._-]*", file) for file in files)
    assert all(content.decode().isprintable() or "\n" in content.decode() for content in files.values())
    assert json.loads(files["effect.json"])
    again = CANDIDATES[name].load(files)
    fresh = trial(arms, p, seed=2).x
    assert (again.predict(fresh) == model.predict(fresh)).all()
    assert again.to_files() == files


@EACH
@ARMS
def test_one_feature_is_enough(name, arms):
    data, model = fitted(name, arms, 1)
    assert model.predict(data.x).shape == (80, arms)


@EACH
@pytest.mark.parametrize("arms", [2, 3])
def test_without_features_everybody_is_the_same(name, arms):
    data, model = fitted(name, arms, 0)
    effects = model.predict(data.x)
    assert effects.shape == (80, arms)
    assert (effects == effects[0]).all()


@EACH
def test_a_constant_feature_does_no_harm(name):
    data = trial(2)
    with_constant = replace(data, x=np.column_stack([data.x, np.full(80, 3.0)]))
    effects = CANDIDATES[name].fit(with_constant, 7).predict(with_constant.x)
    assert np.isfinite(effects).all()


@pytest.mark.parametrize("name", [name for name in CANDIDATES if name not in RANDOM])
def test_the_order_of_people_changes_only_the_last_digits(name):
    data, model = fitted(name, 3)
    order = np.random.default_rng(3).permutation(80)
    again = CANDIDATES[name].fit(data.rows(order), 7)
    assert again.predict(data.x) == pytest.approx(model.predict(data.x), abs=1e-6)


@pytest.mark.parametrize("name", RANDOM)
def test_a_forest_is_drawn_anew_in_another_order_and_says_much_the_same(name):
    data, model = fitted(name, 2)
    order = np.random.default_rng(3).permutation(80)
    again = CANDIDATES[name].fit(data.rows(order), 7)
    assert np.corrcoef(again.predict(data.x)[:, 0], model.predict(data.x)[:, 0])[0, 1] > 0.8


@pytest.mark.parametrize("name", [name for name in CANDIDATES if name != "none"])
def test_a_large_effect_is_found_in_the_right_people_and_arm(name):
    data = trial(3, n=400)
    effects = CANDIDATES[name].fit(data, 7).predict(data.x)
    right = (effects[:, 0] > effects[:, 1:].max(axis=1)) == (data.x[:, 0] > 0)
    assert right.mean() > 0.85


EQUIVARIANT = [name for name in CANDIDATES if name not in (*RANDOM, "boosted")]


@pytest.mark.parametrize("name", EQUIVARIANT)
def test_renaming_the_arms_renames_the_effects(name):
    data, model = fitted(name, 3)
    order = [2, 0, 1]
    renamed = replace(
        data,
        arm=np.argsort(order)[data.arm],
        probability=data.probability[:, order],
        scores=data.scores[:, order],
        expected=data.expected[:, order],
    )
    again = CANDIDATES[name].fit(renamed, 7)
    assert again.predict(data.x) == pytest.approx(model.predict(data.x)[:, order], abs=1e-9)


@pytest.mark.parametrize("name", ["boosted", "forest"])
def test_renaming_two_arms_turns_the_effect_round(name):
    data, model = fitted(name, 2)
    swapped = replace(
        data,
        arm=1 - data.arm,
        probability=data.probability[:, ::-1],
        scores=data.scores[:, ::-1],
        expected=data.expected[:, ::-1],
    )
    again = CANDIDATES[name].fit(swapped, 7).predict(data.x)[:, ::-1]
    assert np.corrcoef(again[:, 0], model.predict(data.x)[:, 0])[0, 1] > 0.99


WEIGHING = [name for name in CANDIDATES if name not in ("none", "bcf")]


@pytest.mark.parametrize("name", WEIGHING)
def test_units_and_levels_of_features_do_not_matter(name):
    data, model = fitted(name, 3)
    other = replace(data, x=data.x * [4.0, 0.5, 16.0] + [0.0, 8.0, -2.0])
    again = CANDIDATES[name].fit(other, 7).predict(other.x)
    assert again == pytest.approx(model.predict(data.x), abs=1e-6)


@pytest.mark.parametrize("name", [name for name in CANDIDATES if name != "none"])
def test_outcomes_that_are_unknown_say_nothing(name):
    """Their weight is 0, and their scores are what was expected of them."""
    data = trial(2)
    unknown = np.arange(80) % 5 == 0
    weight = np.where(unknown, 0.0, 1.25)
    scores = np.where(unknown[:, None], data.expected, data.scores)
    fits = [
        CANDIDATES[name].fit(
            replace(
                data,
                weight=weight,
                scores=scores,
                y=np.where(unknown, wrong, data.y),
                residual=np.where(unknown, wrong, data.residual),
            ),
            7,
        )
        for wrong in (0.0, 1e3)
    ]
    assert (fits[0].predict(data.x) == fits[1].predict(data.x)).all()


@pytest.mark.parametrize("name", [name for name in CANDIDATES if name not in ("none", "tree1", "tree2")])
def test_where_nobody_differs_little_is_said(name):
    found = []
    for seed in range(3):
        effects = CANDIDATES[name].fit(trial(2, n=300, seed=seed, effect=0.0), 7).predict(trial(2).x)
        found.append((effects - effects.mean(axis=0)).std())
    assert np.mean(found) < 0.1  # the noise has an SD of 0.5


@pytest.mark.parametrize("name", ["sparse", "tree1", "boosted", "forest"])
def test_more_people_bring_it_nearer_to_a_threshold(name):
    fresh = trial(2, n=500, seed=9)
    truth = np.sign(fresh.x[:, 0])

    def error(n):
        return np.mean(
            [
                np.abs(
                    np.diff(-CANDIDATES[name].fit(trial(2, n=n, seed=s), 7).predict(fresh.x))[:, 0]
                    - 2 * truth
                )
                for s in range(3)
            ]
        )

    few, many = error(100), error(2000)
    assert many < few
    assert many < 0.35


def test_none_says_0():
    data, model = fitted("none", 3)
    assert not model.predict(data.x).any()


def test_boosters_of_many_arms_keep_their_order():
    data = trial(13, n=260)
    model = CANDIDATES["boosted"].fit(data, 1)
    again = CANDIDATES["boosted"].load(model.to_files())
    assert (again.predict(data.x) == model.predict(data.x)).all()


@pytest.mark.parametrize("depth", [1, 2])
def test_a_tree_gives_each_leaf_its_mean_scores(depth):
    data, model = fitted(f"tree{depth}", 3)
    effects = model.predict(data.x)
    leaves = np.unique(effects, axis=0)
    assert 2 <= len(leaves) <= 2**depth
    centred = data.scores - data.scores.mean(axis=1, keepdims=True)
    for leaf in leaves:
        members = (effects == leaf).all(axis=1)
        assert members.sum() >= 4  # one in twenty
        assert leaf == pytest.approx(centred[members].mean(axis=0))


class TestTheList:
    def test_everything_is_ordered_from_the_simplest(self):
        assert list(CANDIDATES) == [
            *("none", "sparse", "ridge", "tree1", "tree2", "dr_learner", "t_learner", "x_learner"),
            *("boosted", "t_boosted", "forest", "bcf"),
        ]

    def test_a_learner_is_found_by_its_file(self):
        folder = Path(effects.__file__).parent
        files = {file.stem for file in folder.glob("*.py")} - {"__init__", "contract"}
        assert files == set(LEARNERS)

    def test_what_is_tried_by_default_exists(self):
        assert set(DEFAULTS) < set(CANDIDATES)
        assert set(LEARNERS) < set(CANDIDATES)


class TestWithoutStochtree:
    def test_the_forest_says_what_to_install(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "stochtree", None)
        with pytest.raises(InputError, match="needs the package stochtree") as caught:
            CANDIDATES["bcf"].fit(trial(2), 1)
        assert "pip install 'alleviate[bayes]'" in caught.value.hint
        with pytest.raises(InputError, match="stochtree"):
            CANDIDATES["bcf"].load({"effect.json": b"{}", "effect-bcf.json": b"{}"})

    def test_everything_else_neither_needs_nor_loads_it(self):
        code = "import sys, alleviate.cli; assert 'stochtree' not in sys.modules"
        path = os.pathsep.join(sys.path)
        subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": path})


def test_a_learner_sees_no_more_than_it_should():
    """What a fit may depend on is what the contract lists: nothing of the outcome under arms not given."""
    assert [field.name for field in fields(EffectData)] == [
        "x",
        "arm",
        "y",
        "residual",
        "probability",
        "scores",
        "expected",
        "weight",
    ]
