"""The decision aid: the same options as the care team's, in words that people of 11 can read."""

import pytest
from made_people import BEFORE, TALK, event, person
from reading import GRADE_AT_11, grade

from alleviate.advice.safety import treatments
from alleviate.clinic.recommending.aid import patient_words
from alleviate.clinic.recommending.sides import sided
from alleviate.clinic.wishes import abouts
from alleviate.records import PatientRecord


def test_the_formula_is_the_published_one() -> None:
    hard = [
        "The intervention substantially ameliorates depressive symptomatology in heterogeneous populations."
    ]
    assert grade(["The cat sat on the mat."]) == pytest.approx(0.39 * 6 + 11.8 - 15.59)
    assert grade(hard) > 20


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("severity", {"phq9": 25}),
        ("severity", {"phq9": 14, "wish": TALK}),
        ("severity", {"phq9": 27, "gad7": 0, "age": 105}),
        ("leaving", {"phq9": 18, "age": 70}),
        ("leaving", {"phq9": 6}),
    ],
)
def test_it_is_readable_at_11(advise, question, told) -> None:
    proposal = advise(person("p", at=BEFORE, **told), question)
    aid = patient_words(proposal)
    names = [option.title for option in proposal.options] + ([proposal.aim.label] if proposal.aim else [])
    plain = list(aid.sentences)
    for name in names:  # a name is a name; it is explained beside it
        plain = [text.replace(name, "it") for text in plain]
    assert grade(plain) <= GRADE_AT_11


def test_so_is_each_treatment_and_each_wish() -> None:
    for each in treatments():
        assert grade([each.plain]) <= GRADE_AT_11 + 1, each.id
    assert grade([about.question for about in abouts()]) <= GRADE_AT_11


def test_the_options_stand_in_the_same_order_and_none_is_left_out(advise) -> None:
    for phq9 in (8, 14, 25):
        proposal = advise(person("p", phq9=phq9, wish=TALK, at=BEFORE))
        assert [option.arm for option in patient_words(proposal).options] == [o.arm for o in proposal.options]


def test_what_is_not_safe_and_what_is_not_sure_is_said(advise) -> None:
    ill = event("p", "RxNorm//8123", BEFORE, "medication", "MedicationRequest/1", text="Phenelzine")
    record = person("p", phq9=25, at=BEFORE)
    aid = patient_words(advise(PatientRecord("p", [*record.events, ill])))
    assert [option.mark for option in aid.options] == ["could", "not"]
    assert "Phenelzine" not in " ".join(aid.sentences)
    unsure = patient_words(advise(person("p", phq9=14, at=BEFORE)))
    assert any("could be chance" in text for text in unsure.sure)


def test_every_sentence_of_a_rule_is_on_one_side(advise) -> None:
    for phq9 in (8, 14, 25, None):
        told = advise(person("p", phq9=phq9, at=BEFORE))
        for text in told.reasons_for:
            assert "speaks for" in text or "did better than" in text
        for text in told.reasons_against:
            assert "against" in text.casefold()
    routine = advise(person("p", phq9=18, at=BEFORE), "leaving")
    assert any("routine care" in text for text in routine.reasons_against)


def test_a_sentence_of_no_known_kind_counts_as_against() -> None:
    assert sided(["Something new."]) == ((), ("Something new.",), ())
