"""Routine care, from the table to the advice: who is left out, what hides, and that every page says so."""

import numpy as np
import polars as pl
import pytest
from made_trials import study_text

import alleviate
from alleviate.intake.tables import table_of
from alleviate.packages import findings_from_json, findings_to_json
from alleviate.packages.routine_findings import (
    BalanceFindings,
    BalanceLine,
    ControlFindings,
    RoutineFindings,
    Trimming,
)
from alleviate.studies.cohort import cohort
from alleviate.studies.files import loads
from alleviate.studies.findings import WORDING
from alleviate.studies.overlap import within_overlap
from alleviate.studies.routine import routine_warnings
from alleviate.terms.errors import DataError, NotEnoughDataError, StudyError
from alleviate.terms.estimates import Estimate

ROUTINE = ('probability = "known"', 'assignment = "observational"')
CONTROLS = ("[learning]", '[controls]\noutcome = "past"\narms = ["CBT", "SSRI"]\n\n[learning]')


def in_care(n, *, seed=1, steep=1.2, hidden=0.0):
    """Three arms; the severe get CBT more often. CBT and SSRI take off 4 points each; ``past`` none of them.

    ``hidden`` steers arm, past and outcome, and is not among the features.
    """
    rng = np.random.default_rng(seed)
    severity, secret = rng.normal(20, 5, n), rng.normal(size=n)
    logits = np.column_stack(
        [0 * severity, steep * (severity - 20) / 5 + hidden * secret, 0 * severity - 0.3]
    )
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    arm = (rng.uniform(size=n)[:, None] > chances.cumsum(axis=1)).sum(axis=1)
    gain = np.array([0.0, 4.0, 4.0])[arm]
    return pl.DataFrame(
        {
            "person": [f"p{i}" for i in range(n)],
            "arm": np.array(["TAU", "CBT", "SSRI"])[arm],
            "age": rng.integers(18, 70, n),
            "severity": severity.round(1),
            "sex": rng.choice(["f", "m"], n),
            "first_episode": rng.choice(["yes", "no"], n),
            "entry": ["2020-01-01", "2020-06-01"] * (n // 2),
            "past": (0.3 * severity + 3 * hidden * secret + rng.normal(size=n)).round(2),
            "y": (10 + 0.5 * severity + 3 * hidden * secret + rng.normal(0, 2, n) - gain).round(2),
        }
    )


def gathered(frame, *changes):
    return cohort(loads(study_text(ROUTINE, *changes)), table_of(frame, "care"))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("care")
    in_care(400, seed=5).write_csv(folder / "trial.csv")
    (folder / "study.toml").write_text(study_text(ROUTINE, CONTROLS))
    return alleviate.learn(folder / "study.toml", out=folder / "made", workers=1)


def test_people_without_a_counterpart_are_left_out_whatever_their_outcome():
    frame = in_care(600, steep=4.0)
    found = within_overlap(gathered(frame))
    turned = within_overlap(gathered(frame.with_columns(-pl.col("y"))))
    out = len(found.trimmed.outside)
    assert 20 < out < 500
    assert len(found.trial) + out == 600
    assert turned.trimmed.outside.equals(found.trimmed.outside)
    severity = found.trial.features["severity"]
    assert severity.std() < frame["severity"].std()
    assert abs(found.trimmed.outside["severity"] - 20).mean() > abs(severity - 20).mean()


def test_a_study_may_name_the_least_chance():
    found = within_overlap(gathered(in_care(600, steep=4.0), (ROUTINE[1], ROUTINE[1] + "\ntrim = 0.05")))
    assert found.trimmed.least >= 0.05
    assert found.trimmed.reach.cut.least == 0.05


def test_in_a_randomised_study_and_with_given_chances_everybody_stays():
    frame = in_care(200, steep=4.0)
    for changes in (
        [],
        [('probability = "known"', 'probability = { "TAU" = 0.3, "CBT" = 0.4, "SSRI" = 0.3 }')],
    ):
        people = cohort(loads(study_text(*changes)), table_of(frame, "care"))
        assert within_overlap(people) is people


def test_sites_controls_and_unknown_outcomes_stay_with_their_people():
    frame = in_care(600, steep=4.0).with_columns(
        site=pl.Series(["north", "south", "west"] * 200),
        y=pl.when(pl.int_range(600) % 10 == 0).then(None).otherwise("y"),
    )
    study = [CONTROLS, ("repeats = 1", 'repeats = 1\nsite = "site"')]
    people = gathered(frame, *study)
    found = within_overlap(people)
    kept = {row: i for i, row in enumerate(people.trial.features.rows())}
    at = [kept[row] for row in found.trial.features.rows()]
    assert found.control.tolist() == people.control[at].tolist()
    assert found.sites == tuple(people.sites[i] for i in at)
    assert (found.trial.observed == people.trial.observed[at]).all()
    assert sum(found.missing_outcome.values()) == (~found.trial.observed).sum()


def test_arms_given_to_different_people_cannot_be_compared():
    with pytest.raises(NotEnoughDataError, match="might have got each of the arms"):
        within_overlap(gathered(in_care(200, steep=12.0), (ROUTINE[1], ROUTINE[1] + "\ntrim = 0.3")))


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (CONTROLS[1].replace('"SSRI"', '"SNRI"'), StudyError, "SNRI"),
        (CONTROLS[1].replace('"past"', '"word"'), DataError, "numbers or yes/no"),
        (CONTROLS[1].replace('"past"', '"same"'), DataError, "to differ"),
    ],
)
def test_controls_that_cannot_serve_are_refused(change, error, says):
    frame = in_care(100).with_columns(word=pl.Series(["red", "blue", "green", "grey"] * 25), same=pl.lit(1.0))
    with pytest.raises(error, match=says):
        gathered(frame, (CONTROLS[0], change))


