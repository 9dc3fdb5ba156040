"""The caseload over a real vault: one's own people alone, each one event in the audit, live within a beat."""

import re
from datetime import timedelta

import pytest
from made_clinic import IN_CARE, Made

from alleviate.clinic.mine.consents import entry_of
from alleviate.instruments import INSTRUMENTS
from alleviate.records import Entry, Event

PHQ9 = INSTRUMENTS["phq9"]


def answered(clinic: Made, patient: str, item_9: int) -> None:
    """A PHQ-9 of this person comes in now, as from a phone."""
    subject, at = clinic.subjects[clinic.patients.index(patient)], clinic.clock() - timedelta(seconds=1)
    ref = f"QuestionnaireResponse/now-{at.timestamp()}"
    events = tuple(
        Event(subject, at, at, item.code, float(item_9 if item.id == "9" else 1), None, "questionnaire", ref)
        for item in PHQ9.items
    )
    with clinic.vault.access(actor="test", purpose="care") as access:
        access.put([Entry(subject, ref, "questionnaire", events)], clinic.clock())


def shown(page: str) -> list[str]:
    return re.findall(r'id="p-([0-9a-f]{32})"', page)


def live(page: str) -> str:
    return re.search(r'hx-get="([^"]+)"', page)[1].replace("&amp;", "&")


def test_everybody_in_ones_care_and_nobody_else_is_there(shared_clinic: Made) -> None:
    page = shared_clinic.signed_in("clinician").get("/caseload/").text
    assert sorted(shown(page)) == sorted(shared_clinic.patients[:IN_CARE])
    assert shown(shared_clinic.signed_in("other").get("/caseload/").text) == [shared_clinic.patients[5]]
    found = shared_clinic.signed_in("other").get("/api/v1/caseload").json()
    assert (found["total"], sum(found["counts"].values()) >= 1) == (1, True)


def test_the_page_and_the_interface_tell_the_same_in_the_same_order(shared_clinic: Made) -> None:
    client = shared_clinic.signed_in("clinician")
    for query in (
        "",
        "?sort=name",
        "?sort=score",
        "?need=due",
        "?need=none",
        "?sort=nonsense&need=x&page=99",
    ):
        page, data = client.get(f"/caseload/{query}"), client.get(f"/api/v1/caseload{query}").json()
        assert shown(page.text) == [person["patient"] for person in data["people"]]
        assert data["total"] == IN_CARE


def test_each_person_on_the_page_is_one_event_and_who_is_filtered_out_none(clinic: Made) -> None:
    clinic.signed_in("clinician").get("/caseload/")  # derives the glances
    before = len(clinic.audit())
    page = clinic.signed_in("clinician").get("/caseload/?sort=name").text
    events = clinic.audit()[: len(clinic.audit()) - before - 1]
    read = [event for event in events if event.action == "read" and event.patient]
    assert sorted(event.patient for event in read) == sorted(shown(page))


def test_a_name_is_sought_in_a_form_and_stands_in_no_address(shared_clinic: Made) -> None:
    client = shared_clinic.signed_in("clinician")
    people = client.get("/api/v1/caseload?sort=name").json()["people"]
    sought = people[0]["name"].partition(",")[0]
    page = shared_clinic.send("clinician", "/caseload/", name=sought.upper())
    assert people[0]["patient"] in shown(page.text)
    assert not [url for url in re.findall(r'(?:href|hx-get|action)="([^"]*)"', page.text) if sought in url]
    assert shown(shared_clinic.send("clinician", "/caseload/", name="no such name").text) == []
    # Somebody else's patient is not found by name either.
    assert shown(shared_clinic.send("other", "/caseload/", name=sought).text) == []


