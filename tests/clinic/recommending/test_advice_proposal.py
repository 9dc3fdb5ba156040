"""A proposal: what is put first and how sure, what bars it, what would change it, what it rests on."""

import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_people import BEFORE, CBT, NOW, SERTRALINE, TABLETS, TALK, event, person

from alleviate.clinic.recommending.proposal import Person, build, key_of, moment_of
from alleviate.decisions import Proposal
from alleviate.records import KINDS, PatientRecord


def with_events(record: PatientRecord, *events) -> PatientRecord:
    return PatientRecord(record.subject_id, [*record.events, *events])


def taking(code: str, words: str, subject: str = "p"):
    return event(subject, code, BEFORE, "medication", f"MedicationRequest/{words}", text=words)


def suffering(code: str, words: str, subject: str = "p"):
    return event(subject, code, BEFORE, "condition", f"Condition/{words}", text=words)


class TestHowSureItIs:
    @pytest.mark.parametrize(("phq9", "first"), [(24, SERTRALINE), (7, CBT)])
    def test_a_difference_that_is_shown_is_established(self, advise, phq9, first):
        told = advise(person("p", phq9=phq9, at=BEFORE))
        assert (told.standing, told.first, told.advised) == ("established", first, (first,))
        assert told.benefit is not None
        assert told.benefit.low > 0
        assert [option.shown_worse for option in told.options] == [False, True]

    def test_in_between_nothing_is_shown(self, advise):
        told = advise(person("p", phq9=14, at=BEFORE))
        assert told.standing == "leaning"
        assert told.benefit.low <= 0
        assert not any(option.shown_worse for option in told.options)

    def test_where_no_arm_was_shown_better_no_person_has_an_established_advice(self, advise):
        for phq9 in (9, 14, 20, 26):
            assert advise(person("p", phq9=phq9, at=BEFORE), "leaving").standing in ("leaning", "equal")

    def test_it_is_the_rules_own_answer_where_no_hard_rule_speaks(self, advise, shelf):
        rule = next(each.what for each in shelf.rules() if each.name == "severity")
        for phq9 in (7, 12, 17, 24, None):
            record = person("p", phq9=phq9, at=BEFORE)
            told, own = advise(record), rule.recommend_records([record], moment_of(NOW))[0]
            assert told.first == own.arm
            assert told.benefit == own.benefit
            assert told.comparable == own.comparable_n
            assert {o.arm: o.expected for o in told.options} == dict(own.expected)
            reasons = {*told.reasons_for, *told.reasons_against, *told.unknown}
            assert reasons == set(own.reasons)

    def test_it_says_when_there_are_too_few_people_like_this(self, advise):
        told = advise(person("p", phq9=27, gad7=0, age=105, at=BEFORE))
        assert told.standing == "cannot-say"
        assert told.reason.startswith("Too ")
        assert told.advised == ()
        assert all(option.expected is None for option in told.options)


class TestWhoFits:
    def test_outside_the_range_of_the_study_it_says_so(self, advise):
        told = advise(person("p", phq9=6, at=BEFORE), "leaving")
        assert told.standing == "no-package"
        assert {each.name: each.why for each in told.passed}["leaving"] == (
            "The study was of people with depression (PHQ-9) 8 to 27; here it is 6."
        )

    def test_whom_the_study_left_out_is_not_advised(self, advise):
        record = with_events(person("p", at=BEFORE), suffering("ICD10//F20.0", "Schizophrenia"))
        told = advise(record, "leaving")
        assert told.standing == "no-package"
        assert "psychosis" in told.passed[0].why

    def test_without_a_question_the_first_that_fits_is_asked(self, advise):
        assert advise(person("p", phq9=6, at=BEFORE), "").versions.package == "severity"
        assert advise(person("p", phq9=20, at=BEFORE), "").versions.package == "leaving"

    def test_a_prognosis_says_what_is_foreseen_whatever_is_done(self, advise):
        (each,) = advise(person("p", at=BEFORE)).prospects
        assert (each.package, each.risk) == ("foreseen", True)
        assert each.expected.low < each.expected.estimate < each.expected.high

    def test_a_running_treatment_is_told(self, advise):
        running = event("p", "EPISODE//start", BEFORE, "episode", "EpisodeOfCare/p", text=CBT)
        (begun,) = advise(with_events(person("p", at=BEFORE), running)).begun
        assert (begun.title, begun.since) == (CBT, BEFORE.date().isoformat())
        ended = event(
            "p", "EPISODE//end", BEFORE + timedelta(days=1), "episode", "EpisodeOfCare/p", text="completed"
        )
        assert advise(with_events(person("p", at=BEFORE), running, ended)).begun == ()


