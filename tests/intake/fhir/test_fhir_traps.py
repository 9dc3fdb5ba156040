"""The traps in official examples, each answered rightly."""

import copy
import json
from pathlib import Path
from typing import Any

from alleviate.intake.reading import Caution
from alleviate.records import Entry

PHQ9 = ["44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8"]
LA = ["LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9"]
TOTAL = "LOINC//44261-6"


def entry(items: list[Any]) -> Entry:
    (found,) = [item for item in items if isinstance(item, Entry)]
    return found


def said(items: list[Any]) -> dict[str, Any]:
    return {e.code: e.text_value if e.numeric_value is None else e.numeric_value for e in entry(items).events}


def cautions(items: list[Any]) -> str:
    return "\n".join(item.reason for item in items if isinstance(item, Caution))


def response(items: list[Any], **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "QuestionnaireResponse",
        "id": "r1",
        "status": "completed",
        "subject": {"reference": "Patient/1"},
        "authored": "2024-05-06T09:00:00Z",
        "item": items,
        **more,
    }


def coded(link: str, la: str) -> dict[str, Any]:
    return {"linkId": link, "answer": [{"valueCoding": {"system": "http://loinc.org", "code": la}}]}


def test_the_phq9_form_without_item_9_gives_no_phq9_total(examples: Path, reads: Any) -> None:
    """HL7's own example of a PHQ-9 lacks the ninth question."""
    form = json.loads((examples / "Questionnaire-phq-9-questionnaire.json").read_text())
    links = [item["linkId"] for item in form["item"] if item["type"] == "choice"][:8]
    filled = response(
        [*(coded(link, LA[2]) for link in links), {"linkId": "TotalScore", "answer": [{"valueInteger": 16}]}],
        questionnaire="Questionnaire/phq-9-questionnaire",
    )
    items = reads(form, filled)
    values = said(items)
    assert [values[f"LOINC//{code}"] for code in PHQ9[:8]] == [2.0] * 8
    assert TOTAL not in values
    assert values[f"STATED//{TOTAL}"] == 16
    assert "The form lacks LOINC//44260-8: its score of 16 is not a PHQ-9 total." in cautions(items)


def test_a_form_that_comes_later_in_the_file_or_was_read_before_is_known_too(
    examples: Path, reads: Any
) -> None:
    form = json.loads((examples / "Questionnaire-phq-9-questionnaire.json").read_text())
    filled = response([coded("LittleInterest", LA[3])], questionnaire="Questionnaire/phq-9-questionnaire")
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": filled}, {"resource": form}],
    }
    assert said(reads(bundle, name="b.json")) == {"LOINC//44250-9": 3}
    body = {"Questionnaire/phq-9-questionnaire": json.dumps(form).encode()}
    assert said(reads(filled, definitions=body)) == {"LOINC//44250-9": 3}


SDC_WORDS = [
    "Little interest or pleasure in doing things?",
    "Feeling down, depressed, or hopeless?",
    "Trouble falling or staying asleep, or sleeping too much?",
    "Feeling tired or having little energy?",
    "Poor appetite or overeating?",
    "Feeling bad about yourself - or that you are a failure or have let yourself or your family down?",
    "Trouble concentrating on things, such as reading the newspaper or watching television?",
    "Moving or speaking so slowly that other people could gave noticed? Or so fidgety or restless that you "
    "have been moving a lot more than usual?",
    "Thoughts that you would be better off dead, or thoughts of hurting yourself in some way?",
]
SDC_ANSWERS = ["Not at all", "Several days", "More than half the days", "Nearly every day"]


def sdc(total: float) -> dict[str, Any]:
    """The response of the Structured Data Capture guide: local codes, and a total that does not add up."""
    questions = [
        {
            "linkId": f"H1/T1/Q{place}",
            "text": words,
            "answer": [{"valueCoding": {"system": "urn:local", "code": "x", "display": SDC_ANSWERS[value]}}],
        }
        for place, (words, value) in enumerate(zip(SDC_WORDS, [0, 0, 0, 1, 2, 1, 3, 2, 1], strict=True), 1)
    ]
    score = {
        "linkId": "H1/TS",
        "text": "Patient health questionnaire 9 item total score",
        "answer": [{"valueQuantity": {"value": total, "code": "1", "system": "http://unitsofmeasure.org"}}],
    }
    return response(
        [{"linkId": "H1/T1", "item": [*questions, score]}], questionnaire="http://example.org/Q/other"
    )


