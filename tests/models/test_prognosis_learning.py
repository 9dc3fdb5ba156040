"""Learning: signal is used, noise is left alone, too little is refused, the same seed gives the same."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from alleviate.models.prognosis.contract import Budget
from alleviate.models.prognosis.losses import losses
from alleviate.models.prognosis.people import People
from alleviate.models.prognosis.selection import learn_prognosis
from alleviate.terms.errors import InputError, NotEnoughDataError

SIMPLE = ["none", "ridge", "selected", "spline"]


def drawn(seed: int, n: int = 150, p: int = 6, *, bend: float = 0.0, strength: float = 1.0) -> People:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p))
    linear = strength * (x[:, 0] - x[:, 1]) + bend * (x[:, 2] ** 2 - 1)
    frame = pl.DataFrame(x, schema=[f"x{j}" for j in range(p)])
    return People(frame, (rng.random(n) < expit(linear)).astype(float), "binary", np.ones(n))


def test_the_same_seed_gives_the_same_bytes() -> None:
    one, same = (learn_prognosis(drawn(1, n=80, p=4), SIMPLE, 7) for _ in range(2))
    assert json.dumps(one.model.to_json()) == json.dumps(same.model.to_json())
    assert np.array_equal(one.held_out, same.held_out)


def test_the_order_of_columns_does_not_matter() -> None:
    people = drawn(2)
    turned = replace(people, features=people.features.select(people.features.columns[::-1]))
    one, other = (learn_prognosis(who, ["ridge", "spline"], 1).model for who in (people, turned))
    assert one.predict(people.features).linear == pytest.approx(
        other.predict(people.features).linear, abs=1e-6
    )


@pytest.mark.slow
def test_noise_is_told_from_signal() -> None:
    rng = np.random.default_rng(10_001)
    noise = sum(
        learn_prognosis(replace(drawn(seed), y=(rng.random(150) < 0.3).astype(float)), ["ridge"], seed).chosen
        != "none"
        for seed in range(20)
    )
    assert noise <= 3
    assert all(learn_prognosis(drawn(seed), ["ridge"], seed).chosen != "none" for seed in range(5))


def test_no_predictors_foresee_the_average_and_use_nothing() -> None:
    people = drawn(3, strength=0.0)
    learned = learn_prognosis(people, SIMPLE, 1)
    assert learned.chosen == "none"
    assert learned.signal_p > 0.05
    assert learned.model.features_kept == ()
    assert learned.model.predict(people.features).estimate == pytest.approx(
        np.full(150, people.y.mean()), abs=0.01
    )
    assert learned.shares == {"none": 1.0}


def test_a_bend_is_foreseen_by_curves() -> None:
    learned = learn_prognosis(drawn(4, n=400, bend=1.5), ["ridge", "spline"], 1)
    by_name = {tried.name: tried for tried in learned.tried}
    assert learned.chosen == "blend"
    assert learned.shares["spline"] > 0.6
    assert by_name["ridge"].difference > 2 * by_name["ridge"].standard_error > 0
    assert by_name["spline"].parameters is not None
    assert by_name["none"].loss > by_name["ridge"].loss > by_name["spline"].loss


def test_simple_candidates_that_do_alike_are_blended_into_one_curve_a_column() -> None:
    learned = learn_prognosis(drawn(12), ["ridge", "spline"], 1)
    assert learned.chosen == "blend"
    assert learned.shares["ridge"] == pytest.approx(0.5, abs=0.1)
    assert [member.weight for member in learned.model.members] == pytest.approx([1.0])


def test_held_out_predictions_are_honest() -> None:
    """Their loss foretells that on new people."""
    gaps = []
    for seed in range(10):
        people, fresh = drawn(20 + seed), drawn(1020 + seed, n=4000)
        learned = learn_prognosis(people, ["ridge"], 1)
        new = learned.model.predict(fresh.features).linear
        gaps.append(
            losses(people.y, learned.held_out, "binary").mean() - losses(fresh.y, new, "binary").mean()
        )
    assert np.mean(gaps) == pytest.approx(0.0, abs=0.035)


@pytest.mark.slow
def test_a_stack_is_chosen_where_it_beats_the_best_simple_one_by_more_than_its_error() -> None:
    rng = np.random.default_rng(10_002)
    x = rng.normal(size=(400, 4))
    linear = 2.5 * np.sign(x[:, 0] * x[:, 1]) + 0.5 * x[:, 2]
    y = (rng.random(400) < expit(linear)).astype(float)
    people = People(pl.DataFrame(x, schema=list("abcd")), y, "binary", np.ones(400))
    learned = learn_prognosis(people, ["ridge", "forest"], 1)
    assert learned.chosen == "stack"
    assert learned.shares["forest"] > 0.5
    assert sum(learned.shares.values()) == pytest.approx(1.0)


def test_selection_frequencies_are_told_by_feature() -> None:
    learned = learn_prognosis(drawn(5), ["ridge", "selected"], 1)
    assert set(learned.stability) == {f"x{j}" for j in range(6)}
    assert min(learned.stability["x0"], learned.stability["x1"]) > 0.9
    assert max(learned.stability[f"x{j}"] for j in range(2, 6)) < 0.6


def test_clusters_stay_together_and_weights_count() -> None:
    people = drawn(6)
    clusters = np.arange(150) // 5
    learned = learn_prognosis(replace(people, clusters=clusters), ["ridge"], 1)
    assert all(len(np.unique(learned.folds[clusters == one])) == 1 for one in range(30))
    weight = np.where(people.y == 1, 3.0, 1.0)
    weight /= weight.mean()
    heavier = learn_prognosis(replace(people, weight=weight), ["ridge"], 1).model
    plain = learn_prognosis(people, ["ridge"], 1).model
    assert (
        heavier.predict(people.features).estimate.mean()
        > plain.predict(people.features).estimate.mean() + 0.1
    )


def test_when_time_is_up_the_simplest_have_been_tried() -> None:
    learned = learn_prognosis(drawn(7), SIMPLE, 1, Budget(0.0))
    assert [tried.name for tried in learned.tried] == ["none", "ridge"]
    assert learned.cut
    assert learned.chosen == "ridge"


@pytest.mark.slow
def test_a_thousand_features_of_80_people_can_be_learned_from() -> None:
    rng = np.random.default_rng(10_003)
    x = rng.normal(size=(80, 1000))
    x[:, :50] += 1.5 * rng.normal(size=(80, 1))
    y = (rng.random(80) < expit(2 * x[:, :50].mean(axis=1))).astype(float)
    people = People(pl.DataFrame(x, schema=[f"x{j}" for j in range(1000)]), y, "binary", np.ones(80))
    learned = learn_prognosis(people, ["none", "ridge"], 1)
    assert np.isfinite(learned.model.predict(people.features).estimate).all()


def test_columns_without_values_are_dropped() -> None:
    people = drawn(8)
    frame = people.features.with_columns(
        gone=pl.lit(None, dtype=pl.Float64), never=pl.lit(None, dtype=pl.String)
    )
    model = learn_prognosis(replace(people, features=frame), ["ridge"], 1).model
    assert set(model.encoder.dropped) == {"gone", "never"}
    assert "gone" not in model.features_kept


@pytest.mark.parametrize("events", [0, 5, 145, 150])
def test_too_few_events_are_refused_with_a_hint(events: int) -> None:
    people = replace(drawn(9), y=(np.arange(150) < events).astype(float))
    with pytest.raises(
        NotEnoughDataError, match=f"{events} people with the event and {150 - events} without"
    ) as why:
        learn_prognosis(people, SIMPLE, 1)
    assert "Gather more people" in why.value.hint


@pytest.mark.parametrize("n", [12, 60])
def test_numbers_that_are_few_or_all_the_same_are_refused(n: int) -> None:
    y = np.arange(12.0) if n == 12 else np.ones(60)
    people = People(pl.DataFrame({"x": np.arange(float(n))}), y, "numeric", np.ones(n))
    with pytest.raises(NotEnoughDataError, match=f"{n} people with"):
        learn_prognosis(people, SIMPLE, 1)


def test_negative_weights_are_refused() -> None:
    people = replace(drawn(10), weight=np.r_[-1.0, np.ones(149)])
    with pytest.raises(InputError, match="the least is -1"):
        learn_prognosis(people, SIMPLE, 1)


def test_a_candidate_that_does_not_exist_is_named() -> None:
    with pytest.raises(InputError, match="There is no candidate ridgy") as why:
        learn_prognosis(drawn(11), ["ridgy"], 1)
    assert "none, ridge" in why.value.hint
