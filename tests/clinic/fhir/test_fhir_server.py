"""The FHIR server: what a system with a token, a clinician and a patient may read, search and send."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from made_clinic import IN_CARE, Made
from starlette.testclient import TestClient

from alleviate.clinic.fhir.search import PARAMETERS
from alleviate.clinic.fhir.served import patient_in
from alleviate.clinic.mine.consents import entry_of
from alleviate.clinic.who import Who
from alleviate.intake.fhir.types import TYPES

EVERYTHING = frozenset({"system/*.cruds"})


@pytest.fixture
def system(clinic: Made, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A system whose token opens everything."""
    scoped(clinic, EVERYTHING)
    with TestClient(clinic.app, base_url="http://127.0.0.1:8000") as client:
        client.headers["authorization"] = "Bearer known"
        yield client


def scoped(clinic: Made, scopes: frozenset[str]) -> None:
    """What a token opens is MACHINES' to prove; here it is given."""
    who = Who("client:ehr", "integrator", scopes=scopes)
    object.__setattr__(clinic.services, "of_bearer", lambda _request, _services: who)


def resources(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in bundle.get("entry", [])]


def test_the_capability_statement_names_each_type_and_is_open_to_all(clinic: Made) -> None:
    found = clinic.guest().get("/fhir/metadata").json()
    assert found["fhirVersion"] == "4.0.1"
    assert [each["type"] for each in found["rest"][0]["resource"]] == list(TYPES)


def test_a_person_is_read_under_our_id_and_keeps_the_sources(clinic: Made, system: TestClient) -> None:
    patient, subject = clinic.patients[0], clinic.subjects[0]
    found = system.get(f"/fhir/Patient/{patient}")
    assert found.headers["content-type"].startswith("application/fhir+json")
    told = found.json()
    assert told["id"] == patient
    assert {"system": "urn:alleviate:subject", "value": subject} in told["identifier"]


@pytest.mark.parametrize("type", [name for name in TYPES if name != "Patient"])
def test_every_resource_that_a_search_finds_is_read_at_its_own_address(
    type: str, clinic: Made, system: TestClient
) -> None:
    patient = clinic.patients[0]
    found = system.get(f"/fhir/{type}", params={"patient": patient, "_count": 3}).json()
    for resource in resources(found):
        assert patient_in(resource["id"]) == patient
        assert system.get(f"/fhir/{type}/{resource['id']}").json() == resource


def test_everything_of_a_person_refers_to_nothing_outside_it(clinic: Made, system: TestClient) -> None:
    found = resources(system.get(f"/fhir/Patient/{clinic.patients[0]}/$everything").json())
    own = {f"{each['resourceType']}/{each['id']}" for each in found}
    assert len(own) == len(found) > 20
    about = {ref for each in found for ref in _references(each) if ref.startswith("Patient/")}
    assert about == {f"Patient/{clinic.patients[0]}"}


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("reference"), str):
            yield part["reference"]
        for each in part.values():
            yield from _references(each)
    elif isinstance(part, list):
        for each in part:
            yield from _references(each)


def test_pages_of_a_search_hold_everything_once(clinic: Made, system: TestClient) -> None:
    whole = system.get("/fhir/Observation", params={"patient": clinic.patients[0], "_count": 1000}).json()
    url, seen = f"/fhir/Observation?patient={clinic.patients[0]}&_count=7", []
    while url:
        page = system.get(url).json()
        assert page["total"] == whole["total"]
        seen += [each["id"] for each in resources(page)]
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), "")
    assert seen == [each["id"] for each in resources(whole)]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("date=yesterday", "date is a date"),
        ("_count=many", "_count is a whole number"),
        ("date=2026-13-01", "date is a date"),
        ("code:text=sad", "not known"),
    ],
)
def test_a_question_that_cannot_be_read_is_answered_by_an_outcome(
    query: str, said: str, clinic: Made, system: TestClient
) -> None:
    found = system.get(f"/fhir/Observation?patient={clinic.patients[0]}&{query}")
    assert found.status_code == 400
    assert found.json()["resourceType"] == "OperationOutcome"
    assert said in found.json()["issue"][0]["diagnostics"]


