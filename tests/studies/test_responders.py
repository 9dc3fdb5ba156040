"""Who responds, in words: groups and the shortest rule, from a study file to its report."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from made_trials import make, people

from alleviate.packages.canonical import findings_from_json, findings_to_json
from alleviate.reports import study_report


@pytest.fixture(scope="module")
def gaps(tmp_path_factory):
    """A yes/no, whole numbers, a date, levels that few have, a constant; nobody differs."""
    frame = people(220, benefit="same").with_columns(
        visits=pl.Series([i % 3 for i in range(220)]),
        rare=pl.Series([("alone", "odd", "usual", "common")[min(i % 44, 3)] for i in range(220)]),
        place=pl.Series(["far" if i % 20 == 0 else "near" for i in range(220)]),
        twice=pl.Series([1 + (i % 5 == 0) for i in range(220)]),
        country=pl.lit("DE"),
        severity=pl.when(pl.int_range(220) % 10 > 0).then("severity"),
    )
    include = ('include = ["age", ', 'include = ["visits", "rare", "place", "twice", "country", "age", ')
    return make(tmp_path_factory.mktemp("gaps"), frame, include).learned.findings


def test_the_feature_by_which_people_differ_stands_first(by_severity):
    found = by_severity.learned.findings.subgroups
    first = [group for group in found.groups if group.feature == "severity"][:2]
    assert {group.p < 0.001 for group in first} == {True}
    assert {group.effect.estimate > 0 for group in first} == {True, False}
    assert found.best_arm in ("CBT", "TAU")
    leading = {group.feature for group in found.groups[:5]}
    assert "severity" in leading
    others = [group.p for group in found.groups if group.feature not in ("severity", "advised")]
    assert min(others) > 0.01


def test_those_whom_the_rule_advises_do_better_by_it(by_severity):
    """Learned without them: who is advised the other arm does worse with the best one."""
    found = by_severity.learned.findings.subgroups
    assert found.by_rule
    advised = {group.level: group.effect for group in found.groups if group.feature == "advised"}
    other = "TAU" if found.best_arm == "CBT" else "CBT"
    assert advised[found.best_arm].low > 0 > advised[other].high


def test_the_shortest_rule_is_the_split_that_was_planted(by_severity):
    found = by_severity.learned.findings.shortest
    assert (found.name, found.same) == ("tree1", True)
    assert found.words.tree["label"] == "severity"
    assert found.compared[0].behind.low > 0
    assert [rule.name for rule in found.compared] == ["none", "tree1", "chosen"]


def test_where_nobody_differs_it_is_one_arm_for_everybody(small):
    found = small.learned.findings.shortest
    assert (found.name, found.words.kind, found.words.text) == ("none", "one-arm", "Everybody: CBT.")
    assert found.gain.low == found.gain.high == 0


def test_groups_are_told_by_what_the_data_call_them(gaps):
    told = {(group.label, group.level) for group in gaps.subgroups.groups}
    visits = {level for label, level in told if label == "visits"}
    assert visits in ({"0", "1", "2"}, {"0", "1 or more"}, {"1 or less", "2"}, set())
    assert len(gaps.subgroups.groups) <= 12
    for label, level in told:
        if label == "twice":
            assert level in ("1", "2")
        if label == "entry":
            assert level.startswith(("after 20", "20"))
        if label == "first_episode":
            assert level in ("yes", "no")


def test_groups_of_fewer_than_twenty_in_an_arm_are_named_and_not_judged(gaps):
    assert "place: far" in gaps.subgroups.too_few
    assert not {"place", "rare"} & {group.feature for group in gaps.subgroups.groups}
    assert not any("alone" in name or "DE" in name for name in gaps.subgroups.too_few)
    assert all(min(group.n.values()) >= 20 for group in gaps.subgroups.groups)


def test_who_has_not_the_value_is_in_no_group_of_it(gaps):
    severity = [group.n for group in gaps.subgroups.groups if group.feature == "severity"]
    assert severity == [] or sum(sum(n.values()) for n in severity) == 198


def test_no_group_no_section(tmp_path):
    learned = make(tmp_path, people(60)).learned
    assert learned.findings.subgroups is None
    assert "Who responds, in words" not in learned.report.read_text()


def test_three_arms_compare_the_best_with_each_other(tmp_path):
    frame = people(450, benefit="same")
    arms = pl.Series([("CBT", "TAU", "IPT")[i % 3] for i in range(450)])
    learned = make(tmp_path, frame.with_columns(arm=arms)).learned
    found = learned.findings.subgroups
    assert set(found.overall) == {"CBT", "TAU", "IPT"} - {found.best_arm}
    assert {group.against for group in found.groups} <= set(found.overall)
    assert found.looked % 2 == 0
    assert f"over {next(iter(found.overall))}" in learned.report.read_text()


def test_it_is_kept_with_the_package(by_severity, small):
    for made in (by_severity, small):
        found = made.learned.findings
        assert findings_from_json(findings_to_json(found)) == found


def test_the_report_says_who_responds_and_draws_a_shorter_rule(by_severity):
    found, study = by_severity.learned.findings, by_severity.learned.study
    text = study_report(study, found, package_name="made")
    assert "Shown to differ between people" in text
    assert "severity" in text.split("Shown to differ between people")[1][:400]
    assert "It is the rule above: none shorter" in text
    other = replace(found, shortest=replace(found.shortest, same=False))
    drawn = study_report(study, other, package_name="made")
    assert drawn.count("Decision tree.") == text.count("Decision tree.") + 2


def test_the_report_of_nothing_found_says_how_much_was_looked_at(gaps, small):
    text = study_report(small.learned.study, gaps, package_name="made")
    assert "No group is shown to respond otherwise than the rest" in text
    assert f"among {gaps.subgroups.looked} comparisons" in text
    assert "Not judged, with fewer than 20 people in some treatment: " in text
    assert "Everybody: CBT." in text


def test_numbers_are_finite_and_in_order(gaps):
    for group in gaps.subgroups.groups:
        assert group.effect.low <= group.effect.estimate <= group.effect.high
        assert np.isfinite([group.p, group.p_alone]).all()
        assert 0 < group.p_alone <= group.p <= 1
    json.loads(findings_to_json(gaps))
