"""What officers and data scientists see, what they may do, and what stands in the audit of it."""

import io
import threading
from collections import Counter
from datetime import timedelta

import polars as pl
import pytest
from made_clinic import IN_CARE, Made

from alleviate.clinic.officers.deidentified import COLUMNS, as_csv, deidentified
from alleviate.clinic.officers.figures import ACTOR, compute, latest, refresh
from alleviate.records import Entry, Event
from alleviate.vault.everybody import charts_of_all, search_audit

PAGES = {
    "safety-officer": ("", "alerts", "decisions", "service", "packages", "break-glass"),
    "protection-officer": ("", "packages", "consent", "audit", "break-glass"),
    "administrator": ("service", "packages"),
    "clinician": ("service", "packages"),
}
ALL = {page for pages in PAGES.values() for page in pages}


@pytest.fixture(scope="module")
def counted(shared_clinic: Made) -> Made:
    """A clinic whose figures were worked out."""
    compute(shared_clinic.services)
    return shared_clinic


@pytest.mark.parametrize("who", [*PAGES, "trainee", "patient", "data-scientist"])
def test_each_role_opens_its_own_pages_and_no_others(counted: Made, who: str) -> None:
    client = counted.signed_in(who)
    may_see_packages = (
        {"", "packages"} if who in ("administrator", "clinician", "trainee", "data-scientist") else set()
    )
    for page in ALL:
        expected = 200 if page in PAGES.get(who, ()) or page in may_see_packages else 403
        answer = client.get(f"/officers/{page}")
        assert answer.status_code in ({200} if expected == 200 else {403, 404}), (page, answer.status_code)
        twin = client.get(f"/api/v1/officers/{page}")
        if page:
            assert (twin.status_code == 200) == (expected == 200), (page, twin.text)
    assert client.get("/research/").status_code == (200 if who == "data-scientist" else 403)


def test_everybody_is_read_once_for_the_figures_and_the_audit_says_by_whom(clinic: Made) -> None:
    compute(clinic.services)
    events = [event for event in clinic.audit() if event.actor == ACTOR and event.patient]
    assert Counter((event.patient, event.purpose) for event in events) == Counter(
        (patient, purpose) for patient in clinic.patients for purpose in ("care", "rights")
    )
    assert {event.action for event in events} == {"read"}


def test_the_pages_read_nobody(counted: Made) -> None:
    before = sum(event.action == "read" for event in counted.audit())
    for page in ("alerts", "decisions", "service", "packages"):
        counted.signed_in("safety-officer").get(f"/officers/{page}")
    counted.signed_in("protection-officer").get("/officers/consent")
    assert sum(event.action == "read" for event in counted.audit()) == before


def test_who_permits_nothing_for_care_is_in_the_figures_of_consent_alone(clinic: Made) -> None:
    at = clinic.clock() - timedelta(days=1)
    denial = Event(clinic.subjects[0], at, at, "CONSENT//care", None, "deny", "consent", "Consent/no")
    with clinic.vault.access(actor="test", purpose="rights") as access:
        access.put([Entry(clinic.subjects[0], "Consent/no", "consent", (denial,))], clinic.clock())
    found = compute(clinic.services)
    assert (found.people, found.withheld, found.alerts.patients) == (8, 1, 7)
    assert found.consents.people == 8
    assert "1 person permits nothing" in clinic.signed_in("safety-officer").get("/officers/alerts").text


def test_figures_are_kept_without_anybodys_id_and_worked_out_anew_once_a_day(clinic: Made) -> None:
    assert latest(clinic.services) is None
    assert refresh(clinic.services)
    assert not refresh(clinic.services)
    first = latest(clinic.services)
    assert first is not None
    (notice,) = clinic.services.accounts.notices("figures")
    told = str(notice.body)
    assert not [word for word in (*clinic.patients, *clinic.subjects) if word in told]
    clinic.clock.goes(hours=25)
    assert refresh(clinic.services)
    again = latest(clinic.services)
    assert again is not None
    assert again.at > first.at


