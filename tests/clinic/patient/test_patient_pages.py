"""One patient over a real vault: what each page shows and takes, and nothing of anybody else."""

import re
from datetime import timedelta

import pytest
from made_clinic import Made

from alleviate.clinic.patient.documents import MOST_BYTES
from alleviate.instruments import INSTRUMENTS
from alleviate.records import Entry, Event
from alleviate.vault import sheets

PAGES = (
    "", "items", "notes", "goals", "documents", "team", "questionnaires", "summary",
)  # fmt: skip
PDF = b"%PDF-1.7\n%nothing\n"


def come_in(clinic: Made, number: int, item_9: int = 2) -> None:
    subject, at = clinic.subjects[number], clinic.clock() - timedelta(seconds=1)
    ref = f"QuestionnaireResponse/now-{at.timestamp()}"
    events = tuple(
        Event(subject, at, at, item.code, float(item_9 if item.id == "9" else 2), None, "questionnaire", ref)
        for item in INSTRUMENTS["phq9"].items
    )
    with clinic.vault.access(actor="test", purpose="care") as access:
        access.put([Entry(subject, ref, "questionnaire", events)], clinic.clock())


def root(clinic: Made, number: int = 0) -> str:
    return f"/patients/{clinic.patients[number]}"


def api(clinic: Made, number: int = 0) -> str:
    return f"/api/v1/patients/{clinic.patients[number]}"


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_for_the_team_with_one_event_and_for_nobody_else(shared_clinic: Made, page) -> None:
    clinic = shared_clinic
    before = len(clinic.audit(clinic.patients[0]))
    url = f"{root(clinic)}/{page}"
    assert clinic.signed_in("clinician").get(url).status_code == 200
    new = clinic.audit(clinic.patients[0])[:-before] if before else clinic.audit(clinic.patients[0])
    mine = [event.action for event in new if event.actor == clinic.accounts["clinician"].actor]
    assert mine == ["read"]
    assert clinic.signed_in("trainee").get(url).status_code == 200
    unknown = clinic.signed_in("other").get(f"/patients/{'0' * 32}/{page}")
    closed = clinic.signed_in("other").get(url)
    assert (closed.status_code, closed.text) == (404, unknown.text.replace("0" * 32, clinic.patients[0]))


def test_an_alert_is_taken_and_resolved_saying_what_was_done(clinic: Made) -> None:
    come_in(clinic, 0)
    (alert, *_) = [
        a for a in clinic.signed_in("clinician").get(f"{api(clinic)}/alerts").json() if a["state"] == "raised"
    ]
    url = f"{root(clinic)}/alerts/{alert['id']}"
    assert "item 9" in clinic.signed_in("clinician").get(root(clinic) + "/").text
    early = clinic.send("clinician", url, state="resolved", done="Called.")
    assert early.status_code == 400  # nobody has taken it
    assert clinic.send("clinician", url, state="acknowledged").status_code == 303
    assert clinic.send("clinician", url, state="resolved", done="  ").status_code == 400
    done = clinic.send("clinician", url, state="resolved", done="Called; safety plan made; seen tomorrow.")
    assert done.status_code == 303
    page = clinic.signed_in("clinician").get(url).text
    assert "safety plan made" in page
    assert clinic.accounts["clinician"].name in page
    after = {a["id"]: a for a in clinic.signed_in("clinician").get(f"{api(clinic)}/alerts").json()}
    assert [step["state"] for step in after[alert["id"]]["steps"]] == ["acknowledged", "resolved"]
    events = [e.detail["state"] for e in clinic.audit(clinic.patients[0]) if e.action == "alert"]
    assert events[:2] == ["resolved", "acknowledged"]


def test_an_alert_of_somebody_else_is_nothing_here_though_the_caller_cares_for_both(clinic: Made) -> None:
    come_in(clinic, 1)
    (alert, *_) = clinic.signed_in("clinician").get(f"{api(clinic, 1)}/alerts").json()
    assert clinic.signed_in("clinician").get(f"{root(clinic)}/alerts/{alert['id']}").status_code == 404
    assert (
        clinic.send("clinician", f"{root(clinic)}/alerts/{alert['id']}", state="acknowledged").status_code
        == 404
    )
    (same, *_) = clinic.signed_in("clinician").get(f"{api(clinic, 1)}/alerts").json()
    assert same["steps"] == []


