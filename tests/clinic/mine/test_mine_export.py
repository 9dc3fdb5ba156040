"""All that is held about me, to take along: whole, readable, and with nobody's name in it."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from made_clinic import Made

from alleviate.clinic.invitations import Invited
from alleviate.clinic.patient.documents import body_of, sheets_of

PDF = b"%PDF-1.4\n%%EOF"


@pytest.fixture
def full(clinic: Made, asked: Callable[..., Invited]) -> Made:
    """The first person's record with one of everything beside it."""
    me, theirs = clinic.patients[0], f"/patients/{clinic.patients[0]}"
    invited = asked(0)
    here = f"/mine/questionnaires/{invited.id}"
    clinic.send("patient", here, nonce="n", at="phq9-9", **{"a.phq9-9": "2", "a.phq9-1": "1"})
    clinic.send("patient", f"{here}/send")
    clinic.send("patient", "/mine/corrections", about="note", words="I never said <that>.")
    clinic.signed_in("patient").get("/mine/options")
    clinic.send("clinician", f"{theirs}/notes", sort="progress", text="Sleeps better.")
    clinic.send("clinician", f"{theirs}/tasks", words="Call on Monday", account=clinic.accounts["trainee"].id)
    clinic.send("other", f"{theirs}/glass", reason="Found asleep on the stairs.")
    letter = sheets_of(me, body_of("letter.pdf", "Letter", PDF), PDF)
    with clinic.vault.access(actor=clinic.accounts["clinician"].actor, purpose="care") as access:
        access.store(clinic.clock(), sheets=letter)
        (alert, *_) = access.chart(me).alerts
    clinic.send("clinician", f"{theirs}/alerts/{alert.id}", state="acknowledged", done="")
    return clinic


def taken(made: Made, name: str) -> Any:
    answer = made.signed_in("patient").get(f"/mine/export/{name}")
    assert answer.status_code == 200, answer.text[:300]
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    return answer


def test_one_file_holds_all_of_it(full: Made) -> None:
    packed = zipfile.ZipFile(io.BytesIO(taken(full, "everything.zip").content))
    assert packed.testzip() is None
    assert set(packed.namelist()) == {
        "my-record.html", "my-record.csv", "my-record.json", "my-other-data.json", "documents/1-letter.pdf"
    }  # fmt: skip
    assert packed.read("documents/1-letter.pdf") == PDF
    assert json.loads(packed.read("my-record.json"))["resourceType"] == "Bundle"
    single = {"my-record.csv": "record.csv", "my-record.json": "record.json"}
    for name, address in single.items():
        assert packed.read(name) == taken(full, address).content


def test_nothing_that_the_vault_holds_is_left_out(full: Made) -> None:
    chart = full.vault.access(actor="test", purpose="rights").chart(full.patients[0])
    told = taken(full, "others.json").json()
    assert {sheet["id"] for sheet in told["sheets"]} == {sheet.id for sheet in chart.sheets}
    assert {"invitation", "draft", "correction", "document", "break-glass", "seen", "task", "proposal"} <= {
        sheet["kind"] for sheet in told["sheets"]
    }
    assert [each["id"] for each in told["alerts"]] == [alert.id for alert in chart.alerts]
    assert told["alerts"][0]["steps"][0]["by"] == "A psychologist"
    assert len(told["care_team"]) == len(chart.team)
    assert len(told["courses"]) == len(chart.courses)
    assert {"read", "changed", "glass"} <= {look["did"] for look in told["looks"]}


@pytest.mark.parametrize("name", ["everything.zip", "others.json", "record.html"])
def test_nobody_is_named_and_no_code_can_be_guessed_from_it(name: str, full: Made) -> None:
    content = taken(full, name).content
    if name.endswith(".zip"):
        packed = zipfile.ZipFile(io.BytesIO(content))
        content = b"\n".join(packed.read(each) for each in packed.namelist())
    text = content.decode("utf-8", "replace")
    for account in full.accounts.values():
        assert account.id not in text
        assert account.name not in text
    assert "typed" not in text
    assert "account:" not in text


def test_the_page_says_in_words_what_was_answered_decided_and_done(full: Made) -> None:
    text = re.sub(r"<[^>]+>", " ", taken(full, "record.html").text)
    text = " ".join(text.split())
    for said in (
        "Little interest or pleasure in doing things Several days",
        "Why we keep it",
        "You can also complain",
        "A person does.",
        "Your care team was told on",
        "A psychologist: took it on",
        "I never said &lt;that&gt;.",
        "Not answered yet",
        "Found asleep on the stairs.",
        "letter.pdf",
        "Who looked at my record",
    ):
        assert said in text, said


def test_taking_it_along_is_one_event_and_nobody_elses(full: Made) -> None:
    me, actor = full.patients[0], full.accounts["patient"].actor
    before = len([e for e in full.audit(me) if e.actor == actor and e.action == "read"])
    taken(full, "everything.zip")
    assert len([e for e in full.audit(me) if e.actor == actor and e.action == "read"]) == before + 1
    for who in ("clinician", "administrator", "protection-officer", "data-scientist"):
        assert full.signed_in(who).get("/mine/export/everything.zip").status_code in (403, 404)
