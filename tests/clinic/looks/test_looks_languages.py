"""Which language a reader gets, how it writes dates and numbers, and that German lacks nothing of ours."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import gallery
import pytest
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.checkers import checkers
from starlette.requests import Request
from starlette.testclient import TestClient

from alleviate.clinic.looks import Looks
from alleviate.clinic.looks.extract import CLINIC, collected, untranslated, updated
from alleviate.clinic.looks.formats import Formats
from alleviate.clinic.looks.languages import catalogue, chosen

ENGLISH = Formats(Locale.parse("en_GB"), ZoneInfo("Europe/London"))
GERMAN = Formats(Locale.parse("de_DE"), ZoneInfo("Europe/Berlin"))


def _asked(query: str = "", cookie: str = "", accept: str = "") -> Request:
    sent = [(b"cookie", f"alleviate-language={cookie}".encode())] if cookie else []
    sent += [(b"accept-language", accept.encode())] if accept else []
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": query.encode(), "headers": sent}
    return Request(scope)


@pytest.mark.parametrize(
    ("query", "cookie", "account", "accept", "expected"),
    [
        ("", "", "", "", "en"),
        ("", "", "", "de-AT,de;q=0.9,en;q=0.8", "de"),
        ("", "", "", "fr;q=1,en;q=0.2,de;q=0.7", "de"),
        ("", "", "", "fr", "en"),
        ("", "", "en", "de", "en"),
        ("", "de", "en", "en", "de"),
        ("lang=en", "de", "de", "de", "en"),
        ("lang=xx", "", "de", "en", "de"),
        ("", "../etc", "", "de;q=x, en;q=0.1", "en"),
    ],
)
def test_asked_now_comes_before_chosen_before_the_account_before_the_browser(
    query: str, cookie: str, account: str, accept: str, expected: str
) -> None:
    assert chosen(_asked(query, cookie, accept), account).code == expected


def test_what_was_asked_for_is_kept_and_the_page_says_its_language(guest: TestClient) -> None:
    answer = guest.get("/all/clinician?lang=de&wrong=true")
    assert "alleviate-language=de" in answer.headers["set-cookie"]
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert '<html lang="de"' in answer.text
    assert "Es gibt ein Problem" in answer.text
    again = guest.get("/all/clinician")
    assert "Abmelden" in again.text
    assert "set-cookie" not in again.headers


def test_the_switch_keeps_what_the_page_was_asked_for(guest: TestClient) -> None:
    assert 'href="?wrong=true&amp;lang=de"' in guest.get("/all/clinician?wrong=true").text


@pytest.fixture(scope="module")
def words() -> Catalog:
    return collected()


def test_nothing_is_left_in_english(words: Catalog) -> None:
    places = {place for message in words for place, _ in message.locations}
    for told in (
        "mine/home.html",
        "caseload/list.html",
        "officers/home.html",
        "instruments/phq9/instrument.toml",
    ):
        assert any(place.endswith(told) for place in places), told
    assert len(words) > 1500
    assert untranslated("de", words) == [], "run python -m alleviate.clinic.looks.extract, and translate"


def test_the_catalogue_is_the_words_of_today(words: Catalog) -> None:
    spoken = {message.id for message in words if message.id}
    kept = {message.id for message in catalogue("de") if message.id}
    assert kept == spoken, "run python -m alleviate.clinic.looks.extract"


def test_no_translation_is_a_guess() -> None:
    german = catalogue("de")
    assert not german.fuzzy
    assert not [message.id for message in german if message.id and message.fuzzy]


def _places(words: str) -> list[str]:
    """What is filled in: named and plain places of both kinds; "%%" is none."""
    return sorted(re.findall(r"%\(\w+\)s|%s|\{\w*(?::\w+)?\}", words.replace("%%", "")))


def test_translations_keep_their_placeholders_and_hold_no_markup() -> None:
    german = catalogue("de")
    for message in german:
        if not message.id:
            continue
        for check in checkers:
            check(german, message)
        several = isinstance(message.id, tuple)
        ids = message.id if several else (message.id,)
        strings = message.string if several else (message.string,)
        for id, string in zip(ids, strings, strict=True):
            assert _places(string) == _places(id), id
            assert not re.search(r"</?\w+[^>]*>|&\w+;", string), id
            assert (id.count("%%"), id[:1].isspace(), id[-1:].isspace()) == (
                string.count("%%"),
                string[:1].isspace(),
                string[-1:].isspace(),
            ), id


def test_extracting_twice_changes_nothing_and_keeps_translations() -> None:
    words = collected(CLINIC / "looks" / "templates" / "parts")
    once = updated("de", words)
    known = catalogue("de")
    assert len(once) > 10
    assert all(m.string == known[m.id].string for m in once if m.id)
    assert [m.id for m in once] == [m.id for m in updated("de", words)]


def test_words_that_no_page_says_are_dropped(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text('def f(_): return _("Sign out"), _("Newly said")\n')
    found = updated("de", collected(tmp_path))
    assert {m.id: m.string or "" for m in found if m.id} == {"Sign out": "Abmelden", "Newly said": ""}
    assert untranslated("de", collected(tmp_path)) == ["Newly said"]


@pytest.mark.parametrize(
    ("shown", "english", "german"),
    [
        (lambda f: f.day(date(2026, 3, 2)), "2 March 2026", "2. März 2026"),
        (lambda f: f.short_day(date(2026, 3, 2)), "2 Mar 2026", "02.03.2026"),
        (lambda f: f.moment(gallery.NOW), "2 March 2026, 14:05", "2. März 2026, 15:05"),
        (lambda f: f.day(datetime(2026, 7, 1, 23, 30, tzinfo=UTC)), "2 July 2026", "2. Juli 2026"),
        (lambda f: f.number(1234.56, 1), "1,234.6", "1.234,6"),
        (lambda f: f.number(2.0, 2), "2.00", "2,00"),
        (lambda f: f.number(-1.5, 1), "−1.5", "−1,5"),
        (lambda f: f.number(-0.004, 1), "0.0", "0,0"),
        (lambda f: f.number(None), "–", "–"),
        (lambda f: f.number(float("nan"), 1), "–", "–"),
        (lambda f: f.percent(0.251), "25%", "25\N{NO-BREAK SPACE}%"),
        (lambda f: f.percent(0.251, 1), "25.1%", "25,1\N{NO-BREAK SPACE}%"),
        (lambda f: f.ago(gallery.NOW - timedelta(days=3), gallery.NOW), "3 days ago", "vor 3 Tagen"),
        (lambda f: f.day(None), "–", "–"),
    ],
)
def test_dates_and_numbers_are_written_as_the_reader_writes_them(shown, english, german) -> None:  # type: ignore[no-untyped-def]
    assert shown(ENGLISH) == english
    assert shown(GERMAN) == german


def test_code_speaks_the_readers_language_too(looks: Looks) -> None:
    german = gallery.visitor("clinician", "de")
    assert looks.translator(_asked(), german)("Sign out") == "Abmelden"
    assert looks.translator(_asked("lang=en"), german)("Sign out") == "Sign out"
