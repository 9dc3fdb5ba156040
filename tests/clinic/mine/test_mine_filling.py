"""Filling in a questionnaire, over a real vault: saved one by one, sent once, and danger never waits."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from alleviate.clinic.gate import Visit
from alleviate.clinic.invitations import Invited
from alleviate.clinic.mine.drafts import Save
from alleviate.clinic.mine.filling import opened, save, send
from alleviate.clinic.who import Who
from alleviate.records.questionnaires import questionnaires

Ask = Callable[..., Invited]


def chart(clinic: Any, person: int = 0) -> Any:
    return clinic.vault.access(actor="test", purpose="rights").chart(clinic.patients[person])


def forms(clinic: Any, invited: Invited, person: int = 0) -> list[Any]:
    return [
        form
        for form in questionnaires(chart(clinic, person).record)
        if any(invited.id in entry for entry in form.entries)
    ]


def alerts(clinic: Any, invited: Invited, person: int = 0) -> list[Any]:
    found = chart(clinic, person).alerts
    return [alert for alert in found if any(invited.id in entry for entry in alert.sign.entries)]


def nonce(page: Any) -> str:
    found = re.search(r'name="nonce" value="([^"]+)"', page.text)
    assert found
    return found[1]


def test_all_questions_stand_on_one_page_that_needs_no_script(clinic: Any, asked: Ask) -> None:
    invited = asked()
    page = clinic.signed_in("patient").get(f"/mine/questionnaires/{invited.id}")
    assert page.status_code == 200
    assert page.text.count('type="radio"') == 9 * 4
    assert "how often have you been bothered" in page.text


def test_filled_in_looked_over_and_sent_it_is_one_form_of_the_record(clinic: Any, asked: Ask) -> None:
    invited = asked()
    here = f"/mine/questionnaires/{invited.id}"
    answers = {f"a.phq9-{item}": "1" for item in range(1, 9)} | {"a.phq9-9": "0"}
    page = clinic.signed_in("patient").get(here)
    kept = clinic.send("patient", here, nonce=nonce(page), go="review", **answers)
    assert (kept.status_code, kept.headers["location"]) == (303, f"{here}/review")
    assert not forms(clinic, invited)
    review = clinic.signed_in("patient").get(f"{here}/review")
    assert review.text.count("Several days") == 8
    assert "Not answered" not in review.text
    assert clinic.send("patient", f"{here}/send").headers["location"] == here
    (form,) = forms(clinic, invited)
    assert (form.instrument, form.total, form.case) == ("phq9", 8, False)
    assert not alerts(clinic, invited)
    assert "Your answers are sent" in clinic.signed_in("patient").get(here).text
    assert clinic.send("patient", f"{here}/send").headers["location"] == here  # sent twice
    assert len(forms(clinic, invited)) == 1


def test_one_question_a_page_saves_each_and_goes_on_and_back(clinic: Any, asked: Ask) -> None:
    invited = asked(0, "phq4")
    here = f"/mine/questionnaires/{invited.id}"
    browser = clinic.signed_in("patient")
    first = browser.get(f"{here}?step=1")
    assert "Question 1 of 4" in first.text
    answer = clinic.send("patient", here, nonce=nonce(first), at="phq4-1", go="next", **{"a.phq4-1": "2"})
    assert answer.headers["location"] == f"{here}?at=phq4-2"
    again = browser.get(f"{here}?at=phq4-1")
    assert re.search(r'value="2" checked', again.text)
    assert "Question 2 of 4" in browser.get(f"{here}?step=1").text  # goes on where it was left
    clinic.send("patient", here, nonce=nonce(again), at="phq4-1", go="back", **{"a.phq4-1": "3"})
    assert re.search(r'value="3" checked', browser.get(f"{here}?at=phq4-1").text)


def test_thoughts_of_death_raise_the_alert_before_the_form_is_sent(clinic: Any, asked: Ask) -> None:
    invited = asked()
    here = f"/mine/questionnaires/{invited.id}"
    page = clinic.signed_in("patient").get(here)
    kept = clinic.send("patient", here, nonce=nonce(page), at="phq9-9", go="next", **{"a.phq9-9": "1"})
    assert kept.headers["location"] == f"{here}/help"
    (alert,) = alerts(clinic, invited)
    assert (alert.sign.rule, alert.sign.answers) == ("phq9//item 9", (("9", 1.0),))
    told = clinic.signed_in("patient").get(f"{here}/help").text
    assert "We have told your care team" in told
    assert "116 123" in told or "999" in told
    entry = [e for e in chart(clinic).record.events if invited.id in e.entry]
    assert [(e.code, e.numeric_value) for e in entry] == [("LOINC//44260-8", 1.0)]

    # Sending the whole form later replaces that entry and raises no second alert for the same answer.
    clinic.clock.goes(minutes=20)
    page = clinic.signed_in("patient").get(here)
    rest = {f"a.phq9-{item}": "1" for item in range(1, 9)}
    clinic.send("patient", here, nonce=nonce(page), go="review", **rest)
    assert clinic.send("patient", f"{here}/send").headers["location"] == f"{here}/help"
    assert [each.id for each in alerts(clinic, invited)] == [alert.id]
    assert [form.total for form in forms(clinic, invited)] == [9]


def test_an_answer_taken_back_leaves_its_alert_standing(clinic: Any, asked: Ask) -> None:
    invited = asked()
    here = f"/mine/questionnaires/{invited.id}"
    page = clinic.signed_in("patient").get(here)
    clinic.send("patient", here, nonce=nonce(page), at="phq9-9", **{"a.phq9-9": "2"})
    page = clinic.signed_in("patient").get(here)
    clinic.send("patient", here, nonce=nonce(page), at="phq9-9", **{"a.phq9-9": "0"})
    clinic.send("patient", f"{here}/send")
    assert [alert.state for alert in alerts(clinic, invited)] == ["raised"]


def test_worse_than_before_is_another_alert(clinic: Any, asked: Ask) -> None:
    invited = asked()
    here = f"/mine/questionnaires/{invited.id}"
    for value in ("1", "3"):
        page = clinic.signed_in("patient").get(here)
        clinic.send("patient", here, nonce=nonce(page), at="phq9-9", **{"a.phq9-9": value})
    assert {alert.sign.answers for alert in alerts(clinic, invited)} == {(("9", 1.0),), (("9", 3.0),)}


@pytest.mark.parametrize("why", ["no team", "withheld"])
def test_it_never_says_that_somebody_was_told_who_was_not(clinic: Any, asked: Ask, why: str) -> None:
    person = 5 if why == "no team" else 0
    who = "someone" if why == "no team" else "patient"
    invited = asked(person)
    if why == "no team":
        access = clinic.vault.access(actor="test", purpose="care")
        access.leave(clinic.patients[person], clinic.accounts["other"].id)
    else:
        clinic.send(who, "/mine/consent", purpose="care", kind="questionnaire", said="deny")
    here = f"/mine/questionnaires/{invited.id}"
    page = clinic.signed_in(who).get(here)
    clinic.send(who, here, nonce=nonce(page), at="phq9-9", **{"a.phq9-9": "1"})
    assert len(alerts(clinic, invited, person)) == 1  # it stands all the same
    told = clinic.signed_in(who).get(f"{here}/help").text
    assert "We have told your care team" not in told
    assert "We could not tell a care team" in told


def saves(*answers: tuple[str, int | None, int, str]) -> dict[str, Any]:
    return {"saves": [{"key": k, "value": v, "made": m, "once": o} for k, v, m, o in answers]}


def post(clinic: Any, who: str, url: str, body: Any) -> Any:
    return clinic.signed_in(who).post(url, json=body, headers={"x-csrf-token": clinic.csrf(who)})


def test_a_phone_that_sends_twice_late_and_in_any_order_is_stored_once(clinic: Any, asked: Ask) -> None:
    invited = asked(0, "phq4")
    api = f"/api/v1/mine/questionnaires/{invited.id}"
    one, two = ("phq4-1", 3, 10, "first-choice"), ("phq4-1", 1, 20, "second-choice")
    for sent in (two, one, two, one):
        assert post(clinic, "patient", f"{api}/answers", saves(sent)).json()["kept"]
    drafts = [s for s in chart(clinic).sheets if s.kind == "draft" and s.thread == invited.id]
    assert len(drafts) == 2
    assert clinic.signed_in("patient").get(api).json()["answers"] == {"phq4-1": 1}
    assert post(clinic, "patient", f"{api}/send", {}).json()["state"] == "answered"
    assert post(clinic, "patient", f"{api}/send", {}).json()["state"] == "answered"
    assert len([e for e in chart(clinic).record.events if invited.id in e.entry]) == 1


def test_danger_that_arrives_after_the_form_was_sent_is_not_lost(clinic: Any, asked: Ask) -> None:
    invited = asked()
    api = f"/api/v1/mine/questionnaires/{invited.id}"
    post(clinic, "patient", f"{api}/answers", saves(("phq9-1", 1, 10, "on-a-tablet")))
    post(clinic, "patient", f"{api}/send", {})
    harmless = post(clinic, "patient", f"{api}/answers", saves(("phq9-2", 3, 5, "from-a-phone-1"))).json()
    assert (harmless["kept"], harmless["danger"]) == (False, False)
    late = post(clinic, "patient", f"{api}/answers", saves(("phq9-9", 2, 5, "from-a-phone-2"))).json()
    assert (late["danger"], late["told"]) == (True, True)
    assert [alert.sign.answers for alert in alerts(clinic, invited)] == [(("9", 2.0),)]


def test_what_is_not_asked_is_refused_and_nothing_is_stored(clinic: Any, asked: Ask) -> None:
    api = f"/api/v1/mine/questionnaires/{asked().id}/answers"
    before = chart(clinic).revision
    for key, value in (("phq9-10", 1), ("gad7-1", 1), ("phq9-9", 4), ("phq9-9", -1), ("nonsense", 1)):
        assert post(clinic, "patient", api, saves((key, value, 1, "any-word"))).status_code == 400
    assert chart(clinic).revision == before


def test_a_questionnaire_of_another_person_is_not_there(clinic: Any, asked: Ask) -> None:
    theirs, unknown = asked(5), "0" * 32
    for path in ("", "/review", "/help"):
        answers = {
            clinic.signed_in("patient").get(f"/mine/questionnaires/{id}{path}").status_code
            for id in (theirs.id, unknown)
        }
        assert len(answers) == 1
        assert answers < {403, 404}


def test_a_form_without_the_token_of_its_page_changes_nothing(clinic: Any, asked: Ask) -> None:
    invited = asked()
    answer = clinic.signed_in("patient").post(
        f"/mine/questionnaires/{invited.id}", data={"a.phq9-9": "3", "nonce": "x"}
    )
    assert answer.status_code in (403, 404)
    assert not alerts(clinic, invited)


def test_an_answer_that_comes_in_while_the_form_is_sent_is_sent_with_it(clinic: Any, asked: Ask) -> None:
    invited = asked(0, "phq4")
    account = clinic.accounts["patient"]

    def visit() -> Visit:
        who = Who(account.actor, "patient", account)
        return Visit(None, clinic.services, who, "mine.answer", clinic.clock(), clinic.patients[0], "self")  # type: ignore[arg-type]

    first, second = Save("phq4-1", 1.0, 1, "first-one"), Save("phq4-2", 2.0, 2, "second-one")
    seen = save(visit(), opened(visit(), invited.id, "en"), [first]).sheet
    stale = opened(visit(), invited.id, "en")
    save(visit(), stale, [second])
    assert "phq4-2" not in stale.answers
    outcome = send(visit(), stale, "en")
    assert outcome.sheet.answers == {**seen.answers, "phq4-2": 2.0}
    held = {e.code: e.numeric_value for e in chart(clinic).record.events if invited.id in e.entry}
    assert sorted(held.values()) == [1.0, 2.0]
