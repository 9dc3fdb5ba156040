"""How sure a risk is itself: the interval holds the true risk, and widens where the model is wrong."""

import json

import numpy as np
import pytest

from alleviate.models.prognosis.doubt import Doubt, fit_doubt
from alleviate.models.prognosis.losses import on_scale

SLOPES = np.array([0.9, -0.6, 0.3, 0.0])


def people(n, seed, truth, loss="binary"):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    linear = truth(x)
    noise = rng.random(n) < on_scale(linear, "binary") if loss == "binary" else linear + rng.normal(size=n)
    return x, noise.astype(float)


def least_squares(x, y):
    design = np.column_stack([np.ones(len(x)), x])
    found = np.linalg.lstsq(design, 4.0 * (y - y.mean()), rcond=None)[0]
    level = np.log(y.mean() / (1.0 - y.mean()))
    return lambda people: level + found[0] + people @ found[1:]


def line(x, y):
    found = np.linalg.lstsq(np.column_stack([np.ones(len(x)), x]), y)[0]
    return lambda people: found[0] + people @ found[1:]


def learned(n, seed, truth):
    """A plain linear model of the log odds, its held-out forecasts, and the doubt about it."""
    x, y = people(n, seed, truth)
    part, held_out = np.arange(n) % 5, np.zeros(n)
    for fold in range(5):
        held_out[part == fold] = least_squares(x[part != fold], y[part != fold])(x[part == fold])
    model = least_squares(x, y)
    return model, fit_doubt(x, y, np.ones(n), held_out, model, "binary", 1)


def covers(n, seed, truth):
    model, doubt = learned(n, seed, truth)
    x, _ = people(1000, seed + 1, truth)
    low, high = doubt.interval(x, model(x))
    risk = on_scale(truth(x), "binary")
    return float(((low <= risk) & (risk <= high)).mean()), float((high - low).mean())


def straight(x):
    return x @ SLOPES - 0.5


def bent(x):
    return np.where(x[:, 0] > 0.3, 1.0, -1.0) + 0.5 * np.abs(x[:, 1])


def test_the_true_risk_lies_in_the_interval_where_the_model_has_the_right_form():
    found = np.array([covers(n, 10_000 + 2 * s, straight) for n in (250, 800) for s in range(3)])
    assert found[:, 0].mean() > 0.94
    assert found[3:, 1].mean() < 0.8 * found[:3, 1].mean(), "more people, narrower intervals"


def test_the_interval_widens_where_the_model_misses_what_the_data_show():
    """A line through a step and a kink: nobody told the model, yet most intervals hold the truth."""
    found = np.array([covers(800, 10_100 + 2 * s, bent) for s in range(3)])
    assert found[:, 0].mean() > 0.85
    assert found[:, 1].mean() > 1.2 * covers(800, 10_000, straight)[1]


def test_a_stranger_and_a_person_half_unknown_are_less_sure():
    model, doubt = learned(500, 10_200, straight)
    x = np.array([[0.0] * 4, [4.0, -4.0, 3.0, 4.0]])
    near, far = doubt.error(x, model(x))
    assert far > 1.5 * near
    unknown = doubt.error(x, model(x), np.array([[1.0, 0, 0, 0], [0, 0, 0, 0]]))
    assert unknown[0] > 1.5 * near
    assert unknown[1] == far


def test_ends_are_in_order_and_a_higher_level_is_wider():
    model, doubt = learned(300, 10_300, straight)
    x, _ = people(200, 1, straight)
    narrow, wide = doubt.interval(x, model(x), level=0.5), doubt.interval(x, model(x))
    risk = on_scale(model(x), "binary")
    assert (wide[0] < narrow[0]).all()
    assert (narrow[0] < risk).all()
    assert (risk < narrow[1]).all()
    assert (narrow[1] < wide[1]).all()


def test_an_expected_number_is_covered_too():
    found = []
    for s in range(3):
        x, y = people(400, 10_400 + s, straight, "numeric")
        part, held_out = np.arange(400) % 5, np.zeros(400)
        for fold in range(5):
            held_out[part == fold] = line(x[part != fold], y[part != fold])(x[part == fold])
        model = line(x, y)
        doubt = fit_doubt(x, y, np.ones(400), held_out, model, "numeric", 1)
        fresh, _ = people(1000, 20_400 + s, straight, "numeric")
        low, high = doubt.interval(fresh, model(fresh))
        found.append(((low <= straight(fresh)) & (straight(fresh) <= high)).mean())
    assert np.mean(found) > 0.93


def test_weights_count_by_their_effective_number_and_their_size_does_not_matter():
    x, y = people(300, 10_500, straight)
    weight = np.random.default_rng(1).uniform(0.2, 3.0, 300)
    one, other = (fit_doubt(x, y, w, straight(x), straight, "binary", 1) for w in (weight, 10.0 * weight))
    even = fit_doubt(x, y, np.ones(300), straight(x), straight, "binary", 1)
    assert one.error(x, straight(x)) == pytest.approx(other.error(x, straight(x)), rel=1e-6)
    assert one.level_variance > 1.1 * even.level_variance


def test_the_same_seed_gives_the_same_doubt_and_json_keeps_it():
    model, doubt = learned(200, 10_600, straight)
    text = json.dumps(doubt.to_json(), allow_nan=False)
    assert json.dumps(learned(200, 10_600, straight)[1].to_json()) == text
    again, x = Doubt.from_json(json.loads(text)), people(50, 2, straight)[0]
    assert np.array_equal(again.error(x, model(x)), doubt.error(x, model(x)))


def test_a_model_without_predictors_and_one_with_very_many_have_doubts_as_well():
    x, y = people(120, 10_700, straight)
    none = fit_doubt(
        x[:, :0], y, np.ones(120), np.full(120, -0.3), lambda z: np.full(len(z), -0.3), "binary", 1
    )
    low, high = none.interval(x[:2, :0], np.full(2, -0.3))
    assert (low < high).all()
    wide = np.column_stack([x, np.random.default_rng(3).normal(size=(120, 90))])
    many = fit_doubt(wide, y, np.ones(120), straight(wide[:, :4]), lambda z: straight(z[:, :4]), "binary", 1)
    assert len(many.columns) == 40
    assert {0, 1} <= set(many.columns.tolist())
    assert np.isfinite(many.error(wide, straight(wide[:, :4]))).all()


def test_risks_all_but_certain_keep_a_narrow_interval():
    """Log odds of ±40 say no more than those of 1 %: they must not make the model look wrong."""
    rng = np.random.default_rng(10_800)
    x = rng.normal(size=(300, 2))
    sure = lambda z: 40.0 * np.sign(z[:, 0])  # noqa: E731
    y = (x[:, 0] > 0).astype(float)
    low, high = fit_doubt(x, y, np.ones(300), sure(x), sure, "binary", 1).interval(x, sure(x))
    assert (high - low).max() < 1e-3