def test_weighting_makes_the_arms_alike(made):
    lines = {line.label: line for line in made.findings.balance.lines}
    severity = lines["severity"]
    assert made.findings.balance.lines[0] == severity
    assert max(map(abs, severity.before.values())) > 0.3
    assert max(map(abs, severity.after.values())) < 0.2
    for arm, people in made.findings.arms.items():
        assert 0.3 * people < made.findings.balance.effective[arm] <= people


def test_a_large_effect_takes_a_strong_confounder(made):
    found = {s.against: s for s in made.findings.routine.sensitivity}
    over_usual = found["TAU"]
    assert over_usual.turns > 2
    assert over_usual.tips is None or over_usual.tips >= over_usual.turns
    assert over_usual.e_value.interval < over_usual.e_value.estimate
    assert [band.gamma for band in over_usual.bands] == [1.0, 1.25, 1.5, 2.0, 3.0]
    widths = [band.interval_high - band.interval_low for band in over_usual.bands]
    assert widths == sorted(widths)
    assert over_usual.bands[0].low == pytest.approx(over_usual.bands[0].high)
    assert over_usual.bands[0].low == pytest.approx(made.findings.contrasts["TAU"].estimate, abs=0.5)
    equal = next(s for arm, s in found.items() if arm in ("CBT", "SSRI"))
    assert equal.turns == 1.0
    assert equal.e_value.interval == 1.0


def test_values_of_the_arms_widen_around_the_headline(made):
    for name, bands in made.findings.routine.values.items():
        assert bands[0].low == pytest.approx(made.findings.value[name].estimate, abs=0.4)
        for band in bands:
            assert band.interval_low <= band.low <= band.high <= band.interval_high


def test_what_steers_treatment_is_named_first(made):
    strengths = made.findings.routine.strengths
    assert strengths[0].label == "severity"
    assert strengths[0].odds > 1.5 > max(s.odds for s in strengths[1:])


def test_controls_find_nothing_where_nothing_hides(made):
    controls = made.findings.routine.controls
    assert controls.outcome == "past"
    assert not any(e.low > 0.2 or e.high < -0.2 for e in controls.contrasts.values())
    assert controls.arms == ("CBT", "SSRI")
    assert not controls.difference.excludes_zero


