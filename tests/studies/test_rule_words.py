"""A rule in words and as a tree says of each person what `advise` does."""

import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from made_trials import Made, make, people

import alleviate
from alleviate.intake.tables import read
from alleviate.policies.super_learner import BlendModel, Part
from alleviate.studies.cohort import cohort
from alleviate.studies.files import load
from alleviate.studies.findings import WORDING
from alleviate.studies.rule_words import describe

ONE_SPLIT = ('["none", "ridge"]', '["none", "tree1"]')
MORE_SPLITS = ('["none", "ridge"]', '["none", "tree2"]')


def follow(tree, person) -> str:
    """Walk the tree as a reader of it would, with nothing but its words."""
    while "arm" not in tree:
        tree = tree["yes"] if holds(tree["test"], person[tree["feature"]]) else tree["no"]
    return tree["arm"]


def holds(test: str, value) -> bool:
    if test == "is not known":
        return value is None
    if test == "is yes":
        return value == "yes"
    if number := re.fullmatch(r"is (-?[\d.]+) or less", test):
        return value <= float(number[1])
    if day := re.fullmatch(r"is (\d{4}-\d\d-\d\d) or earlier", test):
        return value <= day[1]
    return value in test.removeprefix("is ").split(" or ")


def read_aloud(tree) -> str:
    """The sentence that the tree stands for."""
    if "arm" in tree:
        return tree["arm"]
    parts = [
        read_aloud(tree[side]) if "arm" in tree[side] else f"({read_aloud(tree[side])})"
        for side in ("yes", "no")
    ]
    return f"if {tree['label']} {tree['test']}: {parts[0]}; otherwise: {parts[1]}"


def trial(helps, n=500, **columns):
    """CBT takes 8 points off for those for whom ``helps`` holds, and adds 8 for the others."""
    frame = people(n, noise=1.0, seed=2).with_columns(**columns)
    sign = pl.when(helps).then(-8.0).otherwise(8.0) * (pl.col("arm") == "CBT")
    return frame.with_columns(y=pl.col("y") + sign)


SITE = pl.Series("site", [f"s{'ABCDEFGHIJ'[i % 10]}" for i in range(500)])
WITH_SITE = ('"severity", ', '"severity", "site", ')

RULES = {
    "a number": (
        trial(pl.col("severity") > 17),
        [ONE_SPLIT],
        r"If severity is 1[67]\.\d5 or less: TAU; otherwise: CBT.",
    ),
    "a whole number": (
        trial(pl.col("age") <= 40),
        [ONE_SPLIT],
        "If age is 40.5 or less: CBT; otherwise: TAU.",
    ),
    "a category": (trial(pl.col("sex") == "f"), [ONE_SPLIT], "If sex is m: TAU; otherwise: CBT."),
    "yes or no": (
        trial(pl.col("first_episode") == "yes"),
        [ONE_SPLIT],
        "If first_episode is yes: CBT; otherwise: TAU.",
    ),
    "a date": (
        trial(pl.col("entry") <= "2020-12-31"),
        [ONE_SPLIT],
        r"If entry is 202\d-\d\d-\d\d or earlier: CBT; otherwise: TAU.",
    ),
    "something missing": (
        trial(pl.col("severity").is_null(), severity=pl.when(pl.col("sex") == "m").then("severity")),
        [ONE_SPLIT, ('"sex", ', "")],
        "If severity is not known: CBT; otherwise: TAU.",
    ),
    "one of many categories": (
        trial(pl.col("site") == "sC", site=SITE),
        [ONE_SPLIT, WITH_SITE],
        "If site is sC: CBT; otherwise: TAU.",
    ),
    "a label": (
        trial(pl.col("age") <= 40),
        [ONE_SPLIT, ("[learning]", '[features.labels]\nage = "age (years)"\n[learning]')],
        r"If age \(years\) is 40.5 or less: CBT; otherwise: TAU.",
    ),
    "two splits": (
        trial((pl.col("sex") == "f") == (pl.col("severity") > 20)),
        [MORE_SPLITS],
        r"If .+: \(if .+\); otherwise: \(if .+\).",
    ),
}


@pytest.fixture(scope="module", params=RULES)
def ruled(request, tmp_path_factory) -> tuple[Made, str]:
    frame, changes, text = RULES[request.param]
    return make(tmp_path_factory.mktemp("ruled"), frame, *changes), text


def test_the_words_are(ruled):
    made, text = ruled
    rule = made.learned.findings.rule
    assert rule.kind == "tree"
    assert re.fullmatch(text, rule.text)
    assert set(rule.arms_used) == {"TAU", "CBT"}


