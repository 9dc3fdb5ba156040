"""What somebody who means harm would try, and what comes of it."""

import csv
import json
import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from made_clinic import NOW, Made

from alleviate.clinic.logs import JsonLines
from alleviate.records import Entry, Event

MARKUP = '<script>alert("x")</script><img src=x onerror=alert(1)>\'"{{7*7}}${7*7}'
FORMULAS = ("=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1")


def words(made: Made, number: int, kind: Any, code: str, text: str) -> None:
    """Put words into somebody's record, as another system would send them."""
    moment = NOW - timedelta(days=1)
    subject, ref = made.subjects[number], f"Attack/{kind}-{abs(hash(text))}"
    event = Event(subject, moment, moment, code, None, text, kind, ref)
    with made.vault.access(actor="test", purpose="care") as access:
        access.store(made.clock(), entries=[Entry(subject, ref, kind, (event,))])


PLACES = [
    ("note", "LOINC//34109-9"),
    ("condition", "ICD10//F32.1"),
    ("medication", "ATC//N06AB06"),
    ("goal", "GOAL//described"),
    ("preference", "PREFERENCE//wish"),
    ("plan", "PLAN//appointment"),
    ("procedure", "PROCEDURE//talk"),
]
PAGES = (
    "",
    "items",
    "notes",
    "goals",
    "documents",
    "team",
    "summary",
    "questionnaires",
    "advice",
    "decisions",
)


def test_words_from_a_record_are_words_on_every_page_and_never_markup(clinic: Made) -> None:
    for kind, code in PLACES:
        words(clinic, 0, kind, code, MARKUP)
    seen = 0
    for who, pages in (
        ("clinician", ["/caseload/", *(f"/patients/{clinic.patients[0]}/{page}" for page in PAGES)]),
        (
            "patient",
            ["/mine/", "/mine/course", "/mine/goals", "/mine/export/record.html", "/mine/corrections"],
        ),
    ):
        for page in pages:
            text = clinic.signed_in(who).get(page).text
            assert "<script>alert" not in text, page
            assert "<img src=x" not in text, page
            assert "49" not in re.findall(r"alert\(1\)&gt;.{0,40}", text), page
            seen += "&lt;script&gt;alert" in text
    assert seen >= 3


def test_words_that_somebody_types_are_words_for_everybody_who_reads_them(clinic: Made) -> None:
    patient = clinic.patients[0]
    answer = clinic.send("clinician", f"/patients/{patient}/notes", text=MARKUP, words=MARKUP, note=MARKUP)
    assert answer.status_code < 500
    for who, page in (("clinician", f"/patients/{patient}/notes"), ("trainee", f"/patients/{patient}/notes")):
        assert "<script>alert" not in clinic.signed_in(who).get(page).text


@pytest.mark.parametrize("page", ["/sign-in", "/crisis", "/q", "/caseload/", "/nowhere"])
def test_no_page_has_a_script_or_a_style_of_its_own(page: str, shared_clinic: Made) -> None:
    answer = shared_clinic.signed_in("clinician").get(page)
    policy = answer.headers["content-security-policy"]
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    for tag in re.findall(r"<script\b[^>]*>", answer.text):
        assert "src=" in tag or 'type="application/json"' in tag or "template" in tag, tag
    assert not re.search(r"<style\b|\sstyle=|\son\w+=", answer.text)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_what_concerns_people_is_kept_by_no_cache(shared_clinic: Made) -> None:
    for page in ("/caseload/", f"/patients/{shared_clinic.patients[0]}/", "/api/v1/caseload"):
        answer = shared_clinic.signed_in("clinician").get(page)
        assert "no-store" in answer.headers["cache-control"], page


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"x-csrf-token": "guess"},
        {"origin": "http://127.0.0.1:8000.evil.example"},
    ],
)
def test_a_form_that_another_site_sends_changes_nothing(headers: dict[str, str], clinic: Made) -> None:
    client, patient = clinic.signed_in("clinician"), clinic.patients[0]
    before = _sheets(clinic, patient)
    answer = client.post(f"/patients/{patient}/notes", data={"text": "sent from elsewhere"}, headers=headers)
    assert answer.status_code in (403, 404)
    assert _sheets(clinic, patient) == before


