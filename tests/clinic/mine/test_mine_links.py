"""A link and a typed code open one questionnaire of one person, and nothing else."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from alleviate.clinic.invitations import Invited, invitation_of, invite, withdraw
from alleviate.records import PatientRecord

Ask = Callable[..., Invited]

NOBODYS = 2
"""Of the people: one without an account."""


def born(record: PatientRecord) -> date:
    return next(e.time.date() for e in record.events if e.code == "MEDS_BIRTH")


def birth_of(clinic: Any, person: int) -> dict[str, str]:
    record = clinic.vault.access(actor="test", purpose="rights").record(clinic.patients[person])
    event = next(e for e in record.events if e.code == "MEDS_BIRTH")
    year, month, day = ((event.text_value or event.time.date().isoformat()) + "-01-01").split("-")[:3]
    return {"birth-day": str(int(day)), "birth-month": str(int(month)), "birth-year": year}


def type_in(clinic: Any, code: str, birth: dict[str, str], browser: Any = None) -> Any:
    browser = browser or clinic.guest()
    page = browser.get("/q")
    entry = page.text.split('name="entry" value="')[1].split('"')[0]
    return browser, browser.post("/q", data={"entry": entry, "code": code, **birth})


def test_one_tap_opens_the_questions(clinic: Any, asked: Ask) -> None:
    invited = asked(NOBODYS)
    browser = clinic.guest()
    answer = browser.get(f"/q/{invited.link}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/mine/questionnaires/{invited.id}")
    page = browser.get(answer.headers["location"])
    assert page.status_code == 200
    assert 'type="radio"' in page.text


def test_a_link_opens_nothing_else_of_the_record(clinic: Any, asked: Ask) -> None:
    first, second = asked(NOBODYS), asked(NOBODYS, "gad7")
    browser = clinic.guest()
    browser.get(f"/q/{first.link}")
    closed = [
        "/mine/", "/mine/course", "/mine/goals", "/mine/options", "/mine/consent", "/mine/access",
        "/mine/export", "/mine/export/record.json", "/mine/export/record.csv", "/mine/corrections",
        "/api/v1/mine/course",
        "/api/v1/mine/questionnaires", "/api/v1/mine/export", "/api/v1/mine/goals", "/account/", "/caseload/",
        f"/mine/questionnaires/{second.id}", f"/mine/questionnaires/{second.id}/review",
        f"/api/v1/mine/questionnaires/{second.id}", f"/patients/{clinic.patients[NOBODYS]}/",
    ]  # fmt: skip
    for path in closed:
        answer = browser.get(path)
        assert answer.status_code in (303, 403, 404), path
        assert answer.status_code != 303 or "/sign-in" in answer.headers["location"], path
    page = browser.get(f"/mine/questionnaires/{first.id}").text
    for path in closed:
        assert f'href="{path}"' not in page


def test_an_unknown_an_old_and_a_withdrawn_link_open_nothing(clinic: Any, asked: Ask) -> None:
    assert clinic.guest().get("/q/" + "x" * 43).status_code == 404
    invited = asked(NOBODYS)
    by = clinic.vault.access(actor="test", purpose="care")
    sheets = by.chart(clinic.patients[NOBODYS]).sheets
    invitation = invitation_of(sheets, invited.id, clinic.clock())
    assert invitation is not None
    withdraw(by, invitation, clinic.clock())
    browser = clinic.guest()
    page = browser.get(browser.get(f"/q/{invited.link}").headers["location"])
    assert 'type="radio"' not in page.text
    later = asked(NOBODYS)
    clinic.clock.goes(days=30)
    assert clinic.guest().get(f"/q/{later.link}").status_code == 404


def test_the_codes_are_nowhere_in_the_vault(clinic: Any, asked: Ask) -> None:
    invited = asked(NOBODYS)
    sheets = clinic.vault.access(actor="test", purpose="rights").chart(clinic.patients[NOBODYS]).sheets
    held = str([sheet.body for sheet in sheets])
    assert invited.link not in held
    assert invited.typed.replace("-", "")[6:] not in held
    assert len(invited.link) >= 43  # 256 bits in base64


def test_a_typed_code_needs_the_date_of_birth(clinic: Any, asked: Ask) -> None:
    invited = asked(NOBODYS)
    right = birth_of(clinic, NOBODYS)
    wrong = right | {"birth-year": str(int(right["birth-year"]) - 1)}
    _, refused = type_in(clinic, invited.typed, wrong)
    assert refused.status_code == 400
    assert "do not fit together" in refused.text
    browser, opened = type_in(clinic, invited.typed.lower().replace("-", " "), right)
    assert opened.headers["location"] == f"/mine/questionnaires/{invited.id}"
    assert browser.get(opened.headers["location"]).status_code == 200


def test_an_unknown_code_is_answered_as_a_wrong_birth_date_is(clinic: Any, asked: Ask) -> None:
    invited = asked(NOBODYS)
    right = birth_of(clinic, NOBODYS)
    unknown = "".join("3" if sign == "2" else "2" if sign.isalnum() else sign for sign in invited.typed)
    answers = [
        type_in(clinic, unknown, right)[1],
        type_in(clinic, invited.typed, right | {"birth-year": "1900"})[1],
    ]
    said = [answer.text.split("There is a problem")[1].split("</ul>")[0] for answer in answers]
    assert said[0] == said[1]
    assert {answer.status_code for answer in answers} == {400}


def test_guessing_locks_the_code(clinic: Any, asked: Ask) -> None:
    invited = asked(NOBODYS)
    right = birth_of(clinic, NOBODYS)
    for _ in range(5):
        type_in(clinic, invited.typed, right | {"birth-year": "1900"})
    assert type_in(clinic, invited.typed, right)[1].status_code == 429
    clinic.clock.goes(minutes=16)
    assert type_in(clinic, invited.typed, right)[1].status_code == 303


def test_who_has_a_sign_in_can_use_a_typed_code_too(clinic: Any, asked: Ask) -> None:
    invited = asked(0)
    assert type_in(clinic, invited.typed, birth_of(clinic, 0))[1].status_code == 303
    assert asked(0).typed[:6] == invited.typed[:6]  # one handle a person, another secret each time


def test_who_is_signed_in_stays_so_and_goes_to_the_questions(clinic: Any, asked: Ask) -> None:
    invited = asked(0)
    browser = clinic.signed_in("patient", afresh=True)
    assert browser.get(f"/q/{invited.link}").headers["location"] == f"/mine/questionnaires/{invited.id}"
    assert browser.get("/mine/").status_code == 200


def test_a_second_link_of_the_same_person_opens_in_the_same_browser(clinic: Any, asked: Ask) -> None:
    first, second = asked(NOBODYS), asked(NOBODYS, "gad7")
    browser = clinic.guest()
    for invited in (first, second, first):
        answer = browser.get(f"/q/{invited.link}")
        assert browser.get(answer.headers["location"]).status_code == 200


def sure(browser: Any, page: Any) -> dict[str, str]:
    return {"entry": page.text.split('name="entry" value="')[1].split('"')[0]}


@pytest.mark.parametrize(
    ("who", "theirs"), [("clinician", "/caseload/"), ("someone", "/mine/"), ("a link", "")]
)
def test_an_address_alone_signs_nobody_out_and_a_form_of_ours_does(
    who: str, theirs: str, clinic: Any, asked: Ask
) -> None:
    invited = asked(NOBODYS)
    if who == "a link":
        browser = clinic.guest()
        theirs = browser.get(f"/q/{asked(1).link}").headers["location"]
    else:
        browser = clinic.signed_in(who, afresh=True)
    before = browser.cookies["alleviate"]
    asks = browser.get(f"/q/{invited.link}")
    assert asks.status_code == 409
    assert browser.cookies["alleviate"] == before
    assert browser.get(theirs).status_code == 200
    assert browser.post(f"/q/{invited.link}").status_code == 403  # a form that is not ours
    assert browser.post(f"/q/{invited.link}", data={"entry": "0" * 64}).status_code == 403
    forged = {"sec-fetch-site": "cross-site"}
    assert browser.post(f"/q/{invited.link}", data=sure(browser, asks), headers=forged).status_code == 403
    assert browser.get(theirs).status_code == 200
    opened = browser.post(f"/q/{invited.link}", data=sure(browser, asks))
    assert opened.headers["location"] == f"/mine/questionnaires/{invited.id}"
    assert browser.get(opened.headers["location"]).status_code == 200
    assert clinic.services.accounts.session(before, clinic.clock()) is None  # ended, not only forgotten
    assert browser.get(theirs).status_code != 200


def test_the_page_that_asks_says_nothing_of_either_person(clinic: Any, asked: Ask) -> None:
    text = clinic.signed_in("someone", afresh=True).get(f"/q/{asked(NOBODYS).link}").text
    for account in clinic.accounts.values():
        assert account.name not in text
    assert not set(clinic.patients) & set(re.findall("[0-9a-f]{32}", text))


def test_no_session_that_a_browser_brings_along_is_ever_taken_over(clinic: Any, asked: Ask) -> None:
    invited = asked(NOBODYS)
    planted = "a" * 43
    browser = clinic.guest()
    browser.cookies.set("alleviate", planted)
    answer = browser.get(f"/q/{invited.link}")
    assert answer.status_code == 303
    assert planted not in answer.headers["set-cookie"]
    assert clinic.services.accounts.session(planted, clinic.clock()) is None

    # Signed in by the link of somebody who planted it: the person's own link does not fill in theirs.
    harmed = clinic.guest()
    harmed.get(f"/q/{asked(1).link}")
    assert harmed.get(f"/q/{invited.link}").status_code == 409


def test_a_typed_code_says_first_that_it_signs_out_who_is_there(clinic: Any, asked: Ask) -> None:
    invited = asked(NOBODYS)
    assert "we sign them out" not in clinic.guest().get("/q").text
    browser = clinic.signed_in("someone", afresh=True)
    before = browser.cookies["alleviate"]
    assert "we sign them out" in browser.get("/q").text
    opened = type_in(clinic, invited.typed, birth_of(clinic, NOBODYS), browser)[1]
    assert browser.get(opened.headers["location"]).status_code == 200
    assert clinic.services.accounts.session(before, clinic.clock()) is None


def test_after_sending_the_link_shows_no_answer(clinic: Any, asked: Ask) -> None:
    invited = asked(NOBODYS)
    browser = clinic.guest()
    here = browser.get(f"/q/{invited.link}").headers["location"]
    page = browser.get(here).text
    csrf = page.split('name="csrf" value="')[1].split('"')[0]
    nonce = page.split('name="nonce" value="')[1].split('"')[0]
    browser.post(here, data={"csrf": csrf, "nonce": nonce, "a.phq9-1": "3"})
    browser.post(f"{here}/send", data={"csrf": csrf})
    again = clinic.guest()
    page = again.get(again.get(f"/q/{invited.link}").headers["location"])
    assert "Your answers are sent" in page.text
    assert "Nearly every day" not in page.text


def test_what_cannot_be_a_code_is_told_so(shared_clinic: Any) -> None:
    birth = {"birth-day": "1", "birth-month": "1", "birth-year": "1970"}
    for code in ("", "ABC", "O0I1L", "<script>", "2" * 60):
        assert "Enter the 12 letters" in type_in(shared_clinic, code, birth)[1].text


def test_who_came_by_a_link_can_close_it_on_this_device(clinic: Any, asked: Ask) -> None:
    invited = asked(NOBODYS)
    browser = clinic.guest()
    here = browser.get(f"/q/{invited.link}").headers["location"]
    csrf = browser.get(here).text.split('name="csrf" value="')[1].split('"')[0]
    browser.post("/sign-out", data={"csrf": csrf})
    assert browser.get(here).headers.get("location", "").startswith("/sign-in")


@pytest.mark.parametrize(
    ("phone", "record", "read"),
    [("de-DE,de;q=0.9", "en", "de"), ("en-GB,en", "de", "en"), ("fr-FR", "de", "de"), ("", "en", "en")],
)
def test_a_link_opens_in_the_language_of_the_phone(phone: str, record: Any, read: str, clinic: Any) -> None:
    now = clinic.clock()
    with clinic.vault.access(actor="test", purpose="care") as access:
        invited = invite(
            access,
            clinic.services.accounts,
            "test",
            clinic.patients[NOBODYS],
            instruments=["phq9"],
            due=now.date(),
            now=now,
            language=record,
        )
    browser = clinic.guest()
    browser.headers["accept-language"] = phone
    page = browser.get(browser.get(f"/q/{invited.link}").headers["location"])
    assert page.headers["content-language"] == read
