"""A study in which some outcomes are unknown: nobody is dropped, and what the unknown may hide is said."""

import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from made_trials import make, people, study_text

import alleviate
from alleviate.intake.tables import table_of
from alleviate.models.scores import NuisancePlan
from alleviate.models.trial import Trial
from alleviate.packages import findings_from_json, findings_to_json
from alleviate.studies.cohort import cohort
from alleviate.studies.files import loads
from alleviate.studies.missing import missing_findings, refuse_wild_weights
from alleviate.terms.errors import DataError

WHOLE = people(240, benefit="same")
LEFT_OUT = ('better = "lower"', 'better = "lower"\nmissing = "leave-out"')


def lossy(frame, seed=3):
    """Of CBT a third is lost, of TAU a tenth; the severe more often."""
    rng = np.random.default_rng(seed)
    share = np.where(frame["arm"] == "CBT", 0.35, 0.12) * np.where(frame["severity"] > 20, 1.4, 0.6)
    lost = pl.Series(rng.uniform(size=len(frame)) < share)
    return frame.with_columns(y=pl.when(lost).then(None).otherwise("y"))


def gathered(frame, *changes):
    return cohort(loads(study_text(*changes)), table_of(frame, "trial"))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make(tmp_path_factory.mktemp("lossy"), lossy(WHOLE))


def test_people_without_an_outcome_stay_in_the_trial():
    frame = lossy(WHOLE)
    found = gathered(frame)
    assert len(found.trial) == 240
    assert (found.trial.observed == frame["y"].is_not_null().to_numpy()).all()
    assert (found.trial.y[~found.trial.observed] == 0).all()
    assert sum(found.missing_outcome.values()) == frame["y"].null_count()
    assert sum(found.left_out.values()) == 0
    assert found.sd == pytest.approx(frame["y"].std())


def test_a_study_may_leave_them_out():
    frame = lossy(WHOLE)
    found = gathered(frame, LEFT_OUT)
    assert len(found.trial) == frame["y"].count()
    assert found.trial.observed is None
    assert found.left_out == found.missing_outcome
    assert missing_findings(found, NuisancePlan("linear"), 0) is None


def test_findings_say_who_is_unknown_and_how_much_the_known_count(made):
    missing, frame = made.learned.findings.missing, made.frame
    for arm, unknown in missing.unknown.items():
        own = frame.filter(pl.col("arm") == arm)
        assert (unknown.people, unknown.unknown) == (len(own), own["y"].null_count())
        assert 1 <= unknown.lowest <= unknown.median <= unknown.highest
        known = unknown.people - unknown.unknown
        assert 0.5 * known < unknown.effective <= known
        assert unknown.median == pytest.approx(unknown.people / known, rel=0.3)
    assert made.learned.findings.n == len(frame)
    assert sum(made.learned.findings.missing_outcome.values()) == 0


def test_assumptions_are_ordered_as_they_must_be(made):
    missing = made.learned.findings.missing
    assert list(missing.contrasts) == ["alike", "jump", "worst", "best"]
    alike, jump, worst, best = (missing.contrasts[name]["TAU"] for name in missing.contrasts)
    assert worst.estimate < alike.estimate < best.estimate
    assert 0 < jump.estimate < alike.estimate
    assert alike.low < 4.0 < alike.high
    share = sum(unknown.unknown / unknown.people for unknown in missing.unknown.values())
    assert best.estimate - worst.estimate == pytest.approx(2 * missing.shift * share, rel=0.1)
    assert missing.values["jump"]["TAU"] == missing.values["alike"]["TAU"]
    assert (
        missing.values["worst"]["CBT"].estimate > missing.values["alike"]["CBT"].estimate
    )  # lower is better


def test_the_tipping_point_is_where_the_interval_reaches_zero(made):
    found = gathered(made.frame)
    tipping = made.learned.findings.missing.tipping["TAU"]
    assert 0 < tipping.interval < tipping.estimate
    for shift, size in ((tipping.interval, "low"), (tipping.estimate, "estimate")):
        # with half of that as the important difference, worst cases of both arms do less than one arm's shift
        named = replace(found, outcome=replace(found.outcome, important=shift))
        worst = missing_findings(named, made_plan(found), 0).contrasts["worst"]["TAU"]
        assert getattr(worst, size) < 0


def made_plan(found):
    return NuisancePlan("linear", censoring=((0.01, 1.0), (0.01, 1.0)))


def test_nothing_tips_where_nothing_is_shown():
    found = gathered(lossy(people(240, benefit="none")))
    assert missing_findings(found, made_plan(found), 0).tipping == {}


def test_the_gain_of_a_rule_is_weighed_too():
    found = gathered(lossy(people(240, benefit="by sex")))
    own = np.where(found.trial.features["sex"] == "f", 0, 1)
    given = missing_findings(found, made_plan(found), 0, advised=np.eye(2)[own])
    assert given.gain["alike"].low > 0
    assert given.gain["worst"].estimate < given.gain["alike"].estimate < given.gain["best"].estimate
    idle = missing_findings(found, made_plan(found), 0, advised=np.tile([1.0, 0.0], (240, 1)))
    assert all(gain.estimate == gain.low == gain.high == 0 for gain in idle.gain.values())


def test_without_usual_care_nobody_jumps():
    found = gathered(lossy(WHOLE), ('usual = "TAU"\n', ""))
    missing = missing_findings(found, made_plan(found), 0)
    assert missing.reference is None
    assert "jump" not in missing.values


def test_findings_survive_the_package(made):
    found = made.learned.findings
    assert findings_from_json(findings_to_json(found)) == found


def test_the_report_has_a_section_about_them_and_else_none(made, small):
    text = re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", made.learned.report.read_text()))
    missing = made.learned.findings.missing
    gone, everybody = (
        sum(getattr(u, part) for u in missing.unknown.values()) for part in ("unknown", "people")
    )
    assert f"The outcome of {gone} of {everybody} people" in text
    assert "as under TAU" in text
    assert "To undo what is shown of CBT over TAU" in text
    assert 'id="missing"' not in small.learned.report.read_text()


def test_warnings_say_that_others_count_for_more(made):
    assert any("others like them in the same arm count for more" in w for w in made.learned.findings.warnings)


def test_new_people_are_measured_with_weights_too(made):
    found = alleviate.load(made.package).measure(lossy(people(240, benefit="same", seed=9), seed=4))
    assert found.n == 240
    assert found.value["CBT"].high < found.value["TAU"].low


def with_chances(*chances):
    found = gathered(WHOLE)
    trial = found.trial
    return replace(found, trial=replace(trial, probability=np.column_stack(chances)))


def test_weights_beyond_any_sane_bound_are_refused():
    tiny = np.full(240, 0.5)
    tiny[:6] = 1e-6
    found = with_chances(tiny, 1 - tiny)
    found = replace(found, trial=replace(found.trial, arm=np.arange(240) % 2))
    with pytest.raises(DataError, match='weights of "CBT" exceed any sane bound: 120 people tell') as raised:
        refuse_wild_weights(found)
    assert "\n" not in raised.value.message
    assert "check [treatment] probability" in raised.value.hint


def test_sane_weights_are_not():
    refuse_wild_weights(gathered(WHOLE))
    refuse_wild_weights(gathered(lossy(WHOLE)))
    refuse_wild_weights(gathered(WHOLE, ('probability = "known"\n', "")))


def test_a_complete_trial_has_nothing_to_say_of_the_unknown(small):
    assert small.learned.findings.missing is None
    assert isinstance(gathered(WHOLE).trial, Trial)
    assert gathered(WHOLE).trial.observed is None