def test_a_trainee_sees_and_writes_nothing(clinic: Made) -> None:
    come_in(clinic, 0)
    (alert, *_) = clinic.signed_in("trainee").get(f"{api(clinic)}/alerts").json()
    for url, form in (
        (f"alerts/{alert['id']}", {"state": "acknowledged"}),
        ("notes", {"text": "x"}),
        ("tasks", {"words": "x", "account": clinic.accounts["trainee"].id}),
        ("goals", {"goal": "x"}),
        ("team", {"account": clinic.accounts["other"].id}),
        ("questionnaires", {"instruments": "phq9", "due": "2030-01-01"}),
        ("glass", {"reason": "a reason that is long enough"}),
    ):
        assert clinic.send("trainee", f"{root(clinic)}/{url}", **form).status_code in (403, 404), url
    assert "<form" not in clinic.signed_in("trainee").get(f"{root(clinic)}/notes").text.partition("<main")[2]


def test_a_note_is_written_seen_and_agreed_with_by_the_team(clinic: Made) -> None:
    clinic.send("clinician", f"{root(clinic)}/team", account=clinic.accounts["other"].id)
    other = clinic.accounts["other"]
    text = "Slept better.\n<b>Plan</b>: go on."
    sent = clinic.send("clinician", f"{root(clinic)}/notes", text=text, sort="progress", mention=other.id)
    assert sent.status_code == 303
    (note, *_) = clinic.signed_in("other").get(f"{api(clinic)}/notes").json()
    assert (note["text"], note["by"], note["mentions"]) == (
        text,
        clinic.accounts["clinician"].actor,
        [other.id],
    )
    page = clinic.signed_in("other").get(f"{root(clinic)}/notes").text
    assert "&lt;b&gt;Plan&lt;/b&gt;" in page
    needs = {
        n["because"]
        for p in clinic.signed_in("other").get("/api/v1/caseload").json()["people"]
        for n in p["needs"]
    }
    assert "mention" in needs
    assert (
        clinic.send("other", f"{root(clinic)}/notes/seen", note=note["ref"], agreed="no").status_code == 303
    )
    assert (
        clinic.send("other", f"{root(clinic)}/notes/seen", note=note["ref"], agreed="yes").status_code == 303
    )
    assert (
        clinic.send("other", f"{root(clinic)}/notes/seen", note="DocumentReference/none").status_code == 404
    )
    (note, *_) = clinic.signed_in("other").get(f"{api(clinic)}/notes").json()
    assert {seen["by"]: (seen["agreed"], seen["wrote"]) for seen in note["seen"]} == {
        clinic.accounts["clinician"].actor: (True, True),
        other.actor: (True, False),
    }
    needs = {
        n["because"]
        for p in clinic.signed_in("other").get("/api/v1/caseload").json()["people"]
        for n in p["needs"]
    }
    assert "mention" not in needs


def test_a_note_goes_into_the_record_as_clinical_data(clinic: Made) -> None:
    clinic.send("clinician", f"{root(clinic)}/notes", text="A note.", sort="plan")
    with clinic.vault.access(actor="test", purpose="care") as access:
        record = access.record(clinic.patients[0])
    assert ("NOTE//plan", "A note.") in {(event.code, event.text_value) for event in record.events}


def test_a_task_is_given_to_somebody_of_the_team_and_done_once(clinic: Made) -> None:
    me = clinic.accounts["clinician"].id
    url = f"{root(clinic)}/tasks"
    assert (
        clinic.send("clinician", url, words="Call the GP", account=clinic.accounts["other"].id).status_code
        == 400
    )
    assert clinic.send("clinician", url, words="", account=me).status_code == 400
    assert clinic.send("clinician", url, words="Call the GP", account=me, due="2001-01-01").status_code == 400
    assert clinic.send("clinician", url, words="Call the GP", account=me, due="2099-01-01").status_code == 303
    (task,) = clinic.signed_in("clinician").get(f"{api(clinic)}/tasks").json()
    needs = [
        n for p in clinic.signed_in("clinician").get("/api/v1/caseload").json()["people"] for n in p["needs"]
    ]
    assert "Call the GP" in [n["values"].get("words") for n in needs]
    for _ in range(2):
        assert clinic.send("clinician", f"{url}/{task['id']}").status_code == 303
    (task,) = clinic.signed_in("clinician").get(f"{api(clinic)}/tasks").json()
    assert task["done_by"] == clinic.accounts["clinician"].actor
    assert clinic.send("clinician", f"{url}/{'0' * 32}").status_code == 404


