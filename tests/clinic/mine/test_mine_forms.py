"""Questionnaires in words: only what may be shown, and in the reader's language where it has it."""

import pytest

from alleviate.clinic.mine.forms import form_of, shown
from alleviate.instruments import INSTRUMENTS
from alleviate.terms.errors import DataError

SHOWN = {"audit_c", "cesd", "gad7", "pcl5", "phq4", "phq9"}


def test_exactly_those_whose_licence_lets_us_are_shown() -> None:
    assert {id for id in INSTRUMENTS if shown(id)} == SHOWN
    for id in SHOWN:
        assert INSTRUMENTS[id].licence.startswith(("Free", "Public domain"))


@pytest.mark.parametrize("id", sorted(set(INSTRUMENTS) - SHOWN))
def test_an_instrument_that_is_scored_only_makes_no_form(id: str) -> None:
    with pytest.raises(DataError, match="may not be shown"):
        form_of([id])


@pytest.mark.parametrize("id", sorted(SHOWN))
@pytest.mark.parametrize("language", ["en", "de"])
def test_every_item_has_words_and_every_value_an_answer(id: str, language: str) -> None:
    (section,) = form_of([id], language).sections
    assert [q.item for q in section.questions] == list(INSTRUMENTS[id].items)
    for question in section.questions:
        assert question.words
        assert [value for value, _ in question.choices] == list(
            range(int(question.item.low), int(question.item.high) + 1)
        )
        assert all(words for _, words in question.choices)


@pytest.mark.parametrize("id", ["phq9", "gad7", "phq4"])
def test_german_is_german_throughout(id: str) -> None:
    (german,), (english,) = form_of([id], "de").sections, form_of([id], "en").sections
    assert german.language == "de"
    for one, other in zip(german.questions, english.questions, strict=True):
        assert one.words != other.words
        assert {words for _, words in one.choices}.isdisjoint(words for _, words in other.choices)


def test_what_has_no_german_says_that_it_is_english() -> None:
    assert form_of(["pcl5"], "de").sections[0].language == "en"


def test_several_questionnaires_make_one_form_without_doubles() -> None:
    form = form_of(["phq9", "gad7", "phq9"])
    assert [section.instrument.id for section in form.sections] == ["phq9", "gad7"]
    assert len({question.key for question in form.questions}) == 16


def test_what_is_not_asked_or_cannot_be_answered_is_refused() -> None:
    form = form_of(["phq9"])
    assert form.check("phq9-9", 3).item.id == "9"
    for key, value in (("gad7-1", 1), ("phq9-9", 4), ("phq9-9", 0.5), ("phq9-9", -1)):
        with pytest.raises(DataError):
            form.check(key, value)
