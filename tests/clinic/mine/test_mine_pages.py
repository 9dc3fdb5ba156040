"""The pages of a person, over a real vault: mine alone, in plain words, and what I say holds at once."""

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from alleviate.clinic.invitations import Invited
from alleviate.clinic.mine.export import safe
from alleviate.intake.fhir import bundle
from alleviate.terms.errors import ConsentError
from alleviate.vault.consent import permitted

PAGES = ("", "course", "help", "goals", "options", "consent", "access", "export", "corrections")


def chart(clinic: Any, person: int = 0) -> Any:
    return clinic.vault.access(actor="test", purpose="rights").chart(clinic.patients[person])


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("language", ["en", "de"])
def test_every_page_is_there_with_help_in_a_crisis_on_it(
    shared_clinic: Any, page: str, language: str
) -> None:
    answer = shared_clinic.signed_in("patient").get(f"/mine/{page}?lang={language}")
    assert answer.status_code == 200
    assert 'href="tel:' in answer.text
    assert "<script>" not in answer.text
    assert "style=" not in answer.text


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("who", ["clinician", "administrator", "protection-officer", "data-scientist"])
def test_the_pages_are_nobody_elses(shared_clinic: Any, page: str, who: str) -> None:
    assert shared_clinic.signed_in(who).get(f"/mine/{page}").status_code in (403, 404)


def test_one_read_of_a_page_is_one_event_of_the_audit(clinic: Any) -> None:
    browser, actor = clinic.signed_in("patient"), clinic.accounts["patient"].actor
    for page in ("", "course", "goals", "consent", "corrections", "export"):
        before = [e for e in clinic.audit(clinic.patients[0]) if e.actor == actor]
        browser.get(f"/mine/{page}")
        after = [e for e in clinic.audit(clinic.patients[0]) if e.actor == actor]
        assert [e.action for e in after[len(before) :]] == ["read"], page


def test_home_says_what_is_due(clinic: Any, asked: Callable[..., Invited]) -> None:
    assert "Nothing is waiting" in clinic.signed_in("patient").get("/mine/").text
    invited = asked(0, "gad7")
    page = clinic.signed_in("patient").get("/mine/").text
    assert f"/mine/questionnaires/{invited.id}" in page
    assert "GAD-7" in page
    (due,) = clinic.signed_in("patient").get("/api/v1/mine/questionnaires").json()
    assert (due["id"], due["instruments"]) == (invited.id, ["gad7"])


def test_german_questions_for_who_reads_german(clinic: Any, asked: Callable[..., Invited]) -> None:
    page = clinic.signed_in("patient").get(f"/mine/questionnaires/{asked().id}?lang=de")
    assert "Wenig Interesse oder Freude an Ihren Tätigkeiten" in page.text
    assert "Beinahe jeden Tag" in page.text


def test_the_course_has_its_numbers_in_a_table(shared_clinic: Any) -> None:
    browser = shared_clinic.signed_in("patient")
    told = browser.get("/api/v1/mine/course").json()["measures"]
    assert told
    page = browser.get("/mine/course").text
    assert page.count("<table") == len(told)
    assert "data-spec=" in page
    for word in ("cured", "you are safe", "nothing to worry"):
        assert word not in page.lower()


def test_consent_withdrawn_holds_from_the_next_request_on(clinic: Any) -> None:
    me = clinic.patients[0]
    care = clinic.vault.access(actor="test", purpose="care")
    research = clinic.vault.access(actor="test", purpose="model-training")
    clinic.send("patient", "/mine/consent", purpose="model-training", said="permit")
    assert research.record(me).events
    clinic.send("patient", "/mine/consent", purpose="model-training", said="deny")
    with pytest.raises(ConsentError):
        research.record(me)
    clinic.send("patient", "/mine/consent", purpose="care", kind="note", said="deny")
    assert "note" not in care.chart(me).allowed
    clinic.send("patient", "/mine/consent", purpose="care", said="deny")
    with pytest.raises(ConsentError):
        care.chart(me)
    clinic.send("patient", "/mine/consent", purpose="care", said="permit")
    assert "session" in care.chart(me).allowed
    told = clinic.signed_in("patient").get("/api/v1/mine/consent").json()
    mine = [(each["purpose"], each["kind"], each["said"]) for each in told["history"]]
    assert mine[:5] == [
        ("care", "", "permit"),
        ("care", "", "deny"),
        ("care", "note", "deny"),
        ("model-training", "", "deny"),
        ("model-training", "", "permit"),
    ]
    events = chart(clinic).record.events
    for each in told["standing"]:
        assert set(each["allowed"]) == permitted(events, each["purpose"], clinic.clock())


