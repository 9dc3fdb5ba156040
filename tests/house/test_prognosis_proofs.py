"""The proofs of prognosis run small, and see what they are there to see."""

import numpy as np
import pytest

from lines import Line
from prognosis_conformal import KINDS, shares
from prognosis_nulls import LEAKED, noise, refused
from prognosis_proofs import PARTS
from prognosis_speed import lines as speed
from prognosis_transfer import simulated


@pytest.mark.parametrize("leak", list(LEAKED.values()), ids=list(LEAKED))
def test_a_leak_is_refused(leak):
    assert refused(10_000, leak)


def test_a_feature_that_tells_much_but_is_known_before_is_not_refused():
    assert not refused(10_000, lambda y, rng: y + rng.normal(size=len(y)))


@pytest.mark.slow
def test_noise_is_called_noise():
    covered, chosen = noise(10_000, 100, 1)
    assert covered
    assert chosen == "none"


@pytest.mark.parametrize("kind", KINDS)
def test_new_people_are_counted_on_the_whole_and_by_group(kind):
    found = shares(kind, 10_000)
    assert set(found) == {"", "easy", "hard"}
    assert found[""] == pytest.approx(0.7 * found["easy"] + 0.3 * found["hard"], abs=0.01)
    assert 0.85 < found[""] < 0.95


@pytest.mark.slow
def test_speed_is_told_for_many_and_for_one():
    told = speed(rows=1000, times=2)
    assert [line.asked for line in told] == ["≤ 20 s", "≤ 5 ms", "≤ 20 ms"]
    assert all(isinstance(line, Line) for line in told)
    assert np.isfinite(float(told[1].found.removesuffix(" ms")))


@pytest.mark.slow
def test_a_source_is_held_against_training_afresh():
    transferred, afresh, source = simulated(10_000, "level")
    assert transferred < afresh
    assert transferred < source


def test_the_parts_are_those_that_are_asked_of_prognosis():
    assert set(PARTS) == {"nulls", "conformal", "transfer", "speed"}
