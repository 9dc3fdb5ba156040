"""Signing in: password, second factor, what comes first; and what tells nobody who exists."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from argon2 import PasswordHasher
from visiting import PASSWORD, SECRET, Visitor, app_code, given

from alleviate.clinic.signing_in import passwords, recovery
from alleviate.clinic.signing_in.entering import local


def test_password_then_app_code_then_in(clinic: Any) -> None:
    account = given(clinic, "clinician", totp=SECRET)
    visitor = Visitor(clinic)
    assert visitor.sign_in("clinician", next="/account/").headers["location"] == "/sign-in/second"
    assert not visitor.is_in, "the password alone opens nothing"
    assert visitor.second(app_code(clinic, SECRET)).headers["location"] == "/account/"
    assert visitor.is_in
    assert clinic.services.accounts.sessions(account.id, clinic.clock())[0].method == "password+totp"


def test_a_patient_may_sign_in_with_a_password_alone(clinic: Any) -> None:
    given(clinic, "patient")
    visitor = Visitor(clinic)
    visitor.sign_in("patient")
    assert visitor.is_in


def test_staff_without_a_second_factor_get_no_further_than_setting_one_up(clinic: Any) -> None:
    given(clinic, "clinician")
    visitor = Visitor(clinic)
    visitor.sign_in("clinician", next="/caseload/")
    assert visitor.follow().url.path == "/account/second"
    assert visitor.open("/caseload/").status_code == 403
    assert visitor.open("/api/v1/caseload").status_code in (403, 404)


@pytest.mark.parametrize("spaces", ["{}", " {} ", "{:.3} {:.0}"])
def test_a_code_may_be_written_with_spaces(clinic: Any, spaces: str) -> None:
    given(clinic, "clinician", totp=SECRET)
    visitor = Visitor(clinic)
    visitor.sign_in("clinician")
    code = app_code(clinic, SECRET)
    written = f"{code[:3]} {code[3:]}" if ".3" in spaces else spaces.format(code)
    visitor.second(written)
    assert visitor.is_in


def test_a_code_opens_once(clinic: Any) -> None:
    given(clinic, "clinician", totp=SECRET)
    code, first, again = app_code(clinic, SECRET), Visitor(clinic), Visitor(clinic)
    first.sign_in("clinician")
    first.second(code)
    assert first.is_in
    again.sign_in("clinician")
    assert again.second(code).status_code == 400
    assert "not right, or it was used already" in again.said()
    assert not again.is_in
    clinic.clock.goes(seconds=30)
    again.second(app_code(clinic, SECRET))
    assert again.is_in


@pytest.mark.parametrize(("seconds", "right"), [(-90, False), (-30, True), (30, True), (90, False)])
def test_a_phone_may_be_half_a_minute_off_and_no_more(clinic: Any, seconds: int, right: bool) -> None:
    given(clinic, "clinician", totp=SECRET)
    visitor = Visitor(clinic)
    visitor.sign_in("clinician")
    clinic.clock.goes(seconds=seconds)
    code = app_code(clinic, SECRET)
    clinic.clock.goes(seconds=-seconds)
    visitor.second(code)
    assert visitor.is_in is right


def test_a_recovery_code_opens_once(clinic: Any) -> None:
    codes = recovery.new_codes()
    account = given(clinic, "clinician", totp=SECRET, recovery=tuple(map(recovery.hash_of, codes)))
    for time, opens in ((1, True), (2, False)):
        visitor = Visitor(clinic)
        visitor.sign_in("clinician")
        visitor.second(codes[3].upper().replace("-", " "))
        assert visitor.is_in is opens, f"the {time}. time"
    assert len(clinic.services.accounts.credentials(account.id).recovery) == recovery.COUNT - 1


def test_the_second_step_is_of_the_browser_that_did_the_first(clinic: Any) -> None:
    given(clinic, "clinician", totp=SECRET)
    first, other = Visitor(clinic), Visitor(clinic)
    first.sign_in("clinician")
    other.open("/sign-in")
    assert other.open("/sign-in/second").headers["location"] == "/sign-in"
    sent = other.client.post("/sign-in/second", data={"code": app_code(clinic, SECRET), "csrf": "x"})
    assert sent.headers["location"] == "/sign-in"
    assert not other.is_in


def test_the_second_step_waits_ten_minutes(clinic: Any) -> None:
    given(clinic, "clinician", totp=SECRET)
    visitor = Visitor(clinic)
    visitor.sign_in("clinician")
    clinic.clock.goes(minutes=10)
    assert visitor.open("/sign-in/second").headers["location"] == "/sign-in"


def test_an_older_weaker_hash_is_made_anew_at_the_next_sign_in(clinic: Any) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    account = given(clinic, "patient", password=weak)
    Visitor(clinic).sign_in("patient", "not the password")
    assert clinic.services.accounts.credentials(account.id).password == weak
    visitor = Visitor(clinic)
    visitor.sign_in("patient")
    assert visitor.is_in
    assert "m=1024" in clinic.services.accounts.credentials(account.id).password


def turned_away(clinic: Any) -> dict[str, Any]:
    """What each who may not come in is answered."""
    given(clinic, "clinician")
    closed = given(clinic, "other")
    clinic.services.accounts.change("test", msgspec.structs.replace(closed, disabled=True))
    given(clinic, "trainee", one_time_until=clinic.clock() - timedelta(seconds=1))
    tried = {
        "unknown": ("nobody.here", PASSWORD),
        "wrong": ("clinician", "not the password"),
        "disabled": ("other", PASSWORD),
        "out of date": ("trainee", PASSWORD),
        "without a password": ("safety-officer", PASSWORD),
        "no login at all": ("", ""),
    }
    answers = {}
    for why, (login, password) in tried.items():
        visitor = Visitor(clinic)
        visitor.sign_in(login, password)
        answers[why] = (visitor.page.status_code, visitor.said(), dict(visitor.page.headers).keys())
    return answers


def test_the_same_words_whoever_exists(clinic: Any) -> None:
    answers = turned_away(clinic)
    assert {status for status, _, _ in answers.values()} == {400}
    assert len({words for _, words, _ in answers.values()}) == 1, answers
    assert "do not go together" in next(iter(answers.values()))[1]
    assert len({frozenset(names) for _, _, names in answers.values()}) == 1


def test_the_same_work_whoever_exists(clinic: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slow part, and every step of the vault, is taken once for an unknown login as for a known one."""
    given(clinic, "clinician")
    judged = passwords._HASHER
    taken: list[str] = []

    class Counting:
        def verify(self, kept: str, password: str) -> bool:
            parameters = kept.split("$")[3]
            taken.append(f"hash {parameters}")
            return judged.verify(kept, password)

        def hash(self, password: str) -> str:
            return judged.hash(password)

    monkeypatch.setattr(passwords, "_HASHER", Counting())
    database = type(clinic.vault._database)
    for name in ("turn", "snapshot"):
        plain = getattr(database, name)
        monkeypatch.setattr(
            database, name, lambda self, plain=plain, name=name: (taken.append(name), plain(self))[1]
        )
    work = {}
    for login in ("clinician", "nobody.here"):
        visitor = Visitor(clinic)
        visitor.open("/sign-in")
        taken.clear()
        visitor.send("/sign-in", login=login, password="not the password")
        work[login] = list(taken)
    assert work["clinician"] == work["nobody.here"]
    assert sum(step.startswith("hash") for step in work["clinician"]) == 1