def test_what_cannot_be_said_changes_nothing(clinic: Any) -> None:
    before = chart(clinic).revision
    for said in (
        {"purpose": "rights"},
        {"purpose": "care", "said": "maybe"},
        {"purpose": "care", "kind": "x"},
    ):
        assert clinic.send("patient", "/mine/consent", **{"said": "deny", **said}).status_code == 400
    assert chart(clinic).revision == before


def test_who_looked_is_told_by_profession_and_never_by_name(clinic: Any) -> None:
    doctor = clinic.accounts["clinician"]
    clinic.vault.access(actor=doctor.actor, purpose="care").chart(clinic.patients[0])
    page = clinic.signed_in("patient").get("/mine/access").text
    assert "A psychologist" in page
    assert "looked at your record" in page
    assert doctor.name not in page
    assert doctor.id not in page
    assert "Emergency access" not in page


def test_emergency_access_is_marked(clinic: Any) -> None:
    other, me = clinic.accounts["other"], clinic.patients[0]
    access = clinic.vault.access(actor=other.actor, purpose="care")
    access.join(me, other.id, "emergency", basis="glass", until=clinic.clock() + timedelta(hours=1))
    access.chart(me)
    looks = clinic.signed_in("patient").get("/api/v1/mine/access").json()
    assert {look["done"] for look in looks if look["emergency"]} == {"read", "glass"}
    assert "Emergency access" in clinic.signed_in("patient").get("/mine/access").text


def test_all_my_data_as_fhir_table_and_page(clinic: Any) -> None:
    browser = clinic.signed_in("patient")
    record = chart(clinic).record
    taken = browser.get("/mine/export/record.json")
    assert taken.headers["content-disposition"] == 'attachment; filename="my-record.json"'
    assert taken.json() == json.loads(json.dumps(bundle(record)))
    rows = list(csv.DictReader(io.StringIO(browser.get("/mine/export/record.csv").text.lstrip("\ufeff"))))
    assert len(rows) == len(record.events)
    assert {row["code"] for row in rows} == {event.code for event in record.events}
    page = browser.get("/mine/export/record.html").text
    assert page.count("<tr>") >= len(record.events)
    assert "<script" not in page


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert safe(cell) == f"'{cell}"
    assert safe("plain") == "plain"


def test_a_correction_is_asked_for_and_answered(clinic: Any) -> None:
    words = "My medicine is <b>wrong</b>: I stopped it in May."
    assert clinic.send("patient", "/mine/corrections", about="medication", words=words).status_code == 303
    theirs = f"/patients/{clinic.patients[0]}/corrections"
    page = clinic.signed_in("clinician").get(theirs).text
    assert "&lt;b&gt;wrong&lt;/b&gt;" in page
    (asked,) = clinic.signed_in("patient").get("/api/v1/mine/corrections").json()
    answer = {"state": "corrected", "words": "Thank you. It ended in May.", "after": 1}
    assert clinic.send("trainee", f"{theirs}/{asked['id']}", **answer).status_code in (403, 404)
    assert clinic.send("other", f"{theirs}/{asked['id']}", **answer).status_code == 404
    assert clinic.send("clinician", f"{theirs}/{asked['id']}", **answer).status_code == 303
    assert (
        clinic.send("clinician", f"{theirs}/{asked['id']}", **answer).status_code == 409
    )  # somebody was faster
    mine = clinic.signed_in("patient").get("/mine/corrections").text
    assert "It ended in May" in mine
    assert clinic.signed_in("patient").get("/api/v1/mine/corrections").json()[0]["state"] == "corrected"


def test_the_care_team_is_told_that_something_is_wrong_until_it_has_answered(clinic: Any) -> None:
    theirs = f"/patients/{clinic.patients[0]}"
    told = "that something in the record is wrong"
    for page in ("/caseload/", f"{theirs}/"):
        assert told not in clinic.signed_in("clinician").get(page).text
    clinic.send("patient", "/mine/corrections", about="note", words="I never said that.")
    assert told in clinic.signed_in("clinician").get("/caseload/").text
    page = clinic.signed_in("clinician").get(f"{theirs}/").text
    assert f'href="{theirs}/corrections"' in page
    assert told in page
    (asked,) = clinic.signed_in("patient").get("/api/v1/mine/corrections").json()
    answer = {"state": "looking", "words": "We ask the ward.", "after": 1}
    clinic.send("clinician", f"{theirs}/corrections/{asked['id']}", **answer)
    assert told in clinic.signed_in("clinician").get("/caseload/").text  # looking at it is no answer yet
    answer = {"state": "kept", "words": "The ward has it on tape.", "after": 2}
    clinic.send("clinician", f"{theirs}/corrections/{asked['id']}", **answer)
    assert told not in clinic.signed_in("clinician").get("/caseload/").text
    home = clinic.signed_in("patient").get("/mine/").text
    assert "Your care team has answered you" in home
    assert "It stays as it is" in home
    assert "The ward has it on tape." in clinic.signed_in("patient").get("/mine/corrections").text


