"""CDS Hooks 2.0.1, rule by rule: what a call must have, what an answer may be, and who is believed."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from hook_calls import Calling, call, drafts, medication
from hooks_schema import DISCOVERY, holds
from signed_systems import BASE, System, unsigned, with_shared_secret

from alleviate.clinic.machines.registering import take_back
from alleviate.records import Entry, Event

VIEW = "alleviate-patient-view"
AUDIENCE = f"{BASE}/cds-services/{VIEW}"


def test_discovery_tells_the_services_to_whoever_asks(calling: Calling) -> None:
    told = holds(calling.made.guest().get("/cds-services").json(), DISCOVERY)
    assert [one["hook"] for one in told["services"]] == ["patient-view", "order-select", "order-sign"]
    assert all(
        "{{context.patientId}}" in query for one in told["services"] for query in one["prefetch"].values()
    )


@pytest.mark.parametrize("by", ["registered", "nobody"])
def test_discovery_takes_a_token_too(by: str, calling: Calling) -> None:
    """The public sandbox signs its discovery call, before anybody has registered it."""
    system = calling.system if by == "registered" else System(issuer="https://sandbox.example.org")
    bearer = {"authorization": f"Bearer {system.token(f'{BASE}/cds-services')}"}
    assert calling.made.guest().get("/cds-services", headers=bearer).status_code == 200


def test_a_patient_with_an_open_alert_gives_a_critical_card(calling: Calling) -> None:
    patient = alerted(calling)
    answer = calling.asks("patient-view", patient)
    (card,) = [one for one in holds(answer.json())["cards"] if one["indicator"] == "critical"]
    assert card["summary"].startswith("Safety alert: PHQ-9 item 9, answered ")
    assert card["links"][0]["url"] == f"{BASE}/patients/{patient}/"
    assert "uuid" not in card, "nobody dismisses a safety alert elsewhere"
    assert "low risk" not in card["detail"]


def alerted(calling: Calling) -> str:
    """Our id of somebody with a safety alert that nobody has answered."""
    with calling.made.vault.access(actor="test", purpose="care") as access:
        subject = next(alert.subject_id for alert in access.alerts().found)
    found: str = calling.made.vault.our_id(subject)
    return found


def test_a_patient_is_known_by_the_sources_id_and_by_ours(calling: Calling) -> None:
    patient = alerted(calling)
    subject = calling.made.subjects[calling.made.patients.index(patient)]
    for id in (patient, subject, f"Patient/{subject}"):
        assert calling.cards("patient-view", id)


def test_nothing_to_say_is_an_empty_list(calling: Calling) -> None:
    assert calling.asks("patient-view", calling.added("calm-1")).json() == {"cards": []}


def test_what_was_asked_is_one_read_in_the_audit_under_the_systems_name(calling: Calling) -> None:
    patient = calling.made.patients[0]
    before = len(read(calling, patient))
    calling.cards("patient-view", calling.made.subjects[0])
    (event,) = read(calling, patient)[before:]
    assert event.action == "read"
    assert event.actor.startswith("client:")


def read(calling: Calling, patient: str) -> list[Any]:
    """The audit's events about the patient, the oldest first, without those of looking here."""
    return [event for event in reversed(calling.made.audit(patient)) if event.action != "inspect"]


def test_needed_data_that_cannot_be_had_is_a_412(calling: Calling) -> None:
    answer = calling.asks("patient-view", "somebody-unknown")
    assert answer.status_code == 412
    assert "patient" in answer.json()["error"]


def test_a_prefetch_that_found_nothing_is_an_answer(calling: Calling) -> None:
    for prefetch in ({"patient": None}, {"patient": {"resourceType": "Patient", "id": "somebody-unknown"}}):
        assert calling.asks("patient-view", "somebody-unknown", prefetch=prefetch).json() == {"cards": []}


def test_a_patient_is_known_by_an_identifier_with_the_day_of_birth(calling: Calling) -> None:
    patient = alerted(calling)
    resource = identified(calling, patient)
    there = {**resource, "id": "elsewhere-7"}
    assert calling.cards("patient-view", "elsewhere-7", prefetch={"patient": there})
    for wrong in ({**there, "birthDate": "1900-01-01"}, {k: v for k, v in there.items() if k != "birthDate"}):
        assert calling.cards("patient-view", "elsewhere-7", prefetch={"patient": wrong}) == []