def test_a_search_by_code_and_date_finds_what_a_plain_look_finds(clinic: Made, system: TestClient) -> None:
    patient = clinic.patients[0]
    everything = resources(
        system.get("/fhir/Observation", params={"patient": patient, "_count": 1000}).json()
    )
    coded = next(each for each in everything if each.get("code", {}).get("coding"))
    coding = coded["code"]["coding"][0]
    day = coded["effectiveDateTime"][:10]
    found = resources(
        system.get(
            "/fhir/Observation",
            params={
                "patient": patient,
                "code": f"{coding['system']}|{coding['code']}",
                "date": f"ge{day}",
                "_count": 1000,
            },
        ).json()
    )
    plain = [
        each
        for each in everything
        if coding in each.get("code", {}).get("coding", []) and each["effectiveDateTime"][:10] >= day
    ]
    assert coded in found
    assert found == plain


def test_people_are_found_by_what_names_them_exactly_and_not_by_parts(
    clinic: Made, system: TestClient
) -> None:
    told = system.get(f"/fhir/Patient/{clinic.patients[0]}").json()
    family, born = told["name"][0]["family"], told["birthDate"]
    found = resources(system.get("/fhir/Patient", params={"family": family, "birthdate": born}).json())
    assert clinic.patients[0] in [each["id"] for each in found]
    for query in ({"family": family}, {"name": family}, {"birthdate": born}, {}):
        assert system.get("/fhir/Patient", params=query).status_code == 400


def test_what_is_sent_under_our_id_is_about_the_same_person(clinic: Made, system: TestClient) -> None:
    patient = clinic.patients[1]
    sent = _weight(f"Patient/{patient}", 71.5)
    answer = system.post("/fhir/Observation", json=sent)
    assert answer.status_code == 201, answer.json()
    stored = system.get(answer.headers["location"].removeprefix("http://127.0.0.1:8000")).json()
    assert stored["valueQuantity"]["value"] == 71.5
    assert stored["subject"]["reference"] == f"Patient/{patient}"


def test_a_correction_under_the_same_id_replaces_and_is_not_added(clinic: Made, system: TestClient) -> None:
    subject = clinic.subjects[1]
    for value in (70.0, 71.0):
        sent = {**_weight(f"Patient/{subject}", value), "id": "w-1"}
        assert system.put("/fhir/Observation/w-1", json=sent).status_code == 201
    found = resources(
        system.get(
            "/fhir/Observation",
            params={"patient": clinic.patients[1], "code": "http://loinc.org|29463-7", "_count": 1000},
        ).json()
    )
    mine = [each for each in found if each["effectiveDateTime"].startswith("2026-01-05")]
    assert [each["valueQuantity"]["value"] for each in mine] == [71.0]


def _weight(about: str, value: float) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"reference": about},
        "effectiveDateTime": "2026-01-05T10:00:00Z",
        "valueQuantity": {"value": value, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    }


def _bundle(kind: str, *resources: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": kind,
        "entry": [
            {"resource": each, "request": {"method": "POST", "url": each["resourceType"]}}
            for each in resources
        ],
    }


def test_a_transaction_is_stored_as_a_whole_or_not_at_all(clinic: Made, system: TestClient) -> None:
    about = f"Patient/{clinic.subjects[2]}"
    bad = {**_weight(about, 60.0), "effectiveDateTime": "soon"}
    before = system.get("/fhir/Observation", params={"patient": clinic.patients[2]}).json()["total"]
    refused = system.post("/fhir", json=_bundle("transaction", _weight(about, 60.0), bad))
    assert refused.status_code == 400
    assert "effectiveDateTime" in json.dumps(refused.json())
    assert system.get("/fhir/Observation", params={"patient": clinic.patients[2]}).json()["total"] == before
    batch = system.post("/fhir", json=_bundle("batch", _weight(about, 60.0), bad)).json()
    assert [each["response"]["status"] for each in batch["entry"]] == ["201", "422"]
    assert (
        system.get("/fhir/Observation", params={"patient": clinic.patients[2]}).json()["total"] == before + 1
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[1]",
        b'{"resourceType": 7}',
        b'{"resourceType": "Bundle", "type": "document"}',
        b'{"resourceType": "Bundle", "type": "batch", "entry": 3}',
        b'{"resourceType": "Bundle", "type": "batch", "entry": [3]}',
        b'{"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "DELETE"}}]}',
        b'{"resourceType": "Basic"}',
        b"[" * 5000,
    ],
)
def test_what_is_no_request_is_refused_in_one_line(body: bytes, system: TestClient) -> None:
    found = system.post("/fhir", content=body, headers={"content-type": "application/fhir+json"})
    assert found.status_code == 400
    assert found.json()["issue"][0]["diagnostics"]


