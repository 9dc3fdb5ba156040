"""Everything that speaks against trusting a result is said, and only where the study deserves it."""

import numpy as np
import polars as pl
import pytest
from made_trials import make, people, study_text

import alleviate
from alleviate.studies.findings import WORDING

NAMED = set(WORDING["warnings"])
IN_ROUTINE_CARE = {"unbalanced", "trimmed", "control_outcome", "control_arms"}
"""Met in ``test_routine.py``."""


def warnings_of(tmp_path, frame, *changes):
    return make(tmp_path, frame, *changes).learned.findings.warnings


def without_outcome(frame, rows):
    return frame.with_columns(y=pl.when(~rows).then("y"))


def test_few_people_and_no_sites(small):
    assert small.learned.findings.warnings == (
        "The smallest arm has 60 people. "
        "Trials with under 300 an arm seldom support a rule (Luedtke et al. 2019).",
        "The study names no sites: nothing is known of how the rule carries to another place.",
    )


def test_a_large_shown_rule_with_usual_care_has_only_its_one_place_against_it(by_severity):
    assert by_severity.learned.findings.warnings == (WORDING["warnings"]["single_site"],)


LEFT_OUT = ('better = "lower"', 'better = "lower"\nmissing = "leave-out"')


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([LEFT_OUT], "have no outcome and were left out: the results hold for those who stayed."),
        ([], "have no known outcome: others like them in the same arm count for more in their place."),
    ],
)
def test_many_without_an_outcome(tmp_path, changes, words):
    found = warnings_of(tmp_path, without_outcome(people(100), pl.int_range(pl.len()) % 4 == 0), *changes)
    assert [warning for warning in found if "of the people have no" in warning] == [
        f"25% of the people {words}"
    ]


def test_outcomes_missing_from_one_arm_more_than_from_the_other(tmp_path):
    frame = people(100).sort("arm")
    found = warnings_of(tmp_path, without_outcome(frame, pl.int_range(pl.len()) < 10))
    said = [warning for warning in found if "more often" in warning]
    assert said == [
        "Outcomes are missing more often with CBT (20%) than with TAU (0%): "
        "that alone may look like an effect."
    ]
    assert not any("no outcome and were left out" in warning for warning in found)


def test_arms_that_nobody_drew_by_lot(tmp_path):
    observed = ('probability = "known"', 'assignment = "observational"')
    assert any(
        w.startswith("The arms were not drawn by lot") for w in warnings_of(tmp_path, people(60), observed)
    )


def test_chances_of_an_arm_that_were_very_small(tmp_path):
    frame = people(600)
    likely = pl.Series(np.random.default_rng(2).normal(size=600)) * 2 < frame["severity"] - 20
    frame = frame.with_columns(arm=pl.when(likely).then(pl.lit("CBT")).otherwise(pl.lit("TAU")))
    made = make(tmp_path, frame, ('probability = "known"\n', ""))
    overlap = made.learned.findings.overlap
    said = [w for w in made.learned.findings.warnings if "estimated chance" in w]
    assert said == [
        f"{overlap.truncated} people had so small an estimated chance of some arm "
        "that it was raised to 0.032."
    ]
    assert overlap.truncated > 50
    assert overlap.bound == pytest.approx(5 / (np.sqrt(600) * np.log(600)))


def test_no_usual_care(tmp_path):
    found = warnings_of(tmp_path, people(60), ('usual = "TAU"\n', ""))
    assert "The study names no usual care, so no gain over it is shown." in found


def test_few_sites_and_enough(tmp_path):
    for number in (9, 10):
        frame = people(200).with_columns(site=pl.Series([f"s{i % number}" for i in range(200)]))
        folder = tmp_path / str(number)
        folder.mkdir()
        found = warnings_of(folder, frame, ("repeats = 1", 'repeats = 1\nsite = "site"'))
        assert WORDING["warnings"]["single_site"] not in found
        assert any("There are only 9 sites" in warning for warning in found) == (number == 9)


def test_a_rule_that_is_not_shown_and_one_that_the_folds_did_not_agree_on(tmp_path):
    """With a weak effect and few people the learner is chosen now and again: it is said, or rightly not."""
    met = set()
    for seed in range(12):
        frame = people(150, noise=4, seed=seed)
        weak = 0.5 * (frame["severity"] - 20) * (frame["arm"] == "CBT").cast(pl.Float64)
        folder = tmp_path / str(seed)
        folder.mkdir()
        found = make(folder, frame.with_columns(y=pl.col("y") - weak)).learned.findings
        chosen = {candidate.name: candidate.chosen for candidate in found.candidates}
        ruled = found.rule.kind != "one-arm"
        unstable = any("learner was chosen in" in warning for warning in found.warnings)
        differs = any("its gain is not shown: treat its advice as a leaning" in w for w in found.warnings)
        assert unstable == (ruled and chosen["ridge"] < 0.5)
        assert differs == (len(found.rule.arms_used) > 1 and found.verdict != "personalise")
        met |= {("unstable", unstable), ("differs", differs)}
    assert met == {(what, said) for what in ("unstable", "differs") for said in (True, False)}


def test_what_the_reader_of_the_file_noticed_is_handed_on(tmp_path):
    frame = people(60).with_columns(sex=pl.Series(["mère", "père"] * 30))
    (tmp_path / "trial.csv").write_bytes(frame.write_csv().encode("latin-1"))
    (tmp_path / "study.toml").write_text(study_text())
    found = alleviate.learn(tmp_path / "study.toml", out=tmp_path / "made", workers=1).findings
    assert (
        found.warnings[0] == "trial.csv: line 2 is not UTF-8, so it was read as Latin-1: check the accents."
    )


def test_every_warning_that_has_words_is_met_above():
    assert {
        "small", "missing", "uneven", "observational", "truncated", "unstable", "no_usual", "single_site",
        "few_sites", "differs", "weighted",
    } | IN_ROUTINE_CARE == NAMED  # fmt: skip