def test_of_eight_people_the_service_shows_nothing_small(counted: Made) -> None:
    told = counted.signed_in("safety-officer").get("/api/v1/officers/service").json()["figures"]
    for name in ("waited", "dropout", "improved", "recovered", "reliably"):
        parts = [told[name]["total"], *(part for each in told[name]["by"] for part in each["parts"])]
        for part in parts:
            if not part["hidden"]:
                assert part["n"] == 0 or part["n"] >= 5
                assert part["hits"] in (None, 0) or part["hits"] >= 5
            else:
                assert part["n"] is part["hits"] is part["figure"] is None


def test_an_officer_asks_for_new_figures(clinic: Made) -> None:
    answer = clinic.send("safety-officer", "/officers/figures")
    assert (answer.status_code, answer.headers["location"]) == (303, "/officers/alerts")
    for thread in threading.enumerate():
        if thread.name == "figures":
            thread.join(20)
    page = clinic.signed_in("safety-officer").get("/officers/alerts").text
    assert "8 people&#39;s records were read" in page
    assert clinic.send("clinician", "/officers/figures").status_code == 403
    assert clinic.send("protection-officer", "/officers/consent/figures").status_code == 303


def test_a_broken_glass_is_reviewed_once(clinic: Made) -> None:
    reason = "Found at the station, needs the list of medicines at once"
    assert clinic.send("other", f"/patients/{clinic.patients[0]}/glass", reason=reason).status_code == 303
    officer = clinic.signed_in("protection-officer")
    page = officer.get("/officers/break-glass").text
    assert reason in page
    assert "To be reviewed (1)" in page
    (glass,) = officer.get("/api/v1/officers/break-glass").json()["glasses"]
    url = f"/officers/break-glass/{glass['patient']}/{glass['sheet']}"
    unsaid = clinic.send("protection-officer", url, verdict="not-justified", words="", seen=1)
    assert unsaid.status_code == 400
    assert "Say in a sentence what you found" in unsaid.text
    told = {"verdict": "justified", "words": "Confirmed with the ward.", "seen": 1}
    assert clinic.send("protection-officer", url, **told).status_code == 303
    # Another officer had the same page open.
    assert clinic.send("safety-officer", url, **told).status_code == 409
    page = officer.get("/officers/break-glass").text
    assert "To be reviewed (0)" in page
    assert "Confirmed with the ward." in page
    assert clinic.send("clinician", url, **told).status_code in (403, 404)
    elsewhere = f"/officers/break-glass/{clinic.patients[1]}/{glass['sheet']}"
    assert clinic.send("protection-officer", elsewhere, **told).status_code in (403, 404)
    last = next(event for event in clinic.audit(clinic.patients[0]) if event.action == "write")
    assert last.actor == clinic.accounts["protection-officer"].actor
    assert last.purpose == "rights"


def test_the_audit_is_searched_by_person_actor_action_and_day(clinic: Made) -> None:
    for patient in clinic.patients[:IN_CARE]:
        assert clinic.signed_in("clinician").get(f"/patients/{patient}/").status_code == 200
    client, actor = clinic.signed_in("protection-officer"), clinic.accounts["clinician"].actor

    def asked(**words: object) -> list[dict[str, object]]:
        found: list[dict[str, object]] = client.get("/api/v1/officers/audit", params=words).json()["events"]
        return found

    own = asked(patient=clinic.patients[2])
    assert {event["patient"] for event in own} == {clinic.patients[2]}
    assert asked(actor="clinician", action="read") == asked(actor=actor, action="read")
    assert len(asked(actor=actor, action="read")) == IN_CARE
    assert {event["action"] for event in asked(action="import")} == {"import"}
    today = clinic.audit()[0].at.date()
    assert asked(day=today.isoformat())
    assert asked(day=(today + timedelta(days=1)).isoformat()) == []
    assert asked(actor=actor[:-1] + "_") == []  # a word, no pattern
    assert client.get("/api/v1/officers/audit", params={"actor": "account:%"}).status_code == 400
    assert client.get("/officers/audit", params={"patient": "x' OR 1"}).status_code == 400
    assert client.get("/officers/audit", params={"day": "yesterday"}).status_code == 400
    page = client.get("/officers/audit", params={"patient": clinic.patients[2]}).text
    assert "The clinician" in page