def test_an_alert_is_raised_by_what_another_system_sends(clinic: Made, system: TestClient) -> None:
    item9 = {
        **_weight(f"Patient/{clinic.subjects[3]}", 2),
        "code": {"coding": [{"system": "http://loinc.org", "code": "44260-8"}]},
        "valueQuantity": {"value": 2},
        "effectiveDateTime": "2026-01-06T10:00:00Z",
    }
    assert system.post("/fhir/Observation", json=item9).status_code == 201
    with clinic.vault.access(actor="test", purpose="care") as access:
        alerts = access.chart(clinic.patients[3]).alerts
    assert [alert for alert in alerts if alert.sign.time.date().isoformat() == "2026-01-06"]


@pytest.mark.slow
def test_an_export_is_read_in_again_as_the_same_records(clinic: Made, system: TestClient) -> None:
    begun = system.get("/fhir/$export", headers={"prefer": "respond-async"})
    assert begun.status_code == 202
    status = system.get(begun.headers["content-location"].removeprefix("http://127.0.0.1:8000"))
    told = status.json()
    assert told["requiresAccessToken"]
    lines = {
        each["type"]: system.get(each["url"].removeprefix("http://127.0.0.1:8000")).text.splitlines()
        for each in told["output"]
    }
    people = [json.loads(line) for line in lines["Patient"]]
    assert {patient_in(each["id"]) for each in people} == set(clinic.patients)
    sent = system.post(
        "/fhir", json=_bundle("batch", *(json.loads(line) for line in lines["Observation"][:200]))
    ).json()
    assert {each["response"]["status"] for each in sent["entry"]} == {"201"}
    after = system.get("/fhir/$export?_type=Observation", headers={"prefer": "respond-async"})
    again = system.get(after.headers["content-location"].removeprefix("http://127.0.0.1:8000")).json()
    text = system.get(again["output"][0]["url"].removeprefix("http://127.0.0.1:8000")).text
    assert sorted(text.splitlines()) == sorted(lines["Observation"])


