"""A study that names harms: read, weighed, limited, told, kept in the package, open to another's weights."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import alleviate
from alleviate.reports import study_report
from alleviate.studies import files
from alleviate.studies.cohort import cohort
from alleviate.studies.datasets import open_data
from alleviate.terms.errors import DataError, InputError
from harms import traded

STUDY = """\
[study]
name = "weighed"
title = "Talk or drug"

[data]
path = "trial.csv"

[treatment]
column = "arm"
usual = "talk"
probability = "known"

[outcome]
column = "y"
better = "lower"
label = "depression"
unit = "points"

{harms}

[features]
include = ["x1", "x2", "x3", "x4", "x5", "x6"]

[learning]
candidates = ["none", "ridge"]

[validation]
folds = 2
repeats = 1
"""

DROPOUT = '[[harm]]\ncolumn = "dropout"\nlabel = "dropout"\nweight = 6\nlimit = 0.3\n'
STAYING = '[[harm]]\ncolumn = "weeks"\nbetter = "higher"\nunit = "weeks"\nlimit = 5\n'


def frame(n=400, seed=10_004):
    made = traded(n, seed)
    harm, rng = made.trial.harms[:, 0], np.random.default_rng(seed)
    return made.trial.features.with_columns(
        arm=pl.Series(np.array(["talk", "drug"])[made.trial.arm]),
        y=pl.Series(10 - 4 * made.trial.y),
        dropout=pl.Series(harm),
        weeks=pl.Series(12 - 6 * harm + rng.normal(size=n)),
    )


def study(folder, harms=DROPOUT, people=None):
    (frame() if people is None else people).write_csv(folder / "trial.csv")
    (folder / "study.toml").write_text(STUDY.format(harms=harms), encoding="utf-8")
    return folder / "study.toml"


def read(folder, **changes):
    found = files.load(study(folder, **changes))
    return cohort(found, open_data(found))


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weighed")
    return alleviate.learn(study(folder, DROPOUT + STAYING), out=folder / "out", workers=1)


@pytest.fixture(scope="module")
def rule(learned):
    return alleviate.load(learned.package)


class TestReading:
    def test_larger_is_worse_and_unknown_stays_unknown(self, tmp_path):
        people = frame().with_columns(
            dropout=pl.when(pl.int_range(pl.len()) == 3).then(None).otherwise(pl.col("dropout"))
        )
        found = read(tmp_path, harms=DROPOUT + STAYING, people=people).trial.harms
        assert np.isnan(found[3, 0])
        assert np.isfinite(np.delete(found[:, 0], 3)).all()
        assert found[:, 1] == pytest.approx(-people["weeks"].to_numpy())

    def test_a_study_without_harms_has_none(self, tmp_path):
        assert read(tmp_path, harms="").trial.harms is None

    @pytest.mark.parametrize(
        ("column", "message"),
        [
            (pl.lit("much"), "expected numbers, or yes and no, as the harm"),
            (pl.lit(1.0), "expected a harm that differs between people"),
            (pl.lit(None, dtype=pl.Float64), "expected values of the harm"),
            (
                pl.when(pl.col("arm") == "drug").then(None).otherwise(pl.col("dropout")),
                'at least 15 people in each arm, got 0 in "drug"',
            ),
        ],
        ids=["words", "all the same", "empty", "empty in an arm"],
    )
    def test_what_cannot_be_a_harm_is_refused_in_one_line(self, tmp_path, column, message):
        with pytest.raises(DataError) as error:
            read(tmp_path, people=frame().with_columns(dropout=column))
        assert message in error.value.message
        assert "dropout" in error.value.message
        assert "\n" not in str(error.value)
        assert error.value.hint

    def test_a_column_that_is_not_there_is_refused(self, tmp_path):
        with pytest.raises(DataError, match="dropout"):
            read(tmp_path, people=frame().drop("dropout"))


class TestWhatIsFound:
    def test_values_stay_the_outcomes_and_what_is_compared_is_the_utility(self, learned):
        found = learned.findings
        harms = found.harms
        for arm in found.arms:
            together = found.value[arm].estimate + 6 * harms.harms[0].value[arm].estimate
            assert harms.utility[arm].estimate == pytest.approx(together)
        other = next(arm for arm in found.arms if arm != found.best_arm)
        ahead = harms.utility[other].estimate - harms.utility[found.best_arm].estimate
        assert found.contrasts[other].estimate == pytest.approx(ahead)
        assert ahead >= 0
        assert "each dropout counted as 6 points worse" in found.reason

    def test_each_harm_is_valued_under_the_rule_and_each_arm(self, learned):
        dropout, weeks = learned.findings.harms.harms
        assert dropout.binary
        assert not weeks.binary
        people = frame()
        for arm in ("talk", "drug"):
            own = people.filter(pl.col("arm") == arm)
            assert dropout.known[arm] == len(own)
            assert dropout.value[arm].estimate == pytest.approx(own["dropout"].mean(), abs=0.05)
            assert weeks.value[arm].estimate == pytest.approx(own["weeks"].mean(), abs=0.5)
        assert dropout.barred["talk"] < dropout.barred["drug"] < 1

    def test_the_frontier_holds_the_stated_weight_and_a_natural_one_where_none_is(self, learned):
        dropout, weeks = learned.findings.harms.harms
        assert dropout.at == 6
        assert weeks.weight is None
        assert weeks.at == weeks.natural > 0
        for harm in (dropout, weeks):
            assert harm.at in [point.weight for point in harm.frontier]
            assert all(sum(point.shares.values()) == pytest.approx(1) for point in harm.frontier)

    def test_the_json_tells_them_only_where_a_study_has_them(self, learned):
        told = learned.to_json()["harms"]
        assert [harm["name"] for harm in told["each"]] == ["dropout", "weeks"]
        assert set(told["each"][0]["value"]) == {"rule", "best_arm", "talk", "drug"}
        assert told["utility"]["rule"]["low"] < told["utility"]["rule"]["high"]

    def test_the_report_shows_them(self, learned):
        html = study_report(learned.study, learned.findings, package_name="weighed")
        assert 'id="harms"' in html
        assert "never traded away" in html
        assert "as stated" in html


class TestAdvice:
    def test_expected_harms_stand_beside_the_outcome(self, rule):
        told = rule.advise(frame().head(5))[0]
        assert set(told["harms"]) == {"dropout", "weeks"}
        assert set(told["harms"]["dropout"]) == {"talk", "drug"}
        assert all(0 <= e["low"] <= e["high"] <= 1 for e in told["harms"]["dropout"].values())

    def test_nobody_is_advised_what_is_expected_to_exceed_a_limit_whatever_the_weights(self, rule):
        vetoed = 0
        for weights in (None, {"dropout": 0}, {"dropout": 100, "weeks": 1}):
            for told in rule.advise(frame(), weights=weights):
                beyond = {a for a, e in told["harms"]["dropout"].items() if e["estimate"] > 0.3}
                beyond |= {a for a, e in told["harms"]["weeks"].items() if e["estimate"] < 5}
                assert told["arm"] not in beyond
                said = [reason for reason in told["reasons"] if reason.startswith("Not advised")]
                assert all(any(arm in reason for reason in said) for arm in beyond)
                vetoed += len(beyond)
                if len(beyond) == 2:
                    assert told["abstained"]
                    assert "within the limits" in told["reason"]
        assert vetoed > 100

    def test_a_veto_says_what_is_expected_and_the_limit(self, rule):
        reasons = [reason for told in rule.advise(frame()) for reason in told["reasons"]]
        veto = next(reason for reason in reasons if reason.startswith("Not advised: drug, since dropout"))
        assert "the limit is 30 %" in veto

    def test_who_cannot_be_judged_is_told_so_and_of_no_limit(self, rule):
        told = rule.advise(frame().head(1).with_columns(x1=pl.lit(1000.0)))[0]
        assert told["abstained"]
        assert "unlike" in told["reason"]
        assert not told["reasons"]

    def test_without_limits_there_is_no_veto(self, rule):
        free = tuple(replace(kept, harm=replace(kept.harm, limit=None)) for kept in rule.package.harms)
        told = replace(rule, package=replace(rule.package, harms=free)).advise(frame())
        assert not [reason for one in told for reason in one["reasons"] if "Not advised" in reason]

    def test_the_stated_weights_change_nothing_and_more_weight_avoids_more(self, rule):
        people = frame()
        stated = rule.advise(people)
        assert rule.advise(people, weights={"dropout": 6}) == stated
        given = [
            sum(told["arm"] == "drug" for told in rule.advise(people, weights={"dropout": weight}))
            for weight in (0, 6, 60)
        ]
        assert given[0] >= given[1] >= given[2]
        assert given[0] > given[2]

    def test_by_other_weights_nothing_was_shown(self, rule):
        shown = replace(rule.package, findings=replace(rule.package.findings, verdict="personalise"))
        assert shown.verdict == replace(shown, now=(6.0, 0.0)).verdict == "personalise"
        assert replace(shown, now=(5.0, 0.0)).verdict == "equipoise"

    @pytest.mark.parametrize(("weights", "message"), [({"drop": 1}, "drop"), ({"dropout": -1}, "0 or more")])
    def test_a_weight_that_means_nothing_is_refused(self, rule, weights, message):
        with pytest.raises(InputError, match=message):
            rule.advise(frame().head(2), weights=weights)


class TestNewPeople:
    def test_harms_are_measured_too_and_gains_are_of_the_utility(self, rule):
        told = rule.evaluate(frame(400, 10_005))
        assert set(told["harms"]) == {"dropout", "weeks"}
        rule_value, best = told["value"]["rule"], told["value"]["best_arm"]
        harms = told["harms"]["dropout"]
        gain = (best["estimate"] - rule_value["estimate"]) + 6 * (
            harms["best_arm"]["estimate"] - harms["rule"]["estimate"]
        )
        assert told["gain"]["over_best_arm"]["estimate"] == pytest.approx(gain)
