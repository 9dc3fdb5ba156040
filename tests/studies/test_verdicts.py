"""What a study concludes: each verdict from a trial that deserves it, and the advice that follows from it."""

import numpy as np
import polars as pl
import pytest
from made_trials import TREE_STUDY, benefits, make, people

import alleviate


def advised(made, frame):
    return [person["arm"] for person in alleviate.load(made.package).advise(frame)]


@pytest.mark.parametrize("seed", range(4))
def test_pure_noise_is_not_personalised(tmp_path, seed):
    made = make(
        tmp_path, people(200, seed=seed), ('["none", "ridge"]', '["none", "ridge", "tree1", "tree2"]')
    )
    assert made.learned.findings.verdict in ("equipoise", "one-for-all")
    assert made.learned.findings.gain["over_best_arm"].low <= 0


def test_equipoise(tmp_path):
    found = make(tmp_path, people(120)).learned.findings
    assert found.verdict == "equipoise"
    assert found.reason.startswith(f"no arm is shown to be better ({found.best_arm} over ")
    assert found.contrasts.keys() == {"TAU", "CBT"} - {found.best_arm}
    assert found.strengths["established"] == 0  # a best bet may differ between people, but nothing is shown
    assert found.rule.text.startswith(("Everybody: ", "For each person "))


def test_one_for_all(small):
    found = small.learned.findings
    assert (found.verdict, found.best_arm, found.rule.kind) == ("one-for-all", "CBT", "one-arm")
    assert found.reason.startswith("CBT is better than TAU (by ")
    assert found.contrasts["TAU"].low < 4 < found.contrasts["TAU"].high
    assert found.strengths["established"] == 1
    assert found.share_per_arm == {"CBT": 1, "TAU": 0}


@pytest.mark.parametrize("candidates", ["tree1", "ridge", "boosted"])
def test_personalise_where_the_right_treatment_differs_much(tmp_path, by_severity, candidates):
    made = by_severity
    if candidates != "tree1":
        change = ('["none", "ridge"]', f'["none", "{candidates}"]')
        made = make(tmp_path, by_severity.frame, change)
    found = made.learned.findings
    assert found.verdict == "personalise"
    assert found.reason.startswith("the rule gains +2.")
    # half of the people do 6 points better than under either arm
    assert found.gain["over_best_arm"].low < 3 < found.gain["over_best_arm"].high + 0.5
    true_share = (by_severity.frame["severity"] > 20).mean()
    assert found.share_per_arm["CBT"] == pytest.approx(true_share, abs=0.06)
    new = people(400, seed=3)
    right = np.where(benefits(new, "by severity") > 0, "CBT", "TAU")
    assert np.mean(np.array(advised(made, new)) == right) > 0.93
    assert found.moderators[0].name == "severity"
    assert found.heterogeneity.get("p", 0) < 0.001


def test_the_advice_of_a_shown_rule_is_established_for_those_it_is_sure_of(by_severity):
    new = people(50, seed=3)
    told = alleviate.load(by_severity.package).advise(new)
    sure = [
        p["strength"] for p, severity in zip(told, new["severity"], strict=True) if abs(severity - 20) > 4
    ]
    assert set(sure) == {"established"}


def three_arms():
    """GP is best for women, CBT for men, TAU for nobody."""
    rng = np.random.default_rng(8)
    frame = people(900, seed=8).with_columns(arm=pl.Series(rng.permutation(["TAU", "CBT", "GP"] * 300)))
    suits = frame.select((pl.col("sex") == "f") == (pl.col("arm") == "GP")).to_series() & (
        frame["arm"] != "TAU"
    )
    return frame.with_columns(y=pl.col("y") - 5.0 * suits)


def test_three_arms(tmp_path):
    made = make(tmp_path, three_arms(), *TREE_STUDY)
    found = made.learned.findings
    assert found.verdict == "personalise"
    assert set(found.value) == {"rule", "best_arm", "usual", "CBT", "GP", "TAU"}
    assert set(found.contrasts) == {"CBT", "GP", "TAU"} - {found.best_arm}
    assert found.rule.text == "If sex is m: CBT; otherwise: GP."
    assert found.rule.arms_used == ("CBT", "GP")
    assert found.share_per_arm["TAU"] == 0
    new = people(60, seed=3)
    assert advised(made, new) == ["GP" if sex == "f" else "CBT" for sex in new["sex"]]


def test_the_best_of_three_arms_must_beat_each_of_the_others(tmp_path):
    rng = np.random.default_rng(8)
    frame = people(300, seed=8).with_columns(arm=pl.Series(rng.permutation(["TAU", "CBT", "GP"] * 100)))
    worse = frame.with_columns(y=pl.col("y") + 5.0 * (pl.col("arm") == "TAU"))
    (tmp_path / "two").mkdir()
    assert make(tmp_path / "two", worse).learned.findings.verdict == "equipoise"
    best = worse.with_columns(y=pl.col("y") - 5.0 * (pl.col("arm") == "GP"))
    found = make(tmp_path, best).learned.findings
    assert (found.verdict, found.best_arm) == ("one-for-all", "GP")
    assert found.reason.startswith("GP is better than CBT and TAU (by ")