def test_a_new_alert_is_there_at_the_next_beat_and_without_news_nothing_is_sent(clinic: Made) -> None:
    client = clinic.signed_in("clinician")
    page = client.get("/caseload/")
    beat = live(page.text)
    assert client.get(beat).status_code == 204
    patient = clinic.patients[3]
    answered(clinic, patient, item_9=2)
    news = client.get(beat)
    assert news.status_code == 200
    assert shown(news.text)[0] == patient
    assert "item 9" in news.text
    first = client.get("/api/v1/caseload").json()["people"][0]
    assert (first["patient"], first["needs"][0]["kind"]) == (patient, "safety")
    assert first["needs"][0]["overdue"] is False


def test_what_happens_to_others_changes_no_mark_of_mine(clinic: Made) -> None:
    client = clinic.signed_in("clinician")
    mark = client.get("/api/v1/caseload").headers["etag"]
    answered(clinic, clinic.patients[5], item_9=2)
    assert client.get("/api/v1/caseload", headers={"If-None-Match": mark}).status_code == 304
    answered(clinic, clinic.patients[0], item_9=0)
    assert client.get("/api/v1/caseload", headers={"If-None-Match": mark}).status_code == 200


def test_a_mark_ends_with_the_next_deadline(clinic: Made) -> None:
    client = clinic.signed_in("clinician")
    answered(clinic, clinic.patients[0], item_9=1)
    mark = client.get("/api/v1/caseload").headers["etag"]
    clinic.clock.goes(hours=2, minutes=1)
    clinic.signed_in("clinician", afresh=True)
    found = clinic.signed_in("clinician").get("/api/v1/caseload", headers={"If-None-Match": mark})
    assert found.status_code == 200
    assert found.json()["people"][0]["needs"][0]["overdue"] is True


@pytest.mark.parametrize("mark", ["x", "1.2", "0.ffffffffffffffff", "zz.zz", "." * 70])
def test_a_mark_that_is_made_up_never_holds(shared_clinic: Made, mark) -> None:
    assert shared_clinic.signed_in("clinician").get(f"/caseload/?seen={mark}").status_code == 200


@pytest.mark.parametrize("who", ["patient", "administrator", "data-scientist", "safety-officer"])
def test_whoever_cares_for_nobody_has_none(shared_clinic: Made, who) -> None:
    assert shared_clinic.signed_in(who).get("/caseload/").status_code in (403, 404)
    assert shared_clinic.signed_in(who).get("/api/v1/caseload").status_code in (403, 404)


def test_a_trainee_sees_it(shared_clinic: Made) -> None:
    assert len(shown(shared_clinic.signed_in("trainee").get("/caseload/").text)) == IN_CARE


def test_nobody_is_ever_said_to_be_at_low_risk(shared_clinic: Made) -> None:
    page = shared_clinic.signed_in("clinician").get("/caseload/").text.casefold()
    assert "low risk" not in page
    assert "no finding" in page


def test_who_withdraws_everything_takes_nobody_the_knowledge_that_an_alert_is_open(clinic: Made) -> None:
    patient = clinic.patients[3]
    answered(clinic, patient, item_9=2)
    client = clinic.signed_in("clinician")
    before = client.get("/api/v1/caseload").json()
    assert (before["total"], before["unseen"], before["unseen_alerts"]) == (IN_CARE, 0, 0)
    with clinic.vault.access(actor="test", purpose="care") as access:
        alerts = [alert for alert in access.chart(patient).alerts if alert.state != "resolved"]
        said = entry_of(clinic.subjects[3], "Consent/none", "care", None, False, clinic.clock())
        access.put([said], clinic.clock())
    after = client.get("/api/v1/caseload").json()
    assert (after["total"], after["unseen"], after["unseen_alerts"]) == (IN_CARE - 1, 1, len(alerts))
    page = client.get("/caseload/").text
    told = re.search(r'id="unseen">(.*?)</p>', page, re.DOTALL)
    assert told is not None
    assert "1 person in your care permits nothing to be seen here." in told[1]
    assert "open. Ask them." in told[1]
    assert patient not in page
    assert clinic.signed_in("other").get("/api/v1/caseload").json()["unseen"] == 0
