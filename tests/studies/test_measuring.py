"""A learned rule measured on people it has never seen: its true value lies in the interval."""

import numpy as np
import polars as pl
import pytest
from made_trials import TREE_STUDY, make, people, study_text

import alleviate
from alleviate.studies.files import loads
from problems import Draw, p1, p2

P_STUDY = """\
[study]
name = "p"
[data]
path = "p.csv"
[treatment]
column = "arm"
usual = "0"
probability = {probability}
[outcome]
column = "y"
better = "higher"
[features]
known_after = ["p0", "p1", "p2"]
[learning]
candidates = ["none", "ridge", "tree2"]
[validation]
folds = 3
repeats = 1
"""


def table(draw: Draw) -> pl.DataFrame:
    features = {f"x{j}": column for j, column in enumerate(draw.x.T)}
    chances = {f"p{k}": column for k, column in enumerate(draw.probability.T)}
    return pl.DataFrame({**features, **chances, "arm": draw.arm, "y": draw.y})


def learned(folder, draw: Draw, probability: str) -> alleviate.LearnedRule:
    table(draw).write_csv(folder / "p.csv")
    study = loads(P_STUDY.format(probability=probability), folder=folder)
    return alleviate.load(alleviate.learn(study, out=folder / "p", workers=1).package)


def truth(rule: alleviate.LearnedRule, draw: Draw) -> dict[str, float]:
    """The true mean outcome of these people under the rule and under each arm."""
    best = rule.package.arms[rule.package.best_arm]
    assigned = np.array([int(person["arm"] or best) for person in rule.advise(table(draw))])
    arms = {str(k): mean for k, mean in enumerate(draw.mean.mean(axis=0))}
    return {"rule": draw.value(assigned), "best_arm": arms[best], "usual": arms["0"], **arms}


def how_often_covered(rule: alleviate.LearnedRule, draws: list[Draw]) -> float:
    """Share of the intervals, of values and gains, that hold the truth."""
    held = []
    for draw in draws:
        found, true = rule.measure(table(draw)), truth(rule, draw)
        held += [found.value[key].low <= true[key] <= found.value[key].high for key in true]
        gains = {"over_best_arm": true["rule"] - true["best_arm"], "over_usual": true["rule"] - true["usual"]}
        held += [found.gain[key].low <= gain <= found.gain[key].high for key, gain in gains.items()]
        for key, gain in gains.items():
            assert found.gain[key].estimate == pytest.approx(gain, abs=0.4)
    return float(np.mean(held))


@pytest.mark.slow
def test_p1_two_arms_drawn_by_lot(tmp_path):
    rule = learned(tmp_path, p1("thr", 1200, 1), '{ "0" = 0.5, "1" = 0.5 }')
    assert {person["arm"] for person in rule.advise(table(p1("thr", 300, 50)))} >= {"0", "1"}
    assert how_often_covered(rule, [p1("thr", 600, seed) for seed in range(100, 105)]) >= 0.85


@pytest.mark.slow
def test_p2_three_arms_with_chances_that_depend_on_the_person(tmp_path):
    rule = learned(tmp_path, p2(1500, 1), '{ "0" = "p0", "1" = "p1", "2" = "p2" }')
    draws = [p2(800, seed) for seed in range(100, 104)]
    true = [truth(rule, draw) for draw in draws]
    assert all(value["rule"] > value["best_arm"] + 0.3 for value in true)
    assert how_often_covered(rule, draws) >= 0.85


def test_on_the_people_it_was_learned_from_it_roughly_agrees_with_the_findings(small, by_severity):
    for made in (small, by_severity):
        found, again = made.learned.findings, alleviate.load(made.package).measure(made.frame)
        assert again.n == found.n
        assert again.share_per_arm == pytest.approx(found.share_per_arm, abs=0.01)
        for key, value in found.value.items():
            assert again.value[key].estimate == pytest.approx(
                value.estimate, abs=(value.high - value.low) / 2
            )
        for key, gain in found.gain.items():
            assert again.gain[key].estimate == pytest.approx(gain.estimate, abs=0.15)


def test_people_who_cannot_be_judged_get_what_everybody_gets(small):
    others = people(100, seed=4).with_columns(pl.col("sex").replace("f", "x"))
    found = alleviate.load(small.package).measure(others)
    assert found.share_abstained == pytest.approx((others["sex"] == "x").mean())
    assert found.share_per_arm == {"CBT": 1, "TAU": 0}
    assert found.gain["over_best_arm"].estimate == 0


def test_evaluate_is_measure_in_plain_values(small):
    rule, others = alleviate.load(small.package), people(80, seed=4)
    measures, plain = rule.measure(others), rule.evaluate(others)
    assert plain["value"]["rule"]["estimate"] == measures.value["rule"].estimate
    assert plain["warnings"] == list(measures.warnings)


def test_new_people_need_no_ids_and_may_lack_outcomes(small):
    others = (
        people(90, seed=4)
        .drop("person")
        .with_columns(
            y=pl.when(pl.int_range(pl.len()) >= 10).then("y"),
            arm=pl.when(pl.int_range(pl.len()) < 88).then("arm"),
        )
    )
    found = alleviate.load(small.package).measure(others)
    assert found.n == 88  # others like them count for the ten whose outcome is unknown
    assert found.warnings == ("2 rows have no value of arm, and were left out.",)


def test_estimated_chances_are_estimated_among_the_new_people(tmp_path):
    made = make(tmp_path, people(200, benefit="same"), ('probability = "known"\n', ""))
    found = alleviate.load(made.package).measure(people(300, benefit="same", seed=6))
    assert found.value["TAU"].estimate - found.value["CBT"].estimate == pytest.approx(4, abs=1.2)


def test_without_usual_care_there_is_no_gain_over_it(tmp_path):
    made = make(tmp_path, people(80), ('usual = "TAU"\n', ""))
    found = alleviate.load(made.package).evaluate(people(80, seed=2))
    assert set(found["gain"]) == {"over_best_arm"}
    assert set(found["value"]) == {"rule", "best_arm", "CBT", "TAU"}


@pytest.fixture(scope="module")
def sited(tmp_path_factory):
    frame = people(400, benefit="by sex", noise=2).with_columns(
        site=pl.Series([f"s{i % 8}" for i in range(400)])
    )
    site = ("repeats = 1", 'repeats = 1\nsite = "site"')
    return make(tmp_path_factory.mktemp("sited"), frame, *TREE_STUDY, site)


def test_intervals_are_clustered_where_the_new_people_come_from_several_sites(sited):
    rule, others = alleviate.load(sited.package), people(300, seed=2)
    jumps = pl.Series([(i % 4) * 6.0 for i in range(300)])
    others = others.with_columns(pl.col("y") + jumps, site=pl.Series([f"t{i % 4}" for i in range(300)]))
    clustered, plain = rule.measure(others), rule.measure(others.drop("site"))
    assert clustered.value["rule"].estimate == plain.value["rule"].estimate
    assert clustered.value["rule"].high > plain.value["rule"].high * 1.05


def test_people_of_one_new_site_are_measured_as_they_are(sited):
    rule, others = alleviate.load(sited.package), people(100, seed=2)
    assert rule.measure(others.with_columns(site=pl.lit("t1"))).value == rule.measure(others).value


def test_the_study_inside_a_package_names_no_folder_of_the_machine_that_learned_it(small):
    text = (small.package / "study.toml").read_text()
    assert 'path = "trial.csv"' in text
    assert str(small.folder) not in text
    assert loads(study_text()).question in text