def test_guessing_waits_longer_and_longer_for_known_and_unknown_alike(clinic: Any) -> None:
    given(clinic, "patient")
    heard = {}
    for login in ("patient", "nobody.here"):
        heard[login] = []
        for _ in range(6):
            visitor = Visitor(clinic)
            visitor.sign_in(login, "not the password")
            wait = visitor.page.headers.get("retry-after", "")
            heard[login].append((visitor.page.status_code, bool(wait), visitor.said().replace(login, "")))
    known = [(status, wait) for status, wait, _ in heard["patient"]]
    assert known == [(status, wait) for status, wait, _ in heard["nobody.here"]]
    assert known == [(400, False)] * 4 + [(400, True), (429, True)]
    assert "too many tries" in heard["patient"][-1][2]


def test_while_locked_the_right_password_opens_nothing_and_afterwards_it_does(clinic: Any) -> None:
    given(clinic, "patient")
    for _ in range(5):
        Visitor(clinic).sign_in("patient", "not the password")
    visitor = Visitor(clinic)
    assert visitor.sign_in("patient").status_code == 429
    assert not visitor.is_in
    clinic.clock.goes(seconds=16)
    visitor.sign_in("patient")
    assert visitor.is_in


def test_a_second_factor_cannot_be_guessed_either(clinic: Any) -> None:
    given(clinic, "clinician", totp=SECRET)
    visitor = Visitor(clinic)
    visitor.sign_in("clinician")
    right = app_code(clinic, SECRET)
    wrong = f"{(int(right) + 500_000) % 1_000_000:06d}"
    statuses = [visitor.second(wrong).status_code for _ in range(6)]
    assert statuses == [400, 400, 400, 400, 400, 429]
    assert visitor.second(right).status_code == 429


def test_one_address_that_tries_many_logins_waits(clinic: Any) -> None:
    given(clinic, "patient")
    for number in range(20):
        clinic.services.accounts.tried([f"login:{number}", "address:testclient"], clinic.clock())
    Visitor(clinic).sign_in("one.more", "not the password")
    assert Visitor(clinic).sign_in("patient").status_code == 429


