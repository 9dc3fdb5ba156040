"""What the notes of the synthetic clinic say is what is true, sentence by sentence."""

import re
from datetime import timedelta

import polars as pl
import pytest

from alleviate.instruments import INSTRUMENTS
from alleviate.records import PatientRecord
from alleviate.records.synthetic import CLAIMS, simulate
from alleviate.records.synthetic.settings import NOTES

CLINIC = simulate(150, seed=6)
PHQ9 = {item.name: item.code for item in INSTRUMENTS["phq9"].items}


@pytest.fixture(scope="module")
def records() -> dict[str, PatientRecord]:
    return {record.subject_id: record for record in CLINIC.records()}


@pytest.fixture(scope="module")
def claims() -> pl.DataFrame:
    return CLINIC.claims()


@pytest.fixture(scope="module")
def notes(records: dict[str, PatientRecord]) -> dict[str, str]:
    return {
        event.entry: str(event.text_value)
        for record in records.values()
        for event in record.events
        if event.kind == "note"
    }


def test_every_claim_is_a_sentence_of_its_note(claims: pl.DataFrame, notes: dict[str, str]) -> None:
    assert claims.schema == CLAIMS
    assert set(claims["entry"]) == set(notes)
    for entry, sentence in claims.select("entry", "sentence").iter_rows():
        assert sentence in notes[entry]


def test_notes_are_plain_words_of_some_length_and_seldom_the_same(notes: dict[str, str]) -> None:
    for text in notes.values():
        assert "{" not in text
        assert 4 <= len(re.findall(r"[.?!](?: |$)", text)) <= 20
        assert text[0].isupper() or text[0].isdigit()
    assert len(set(notes.values())) > 0.99 * len(notes)


def test_every_concept_and_assertion_of_the_grammar_is_used(claims: pl.DataFrame) -> None:
    used = set(claims.select("concept", "assertion").unique().iter_rows())
    assert used == {(concept, said) for concept, table in NOTES["facts"].items() for said in table}


@pytest.mark.parametrize(
    ("concept", "item", "levels"),
    [
        ("low_mood", "mood", {0: "absent", 1: "mild", 2: "present", 3: "present"}),
        ("insomnia", "sleep", {0: "absent", 1: "mild", 2: "present", 3: "present"}),
        ("suicidal_thoughts", "death or self-harm", {0: "absent", 1: "present", 2: "present", 3: "present"}),
    ],
)
def test_a_note_agrees_with_the_answers_of_that_day(
    records: dict[str, PatientRecord],
    claims: pl.DataFrame,
    concept: str,
    item: str,
    levels: dict[int, str],
) -> None:
    answers = {
        (record.subject_id, event.time): int(event.numeric_value or 0)
        for record in records.values()
        for event in record.events
        if event.code == PHQ9[item] and event.known_until is None
    }
    said = claims.filter(pl.col("concept") == concept).select("subject_id", "time", "assertion").rows()
    checked = [levels[answers[who, when]] == word for who, when, word in said if (who, when) in answers]
    assert all(checked)
    assert len(checked) > 500


def test_thoughts_of_suicide_are_always_asked_for_and_always_followed_by_a_plan(claims: pl.DataFrame) -> None:
    by_note = claims.group_by("entry").agg(
        pl.struct("concept", "assertion").alias("said"),
    )
    for said in by_note["said"].to_list():
        told = {one["concept"]: one["assertion"] for one in said}
        assert "suicidal_thoughts" in told
        assert ("suicidal_plan" in told) == (told["suicidal_thoughts"] == "present")


def test_notes_are_written_up_after_the_contact(records: dict[str, PatientRecord]) -> None:
    late = [
        event.known_at - event.time for r in records.values() for event in r.events if event.kind == "note"
    ]
    assert min(late) > timedelta(0)
    assert max(late) > timedelta(days=1)