@pytest.mark.slow
def test_a_control_shows_what_hides(tmp_path):
    in_care(600, seed=2, hidden=1.0).write_csv(tmp_path / "trial.csv")
    (tmp_path / "study.toml").write_text(study_text(ROUTINE, CONTROLS))
    found = alleviate.learn(tmp_path / "study.toml", out=tmp_path / "made", workers=1).findings
    assert any(e.excludes_zero for e in found.routine.controls.contrasts.values())
    assert any("cannot have changed past" in warning for warning in found.warnings)


def test_the_rule_says_where_it_comes_from_wherever_it_speaks(made):
    words = "routine care, not a randomised trial"
    report = made.report.read_text()
    assert words in made.lines()[0]
    assert words in made.to_json()["rule"]["text"]
    assert report.lower().count(words) > 10
    assert "What a hidden confounder would have to be" in report
    assert "Were the groups alike?" in report
    rule = alleviate.load(made.package)
    advice = rule.advise(in_care(10, seed=9))
    told = [person for person in advice if not person["abstained"]]
    assert told
    assert all(any(words in reason for reason in person["reasons"]) for person in told)


def test_nobody_outside_the_overlap_is_advised(made):
    rule = alleviate.load(made.package)
    strange = in_care(2, seed=9).with_columns(severity=pl.Series([20.0, 42.0]))
    usual, extreme = rule.advise(strange)
    assert not usual["abstained"]
    assert extreme["abstained"]
    reach = rule.package.forecaster.reach
    assert "outside the overlap" in reach.problems(strange.select("severity"))[1]


def test_new_data_need_no_control_column(made):
    rule = alleviate.load(made.package)
    assert rule.evaluate(in_care(200, seed=11).drop("past"))["n"] == 200


def test_findings_are_the_same_after_they_were_written_down(made):
    assert findings_from_json(findings_to_json(made.findings)) == made.findings


def estimate(low, high):
    return Estimate((low + high) / 2, low, high)


def test_warnings_say_what_is_still_unlike_who_is_gone_and_which_control_failed():
    balance = BalanceFindings(
        (
            BalanceLine("age", {"a": 0.5, "b": -0.5}, {"a": 0.15, "b": -0.02}),
            BalanceLine("sex", {"a": 0.2, "b": -0.2}, {"a": -0.12, "b": 0.1}),
            BalanceLine("work", {"a": 0.2, "b": -0.2}, {"a": 0.01, "b": 0.0}),
        ),
        {"a": 10.0, "b": 12.0},
    )
    controls = ControlFindings("past", 1.0, {"b": estimate(0.1, 0.3)}, ("a", "b"), estimate(-0.3, -0.1))
    routine = RoutineFindings(Trimming(90, {"a": 4, "b": 6}, False, 0.1, ()), (), (), 10.0, {}, controls)
    said = routine_warnings(balance, routine, WORDING["warnings"])
    for words in (
        "0.15 SD in age and 1 more",
        "10 of 100 people",
        "cannot have changed past",
        "a and b ought not",
    ):
        assert sum(words in warning for warning in said) == 1
    assert routine_warnings(balance, None, WORDING["warnings"]) == ()


def test_of_risks_with_many_left_out_and_a_higher_outcome_better(tmp_path):
    frame = in_care(500, seed=7, steep=4.0).with_columns(y=(pl.col("y") < 17).cast(pl.Int64))
    frame.write_csv(tmp_path / "trial.csv")
    text = study_text(ROUTINE, ('better = "lower"', 'better = "higher"'), ('unit = "points"\n', ""))
    (tmp_path / "study.toml").write_text(text)
    routine = alleviate.learn(tmp_path / "study.toml", out=tmp_path / "made", workers=1).findings.routine
    assert routine.controls is None
    assert sum(routine.trimming.outside.values()) > 0
    assert {line.label for line in routine.trimming.lines} >= {"severity", "entry"}
    for bands in routine.values.values():
        assert all(-0.1 < band.low <= band.high < 1.1 for band in bands)
    assert all(s.e_value.estimate >= s.e_value.interval >= 1.0 for s in routine.sensitivity)
    assert any(s.e_value.interval > 1.0 for s in routine.sensitivity)