def identified(calling: Calling, patient: str) -> dict[str, Any]:
    """The Patient as another system would have it: an identifier and the day of birth."""
    with calling.made.vault.access(actor="test", purpose="care") as access:
        record = access.record(patient)
    told = {event.code: event for event in record.events}
    born = told["MEDS_BIRTH"]
    identifier = next(event for code, event in told.items() if code.startswith("PERSON//identifier//"))
    return {
        "resourceType": "Patient",
        "birthDate": born.text_value or f"{born.time:%Y-%m-%d}",
        "identifier": [{"system": "urn:x", "value": identifier.text_value}],
    }


def test_the_same_id_for_somebody_born_on_another_day_is_refused(calling: Calling) -> None:
    subject = calling.made.subjects[0]
    other = {"resourceType": "Patient", "id": subject, "birthDate": "1900-01-01"}
    answer = calling.asks("patient-view", subject, prefetch={"patient": other})
    assert answer.status_code == 412
    assert "born" in answer.json()["error"]


def test_who_permits_nothing_has_no_cards(calling: Calling) -> None:
    patient = calling.added("silent-1")
    withdraw(calling, patient, "silent-1")
    assert calling.asks("patient-view", patient).json() == {"cards": []}


def withdraw(calling: Calling, patient: str, subject: str) -> None:
    now = (calling.made.clock() - timedelta(minutes=1)).replace(microsecond=0)
    event = Event(subject, now, now, "CONSENT//care", None, "deny", "consent", "Consent/no")
    with calling.made.vault.access(actor="test", purpose="care") as access:
        access.put([Entry(subject, "Consent/no", "consent", (event,))], now)


BODY = call("patient-view", "p1")
GIVEN = {"access_token": "t", "token_type": "Bearer", "expires_in": 300, "scope": "s", "subject": "c"}


@pytest.mark.parametrize(
    "changed",
    [
        {"hook": None},
        {"hook": "order-sign"},
        {"hookInstance": None},
        {"hookInstance": "not-a-uuid"},
        {"context": None},
        {"context": {}},
        {"context": {"patientId": ""}},
        {"context": {"patientId": 7}},
        {"fhirServer": "not a url"},
        {"fhirAuthorization": GIVEN},
        {"fhirServer": "https://ehr.example", "fhirAuthorization": {**GIVEN, "token_type": "mac"}},
        {"prefetch": []},
    ],
)  # fmt: skip
def test_a_call_that_is_not_as_specified_is_a_400_in_one_line(
    changed: dict[str, Any], calling: Calling
) -> None:
    body = {name: value for name, value in {**BODY, **changed}.items() if value is not None}
    answer = calling.post(VIEW, body)
    assert answer.status_code == 400, answer.text
    assert "\n" not in answer.json()["error"]


@pytest.mark.parametrize(
    ("service", "context"),
    [
        ("order-select", {}),
        ("order-select", drafts(medication("sertraline"))),
        ("order-select", {"selections": ["MedicationRequest/order-1"]}),
        ("order-select", {**drafts(medication("sertraline")), "selections": []}),
        ("order-sign", {}),
        ("order-sign", {"draftOrders": {"resourceType": "Patient"}}),
        ("order-sign", {"draftOrders": []}),
    ],
)
def test_orders_and_selections_must_be_there(service: str, context: dict[str, Any], calling: Calling) -> None:
    answer = calling.asks(service, "p1", context=context)
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b'"x"', b"\xff", b"[" * 50_000, b"{}"])
def test_what_is_no_call_at_all_is_a_400(body: bytes, calling: Calling) -> None:
    assert calling.post(VIEW, body).status_code == 400


def test_what_the_specification_does_not_know_is_left_unread(calling: Calling) -> None:
    body = call("patient-view", calling.made.subjects[0], extension={"com.example.x": 1}, more=[1, 2])
    assert calling.post(VIEW, body).status_code == 200


@pytest.mark.parametrize("path", ["unknown", "unknown/feedback", f"{VIEW}/x"])
def test_a_service_that_is_not_there_is_a_404(path: str, calling: Calling) -> None:
    assert calling.post(path, BODY).status_code == 404


# Who is believed.


def status(calling: Calling, token: str) -> int:
    found: int = calling.post(VIEW, call("patient-view", calling.made.subjects[0]), token=token).status_code
    return found


def test_a_call_without_a_token_is_refused(calling: Calling) -> None:
    assert status(calling, "") == 401


def test_none_hmac_and_another_key_prove_nothing(calling: Calling) -> None:
    claims = calling.system.claims(AUDIENCE)
    assert status(calling, unsigned(claims)) == 401
    for algorithm in ("HS256", "HS384", "HS512"):
        assert status(calling, with_shared_secret(calling.system, claims, algorithm)) == 401
    assert status(calling, System().token(AUDIENCE)) == 401
    assert status(calling, calling.system.token(AUDIENCE)) == 200