def test_the_sentence_is_the_tree_read_aloud(ruled):
    rule = ruled[0].learned.findings.rule
    spoken = read_aloud(rule.tree)
    assert rule.text == f"{spoken[0].upper()}{spoken[1:]}."


def test_the_tree_tells_each_person_what_advise_tells_him(ruled):
    made, _ = ruled
    new = people(150, seed=11).with_columns(site=pl.Series(["sA", "sB", "sC", "sD", "sE"] * 30))
    told = alleviate.load(made.package).advise(new)
    tree = made.learned.findings.rule.tree
    judged = [
        (person["arm"], row)
        for person, row in zip(told, new.to_dicts(), strict=True)
        if not person["abstained"]
    ]
    assert len(judged) > 100
    assert [arm for arm, _ in judged] == [follow(tree, row) for _, row in judged]


def test_the_leaves_hold_everybody_once(ruled):
    made, _ = ruled

    def people_in(tree) -> int:
        return tree["n"] if "arm" in tree else people_in(tree["yes"]) + people_in(tree["no"])

    assert people_in(made.learned.findings.rule.tree) == len(made.frame)


def test_rare_categories_that_stand_together_are_named(tmp_path):
    rare = pl.col("site").str.starts_with("r")
    sites = [f"r{i // 8 % 8}" if i % 8 == 0 else "ABC"[i % 3] for i in range(500)]
    rule = make(tmp_path, trial(rare, site=pl.Series(sites)), ONE_SPLIT, WITH_SITE).learned.findings.rule
    assert rule.text == "If site is r0 or r1 or r2 or r3 or r4 or r5 or r6 or r7: CBT; otherwise: TAU."


def test_a_cut_is_written_no_longer_than_the_gap_around_it_allows(tmp_path):
    scores = pl.Series(np.random.default_rng(0).choice([-3, -2, -1, 1.2345678, 2, 3], 500))
    frame = trial(pl.col("score") > 0, score=scores)
    rule = make(tmp_path, frame, ONE_SPLIT, ('"severity", ', '"severity", "score", ')).learned.findings.rule
    assert rule.tree["test"] == "is 0 or less"


def described(made: Made, *, value, chosen="tree1", shares=None):
    """The rule as it reads where the arms' average values are these."""
    gathered = cohort(load(made.folder / "study.toml"), read(made.folder / "trial.csv"))
    forecaster = replace(alleviate.load(made.package).package.forecaster, value=np.array(value))
    return describe(gathered, chosen, forecaster, shares or {"CBT": 0.5, "TAU": 0.5}, WORDING["rule"])


def test_a_tree_whose_leaves_all_get_one_arm_asks_nothing(by_severity):
    rule = described(by_severity, value=[50.0, 0.0], shares={"CBT": 1.0, "TAU": 0.0})
    assert set(rule.tree) == {"arm", "n", "benefit"}
    assert (rule.tree["arm"], rule.tree["n"], rule.arms_used) == ("CBT", 1500, ("CBT",))
    assert 43 < rule.tree["benefit"] < 45
    assert rule.text.endswith("but for nobody studied enough to change the choice: CBT for everyone.")


def test_effects_are_told_by_the_shares_of_the_people_studied(tmp_path):
    made = make(tmp_path, people(300, benefit="by severity"))
    found = made.learned.findings
    shown = ", ".join(f"{arm} for {found.share_per_arm[arm]:.0%}" for arm in ("CBT", "TAU"))
    assert found.rule.kind == "effects"
    assert (
        found.rule.text
        == f"For each person the arm with the best expected outcome: {shown} of the people studied."
    )
    assert found.rule.tree is None
    same = described(made, value=[60.0, 0.0], chosen="ridge", shares={"CBT": 1.0, "TAU": 0.0})
    assert same.text.endswith("but for nobody studied enough to change the choice: CBT for everyone.")


def test_one_arm_is_said_in_two_words(small):
    rule = small.learned.findings.rule
    assert (rule.kind, rule.text, rule.arms_used, rule.tree) == ("one-arm", "Everybody: CBT.", ("CBT",), None)


def test_a_blend_names_its_parts_the_heaviest_first(by_severity):
    gathered = cohort(load(by_severity.folder / "study.toml"), read(by_severity.folder / "trial.csv"))
    forecaster = alleviate.load(by_severity.package).package.forecaster
    parts = (Part("ridge", 0.25, forecaster.effect), Part("tree1", 0.5, forecaster.effect))
    blend = replace(forecaster, effect=BlendModel(2, parts), slope=1.0)
    rule = describe(gathered, "blend", blend, {"CBT": 0.5, "TAU": 0.5}, WORDING["rule"])
    assert rule.kind == "effects"
    assert rule.text.endswith("several learners together, each with its weight: tree1 50%, ridge 25%.")