def test_lower_and_higher_better_mirror_each_other_exactly(tmp_path, by_severity):
    mirrored = make(
        tmp_path, by_severity.frame.with_columns(-pl.col("y")), ('"lower"', '"higher"'), *TREE_STUDY
    )
    one, other = by_severity.learned.findings, mirrored.learned.findings
    assert one.gain == other.gain
    assert one.contrasts == other.contrasts
    assert one.candidates == other.candidates
    assert (one.verdict, one.rule, one.share_per_arm) == (other.verdict, other.rule, other.share_per_arm)
    assert {key: -value for key, value in one.value.items()} == other.value
    new = people(30, seed=3).drop("y")
    told, back = (alleviate.load(made.package).advise(new) for made in (by_severity, mirrored))
    for person, mirror in zip(told, back, strict=True):
        for key in ("arm", "strength", "benefit", "comparable_n", "reasons"):
            assert person[key] == mirror[key]
        for arm, expected in person["expected"].items():
            turned = mirror["expected"][arm]
            assert (expected["estimate"], expected["low"]) == (-turned["estimate"], -turned["high"])


def binary(*, yes):
    rng = np.random.default_rng(2)
    frame = people(600, seed=2)
    risk = np.where((frame["sex"] == "f") == (frame["arm"] == "CBT"), 0.2, 0.7)
    event = rng.uniform(size=600) < risk
    return frame.with_columns(y=pl.Series(np.where(event, "yes", "no") if yes else event.astype(int)))


def test_a_binary_outcome_is_a_risk(tmp_path):
    made = make(tmp_path, binary(yes=False), *TREE_STUDY, ('unit = "points"\n', ""))
    found = made.learned.findings
    assert (found.verdict, found.outcome["binary"]) == ("personalise", True)
    assert 0.15 < found.value["rule"].estimate < 0.25
    assert all(0.3 < found.value[arm].estimate < 0.6 for arm in ("TAU", "CBT"))
    assert "percentage points" in found.reason
    lines = made.learned.lines()
    assert "By the rule: 2" in lines[1]
    assert "% [95 % " in lines[1]
    assert " percentage points [95 % +" in lines[2]


def test_yes_and_no_are_1_and_0(tmp_path):
    made = []
    for yes in (False, True):
        folder = tmp_path / str(yes)
        folder.mkdir()
        made.append(make(folder, binary(yes=yes), *TREE_STUDY))
    one, other = (m.learned.findings for m in made)
    assert (one.value, one.gain, one.rule) == (other.value, other.gain, other.rule)
    assert (made[0].package / "model.json").read_bytes() == (made[1].package / "model.json").read_bytes()


def test_features_that_tell_nothing_leave_one_arm_for_all(tmp_path):
    frame = people(80, benefit="same").select("person", "arm", "y", age=pl.lit(40), sex=pl.lit("f"))
    made = make(tmp_path, frame, ('["age", "severity", "sex", "first_episode", "entry"]', '["age", "sex"]'))
    found = made.learned.findings
    assert (found.verdict, found.rule.kind) == ("one-for-all", "one-arm")
    assert found.dropped == {"age": "the same for everybody", "sex": "the same for everybody"}
    assert advised(made, frame.head(3)) == ["CBT"] * 3


def test_one_arm_only_may_compete(tmp_path):
    found = make(tmp_path, people(60), ('["none", "ridge"]', '["none"]')).learned.findings
    assert found.rule.kind == "one-arm"
    assert found.heterogeneity == {}
    assert [candidate.name for candidate in found.candidates] == ["none"]


def test_without_the_candidate_none_one_arm_for_all_is_still_what_doubt_leads_to(tmp_path):
    found = make(tmp_path, people(120), ('["none", "ridge"]', '["tree1"]')).learned.findings
    assert found.rule.kind == "one-arm"
    assert [candidate.name for candidate in found.candidates] == ["none", "tree1"]


def test_chances_that_are_known_or_estimated_agree_on_a_fair_trial(tmp_path, small):
    found = make(tmp_path, small.frame, ('probability = "known"\n', "")).learned.findings
    assert (found.overlap.source, small.learned.findings.overlap.source) == ("estimated", "known")
    assert found.overlap.bound > 0
    assert found.contrasts["TAU"].estimate == pytest.approx(4, abs=1.2)


def test_confounding_by_a_feature_is_undone(tmp_path):
    """The worse off got CBT more often; taking means per arm at face value would hide its benefit."""
    rng = np.random.default_rng(5)
    frame = people(1200, seed=5)
    chance = 1 / (1 + np.exp(-(frame["severity"].to_numpy() - 20) / 3))
    treated = rng.uniform(size=1200) < chance
    y = 10 + frame["severity"].to_numpy() + rng.normal(0, 2, 1200) - 2.0 * treated
    frame = frame.with_columns(arm=pl.Series(np.where(treated, "CBT", "TAU")), y=pl.Series(y))
    naive = y[treated].mean() - y[~treated].mean()
    assert naive > 0
    observed = ('probability = "known"\n', 'assignment = "observational"\n')
    found = make(tmp_path, frame, observed).learned.findings
    assert (found.verdict, found.best_arm) == ("one-for-all", "CBT")
    assert found.contrasts["TAU"].estimate == pytest.approx(2, abs=0.5)


def test_sites_are_left_out_one_by_one(tmp_path):
    frame = people(400, benefit="by sex", noise=2).with_columns(
        site=pl.Series([f"s{i % 8}" for i in range(400)])
    )
    made = make(tmp_path, frame, *TREE_STUDY, ("repeats = 1", 'repeats = 1\nsite = "site"'))
    found = made.learned.findings
    assert found.verdict == "personalise"
    assert "There are only 8 sites: intervals between so few are rough." in found.warnings