def test_the_token_of_one_visit_does_not_open_anothers(clinic: Made) -> None:
    patient = clinic.patients[5]
    answer = clinic.signed_in("other").post(
        f"/patients/{patient}/notes", data={"csrf": clinic.csrf("clinician"), "text": "x"}
    )
    assert answer.status_code in (403, 404)


def _sheets(made: Made, patient: str) -> int:
    with made.vault.access(actor="test", purpose="care") as access:
        chart = access.chart(patient)
    return len(chart.sheets) + len(chart.record.events)


def test_a_cell_of_an_export_is_no_formula(clinic: Made) -> None:
    for text in FORMULAS:
        words(clinic, 0, "note", "LOINC//34109-9", text)
    text = clinic.signed_in("patient").get("/mine/export/record.csv").text
    assert "SUM(1)" in text
    cells = [cell for row in csv.reader(text.splitlines()) for cell in row]
    assert len(cells) > 100
    for cell in cells:
        assert cell[:1] not in "=+-@\t\r" or re.fullmatch(r"[+-]?\d+(\.\d+)?|", cell), cell


@pytest.mark.parametrize("url", ["/sign-in", "/oauth/token", "/cds-services/patient-view", "/fhir"])
def test_a_body_without_end_is_refused(url: str, make_clinic: Any) -> None:
    made = make_clinic(body_mebibytes=1)
    answer = made.guest().post(url, content=b"x" * (2**21))
    assert answer.status_code in (400, 401, 403, 413, 415, 422)
    if answer.status_code not in (401, 403):
        assert len(answer.content) < 20_000


def test_a_body_of_many_fields_is_refused(clinic: Made) -> None:
    fields = "&".join(f"a{i}=1" for i in range(20_000))
    answer = clinic.signed_in("clinician").post(
        f"/patients/{clinic.patients[0]}/notes",
        content=fields,
        headers={
            "content-type": "application/x-www-form-urlencoded",
            "x-csrf-token": clinic.csrf("clinician"),
        },
    )
    assert answer.status_code < 500


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_nobody_is_sent_to_another_site_after_signing_in(target: str, clinic: Made) -> None:
    text = clinic.guest().get("/sign-in", params={"next": target}).text
    assert target not in re.findall(r'value="([^"]*)"', text)
    assert not [
        link for link in re.findall(r'(?:href|action)="([^"]*)"', text) if link.startswith(target[:9])
    ]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:8000@evil.example"])
def test_a_forged_host_does_not_reach_a_link(host: str, clinic: Made) -> None:
    text = clinic.guest().get("/.well-known/smart-configuration", headers={"host": host}).text
    assert "evil.example" not in text


def test_an_error_tells_nothing_of_the_inside(clinic: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("Synthetic-Larch has PHQ-9 23")

    monkeypatch.setattr(type(clinic.services.shelf), "all", broken)
    monkeypatch.setattr(type(clinic.services.vault), "bond", broken)
    client = clinic.signed_in("clinician")
    client._transport.raise_server_exceptions = False  # type: ignore[attr-defined]
    answer = client.get(f"/patients/{clinic.patients[0]}/")
    assert answer.status_code == 500
    assert "Larch" not in answer.text
    assert "Traceback" not in answer.text


def test_logs_hold_the_route_and_nothing_of_anybody(clinic: Made, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="alleviate"):
        clinic.signed_in("clinician").get(f"/patients/{clinic.patients[0]}/")
        clinic.signed_in("clinician").get("/caseload/?search=Synthetic-Larch")
    lines = [JsonLines().format(record) for record in caplog.records]
    assert any(json.loads(line).get("route") == "/patients/{patient}/" for line in lines)
    told = "\n".join(lines)
    assert clinic.patients[0] not in told
    assert "Larch" not in told


def test_metrics_hold_the_route_and_nothing_of_anybody(clinic: Made) -> None:
    clinic.signed_in("clinician").get(f"/patients/{clinic.patients[0]}/")
    text = clinic.guest().get("/metrics").text
    assert "alleviate_request_seconds" in text
    assert clinic.patients[0] not in text