def test_pages_of_the_audit_go_through_all_of_it_once(clinic: Made) -> None:
    every = [event.position for event in clinic.audit()]
    found: list[int] = []
    before: int | None = every[0] + 1
    while before is not None:
        page = search_audit(clinic.vault, actor="test", before=before, most=7)
        found += [event.position for event in page.events]
        before = page.older
    assert found == every


def test_the_audit_is_verified_at_a_click_and_a_changed_event_is_told(clinic: Made) -> None:
    answer = clinic.send("protection-officer", "/officers/audit/verify")
    assert answer.status_code == 303
    assert "whole" in answer.headers["set-cookie"]
    with clinic.vault._database.turn() as connection, connection.begin():
        connection.exec_driver_sql("DROP TRIGGER audit_only_grows_update")
        connection.exec_driver_sql(
            "UPDATE audit SET json = replace(json, 'import', 'export') WHERE position = 2"
        )
    broken = clinic.send("protection-officer", "/officers/audit/verify")
    assert broken.status_code == 503
    assert "event 2" in broken.text


def test_charts_of_all_are_for_care_and_rights_and_say_what_each_chart_says(counted: Made) -> None:
    with counted.vault.access(actor="test", purpose="care") as access:
        found = {chart.patient: chart for chart in charts_of_all(access)}
        assert set(found) == set(counted.patients)
        assert found[counted.patients[3]] == access.chart(counted.patients[3])


def test_the_research_table_has_those_who_consent_and_names_nobody(clinic: Made) -> None:
    at = clinic.clock()  # after whatever their records say of it
    for number, subject in enumerate(clinic.subjects):
        word = "deny" if number == 7 else "permit"
        own = Event(subject, at, at, "CONSENT//research", None, word, "consent", f"Consent/r{number}")
        with clinic.vault.access(actor="test", purpose="rights") as access:
            access.put([Entry(subject, f"Consent/r{number}", "consent", (own,))], clinic.clock())
    answer = clinic.signed_in("data-scientist").get("/research/table.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="alleviate-research.csv"'
    assert answer.text.splitlines()[0].split(",") == list(COLUMNS)
    with clinic.vault.access(actor="test", purpose="care") as access:
        names = [
            event.text_value
            for record in access.records()
            for event in record.events
            if event.code in ("PERSON//family", "PERSON//given", "PERSON//identifier") and event.text_value
        ]
    assert not [word for word in (*names, *clinic.subjects, *clinic.patients) if word in answer.text]
    whole = pl.read_parquet(
        io.BytesIO(clinic.signed_in("data-scientist").get("/research/table.parquet").content)
    )
    assert whole.schema == COLUMNS
    assert len(whole) == len(answer.text.splitlines()) - 1 > 0
    actor = clinic.accounts["data-scientist"].actor
    read = Counter(
        event.patient for event in clinic.audit() if event.actor == actor and event.action == "read"
    )
    assert read == Counter(dict.fromkeys(clinic.patients[:7], 2))


def test_text_that_a_spreadsheet_would_run_is_defused(clinic: Made) -> None:
    table = pl.DataFrame({"treatment": ["=cmd()", "CBT", None, "@x"]}, schema={"treatment": pl.String})
    assert as_csv(table).decode().splitlines() == ["treatment", "'=cmd()", "CBT", "", "'@x"]


def test_who_is_one_of_few_alike_has_no_site_age_or_sex(counted: Made) -> None:
    with counted.vault.access(actor="test", purpose="research") as access:
        table = deidentified(access, counted.clock())
    alike = table.drop_nulls(("age_band", "sex")).group_by("age_band", "sex", "site").len()
    assert not (alike["len"] < 5).any()
