"""Answers as entries of the record, and what goes there at once."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alleviate.clinic.mine.answered import entry_of, ref_of, shows_danger, urgent_entry
from alleviate.clinic.mine.forms import Question, Section, form_of
from alleviate.instruments import INSTRUMENTS
from alleviate.intake.fhir.responses import write
from alleviate.progress.safety import signs
from alleviate.records import PatientRecord
from alleviate.records.questionnaires import questionnaires

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
PHQ9 = form_of(["phq9"]).sections[0]


def screener() -> Section:
    """The C-SSRS as if it could be shown: its wording may not, its rule for danger is another."""
    instrument = INSTRUMENTS["cssrs"]
    questions = tuple(Question(f"cssrs-{i.id}", i, i.name, ((0, "No"), (1, "Yes"))) for i in instrument.items)
    return Section(instrument, "en", "", "", "", "", questions)


keys, values = st.sampled_from([q.key for q in PHQ9.questions]), st.sampled_from([0.0, 1.0, 2.0, 3.0])
answers = st.dictionaries(keys, values, min_size=1)
enough = st.dictionaries(keys, values, min_size=6)  # fewer could be a PHQ-4, which shares two of them


@given(enough)
def test_the_record_reads_the_form_as_the_instrument_scores_it(given_: dict[str, float]) -> None:
    entry = entry_of(PHQ9, given_, subject_id="p", ref="QuestionnaireResponse/x", time=NOW, now=NOW)
    (form,) = questionnaires(PatientRecord("p", entry.events))
    score = PHQ9.instrument.score({key.split("-")[1]: value for key, value in given_.items()})
    assert (form.instrument, form.total, form.flags) == ("phq9", score.total, score.flags)


@given(answers)
def test_what_is_urgent_is_item_9_alone_and_raises_what_the_whole_form_raises(
    given_: dict[str, float],
) -> None:
    words = {"subject_id": "p", "ref": "QuestionnaireResponse/x"}
    urgent = urgent_entry(PHQ9, given_, **words, time=NOW, now=NOW)
    whole = entry_of(PHQ9, given_, **words, time=NOW, now=NOW + timedelta(hours=1))
    assert (urgent is None) == (given_.get("phq9-9", 0) < 1)
    if urgent:
        assert {event.code for event in urgent.events} == {"LOINC//44260-8"}
        first, second = (signs(PatientRecord("p", each.events)) for each in (urgent, whole))
        # The alert's id is made of these: sending the form raises no second one.
        assert [(s.rule, s.time, s.answers) for s in first] == [(s.rule, s.time, s.answers) for s in second]


@pytest.mark.parametrize(
    ("given_", "urgent"),
    [
        ({"1": 0}, False),
        ({"1": 0, "2": 0, "6": 0}, False),
        ({"1": 1}, True),
        ({"2": 1}, True),
        ({"6b": 1}, True),
    ],
)
def test_of_a_form_with_tiers_a_yes_is_urgent_and_a_question_not_yet_asked_is_not(
    given_: dict[str, float], urgent: bool
) -> None:
    assert shows_danger(screener(), given_) is urgent


def test_the_entry_goes_out_as_a_fhir_response() -> None:
    given_ = {question.key: 1.0 for question in PHQ9.questions}
    ref = ref_of("a" * 32, PHQ9)
    entry = entry_of(PHQ9, given_, subject_id="p", ref=ref, time=NOW, now=NOW)
    resource = write(entry.events)
    assert ref == f"QuestionnaireResponse/{'a' * 32}-phq9"
    assert [item["linkId"] for item in resource["item"]][-1] == "44261-6"
    assert resource["item"][8]["answer"] == [
        {"valueCoding": {"system": "http://loinc.org", "code": "LA6569-3", "display": "Several days"}}
    ]
