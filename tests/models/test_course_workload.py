import json

import numpy as np
import pytest

from alleviate.models.courses.workload import Workload, compare, fit_workload
from alleviate.terms.errors import InputError


def rows(n: int, seed: int, leave: bool = False) -> tuple[np.ndarray, ...]:
    """Three stages; ``off`` is the true chance of ending without improvement."""
    rng = np.random.default_rng(seed)
    person, stage = np.repeat(np.arange(n), 3), np.tile(np.arange(3), n)
    chance = rng.beta(2, 2, n)
    improved = (rng.uniform(size=n) > chance).astype(float)
    weight = np.ones(n)
    if leave:  # half of the likely failures are not seen to the end
        gone = (chance > 0.5) & (rng.uniform(size=n) < 0.5)
        improved[gone] = np.nan
        weight[chance > 0.5] = 2.0
    off = np.clip(chance[person] + 0.02 * rng.normal(size=3 * n), 0, 1)
    return person, stage, off, improved[person], weight[person]


def test_new_patients_raise_as_many_alerts_as_asked() -> None:
    workload = fit_workload(*rows(4000, 0), stages=3, earliest=1)
    _, stage, off, _, _ = rows(4000, 1)
    for asked in (5, 20, 60.5):
        plan = workload.plan(asked)
        alert = plan.alert(stage, off)
        assert not alert[stage == 0].any(), "no alert before the earliest stage"
        for s in (1, 2):
            assert 100 * alert[stage == s].mean() == pytest.approx(asked, rel=0.1)
            assert plan.stages[s].alerts == pytest.approx(asked, rel=0.02)
        ever = workload.plan(asked, "patient").alert(stage, off).reshape(-1, 3).any(axis=1)
        assert 100 * ever.mean() == pytest.approx(asked, rel=0.1)


@pytest.mark.parametrize("leave", [False, True])
def test_false_alarms_and_misses_are_told_beforehand(leave: bool) -> None:
    """Also where half of the likely failures leave: those who stay stand for them."""
    plan = fit_workload(*rows(4000, 2, leave), stages=3, earliest=1).plan(30)
    _, stage, off, improved, _ = rows(20_000, 3)
    here = stage == 2
    alert, good = plan.alert(stage, off)[here], improved[here] > 0
    expected = plan.stages[2]
    assert expected.caught == pytest.approx(100 * (alert & ~good).mean(), abs=2)
    assert expected.false_alarms == pytest.approx(100 * (alert & good).mean(), abs=2)
    assert expected.missed == pytest.approx(100 * (~alert & ~good).mean(), abs=2.5)


def test_intervals_hold_what_then_happens() -> None:
    held = []
    for seed in range(40):
        plan = fit_workload(*rows(300, 2 * seed), stages=3, earliest=0).plan(25)
        _, stage, off, improved, _ = rows(200, 2 * seed + 1)
        here = stage == 1
        alert, good = plan.alert(stage, off)[here], improved[here] > 0
        happened = {
            "alerts": alert.sum(),
            "false_alarms": (alert & good).sum(),
            "missed": (~alert & ~good).sum(),
        }
        held += [one.as_told for one in compare(plan.stages[1], 200, happened)]
    assert 0.92 < np.mean(held) <= 1


def test_what_happened_is_named() -> None:
    plan = fit_workload(*rows(500, 0), stages=3, earliest=0).plan(20)
    (one,) = compare(plan.ever, 100, {"alerts": 90})
    assert (one.what, one.happened, one.as_told) == ("alerts", 90, False)
    assert one.told.low < one.told.count < one.told.high < 90


def test_beyond_the_last_stage_its_threshold_holds() -> None:
    plan = fit_workload(*rows(500, 0), stages=3, earliest=0).plan(20)
    off = np.array([plan.thresholds[2] + 1e-9, plan.thresholds[2] - 1e-9])
    assert plan.alert(np.array([9, 9]), off).tolist() == [True, False]


@pytest.mark.parametrize("asked", [0, 100, -3])
def test_an_impossible_workload_is_refused(asked: float) -> None:
    with pytest.raises(InputError, match="cannot be"):
        fit_workload(*rows(100, 0), stages=3, earliest=0).plan(asked)


def test_a_workload_is_plain_values() -> None:
    workload = fit_workload(*rows(500, 0), stages=3, earliest=1)
    again = Workload.from_json(json.loads(json.dumps(workload.to_json())))
    np.testing.assert_allclose(again.plan(20).thresholds[1:], workload.plan(20).thresholds[1:], atol=1e-6)
    assert again.earliest == 1
