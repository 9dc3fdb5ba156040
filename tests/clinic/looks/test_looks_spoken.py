"""Words of data files and packages in German: whole or, marked as English, as they are; and German pages."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alleviate.clinic.looks.languages import catalogue, language
from alleviate.clinic.looks.spoken import Speaker, raised, written

GERMAN, ENGLISH = Speaker(language("de")), Speaker(language("en"))
FIGURES = st.decimals(-999, 999, places=1).map(str) | st.integers(0, 999).map(str)


@pytest.mark.parametrize(
    ("english", "german"),
    [
        ("moderately severe", "mittelschwer"),
        ("item 9", "Frage 9"),
        ("better by 13.5 than the first score of this course; a reliable change takes 6",
         "um 13,5 besser als der erste Wert dieses Verlaufs; eine verlässliche Veränderung braucht 6"),
        ("chance of leaving before the end 45 %",
         "Wahrscheinlichkeit eines Abbruchs vor dem Ende: 45\N{NO-BREAK SPACE}%"),
        ("The note is empty.", "Die Notiz fehlt."),
        ("In the record: citalopram 20 mg, stopped on 2026-01-05",
         "In der Akte: citalopram 20 mg, abgesetzt am 2026-01-05"),
        ("Age (18.9) speaks against Sertraline: −0.6 points compared with the average person.",
         "Alter (18,9) spricht gegen Sertralin: −0,6 Punkte, verglichen mit der durchschnittlichen Person."),
        ("12.5", "12,5"),
    ],
)  # fmt: skip
def test_what_our_files_say_is_said_in_german_also_when_it_comes_filled(english: str, german: str) -> None:
    assert GERMAN(english) == german
    assert ENGLISH(english) == english.replace(" %", "%")


@pytest.mark.parametrize(
    "words",
    [
        "A reason that only one study knows",
        "The list is empty.",
        "Shoe size (43) speaks against Sertraline: −0.6 points compared with the average person.",
    ],
)
def test_nothing_is_half_translated(words: str) -> None:
    assert GERMAN(words) == f'<span lang="en">{words}</span>'
    assert GERMAN.say(words) == words


def test_all_that_is_said_is_escaped() -> None:
    for words in ("<b>new</b>", "In the record: <b>new</b>, taken now"):
        assert "<b>" not in GERMAN(words)
        assert "&lt;b&gt;new&lt;/b&gt;" in GERMAN(words)
        assert "<b>" not in ENGLISH(words)


@given(
    st.sampled_from(sorted({words for words, _ in written() if "{}" in words})), st.lists(FIGURES, min_size=6)
)
def test_figures_come_through_whole_and_in_order(frame: str, figures: list[str]) -> None:
    filled = frame
    told: list[str] = []
    while "{" in filled:
        told.append(figures[len(told)])
        filled = re.sub(r"\{\w*\}", told[-1], filled, count=1)
    said = GERMAN.say(filled)
    assert said != filled
    assert sorted(re.findall(r"-?\d+(?:,\d+)?", said)) == sorted(each.replace(".", ",") for each in told)


def test_words_are_found_where_they_stand() -> None:
    found = {place for _, place in (*written(), *raised())}
    assert {"instruments/cssrs/instrument.toml", "clinic/wishes.toml", "clinic/patient/documents.py"} <= found
    assert {"duty clinician", "high risk", "female", "Another reason"} <= {w for w, _ in written()}
    assert "Choose a file." in {words for words, _ in raised()}


class _Read(HTMLParser):
    """What a page says in its own language: text, and what is read aloud; nothing marked as English,
    and no notes: those are what somebody wrote."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._open: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in ("br", "hr", "img", "input", "link", "meta", "path", "use"):
            note = "app-note" in (given.get("class") or "")
            self._open.append((tag, "note" if note else given.get("lang") or ""))
        self.handle_data(
            " ".join(given.get(name) or "" for name in ("aria-label", "title", "alt", "data-word"))
        )

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        marked = next((lang for _, lang in reversed(self._open) if lang), "de")
        if data.strip() and marked == "de" and not any(tag in ("script", "style") for tag, _ in self._open):
            self.said.append(" ".join(data.split()))


def _said(page: str) -> str:
    reader = _Read()
    reader.feed(page)
    return " | ".join(reader.said)


def _english() -> list[str]:
    """What the catalogue holds in English: whole sentences and words of several, without places to fill."""
    told = ((m.id, m.string) for m in catalogue("de") if isinstance(m.id, str) and m.id)
    return [id for id, string in told if " " in id.strip() and id != string and not re.search(r"[{%]", id)]


PAGES = {
    "patient": ("/mine/", "/mine/course", "/mine/goals", "/mine/options", "/mine/consent", "/mine/access",
                "/mine/export", "/mine/corrections", "/mine/help", "/account/"),
    "clinician": ("/caseload/", "/patients/{}/", "/patients/{}/items", "/patients/{}/notes",
                  "/patients/{}/goals", "/patients/{}/questionnaires", "/patients/{}/documents",
                  "/patients/{}/team", "/patients/{}/advice", "/patients/{}/decisions",
                  "/patients/{}/summary", "/patients/find"),
    "administrator": ("/admin/accounts", "/admin/tokens"),
    "safety-officer": ("/officers/", "/officers/alerts", "/officers/decisions", "/officers/packages",
                       "/officers/service"),
    "protection-officer": ("/officers/consent", "/officers/audit", "/officers/break-glass"),
}  # fmt: skip


def _whole(words: str, said: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", said) is not None


@pytest.mark.parametrize("who", PAGES)
def test_german_pages_say_nothing_in_english(shared_clinic: Any, who: str) -> None:
    ours = _english()
    assert len(ours) > 900
    for url in PAGES[who]:
        answer = shared_clinic.signed_in(who).get(
            url.format(shared_clinic.patients[0]), params={"lang": "de"}
        )
        assert answer.status_code == 200, url
        assert '<html lang="de"' in answer.text
        said = _said(answer.text)
        assert len(said) > 200, url
        assert [words for words in ours if words in said and _whole(words, said)] == [], url


def test_an_english_page_would_be_found_out(shared_clinic: Any) -> None:
    page = shared_clinic.signed_in("patient").get("/mine/consent?lang=en").text
    said = _said(page.replace('<html lang="en"', '<html lang="de"'))
    assert len([words for words in _english() if words in said]) > 10