def test_a_token_counts_once(calling: Calling) -> None:
    token = calling.system.token(AUDIENCE)
    assert [status(calling, token), status(calling, token)] == [200, 401]


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": f"{BASE}/cds-services"},
        {"aud": f"{BASE}/cds-services/alleviate-order-sign"},
        {"aud": f"https://evil.example.org/cds-services/{VIEW}"},
        {"aud": None},
        {"iss": "https://nobody.example.org"},
        {"iss": None},
        {"exp": 1000},
        {"exp": None},
        {"iat": None},
        {"jti": None},
    ],
)
def test_each_claim_has_to_hold(changed: dict[str, Any], calling: Calling) -> None:
    assert status(calling, calling.system.token(AUDIENCE, **changed)) == 401


@pytest.mark.parametrize(
    "header", [{"typ": "at+jwt"}, {"kid": "other"}, {"jku": "https://evil.example.org/jwks"}]
)
def test_each_header_has_to_hold(header: dict[str, Any], calling: Calling) -> None:
    assert status(calling, calling.system.token(AUDIENCE, header=header)) == 401


def test_a_refusal_says_in_one_line_why_and_names_no_patient(calling: Calling) -> None:
    answer = calling.post(
        VIEW, call("patient-view", "p-secret"), token=calling.system.token(AUDIENCE, exp=1000)
    )
    assert answer.json()["error"] == "The token has expired."
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "p-secret" not in answer.text


def test_a_system_that_was_taken_back_is_not_believed(make_calling: Any) -> None:
    calling = make_calling()
    id = next(iter(calling.made.services.accounts.clients())).id
    take_back(calling.made.services.accounts, "test", id)
    assert status(calling, calling.system.token(AUDIENCE)) == 401


def test_a_clinician_who_is_signed_in_is_no_system(calling: Calling) -> None:
    client = calling.made.signed_in("clinician")
    headers = {"x-csrf-token": calling.made.csrf("clinician")}
    assert client.post(f"/cds-services/{VIEW}", json=BODY, headers=headers).status_code == 403


# Scripts of other sites.


def test_only_the_sites_that_the_settings_name_may_call_from_a_browser(make_calling: Any) -> None:
    calling = make_calling(origins=("https://sandbox.cds-hooks.org",))
    guest, url = calling.made.guest(), f"/cds-services/{VIEW}"
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    allowed = guest.options(url, headers={"origin": "https://sandbox.cds-hooks.org", **asks})
    assert allowed.status_code == 204
    assert allowed.headers["access-control-allow-origin"] == "https://sandbox.cds-hooks.org"
    assert "Authorization" in allowed.headers["access-control-allow-headers"]
    for origin in ("https://evil.example.org", "null", "https://sandbox.cds-hooks.org.evil.example"):
        refused = guest.options(url, headers={"origin": origin, **asks})
        assert refused.status_code == 403
        assert "access-control-allow-origin" not in refused.headers
    here = {"origin": "https://sandbox.cds-hooks.org"}
    assert guest.get("/cds-services", headers=here).headers["access-control-allow-origin"] == here["origin"]
    failed = calling.post(VIEW, BODY, token="", **here)
    assert failed.status_code == 401
    assert failed.headers["access-control-allow-origin"] == here["origin"], "a browser may read refusals too"
    assert "access-control-allow-credentials" not in failed.headers
    assert "Origin" in failed.headers["vary"]


def test_without_settings_no_site_may(calling: Calling) -> None:
    found = calling.made.guest().get("/cds-services", headers={"origin": "https://sandbox.cds-hooks.org"})
    assert found.status_code == 200
    assert "access-control-allow-origin" not in found.headers


def test_every_call_has_an_instance_of_its_own_and_may_be_sent_again(calling: Calling) -> None:
    body = call("patient-view", calling.made.subjects[0])
    first, second = calling.post(VIEW, body), calling.post(VIEW, body)
    assert uuid.UUID(body["hookInstance"])
    assert first.json() == second.json()


def test_an_id_that_looks_like_ours_and_is_nobodys_is_found_out(calling: Calling) -> None:
    """Many systems have ids of 32 hexadecimal digits of their own."""
    id = uuid.uuid4().hex
    assert calling.asks("patient-view", id).status_code == 412
    patient = alerted(calling)
    there = {**identified(calling, patient), "id": id}
    assert calling.cards("patient-view", id, prefetch={"patient": there})