def exported(system: TestClient, **query: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The manifest of an export, and all that is in its files."""
    begun = system.get("/fhir/$export", params=query, headers={"prefer": "respond-async"})
    told = system.get(begun.headers["content-location"].removeprefix("http://127.0.0.1:8000")).json()
    found = []
    for each in told["output"]:
        file = system.get(each["url"].removeprefix("http://127.0.0.1:8000"))
        assert file.headers["content-type"].startswith("application/fhir+ndjson")
        lines = [json.loads(line) for line in file.text.splitlines()]
        assert {line["resourceType"] for line in lines} <= {each["type"]}
        found += lines
    return told, found


def test_an_export_since_the_last_one_holds_what_was_written_after_it_however_old_it_is(
    clinic: Made, system: TestClient
) -> None:
    """Known to its source since January, sent today: a client that has all from yesterday needs it."""
    first, _ = exported(system, _type="Observation")
    late = _weight(f"Patient/{clinic.subjects[4]}", 80.0) | {"issued": "2026-01-05T10:00:00Z"}
    assert system.post("/fhir/Observation", json=late).status_code == 201
    clinic.clock.goes(seconds=5)
    second, new = exported(system, _since=first["transactionTime"], _type="Observation,Condition,Patient")
    assert [(one["resourceType"], one["valueQuantity"]["value"]) for one in new] == [("Observation", 80.0)]
    assert new[0]["subject"]["reference"] == f"Patient/{clinic.patients[4]}"
    assert exported(system, _since=second["transactionTime"], _type="Observation")[1] == []
    earlier = [event for event in clinic.audit(clinic.patients[1]) if event.action == "read"]
    exported(system, _since=first["transactionTime"], _type="Observation")
    assert [event for event in clinic.audit(clinic.patients[1]) if event.action == "read"] == earlier


def test_an_export_since_a_moment_of_which_nothing_is_known_holds_everything(
    clinic: Made, system: TestClient
) -> None:
    _, whole = exported(system, _type="Condition")
    _, since = exported(system, _type="Condition", _since="2001-01-01T00:00:00Z")
    assert len(since) == len(whole) > 8


def test_who_permits_anew_is_in_the_next_export_as_a_whole(clinic: Made, system: TestClient) -> None:
    first, whole = exported(system, _type="Observation")
    with clinic.vault.access(actor="test", purpose="rights") as access:
        now = clinic.clock()
        permit = entry_of(clinic.subjects[2], "Consent/new", "care", None, True, now)
        access.store(now, entries=[permit])
    clinic.clock.goes(seconds=5)
    _, new = exported(system, _type="Observation", _since=first["transactionTime"])
    theirs = [one["id"] for one in whole if patient_in(one["id"]) == clinic.patients[2]]
    assert [one["id"] for one in new] == theirs != []


def test_an_ended_export_and_anothers_are_as_if_there_were_none(clinic: Made, system: TestClient) -> None:
    begun = system.get("/fhir/$export", headers={"prefer": "respond-async"})
    place = begun.headers["content-location"].removeprefix("http://127.0.0.1:8000")
    other = Who("client:other", "integrator", scopes=EVERYTHING)
    own = clinic.services.of_bearer
    object.__setattr__(clinic.services, "of_bearer", lambda _r, _s: other)
    assert system.get(place).status_code == 403
    object.__setattr__(clinic.services, "of_bearer", own)
    assert system.delete(place).status_code == 202
    assert system.get(place).status_code == 403
    assert system.get("/fhir/$export-status/" + "0" * 32).status_code == 403


def test_a_scope_opens_its_own_type_alone(clinic: Made, system: TestClient) -> None:
    scoped(clinic, frozenset({"system/Observation.rs", "system/Patient.read"}))
    patient = clinic.patients[0]
    assert system.get("/fhir/Observation", params={"patient": patient}).status_code == 200
    assert system.get(f"/fhir/Patient/{patient}").status_code == 200
    for url in (f"/fhir/Condition?patient={patient}", f"/fhir/Patient/{patient}/$everything"):
        assert system.get(url).status_code in (403, 404)
    assert system.post("/fhir/Observation", json=_weight(f"Patient/{patient}", 1.0)).status_code == 403


def test_a_clinician_reads_of_the_own_caseload_and_of_nobody_else(clinic: Made) -> None:
    client = clinic.signed_in("clinician")
    own, stranger = clinic.patients[0], clinic.patients[IN_CARE + 1]
    assert client.get(f"/fhir/Patient/{own}").status_code == 200
    refused = client.get(f"/fhir/Patient/{stranger}")
    unknown = client.get("/fhir/Patient/" + "0" * 32)
    assert refused.status_code == unknown.status_code == 404
    assert refused.content == unknown.content
    assert client.post("/fhir", json={}).status_code == 403


def test_a_patient_reads_the_own_record_and_no_other(clinic: Made) -> None:
    client = clinic.signed_in("patient")
    assert client.get(f"/fhir/Patient/{clinic.patients[0]}/$everything").status_code == 200
    assert client.get(f"/fhir/Patient/{clinic.patients[5]}/$everything").status_code == 404
    assert client.get("/fhir/Observation", params={"patient": clinic.patients[5]}).status_code == 404


def test_each_person_read_is_one_event_of_the_audit(clinic: Made, system: TestClient) -> None:
    patient = clinic.patients[0]
    before = len(clinic.audit(patient))
    system.get("/fhir/Observation", params={"patient": patient})
    events = clinic.audit(patient)
    new = [each for each in events if each.action in ("read", "deny")][: len(events) - before]
    assert [(each.action, each.actor) for each in new if each.actor == "client:ehr"] == [
        ("read", "client:ehr")
    ]


def test_an_expired_export_is_gone(clinic: Made, system: TestClient) -> None:
    begun = system.get("/fhir/$export", headers={"prefer": "respond-async"})
    place = begun.headers["content-location"].removeprefix("http://127.0.0.1:8000")
    clinic.clock.goes(days=timedelta(days=2).days)
    assert system.get(place).status_code == 403


BOUNDARIES = (
    *("", ",", "|", "a|", "|b", "0", "-1", "2147483648", "9223372036854775808", "1e308", "NaN", "true"),
    *(
        "0000-01-01",
        "9999-12-31",
        "9999",
        "2026-02-30",
        "ge2026-01-01T24:00:00Z",
        "2026-01-01T00:00:00+99:00",
    ),
    *("\x00", "\ufffe", "\u202e", "a" * 5000, "%", "'; --", "../../x", "{{7*7}}", "eq", "\ud7ff" * 50),
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [*PARAMETERS["Observation"], "_count", "_offset", "patient", "subject", "_format"]
)
def test_no_value_of_a_search_makes_the_server_fail(name: str, clinic: Made, system: TestClient) -> None:
    for value in BOUNDARIES:
        query = {"patient": clinic.patients[0], name: value}
        assert system.get("/fhir/Observation", params=query).status_code < 500, value
