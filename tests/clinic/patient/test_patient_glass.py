"""The emergency door: found exactly or not at all, opened by a reason, for an hour, and written down."""

import re

import pytest
from made_clinic import Made

REASON = "Found unconscious on the ward; medicines must be known now."


def who(clinic: Made, number: int) -> dict[str, str]:
    with clinic.vault.access(actor="test", purpose="care") as access:
        record = access.record(clinic.patients[number])
    said = {event.code: event for event in record.events}
    born = said["MEDS_BIRTH"]
    number_code = next(code for code in said if code.startswith("PERSON//identifier"))
    return {
        "family": said["PERSON//family"].text_value,
        "born": born.text_value or born.time.date().isoformat(),
        "number": said[number_code].text_value,
    }


def found(page: str) -> list[str]:
    return re.findall(r'action="/patients/([0-9a-f]{32})/glass"', page)


def test_exactly_found_it_tells_only_that_there_is_one(clinic: Made) -> None:
    person = who(clinic, 6)
    for sought in ({"family": person["family"], "born": person["born"]}, {"number": person["number"]}):
        page = clinic.send("clinician", "/patients/find", **sought)
        assert found(page.text) == [clinic.patients[6]]
        for word in set(person.values()) - set(sought.values()):
            assert word not in page.text
    finds = [e for e in clinic.audit(clinic.patients[6]) if e.action == "find"]
    assert len(finds) == 2


@pytest.mark.parametrize(
    "change", [{"born": "1901-01-01"}, {"family": "Synth"}, {"family": "", "born": "", "number": "nobody"}]
)
def test_nearly_found_is_not_found(shared_clinic: Made, change) -> None:
    person = who(shared_clinic, 6) | {"number": ""} | change
    page = shared_clinic.send("clinician", "/patients/find", **person)
    assert page.status_code == 200
    assert found(page.text) == []


def test_without_a_reason_nothing_opens(clinic: Made) -> None:
    url = f"/patients/{clinic.patients[6]}"
    for reason in ("", "   ", "urgent"):
        assert clinic.send("clinician", f"{url}/glass", reason=reason).status_code == 400
    assert clinic.signed_in("clinician").get(f"{url}/").status_code == 404


def test_with_a_reason_it_opens_for_an_hour_under_a_banner(clinic: Made) -> None:
    url, client = f"/patients/{clinic.patients[6]}", clinic.signed_in("clinician")
    assert client.get(f"{url}/").status_code == 404
    assert clinic.send("clinician", f"{url}/glass", reason=REASON).status_code == 303
    page = client.get(f"{url}/")
    assert page.status_code == 200
    assert "Emergency access" in page.text
    # What only the team does stays closed, and a broken glass makes nobody one's case.
    assert clinic.send("clinician", f"{url}/team", account=clinic.accounts["clinician"].id).status_code == 404
    assert clinic.send("clinician", f"{url}/goals", goal="x").status_code == 404
    assert clinic.patients[6] not in client.get("/caseload/").text
    with clinic.vault.access(actor="test", purpose="rights") as access:
        (sheet,) = access.sheets(["break-glass"])
    assert sheet.body["reason"] == REASON
    assert sheet.by == clinic.accounts["clinician"].actor
    team = [e.detail for e in clinic.audit(clinic.patients[6]) if e.action == "team"]
    assert team[0]["basis"] == "glass"
    clinic.clock.goes(minutes=61)
    client = clinic.signed_in("clinician", afresh=True)
    assert client.get(f"{url}/").status_code == 404


@pytest.mark.parametrize(
    "account", ["trainee", "patient", "administrator", "data-scientist", "safety-officer"]
)
def test_it_is_for_clinicians_alone(shared_clinic: Made, account) -> None:
    assert shared_clinic.signed_in(account).get("/patients/find").status_code in (403, 404)
    sent = shared_clinic.send(account, f"/patients/{shared_clinic.patients[6]}/glass", reason=REASON)
    assert sent.status_code in (403, 404)
    assert shared_clinic.signed_in(account).get(f"/patients/{shared_clinic.patients[6]}/").status_code == 404


def test_ones_own_patient_needs_no_glass(clinic: Made) -> None:
    sent = clinic.send("clinician", "/patients/find", number=who(clinic, 0)["number"])
    assert (sent.status_code, sent.headers["location"]) == (303, f"/patients/{clinic.patients[0]}/")