def test_goals_and_wishes_are_written_into_the_record(clinic: Made) -> None:
    assert clinic.send("clinician", f"{root(clinic)}/goals", goal="Walk the dog again").status_code == 303
    assert clinic.send("clinician", f"{root(clinic)}/goals", goal=" ").status_code == 400
    goals = clinic.signed_in("clinician").get(api(clinic)).json()["goals"]
    (mine,) = [goal for goal in goals if goal["words"] == "Walk the dog again"]
    reached = clinic.send("clinician", f"{root(clinic)}/goals/status", goal=mine["ref"], status="completed")
    assert reached.status_code == 303
    goals = clinic.signed_in("clinician").get(api(clinic)).json()["goals"]
    assert [goal["status"] for goal in goals if goal["ref"] == mine["ref"]] == ["completed"]
    assert (
        clinic.send("clinician", f"{root(clinic)}/wishes", about="avoid", wanted=["nausea"]).status_code
        == 303
    )
    assert clinic.send("clinician", f"{root(clinic)}/wishes", about="avoid", wanted=["x"]).status_code == 400
    assert "Nausea" in clinic.signed_in("clinician").get(f"{root(clinic)}/goals").text


def upload(clinic: Made, data: bytes, name: str = "letter.pdf", kind: str = "application/pdf"):
    client = clinic.signed_in("clinician")
    form = {"csrf": clinic.csrf("clinician"), "title": "Letter of the GP"}
    return client.post(f"{root(clinic)}/documents", data=form, files={"file": (name, data, kind)})


def test_a_document_is_kept_and_given_out_to_be_saved_and_nothing_more(clinic: Made) -> None:
    assert upload(clinic, PDF, '..\\..\\le<t>ter".pdf').status_code == 303
    page = clinic.signed_in("clinician").get(f"{root(clinic)}/documents").text
    (id,) = set(re.findall(r"/documents/([0-9a-f]{32})", page))
    found = clinic.signed_in("clinician").get(f"{root(clinic)}/documents/{id}")
    assert found.content == PDF
    assert found.headers["content-disposition"].startswith('attachment; filename="le_t_ter')
    assert found.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in found.headers["content-security-policy"]
    assert clinic.signed_in("other").get(f"{root(clinic)}/documents/{id}").status_code == 404
    assert clinic.signed_in("clinician").get(f"{root(clinic, 1)}/documents/{id}").status_code == 404


def reads_of(clinic: Made) -> int:
    return sum(event.action == "read" for event in clinic.audit(clinic.patients[0]))


def test_the_list_of_documents_opens_none_and_a_download_opens_one(clinic: Made, monkeypatch) -> None:
    for text in (b"A first letter.", b"A second letter.", b"A second letter."):
        assert upload(clinic, text, "letter.txt", "text/plain").status_code == 303
    opened: list[str] = []
    unseal = sheets.unseal

    def noted(key, patient, column, body):
        opened.append(column.rpartition(".")[2])
        return unseal(key, patient, column, body)

    monkeypatch.setattr(sheets, "unseal", noted)
    page = clinic.signed_in("clinician").get(f"{root(clinic)}/documents").text
    ids = set(re.findall(r"/documents/([0-9a-f]{32})", page))
    assert len(ids) == 2, "sent twice, kept once"
    assert opened == ["document"] * 2
    opened.clear()
    before = reads_of(clinic)
    found = {clinic.signed_in("clinician").get(f"{root(clinic)}/documents/{id}").content for id in ids}
    assert found == {b"A first letter.", b"A second letter."}
    assert sorted(opened) == ["content", "content", "document", "document"]
    assert reads_of(clinic) == before + 2


@pytest.mark.parametrize(
    "data",
    [b"", b"MZ\x90\x00\x03", b"<html>\x00", b"PK\x03\x04\x00", b"%PDF-" + b"0" * MOST_BYTES],
    ids=["empty", "program", "binary", "archive", "too large"],
)
def test_what_is_no_document_is_refused_whatever_it_claims(shared_clinic: Made, data) -> None:
    assert upload(shared_clinic, data).status_code == 400
    assert (
        "/documents/" not in shared_clinic.signed_in("clinician").get(f"{root(shared_clinic)}/documents").text
    )


