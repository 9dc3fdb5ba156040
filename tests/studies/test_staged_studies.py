"""A study of two decisions: learned, packaged, reported, asked for advice, and judged anew."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from staged_trials import learned_at, smart, study_text

from alleviate.packages import findings_from_json, findings_to_json, read, write
from alleviate.packages.stage_rule import stage_files
from alleviate.reports import study_report
from alleviate.studies import files
from alleviate.studies.datasets import open_data
from alleviate.studies.learning import learn
from alleviate.studies.loading import load
from alleviate.studies.rules import LearnedRule
from alleviate.studies.stage_rules import LearnedStages
from alleviate.studies.stages import StagesLearned, learn_stages, stages_json
from alleviate.terms.errors import DataError, NotEnoughDataError, PackageError, StudyError


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[StagesLearned, Path]:
    return learned_at(tmp_path_factory.mktemp("smart"), smart())


@pytest.fixture(scope="module")
def rules(made) -> LearnedStages:
    found = load(made[1])
    assert isinstance(found, LearnedStages)
    return found


def test_a_difference_at_each_stage_is_found_and_both_rules_are_told(made):
    found = made[0].findings
    assert found.verdict == "personalise"
    assert found.rule.text.startswith("At first: ")
    assert " At second: " in found.rule.text
    assert found.gain["over_best_arm"].low > 0
    assert found.usual == "talk then go on"
    assert list(found.value) == ["rule", "best_arm", "usual", *found.arms]
    assert found.value["usual"] == found.value["talk then go on"]
    assert found.value["rule"].estimate < min(found.value[name].estimate for name in found.arms)


def test_the_truth_lies_in_the_intervals(made):
    # of 200,000 made up by the same rule: everybody to each sequence
    frame = smart(200_000, seed=2)
    found = made[0].findings
    severity, early = (frame[name].to_numpy() for name in ("severity", "early"))
    on = frame["a2"].is_not_null().to_numpy()
    base = 20 + 2 * severity + early
    for first, sign in (("talk", -0.5), ("pills", 0.5)):
        for second, half in (("go on", -0.5), ("change", 0.5)):
            truth = (base - 2.0 * sign * severity - np.where(on, 3.0 * half * early, 0.0)).mean()
            interval = found.value[f"{first} then {second}"]
            assert interval.low < truth < interval.high


def test_each_stage_tells_its_people_rule_and_gain(made):
    stages = stages_json(made[0].findings.stages or ())
    assert [stage["name"] for stage in stages] == ["first", "second"]
    assert stages[0]["n"] == 600 > stages[1]["n"] > 300
    for stage in stages:
        assert sum(stage["share_per_arm"].values()) == pytest.approx(1.0)
        assert stage["gain"]["over_best_arm"]["low"] > 0
        assert {"kind", "text", "arms_used"} == set(stage["rule"])
    assert sum(stages[1]["arms"].values()) == stages[1]["n"]
    assert json.loads(json.dumps(stages)) == stages


def test_findings_come_back_from_their_bytes(made):
    found = made[0].findings
    assert findings_from_json(findings_to_json(found)) == found


def test_a_candidate_is_named_with_its_stage_and_its_seconds(made):
    learned = made[0]
    names = {candidate.name for candidate in learned.findings.candidates}
    assert {"first: ridge", "second: none"} <= names <= set(learned.seconds)


def test_warnings_say_how_many_came_to_a_later_stage(made):
    found = made[0].findings
    n = (found.stages or ())[1].n
    assert any(warning.startswith(f"{n} of the 600 people came to second") for warning in found.warnings)
    assert len(set(found.warnings)) == len(found.warnings)


def test_who_has_no_arm_yet_is_advised_at_the_first_stage(rules):
    new = smart(40, seed=5).select("person", "severity", "sex")
    advice = rules.advise(new)
    assert {person["stage"] for person in advice} == {"first"}
    assert {person["arm"] for person in advice} == {"talk", "pills"}
    assert [person["id"] for person in advice] == new["person"].to_list()


def test_who_has_a_first_arm_is_advised_at_the_second_stage(rules):
    new = smart(60, seed=5).drop("a2", "y").filter(pl.col("early").abs() > 0.7)
    advice = rules.advise(new)
    assert {person["stage"] for person in advice} == {"second"}
    right = [
        person["arm"] == ("change" if early > 0 else "go on")
        for person, early in zip(advice, new["early"], strict=True)
        if not person["abstained"]
    ]
    assert len(right) > 20
    assert np.mean(right) > 0.9


def test_rows_of_one_table_may_stand_at_different_stages(rules):
    new = smart(6, seed=6).with_columns(a1=pl.Series(["1", None, "2", None, "1", None]), a2=None)
    assert [person["stage"] for person in rules.advise(new)] == ["second", "first"] * 3


def test_who_has_an_arm_at_every_stage_is_told_that_nothing_is_left(rules):
    new = smart(6, seed=6).with_columns(a2=pl.lit("change"))
    for person in rules.advise(new):
        assert person["abstained"]
        assert person["stage"] is None
        assert "nothing is left to choose" in person["reason"]


def test_an_arm_that_the_study_does_not_know_is_not_judged(rules):
    new = smart(3, seed=6).drop("a2").with_columns(a1=pl.lit("3"))
    assert all("nobody in the study was" in person["reason"] for person in rules.advise(new))


def test_a_later_arm_without_an_earlier_is_refused_by_its_row(rules):
    new = smart(3, seed=6).with_columns(a1=pl.Series(["1", None, "2"]), a2=pl.lit("change"))
    with pytest.raises(DataError, match=r'an arm at every stage before "second".*row 2'):
        rules.advise(new)


def test_a_table_without_any_feature_is_refused(rules):
    with pytest.raises(DataError, match="some of the features of these rules"):
        rules.advise(pl.DataFrame({"a1": ["1"], "x": [1.0]}))


def test_records_do_not_tell_stages(rules):
    with pytest.raises(StudyError, match="learned from a table"):
        rules.recommend_records([], pytest)


def test_new_people_judge_the_rules(rules):
    measures = rules.evaluate(smart(500, seed=9))
    assert measures["n"] == 500
    assert measures["gain"]["over_best_arm"]["low"] > 0
    assert sum(measures["share_per_arm"].values()) == pytest.approx(1.0)
    assert measures["value"]["best_arm"] == measures["value"][rules.package.findings.best_arm]


def test_new_people_with_other_arms_are_refused(rules):
    other = smart(500, seed=9).with_columns(a2=pl.col("a2").replace("change", "swap"))
    asked = replace(
        rules,
        study=files.loads(
            study_text({'usual = "go on"\nprobability = { "go on" = 0.5, "change" = 0.5 }\n': ""})
        ),
    )
    with pytest.raises(DataError, match="expected the fixed sequences"):
        asked.measure(other)


@pytest.mark.slow
def test_the_package_is_the_same_whatever_the_number_of_workers(made):
    told: list[tuple[int, int]] = []
    study = files.load(made[1].parent / "smart.toml")
    again = learn_stages(
        study, open_data(study), study_text(), workers=2, progress=lambda done, of, _: told.append((done, of))
    )
    assert stage_files(again.package) == stage_files(made[0].package)
    assert told == [(0, 2), (1, 2), (2, 2)]


@pytest.mark.parametrize("gone", ["stage2-model.json", "stages.json"])
def test_a_package_that_is_signed_but_not_whole_is_refused(tmp_path, made, gone):
    learned, package = made
    contents = stage_files(learned.package)
    del contents[gone]
    broken = write(tmp_path / "broken", contents, read(package).manifest.origin)
    with pytest.raises(PackageError, match="that this version can read"):
        load(broken)


def test_the_report_has_a_section_for_each_decision(made):
    learned = made[0]
    html = study_report(learned.study, learned.findings, package_name="smart")
    section = html.split('id="stages"')[1].split("</section>")[0]
    assert "1. first" in section
    assert "2. second" in section
    assert "435" in section or str((learned.findings.stages or ())[1].n) in section
    assert 'id="spread"' not in html


def test_where_nothing_differs_everybody_gets_one_sequence(tmp_path):
    alone = {'candidates = ["none", "ridge"]': 'candidates = ["none"]'}
    learned, package = learned_at(tmp_path, smart(300, first=0.0, second=0.0), alone)
    found = learned.findings
    assert found.verdict != "personalise"
    assert found.rule.text == f"Everybody: {found.best_arm}."
    first, second = found.best_arm.split(" then ")
    rules = load(package)
    new = smart(30, seed=3)
    advised = [person["arm"] for person in rules.advise(new.drop("a1", "a2", "early"))]
    assert set(advised) - {None} == {first}
    advised = [person["arm"] for person in rules.advise(new.drop("a2"))]
    assert set(advised) - {None} == {second}


@pytest.mark.slow
def test_lost_outcomes_are_weighed_or_left_out_as_the_study_says(tmp_path):
    frame = smart(300).with_columns(y=pl.when(pl.int_range(300) % 6 == 0).then(None).otherwise("y"))
    weighed, _ = learned_at(tmp_path, frame)
    left_out, _ = learned_at(tmp_path, frame, {'unit = "points"': 'unit = "points"\nmissing = "leave-out"'})
    assert weighed.findings.n == 300
    assert left_out.findings.n == 250
    assert sum(left_out.findings.missing_outcome.values()) == 50
    assert sum(weighed.findings.missing_outcome.values()) == 0


@pytest.mark.slow
def test_sites_are_left_out_in_turn(tmp_path):
    frame = smart(400).with_columns(site=pl.int_range(400) % 4)
    learned, _ = learned_at(tmp_path, frame, {"repeats = 1": 'repeats = 1\nsite = "site"'})
    assert any("only 4 sites" in warning for warning in learned.findings.warnings)
    rules = load(tmp_path / "package")
    assert rules.evaluate(smart(300, seed=4))["n"] == 300
    with pytest.raises(Exception, match="two sites or more"):
        learned_at(
            tmp_path, frame.with_columns(site=pl.lit("a")), {"repeats = 1": 'repeats = 1\nsite = "site"'}
        )


@pytest.mark.slow
def test_routine_care_at_one_stage_is_said_of_the_whole(tmp_path):
    changes = {
        'usual = "go on"\nprobability = { "go on" = 0.5, "change" = 0.5 }': 'assignment = "observational"'
    }
    learned, _ = learned_at(tmp_path, smart(300), changes)
    assert learned.findings.assignment == "observational"
    assert learned.findings.usual is None


def learn_at(path: Path) -> StagesLearned:
    study = files.load(path)
    return learn_stages(study, open_data(study), "", workers=1)


def refused(tmp_path: Path, frame: pl.DataFrame, changes: dict[str, str] | None = None) -> str:
    """The one line and the hint by which a study is refused."""
    frame.write_csv(tmp_path / "smart.csv")
    (tmp_path / "smart.toml").write_text(study_text(changes))
    with pytest.raises((DataError, NotEnoughDataError, StudyError)) as error:
        learn_at(tmp_path / "smart.toml")
    assert error.value.hint
    assert "\n" not in error.value.message
    return error.value.message


def test_a_stage_that_nobody_reached(tmp_path):
    message = refused(tmp_path, smart(100).with_columns(a2=pl.lit(None, dtype=pl.String)))
    assert 'expected somebody to come to the stage "second"' in message


def test_an_arm_of_a_stage_with_too_few(tmp_path):
    frame = smart(200)
    rare = pl.when(pl.int_range(200) < 12).then(pl.lit("stop")).otherwise("a2")
    message = refused(
        tmp_path, frame.with_columns(a2=rare), {'probability = { "go on" = 0.5, "change" = 0.5 }\n': ""}
    )
    assert '"stop"' in message


def test_an_arm_whose_outcomes_are_unknown(tmp_path):
    lost = pl.when(pl.col("a2") == "change").then(None).otherwise("y")
    message = refused(tmp_path, smart(200).with_columns(y=lost))
    assert 'Only 0 people in the arm "change" of "second" have an outcome' in message


def test_who_has_no_arm_at_all_is_left_out_and_counted(tmp_path):
    none = pl.int_range(300) < 3
    frame = smart(300).with_columns(
        a1=pl.when(none).then(None).otherwise("a1"), a2=pl.when(none).then(None).otherwise("a2")
    )
    found = learned_at(tmp_path, frame)[0].findings
    assert found.n == 297
    assert any(warning.startswith("3 rows have no value of a1") for warning in found.warnings)


def test_a_package_of_one_treatment_opens_as_before(tmp_path):
    frame = smart(120).drop("early", "a2").with_columns(pl.col("a1").replace({"1": "talk", "2": "pills"}))
    frame.write_csv(tmp_path / "smart.csv")
    head, _, rest = study_text().split("[[stage]]")
    plain = f'{head}[treatment]\ncolumn = "a1"\n[learning]{rest.split("[learning]")[1]}'
    (tmp_path / "smart.toml").write_text(plain)
    learned = learn(tmp_path / "smart.toml", out=tmp_path / "package", workers=1)
    assert isinstance(load(learned.package), LearnedRule)


def test_an_arm_that_only_one_earlier_arm_leads_to(tmp_path):
    frame = smart(400).filter((pl.col("a1") == "1") | (pl.col("a2") == "change") | pl.col("a2").is_null())
    message = refused(tmp_path, frame)
    assert 'Only 0 people got "pills then go on"' in message


def test_an_arm_at_the_second_stage_and_none_at_the_first(tmp_path):
    frame = smart(200).with_columns(
        a1=pl.when(pl.int_range(200) == 7).then(None).otherwise("a1"),
        a2=pl.when(pl.int_range(200) == 7).then(pl.lit("change")).otherwise("a2"),
    )
    message = refused(tmp_path, frame)
    assert 'an arm at "first" for everybody with one at "second"' in message
    assert "line 9" in message


def test_stages_in_the_wrong_order(tmp_path):
    text = study_text()
    head, first, rest = text.split("[[stage]]")
    second, end = rest.split("[learning]")
    smart(200).write_csv(tmp_path / "smart.csv")
    (tmp_path / "smart.toml").write_text(f"{head}[[stage]]{second}[[stage]]{first}[learning]{end}")
    study = files.load(tmp_path / "smart.toml")
    with pytest.raises(StudyError, match="in the order in which people come to them") as error:
        learn_stages(study, open_data(study), "", workers=1)
    assert "other way round" in error.value.hint


def test_a_later_feature_that_is_the_outcome_by_another_name(tmp_path):
    frame = smart(200).with_columns(early=pl.col("y") * 2)
    assert '"early" nearly equals the outcome "y"' in refused(tmp_path, frame)


def test_a_later_feature_that_is_another_stages_arm(tmp_path):
    message = refused(tmp_path, smart(200), {'features = ["early"]': 'features = ["early", "a1"]'})
    assert '"a1" is the treatment' in message


def test_a_time_to_an_event_is_no_outcome_of_stages(tmp_path):
    event = 'kind = "time-to-event"\nevent = "sex"\nhorizon = 3\nunit = "points"'
    message = refused(tmp_path, smart(100), {'unit = "points"': event, '"severity", "sex"': '"severity"'})
    assert "got a time to an event" in message


def test_too_many_sequences(tmp_path):
    rng = np.random.default_rng(1)
    seven = [str(k) for k in rng.integers(0, 7, 600)]
    frame = smart(600).with_columns(a1=pl.Series(seven), a2=pl.Series(seven[::-1]))
    changes = {
        'arms = { "1" = "talk", "2" = "pills" }\nusual = "talk"\n': "",
        'usual = "go on"\nprobability = { "go on" = 0.5, "change" = 0.5 }\n': "",
    }
    assert "at most 36 fixed sequences of arms, got 49" in refused(tmp_path, frame, changes)


def test_folds_too_thin_for_an_arm(tmp_path):
    message = refused(tmp_path, smart(120), {"folds = 2": "folds = 20"})
    assert "for 20 folds" in message
