"""One's own account: first start, setting up, changing, signing out, and sessions that end in time."""

import base64
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from visiting import PASSWORD, SECRET, Visitor, app_code, given

from alleviate.clinic.settings import Settings
from alleviate.clinic.signing_in import first_start, of_cookie
from alleviate.vault import Vault

OTHER = "eleven violet umbrellas sing"


def app_secret(visitor: Visitor) -> bytes:
    """What the app reads on the last page, by hand."""
    found = re.search(r"<samp>([A-Z2-7 ]+)</samp>", visitor.page.text)
    assert found is not None
    text = found[1].replace(" ", "")
    return base64.b32decode(text + "=" * (-len(text) % 8))


def test_first_start_gives_one_password_and_starting_again_before_its_use_another(
    tmp_path: Path, clinic_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLEVIATE_KEY", clinic_key)
    settings = Settings()
    with Vault.create(tmp_path / "new.vault") as vault:
        first = first_start(vault, settings)
        again = first_start(vault, settings)
        assert first is not None
        assert again is not None
        assert first.password != again.password
        assert first.password not in repr(first)
        account = vault.accounts.by_login(again.login)
        assert account is not None
        assert account.role == "administrator"
        credentials = vault.accounts.credentials(account.id)
        used = msgspec.structs.replace(credentials, one_time_until=None)
        vault.accounts.set_credentials(account.id, used, seen=credentials.version)
        assert first_start(vault, settings) is None


def test_from_the_one_time_password_to_the_first_page(clinic: Any) -> None:
    account = given(clinic, "administrator", one_time_until=clinic.clock() + timedelta(days=7))
    visitor = Visitor(clinic)
    visitor.sign_in("administrator")
    first = visitor.token
    assert visitor.follow().url.path == "/account/password"
    assert visitor.open("/admin/accounts").status_code == 403, "nothing else is open"
    visitor.open("/account/password")
    assert visitor.send("/account/password", new=PASSWORD, repeated=PASSWORD).status_code == 400, "the same"
    visitor.send("/account/password", new=OTHER, repeated=OTHER)
    second = visitor.token
    assert visitor.follow().url.path == "/account/second"
    assert visitor.open("/admin/accounts").status_code == 403
    visitor.open("/account/second/app")
    secret = app_secret(visitor)
    assert visitor.send("/account/second/app", code="000000").status_code == 400
    assert app_secret(visitor) == secret, "a slip of the finger does not change what the app has read"
    visitor.send("/account/second/app", code=app_code(clinic, secret))
    codes = re.findall(r"<samp>([a-z0-9-]{14})</samp>", visitor.page.text)
    assert len(codes) == 10
    assert visitor.open("/admin/accounts").status_code == 200
    assert len({first, second, visitor.token}) == 3, "a new id at each change of what is open"
    for old in (first, second):
        assert clinic.services.accounts.session(old, clinic.clock()) is None
    kept = clinic.services.accounts.credentials(account.id)
    assert (kept.totp, kept.one_time_until, len(kept.recovery)) == (secret, None, 10)
    other = Visitor(clinic)
    other.sign_in("administrator", OTHER)
    other.second(codes[0])
    assert other.is_in


def test_the_page_shown_after_a_new_id_still_signs_out(clinic: Any) -> None:
    given(clinic, "clinician", totp=SECRET)
    visitor = Visitor(clinic)
    visitor.sign_in("clinician")
    visitor.second(app_code(clinic, SECRET))
    visitor.open("/account/second")
    visitor.send("/account/second/recovery")
    assert visitor.send("/sign-out").headers["location"] == "/sign-in"
    assert not visitor.is_in


def test_idle_staff_and_patients_are_signed_out_each_in_their_time(clinic: Any) -> None:
    for login, minutes in (("clinician", 15), ("patient", 30)):
        given(clinic, login, totp=SECRET)
        visitor = Visitor(clinic)
        visitor.sign_in(login)
        visitor.second(app_code(clinic, SECRET))
        clinic.clock.goes(minutes=minutes - 1)
        assert visitor.is_in
        clinic.clock.goes(minutes=minutes)
        assert visitor.client.get("/account/").headers["location"] == "/sign-in?next=/account/"


def test_after_twelve_hours_one_signs_in_again_however_busy(clinic: Any) -> None:
    given(clinic, "patient")
    visitor = Visitor(clinic)
    visitor.sign_in("patient")
    for _ in range(12 * 60 // 20 - 1):
        clinic.clock.goes(minutes=20)
        assert visitor.is_in
    clinic.clock.goes(minutes=20)
    assert not visitor.is_in


def test_the_times_are_settings(make_clinic: Any) -> None:
    clinic = make_clinic(patient_idle_minutes=5, absolute_minutes=8)
    given(clinic, "patient")
    visitor = Visitor(clinic)
    visitor.sign_in("patient")
    clinic.clock.goes(minutes=4)
    assert visitor.is_in
    clinic.clock.goes(minutes=4)
    assert not visitor.is_in


def test_who_is_disabled_is_out_at_the_next_click(clinic: Any) -> None:
    account = given(clinic, "patient")
    visitor = Visitor(clinic)
    visitor.sign_in("patient")
    assert visitor.is_in
    clinic.services.accounts.change("test", msgspec.structs.replace(account, disabled=True))
    assert not visitor.is_in


def test_signing_out_ends_the_session_and_needs_the_page_s_token(clinic: Any) -> None:
    given(clinic, "patient")
    visitor = Visitor(clinic)
    visitor.sign_in("patient")
    token = visitor.token
    assert visitor.client.post("/sign-out", data={}).status_code == 403
    assert visitor.is_in
    visitor.open("/sign-out")
    assert visitor.is_in, "looking at the page does nothing"
    visitor.send("/sign-out")
    assert visitor.page.headers["clear-site-data"] == '"cache"'
    assert clinic.services.accounts.session(token, clinic.clock()) is None
    assert not visitor.is_in


def test_signing_out_there_and_everywhere(clinic: Any) -> None:
    given(clinic, "patient")
    here, there, third = (Visitor(clinic) for _ in range(3))
    for visitor in (here, there, third):
        visitor.sign_in("patient")
    here.open("/account/")
    others = re.findall(r'name="session" value="([0-9a-f]{16})"', here.page.text)
    assert len(others) == 2
    here.send("/account/sessions/end")
    assert [there.is_in, third.is_in].count(True) == 1
    here.open("/account/")
    here.send("/account/sessions/end-all")
    assert not any(visitor.is_in for visitor in (here, there, third))


def test_a_new_password_ends_every_other_session(clinic: Any) -> None:
    given(clinic, "patient")
    here, there = Visitor(clinic), Visitor(clinic)
    for visitor in (here, there):
        visitor.sign_in("patient")
    here.open("/account/password")
    here.send("/account/password", current=PASSWORD, new=OTHER, repeated=OTHER)
    assert here.is_in
    assert not there.is_in
    there.sign_in("patient", PASSWORD)
    assert not there.is_in
    there.sign_in("patient", OTHER)
    assert there.is_in


@pytest.mark.parametrize(
    ("current", "new", "repeated", "said"),
    [
        ("wrong", OTHER, OTHER, "not your password of today"),
        (PASSWORD, OTHER, OTHER + "x", "differ"),
        (PASSWORD, "short", "short", "12 characters"),
        (PASSWORD, "The patient 2026", "The patient 2026", "one of the first"),
        (PASSWORD, PASSWORD, PASSWORD, "another password"),
    ],
)
def test_a_password_that_is_not_taken_changes_nothing(
    clinic: Any, current: str, new: str, repeated: str, said: str
) -> None:
    account = given(clinic, "patient")
    before = clinic.services.accounts.credentials(account.id)
    visitor = Visitor(clinic)
    visitor.sign_in("patient")
    visitor.open("/account/password")
    visitor.send("/account/password", current=current, new=new, repeated=repeated)
    assert visitor.page.status_code == 400
    assert said in visitor.said()
    assert new not in visitor.page.text.replace("account/", "")
    assert clinic.services.accounts.credentials(account.id) == before


def test_guessing_today_s_password_at_a_screen_left_open_waits(clinic: Any) -> None:
    given(clinic, "patient")
    visitor = Visitor(clinic)
    visitor.sign_in("patient")
    for _ in range(6):
        visitor.open("/account/password")
        visitor.send("/account/password", current="guess", new=OTHER, repeated=OTHER)
    assert "too many tries" in visitor.said()
    visitor.send("/account/password", current=PASSWORD, new=OTHER, repeated=OTHER)
    assert visitor.page.status_code == 400


def test_a_screen_left_open_changes_no_way_in(clinic: Any) -> None:
    account = given(clinic, "patient", totp=SECRET)
    visitor = Visitor(clinic)
    visitor.sign_in("patient")
    visitor.second(app_code(clinic, SECRET))
    visitor.open("/account/second")
    hidden = visitor.hidden("/account/second/app/remove")
    clinic.clock.goes(minutes=16)
    for url in ("/account/password", "/account/second", "/account/second/app"):
        assert visitor.open(url).headers["location"].startswith("/sign-in?next=/account/")
    for url in ("app/remove", "recovery", "passkeys/remove"):
        sent = visitor.client.post(f"/account/second/{url}", data=hidden)
        assert sent.headers["location"].startswith("/sign-in?next=/account/")
    kept = clinic.services.accounts.credentials(account.id)
    assert (kept.totp, kept.recovery) == (SECRET, ())


def test_staff_keep_a_second_factor_and_patients_may_drop_theirs(clinic: Any) -> None:
    for login, left in (("clinician", SECRET), ("patient", b"")):
        account = given(clinic, login, totp=SECRET)
        visitor = Visitor(clinic)
        visitor.sign_in(login)
        visitor.second(app_code(clinic, SECRET))
        visitor.open("/account/second")
        visitor.send("/account/second/app/remove")
        assert clinic.services.accounts.credentials(account.id).totp == left


def test_the_language_is_the_account_s(clinic: Any) -> None:
    given(clinic, "patient")
    visitor = Visitor(clinic)
    visitor.sign_in("patient")
    visitor.open("/account/")
    visitor.send("/account/language", language="de")
    assert visitor.open("/account/").headers["content-language"] == "de"
    assert (
        visitor.client.post(
            "/account/language", data={**visitor.hidden("/account/language"), "language": "tlh"}
        ).status_code
        == 400
    )


@pytest.mark.parametrize(
    ("kind", "limits"),
    [
        ("web", None),
        ("setup", {"own.account"}),
        ("link", {"mine.answer"}),
        ("second", "nobody"),
        ("made-up", "nobody"),
    ],
)
def test_what_a_session_opens_follows_from_its_kind(clinic: Any, kind: str, limits: Any) -> None:
    token = clinic.services.accounts.open_session(
        clinic.accounts["patient"].id,
        clinic.clock(),
        kind=kind,
        idle=timedelta(minutes=5),
        absolute=timedelta(minutes=5),
        only="i1",
    )
    request = type("Asked", (), {"cookies": {"alleviate": token}, "headers": {}})()
    who = of_cookie(request, clinic.services)
    if limits == "nobody":
        assert who is None
    else:
        assert who is not None
        assert (who.limits, who.only, who.patient) == (limits, "i1", clinic.patients[0])
        assert who.csrf != token
        assert token not in who.csrf