def test_a_stated_total_that_the_items_contradict_is_kept_apart_and_reported(reads: Any) -> None:
    items = reads(sdc(13))
    values = said(items)
    assert [values[f"LOINC//{code}"] for code in PHQ9] == [0, 0, 0, 1, 2, 1, 3, 2, 1]
    assert values[TOTAL] == 10
    assert values[f"STATED//{TOTAL}"] == 13
    assert "The stated total is 13, but the items make 10." in cautions(items)


def test_with_the_form_at_hand_the_answer_is_the_same(reads: Any) -> None:
    """The guide's Questionnaire codes its total alone."""
    questions = [{"linkId": f"H1/T1/Q{place}", "text": words} for place, words in enumerate(SDC_WORDS, 1)]
    score = {
        "linkId": "H1/TS",
        "code": [{"system": "http://loinc.org", "code": "44261-6"}],
        "text": "total score",
    }
    form = {
        "resourceType": "Questionnaire",
        "id": "sdc",
        "url": "http://example.org/Q/other",
        "status": "active",
    }
    items = reads({**form, "item": [{"linkId": "H1/T1", "item": [*questions, score]}]}, sdc(13))
    assert said(items)[TOTAL] == 10
    assert said(items)[f"STATED//{TOTAL}"] == 13


def test_a_stated_total_that_agrees_is_no_second_event(reads: Any) -> None:
    values = said(reads(sdc(10)))
    assert values[TOTAL] == 10
    assert f"STATED//{TOTAL}" not in values


def observation(code: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": "Patient/1"},
        "effectiveDateTime": "2024-05-06T09:00:00Z",
        **more,
    }


def test_a_total_written_as_words_is_a_number_with_a_caution(reads: Any) -> None:
    items = reads(observation("44261-6", valueString="12"))
    assert said(items) == {TOTAL: 12}
    assert entry(items).kind == "questionnaire"
    assert 'The total "12" is written as words; it was read as 12.' in cautions(items)


def test_words_that_can_be_no_total_stay_words(reads: Any) -> None:
    assert said(reads(observation("44261-6", valueString="112"))) == {TOTAL: "112"}
    assert said(reads(observation("44261-6", valueString="high"))) == {TOTAL: "high"}


NEVER, WEEKLY, FEW, MONTHLY = "LA6270-8", "LA18928-4", "LA15695-2", "LA18876-5"


def test_the_wrong_code_in_an_audit_c_is_read_as_the_item_that_is_meant(reads: Any) -> None:
    asked = [coded("/68517-2", WEEKLY), coded("/68519-8", FEW), coded("/68520-6", MONTHLY)]
    items = reads(response(asked, questionnaire="http://example.org/Questionnaire/AUDIT-C"))
    assert said(items) == {"LOINC//68518-0": 3, "LOINC//68519-8": 1, "LOINC//68520-6": 2, "LOINC//75626-2": 6}
    assert "LOINC//68517-2 stands here for LOINC//68518-0" in cautions(items)


def test_beside_the_other_items_of_an_audit_c_it_needs_no_name(reads: Any) -> None:
    asked = [coded("68519-8", FEW), coded("68520-6", MONTHLY), coded("68517-2", WEEKLY)]
    assert said(reads(response(asked)))["LOINC//75626-2"] == 6


def test_as_an_observation_the_wrong_code_is_told_by_its_answer(reads: Any) -> None:
    answer = {"coding": [{"system": "http://loinc.org", "code": WEEKLY}]}
    items = reads(observation("68517-2", valueCodeableConcept=answer, category=SURVEY))
    assert said(items) == {"LOINC//68518-0": 3}
    assert "was read as LOINC//68518-0" in cautions(items)


def test_on_its_own_the_code_keeps_its_own_meaning(reads: Any) -> None:
    assert said(reads(observation("68517-2", valueQuantity={"value": 5}, category=SURVEY))) == {
        "LOINC//68517-2": 5
    }


SURVEY = [
    {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "survey"}]}
]


def test_a_total_without_items_is_taken_as_stated(reads: Any) -> None:
    asked = [{"linkId": "/44261-6", "answer": [{"valueDecimal": 14}]}]
    assert said(reads(response(asked))) == {TOTAL: 14}
    beyond = copy.deepcopy(asked)
    beyond[0]["answer"][0]["valueDecimal"] = 40
    items = reads(response(beyond))
    assert said(items) == {f"STATED//{TOTAL}": 40}
    assert "outside 0 to 27" in cautions(items)
