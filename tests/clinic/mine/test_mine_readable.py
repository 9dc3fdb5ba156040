"""Whoever is 11 can read a person's pages: measured on the pages as they are sent, and on every sentence."""

import re
from pathlib import Path
from typing import Any

import pytest
from reading import GRADE_AT_11, grade, prose, sentences, words

from alleviate.clinic import looks
from alleviate.clinic.looks.crisis import Crisis
from alleviate.clinic.looks.extract import collected

MOST_WORDS = 18
"""Of one sentence; the style manual of the British government asks for fewer than 25."""

HARDEST = 9.0
"""The grade of a single sentence of 8 words or more; shorter ones are too few words to be measured."""

PAGES = ("", "course", "help", "goals", "options", "consent", "access", "export", "corrections")


def own(text: str) -> str:
    """Without names, which are as they are."""
    return re.sub(r"%\(\w+\)s|PHQ-9|GAD-7|FHIR R4|PIN", "it", text)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_read_at_11(page: str, shared_clinic: Any) -> None:
    text = shared_clinic.signed_in("patient").get(f"/mine/{page}?lang=en").text
    told = prose(text)
    assert len(told) >= 3
    assert grade(map(own, told)) <= GRADE_AT_11 - 1


@pytest.mark.parametrize("path", ["/q", "/q/unknown", "/crisis", "/sign-in"])
def test_so_is_what_a_guest_meets(path: str, shared_clinic: Any) -> None:
    assert grade(map(own, prose(shared_clinic.guest().get(f"{path}?lang=en").text))) <= GRADE_AT_11 - 1


def said() -> list[str]:
    """Every sentence of a person's pages, of those too that are rarely seen."""
    folder = Path(looks.__file__).parent / "templates" / "mine"
    texts = [message.id if isinstance(message.id, str) else message.id[1] for message in collected(folder)]
    crisis = [each.words for country in Crisis.read().all("en") for each in country.helps]
    return [own(sentence) for sentence in sentences([*filter(None, texts), *crisis])]


def test_no_sentence_is_long_or_hard() -> None:
    told = said()
    assert len(told) > 200
    assert [each for each in told if len(words(each)) > MOST_WORDS] == []
    assert [each for each in told if len(words(each)) >= 8 and grade([each]) > HARDEST] == []


def test_the_measure_sees_what_is_hard() -> None:
    page = "<main><p>The intervention ameliorates symptomatology.</p><nav>left out</nav><p>Or not.</p></main>"
    assert prose(page) == ["The intervention ameliorates symptomatology.", "Or not."]
    assert grade(prose(page)) > 15