def test_an_answer_is_overdue_after_a_month(clinic: Any) -> None:
    clinic.send("patient", "/mine/corrections", about="note", words="I never said that.")
    needs = [
        need
        for person in clinic.signed_in("clinician").get("/api/v1/caseload").json()["people"]
        for need in person["needs"]
        if need["because"] == "wrong"
    ]
    assert [need["overdue"] for need in needs] == [False]
    clinic.clock.goes(days=31)
    page = clinic.signed_in("clinician", afresh=True).get("/caseload/").text
    assert "Overdue." in page.split("that something in the record is wrong")[1].split("</li>")[0]


def test_nobody_is_promised_a_reader_where_there_is_none(clinic: Any) -> None:
    promise = "They read it and answer here"
    assert promise in clinic.signed_in("patient").get("/mine/corrections").text
    clinic.send("patient", "/mine/consent", purpose="care", said="deny")
    page = clinic.signed_in("patient").get("/mine/corrections").text
    assert promise not in page
    assert "No care team can read this page now" in page


def test_the_clinics_number_stands_with_the_help(make_clinic: Any) -> None:
    made = make_clinic(telephone="+44 20 7946 0000")
    for page in ("/mine/", "/mine/help"):
        assert 'href="tel:+442079460000">+44 20 7946 0000</a>' in made.signed_in("patient").get(page).text
    assert "tel:+4420" not in made.signed_in("clinician").get("/caseload/").text


@pytest.mark.parametrize(
    ("country", "emergency", "listens"),
    [("DE", "112", "0800 111 0 111"), ("US", "911", "988"), ("GB", "999", "116 123")],
)
def test_help_is_of_the_clinics_country_and_the_emergency_comes_first(
    country: str, emergency: str, listens: str, make_clinic: Any
) -> None:
    text = make_clinic(country=country).signed_in("patient").get("/mine/help").text
    main = text.split("<main")[1]
    assert main.index(f">{emergency}</a>") < main.index(f">{listens}</a>")
    assert 'href="/crisis"' in main


def test_help_stands_first_on_every_page_of_a_person(shared_clinic: Any) -> None:
    text = shared_clinic.signed_in("patient").get("/mine/course?lang=en").text
    assert text.index("Help now") < text.index("<main")


def test_an_empty_correction_is_asked_again_with_what_was_wrong(clinic: Any) -> None:
    answer = clinic.send("patient", "/mine/corrections", about="note", words="  ")
    assert answer.status_code == 400
    assert "Write what is wrong" in answer.text
    assert not [s for s in chart(clinic).sheets if s.kind == "correction"]


def test_a_goal_is_set_reached_and_seen_by_the_care_team(clinic: Any) -> None:
    assert clinic.send("patient", "/mine/goals", words="Sleep through the night").status_code == 303
    goals = clinic.signed_in("patient").get("/api/v1/mine/goals").json()["goals"]
    (goal,) = (each for each in goals if each["words"] == "Sleep through the night")
    assert goal["status"] == "active"
    clinic.send("patient", "/mine/goals/status", goal=goal["goal"], status="completed")
    goals = clinic.signed_in("patient").get("/api/v1/mine/goals").json()["goals"]
    assert ("Sleep through the night", "completed") in {(each["words"], each["status"]) for each in goals}
    care = clinic.vault.access(actor="test", purpose="care").chart(clinic.patients[0])
    assert any(event.text_value == "Sleep through the night" for event in care.record.events)


def test_wishes_replace_those_of_the_same_question_and_no_others(clinic: Any) -> None:
    def wishes() -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for each in clinic.signed_in("patient").get("/api/v1/mine/goals").json()["wishes"]:
            found.setdefault(each["about"], set()).add(each["choice"] or each["words"])
        return found

    clinic.send(
        "patient", "/mine/wishes", **{"asked-treatment": "1", "wish-treatment": "talking", "asked-avoid": "1",
        "wish-avoid": ["nausea", "sleepy"]},
    )  # fmt: skip
    assert (wishes()["treatment"], wishes()["avoid"]) == ({"talking"}, {"nausea", "sleepy"})
    clinic.send("patient", "/mine/wishes", **{"asked-avoid": "1", "wish-avoid": "nausea"})
    assert (wishes()["treatment"], wishes()["avoid"]) == ({"talking"}, {"nausea"})


def test_the_options_are_those_that_are_stored_as_shown(clinic: Any) -> None:
    told = clinic.signed_in("patient").get("/api/v1/mine/options").json()
    page = clinic.signed_in("patient").get("/mine/options").text
    assert all(sentence in page for sentence in (*told["intro"], *told["ask"]))
    proposals = [sheet for sheet in chart(clinic).sheets if sheet.kind == "proposal"]
    assert len(proposals) == 1  # shown twice, stored once