class TestHardRulesBeatTheModel:
    def test_a_vetoed_medicine_is_not_advised_however_good_it_looks(self, advise):
        severe = person("p", phq9=25, at=BEFORE)
        assert advise(severe).advised == (SERTRALINE,)
        told = advise(with_events(severe, taking("RxNorm//8123", "Phenelzine")))
        barred = told.option(SERTRALINE)
        assert (told.first, told.advised, barred.barred) == (CBT, (CBT,), True)
        assert told.options[-1] == barred
        (veto,) = [concern for concern in barred.concerns if concern.level == "veto"]
        assert veto.rule == "maoi"
        assert "Phenelzine" in veto.because
        assert veto.source

    def test_an_option_of_several_treatments_is_barred_only_if_all_are(self, advise):
        record = with_events(person("p", phq9=20, at=BEFORE), suffering("ICD10//F31.3", "Bipolar disorder"))
        told = advise(record, "leaving")
        assert told.option("tablets").barred
        assert not told.option("talking").barred

    def test_what_may_not_be_read_cannot_be_checked_and_is_not_suggested(self, advise):
        severe = person("p", phq9=25, at=BEFORE)
        told = advise(severe, allowed=frozenset(KINDS) - {"medication"})
        assert told.option(SERTRALINE).barred
        assert told.option(SERTRALINE).concerns[0].rule == "not-permitted"

    def test_it_says_what_nobody_could_check(self, advise):
        told = advise(with_events(person("p", at=BEFORE), taking("RxNorm//999", "Amlodipine")))
        assert any("Amlodipine" in text for text in told.unchecked)
        assert any("pregnancy" in text for text in told.unchecked)
        assert not any("pregnancy" in t for t in advise(person("p", sex="male", at=BEFORE)).unchecked)

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        phq9=st.none() | st.integers(0, 27),
        gad7=st.none() | st.integers(0, 21),
        age=st.floats(10, 95),
        sex=st.sampled_from([None, "female", "male", "other"]),
        wish=st.sampled_from([None, TALK, TABLETS]),
        ill=st.sampled_from([None, "ICD10//F31.1", "ICD10//Z33", "ICD10//I45.8"]),
        question=st.sampled_from(["", "severity", "leaving"]),
    )
    def test_nothing_barred_is_ever_advised(self, shelf, phq9, gad7, age, sex, wish, ill, question):
        record = person("p", phq9=phq9, gad7=gad7, age=age, sex=sex, wish=wish, at=BEFORE)
        if ill:
            record = with_events(record, suffering(ill, "It"))
        told = build(Person("a" * 32, record), shelf, NOW, question=question)
        assert not {option.arm for option in told.options if option.barred} & set(told.advised)
        under_age_or_ill = age < 17.9 or ill in ("ICD10//F31.1", "ICD10//Z33")
        tablets = [option for option in told.options if option.kind == "medicine"]
        assert all(option.barred for option in tablets) or not under_age_or_ill
        assert Proposal.from_dict(json.loads(json.dumps(told.to_dict()))) == told


class TestWishes:
    def test_they_move_options_where_no_difference_is_shown(self, advise):
        plain = advise(person("p", phq9=14, at=BEFORE))
        other = TALK if plain.first == SERTRALINE else TABLETS
        told = advise(person("p", phq9=14, wish=other, at=BEFORE))
        assert (told.standing, told.first, told.reordered) == ("leaning", plain.first, True)
        assert told.advised != plain.advised
        assert told.options[0].wishes[0].meets == 1

    def test_they_move_nothing_that_is_established(self, advise):
        told = advise(person("p", phq9=25, wish=TALK, at=BEFORE))
        assert (told.standing, told.advised, told.reordered) == ("established", (SERTRALINE,), False)
        assert told.wishes[0].choice == "talking"

    def test_they_never_move_a_barred_option_forward(self, advise):
        record = person("p", phq9=14, wish=TABLETS, at=BEFORE)
        told = advise(with_events(record, taking("ATC//N05AG02", "Pimozide")))
        assert told.advised == (CBT,)


class TestWhatWouldChangeIt:
    def test_the_nearest_value_that_flips_it_is_found_by_asking_the_rule(self, advise):
        told = advise(person("p", phq9=18, at=BEFORE))
        change = next(each for each in told.changes if each.feature == "phq9")
        assert (change.now, change.arm) == ("18", CBT)
        assert advise(person("p", phq9=float(change.then), at=BEFORE)).first == CBT

    def test_what_nobody_can_change_is_not_offered(self, advise):
        for phq9 in (8, 14, 16, 22):
            names = {each.feature for each in advise(person("p", phq9=phq9, at=BEFORE)).changes}
            assert not names & {"age", "sex"}

    def test_the_missing_answer_that_matters_most_comes_first(self, advise):
        told = advise(person("p", phq9=None, gad7=None, at=BEFORE))
        assert told.gaps[0].feature == "phq9"
        assert told.gaps[0].opens or told.gaps[0].flips > 0.2
        later = [gap for gap in told.gaps if gap.feature == "gad7"]
        assert all(gap.flips <= told.gaps[0].flips for gap in later)

    def test_nothing_missing_is_no_gap(self, advise):
        assert advise(person("p", at=BEFORE)).gaps == ()


class TestWhatItRestsOn:
    def test_the_evidence_is_that_of_the_package(self, advise, shelf):
        rule = next(each for each in shelf.rules() if each.name == "severity")
        told = advise(person("p", at=BEFORE))
        assert told.evidence.verdict == "personalise"
        assert told.evidence.gain == dict(rule.what.package.findings.gain)
        assert (told.versions.seal, told.versions.package) == (rule.seal, "severity")
        assert told.versions.signer == rule.what.manifest.signer

    def test_the_same_content_has_one_key_and_other_content_another(self, shelf):
        one = Person("a" * 32, person("p", at=BEFORE))
        key = key_of(one, shelf, "", NOW)
        assert key == key_of(
            Person("a" * 32, person("p", at=BEFORE), revision=9), shelf, "", NOW + timedelta(hours=2)
        )
        assert key != key_of(Person("a" * 32, person("p", phq9=15, at=BEFORE)), shelf, "", NOW)
        assert key != key_of(one, shelf, "severity", NOW)
        assert key != key_of(one, shelf, "", NOW + timedelta(days=1))
