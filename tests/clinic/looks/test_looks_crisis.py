"""Crisis help: whole in every country and language, dialled as written, called checked only when it was."""

import tomllib
from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from importlib.resources import files

import pytest
from starlette.testclient import TestClient

from alleviate.clinic.looks.crisis import HOLDS, Crisis, Help
from alleviate.clinic.looks.formats import zone_of
from alleviate.terms.errors import InputError

CRISIS = Crisis.read()
TOLD = tomllib.loads((files("alleviate.clinic.looks") / "crisis.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("spoken", ["en", "de"])
@pytest.mark.parametrize("code", CRISIS.countries)
def test_a_country_has_an_emergency_and_somebody_who_listens_among_the_first_three(
    code: str, spoken: str
) -> None:
    country = CRISIS.of(code, spoken)
    assert {"emergency", "line"} <= {each.kind for each in country.helps[:3]}
    assert country.emergency.number
    assert all(each.words and each.source.startswith("https://") for each in country.helps)
    assert all(each.url.startswith("https://") for each in country.helps if each.url)


@pytest.mark.parametrize("code", CRISIS.countries)
def test_every_entry_is_in_both_languages(code: str) -> None:
    assert set(TOLD["country"][code]["name"]) == {"en", "de"}
    assert all(set(each["words"]) == {"en", "de"} for each in TOLD["country"][code]["help"])


def test_the_file_is_dated_and_nothing_claims_a_check_from_the_future() -> None:
    assert CRISIS.known <= date.today()  # noqa: DTZ011  # the file's days have no zone
    for code in CRISIS.countries:
        for each in CRISIS.of(code, "en").helps:
            assert each.checked is None or each.checked <= CRISIS.known


def test_every_country_has_its_clock() -> None:
    assert all(zone_of(code).utcoffset(None) is None for code in CRISIS.countries if code != "XX")
    assert str(zone_of("XX")) == "UTC"


def test_a_number_is_dialled_as_written(guest: TestClient) -> None:
    text = guest.get("/crisis").text
    assert '<a class="app-crisis__number" href="tel:08000684141">0800 068 4141</a>' in text
    assert 'href="sms:85258"' in text


def test_the_country_that_is_asked_for_comes_first_in_the_readers_language(guest: TestClient) -> None:
    text = guest.get("/crisis?country=at&lang=de").text
    assert text.index('id="at"') < text.index('id="gb"')
    assert "Jemand zum Reden" in text
    assert 'id="gb"' in guest.get("/crisis?country=../x").text


def test_the_kept_copy_says_when_it_was_kept_and_sets_no_cookie(guest: TestClient) -> None:
    answer = guest.get("/crisis/saved/de?lang=de")
    assert "am 2. März 2026 auf Ihrem Gerät abgelegt" in answer.text
    assert "Abmelden" not in answer.text
    assert guest.get("/crisis/saved/fr").status_code == 404


def test_what_is_kept_exists_and_is_of_nobody(guest: TestClient) -> None:
    told = guest.get("/crisis/kept.json").json()
    assert told["pages"] == ["/crisis/saved/en", "/crisis/saved/de"]
    for address in told["pages"] + told["assets"]:
        assert guest.get(address).status_code == 200


def test_help_that_cannot_be_reached_or_has_no_source_is_refused() -> None:
    whole = {"name": "A", "kind": "line", "words": "B", "number": "1", "text": "", "say": "", "url": ""}
    with pytest.raises(InputError, match="no way to reach"):
        Help(**{**whole, "number": ""}, source="https://x", checked=None)
    with pytest.raises(InputError, match="source"):
        Help(**whole, source="", checked=None)
    with pytest.raises(InputError, match="kind"):
        Help(**{**whole, "kind": "shop"}, source="https://x", checked=None)


def test_what_nobody_looked_at_for_a_year_is_not_shown_as_current(
    guest: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = "Nobody has checked these numbers for over a year"
    shown = guest.app.state.services.looks  # type: ignore[attr-defined]
    today = guest.app.state.services.clock().date()  # type: ignore[attr-defined]
    for days, told in ((365, False), (366, True)):
        monkeypatch.setattr(shown, "crisis", replace(shown.crisis, known=today - timedelta(days=days)))
        assert (stale in guest.get("/crisis?lang=en").text) is told
        assert (stale in guest.get("/crisis/saved/en").text) is told


def test_a_check_is_told_for_a_year_and_no_longer() -> None:
    one = CRISIS.of("GB", "en").helps[0]
    checked = replace(one, checked=date(2026, 1, 1))
    assert checked.checked_lately(date(2026, 1, 1) + HOLDS)
    assert not checked.checked_lately(date(2026, 1, 2) + HOLDS)
    assert not one.checked_lately(date(2026, 1, 1)) or one.checked


def test_one_number_is_one_service_in_all_entries_of_a_country_and_each_can_be_dialled() -> None:
    for code in CRISIS.countries:
        seen: dict[str, set[str]] = defaultdict(set)
        for each in CRISIS.of(code, "en").helps:
            if each.number:
                seen[each.dial].add(each.name)
                assert 2 <= len(each.dial) <= 15, (code, each.name)
        assert all(len(names) == 1 for names in seen.values()), (code, seen)


def test_every_day_in_the_file_is_a_day_and_not_before_the_file_was_begun() -> None:
    assert isinstance(TOLD["known"], date)
    for country in TOLD["country"].values():
        for each in country["help"]:
            assert isinstance(each.get("checked", TOLD["known"]), date)