def test_refusals_are_in_the_audit_without_the_login_that_was_written(clinic: Any) -> None:
    account = given(clinic, "clinician")
    for login in ("clinician", "my-secret-by-mistake"):
        Visitor(clinic).sign_in(login, "not the password")
    events = [each for each in clinic.audit() if each.action == "refuse-sign-in"]
    assert [each.actor for each in events] == ["unknown", account.actor]
    assert [each.detail for each in events] == [{"why": "password", "locked": False}] * 2
    for _ in range(3):
        Visitor(clinic).sign_in("clinician", "not the password")
    last = next(each for each in clinic.audit() if each.action == "refuse-sign-in")
    assert last.detail == {"why": "password", "locked": False}
    Visitor(clinic).sign_in("clinician", "not the password")
    last = next(each for each in clinic.audit() if each.action == "refuse-sign-in")
    assert last.detail == {"why": "password", "locked": True}
    assert "my-secret" not in repr(events)


def test_a_session_id_that_was_planted_opens_nothing(clinic: Any) -> None:
    """Session fixation: the id that the browser brought is not the one it has afterwards, and is ended."""
    given(clinic, "patient")
    given(clinic, "someone")
    attacker, victim = Visitor(clinic), Visitor(clinic)
    attacker.sign_in("someone")
    planted = attacker.token
    assert planted
    victim.client.cookies.set("alleviate", planted, domain="127.0.0.1", path="/")
    victim.sign_in("patient")
    tokens = [cookie.value for cookie in victim.client.cookies.jar if cookie.name == "alleviate"]
    assert any(token != planted for token in tokens)
    now = clinic.clock()
    assert clinic.services.accounts.session(planted, now) is None
    assert clinic.services.accounts.session("made-up-by-me", now) is None


def test_each_sign_in_has_a_new_id(clinic: Any) -> None:
    given(clinic, "patient")
    visitor, seen = Visitor(clinic), set()
    for _ in range(3):
        visitor.sign_in("patient")
        seen.add(visitor.token)
    assert len(seen) == 3
    account = clinic.accounts["patient"]
    assert len(clinic.services.accounts.sessions(account.id, clinic.clock())) == 1, "the older ones are ended"


def test_a_form_that_another_site_sends_signs_nobody_in(clinic: Any) -> None:
    given(clinic, "patient")
    visitor = Visitor(clinic)
    sent = {"login": "patient", "password": PASSWORD}
    visitor.page = visitor.client.post("/sign-in", data=sent)
    assert visitor.page.status_code == 400, "without the page's token"
    visitor.open("/sign-in")
    page = {**visitor.hidden("/sign-in"), **sent}
    visitor.client.post("/sign-in", data=page, headers={"Sec-Fetch-Site": "cross-site"})
    assert not visitor.is_in
    other = Visitor(clinic)
    other.open("/sign-in")
    other.client.post("/sign-in", data=page)
    assert not other.is_in, "with another browser's token"
    visitor.client.post("/sign-in", data=page, headers={"Sec-Fetch-Site": "same-origin"})
    assert visitor.is_in


@pytest.mark.parametrize(
    ("wanted", "goes"),
    [
        ("/patients/x/", "/patients/x/"),
        ("/q/abc?x=1", "/q/abc?x=1"),
        ("", "/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("/\t/evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/sign-out", "/"),
    ],
)
def test_afterwards_one_goes_to_a_page_of_ours(wanted: str, goes: str) -> None:
    assert local(wanted) == goes


def test_what_is_written_comes_back_escaped(clinic: Any) -> None:
    visitor = Visitor(clinic)
    visitor.sign_in('"><script>alert(1)</script>', "x")
    assert "<script>alert" not in visitor.page.text
    assert "&lt;script&gt;" in visitor.page.text
    assert "not the password" not in visitor.page.text


def test_the_cookie_is_the_servers_alone(make_clinic: Any) -> None:
    for base, name, secure in (
        ("http://127.0.0.1:8000", "alleviate", False),
        ("https://clinic.example", "__Host-alleviate", True),
    ):
        clinic = make_clinic(base_url=base)
        given(clinic, "patient")
        visitor = Visitor(clinic)
        visitor.client.base_url = base
        visitor.sign_in("patient")
        set_by = [each for each in visitor.page.headers.get_list("set-cookie") if each.startswith(f"{name}=")]
        (last,) = [each for each in set_by if "Max-Age=0" not in each]
        parts = {part.strip().lower() for part in last.split(";")[1:]}
        assert {"httponly", "path=/", "samesite=lax"} <= parts
        assert ("secure" in parts) is secure
        assert not any(part.startswith(("domain", "max-age", "expires")) for part in parts)
        account = clinic.accounts["patient"]
        assert clinic.services.accounts.sessions(account.id, clinic.clock())