def test_a_page_sent_as_text_comes_back_as_text_to_be_saved(clinic: Made) -> None:
    upload(clinic, b"<script>alert(1)</script>", "x.html", "text/html")
    page = clinic.signed_in("clinician").get(f"{root(clinic)}/documents").text
    (id,) = set(re.findall(r"/documents/([0-9a-f]{32})", page))
    found = clinic.signed_in("clinician").get(f"{root(clinic)}/documents/{id}")
    assert found.headers["content-type"].startswith("text/plain")
    assert '.txt"' in found.headers["content-disposition"]


def test_who_joins_sees_the_person_and_who_leaves_no_longer(clinic: Made) -> None:
    other = clinic.accounts["other"]
    assert clinic.signed_in("other").get(f"{root(clinic)}/").status_code == 404
    clinic.send("clinician", f"{root(clinic)}/team", account=other.id)
    assert clinic.signed_in("other").get(f"{root(clinic)}/").status_code == 200
    clinic.send("clinician", f"{root(clinic)}/team/leave", account=other.id)
    assert clinic.signed_in("other").get(f"{root(clinic)}/").status_code == 404


def test_the_last_clinician_stays_until_another_has_come(clinic: Made) -> None:
    me = clinic.accounts["clinician"].id
    assert clinic.send("clinician", f"{root(clinic)}/team/leave", account=me).status_code == 400
    clinic.send("clinician", f"{root(clinic)}/team", account=clinic.accounts["other"].id)
    gone = clinic.send("clinician", f"{root(clinic)}/team/leave", account=me)
    assert (gone.status_code, gone.headers["location"]) == (303, "/caseload/")


def test_a_questionnaire_is_asked_for_with_a_link_that_is_shown_once(clinic: Made) -> None:
    url = f"{root(clinic, 2)}/questionnaires"
    due = (clinic.clock() + timedelta(days=7)).date().isoformat()
    asked = clinic.send("clinician", url, instruments=["phq9"], due=due)
    assert asked.status_code == 200
    assert re.search(r"/q/[\w-]{20,}", asked.text)
    again = clinic.signed_in("clinician").get(url).text
    assert "/q/" not in again
    (id,) = set(re.findall(r"/questionnaires/([0-9a-f]{32})", again))
    assert clinic.send("clinician", url, instruments=[], due=due).status_code == 400
    assert clinic.send("clinician", url, instruments=["bdi2"], due=due).status_code == 400
    assert clinic.send("clinician", f"{root(clinic)}/questionnaires/{id}").status_code == 404
    assert clinic.send("clinician", f"{url}/{id}").status_code == 303


def test_items_mark_item_9_and_an_answer_of_0_is_no_proof_of_safety(clinic: Made) -> None:
    come_in(clinic, 0, item_9=0)
    page = clinic.signed_in("clinician").get(f"{root(clinic)}/items").text
    assert "safety item" in page
    assert "no proof of safety" in page


def test_without_any_package_it_says_so_and_alerts_are_there(clinic: Made) -> None:
    come_in(clinic, 0)
    page = clinic.signed_in("clinician").get(f"{root(clinic)}/").text
    assert "No learned course is in use here" in page
    assert "item 9" in page
    assert "low risk" not in page.casefold()


def test_the_overview_is_live_too(clinic: Made) -> None:
    client = clinic.signed_in("clinician")
    page = client.get(f"{root(clinic)}/").text
    beat = re.search(r'hx-get="([^"]+)"', page)[1]
    assert client.get(beat).status_code == 204
    come_in(clinic, 0)
    assert "item 9" in client.get(beat).text


def test_what_the_person_withholds_is_said_to_be_withheld(clinic: Made) -> None:
    subject, at = clinic.subjects[0], clinic.clock() - timedelta(seconds=5)
    denial = Event(subject, at, at, "CONSENT//care//questionnaire", None, "deny", "consent", "Consent/x")
    come_in(clinic, 0)
    with clinic.vault.access(actor="test", purpose="care") as access:
        access.put([Entry(subject, "Consent/x", "consent", (denial,))], clinic.clock())
    page = clinic.signed_in("clinician").get(f"{root(clinic)}/").text
    assert "does not permit" in page
    assert "comes from data that the person withholds" in page or "come from data that" in page
