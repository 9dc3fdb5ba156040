"""The gate from outside: what no writing of an address, no method and no kind of session gets past."""

from datetime import timedelta

import pytest
from made_clinic import Made
from starlette.testclient import TestClient

WRITINGS = (
    "/patients/{upper}/",
    "/patients/{id}//",
    "/patients//{id}/",
    "//patients/{id}/",
    "/patients/{id}%2f",
    "/patients/%2e%2e/patients/{id}/",
    "/patients/{id}/.",
    "/patients/{id};x/",
    "/patients/{id}%00/",
    "/patients/{id}%20/",
    "/patients/\uff10{id}/",
    "/api/v1/patients/{upper}",
    "/api/v1/patients/{id}%2falerts",
)
"""Of an address of somebody in whose care one is not."""


@pytest.mark.parametrize("writing", WRITINGS)
def test_no_writing_of_an_address_leads_to_somebody_elses_patient(writing: str, shared_clinic: Made) -> None:
    patient = shared_clinic.patients[5]
    url = writing.format(id=patient, upper=patient.upper())
    answer = shared_clinic.signed_in("clinician").get(url)
    assert answer.status_code in (307, 404), answer.status_code
    if answer.status_code == 307:  # to the same with a slash less or more, here and nowhere else
        assert answer.headers["location"].startswith("http://127.0.0.1:8000/")
    assert shared_clinic.subjects[5] not in answer.text


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PUT", "PATCH", "DELETE", "GETT"])
def test_a_method_that_a_page_does_not_have_is_the_same_for_everybody(
    method: str, shared_clinic: Made
) -> None:
    client = shared_clinic.signed_in("clinician")
    mine, foreign, nobody = (
        client.request(method, f"/patients/{id}/")
        for id in (shared_clinic.patients[0], shared_clinic.patients[5], "0" * 32)
    )
    assert mine.status_code == 405
    assert (mine.content, foreign.content) == (nobody.content, nobody.content)
    assert {mine.status_code, foreign.status_code, nobody.status_code} == {405}


def of_kind(made: Made, kind: str, who: str, only: str = "") -> TestClient:
    client = made.guest()
    token = made.services.accounts.open_session(
        made.accounts[who].id,
        made.clock(),
        idle=timedelta(minutes=30),
        absolute=timedelta(hours=1),
        method="test",
        kind=kind,
        **({"only": only} if only else {}),
    )
    client.cookies.set("alleviate", token)
    return client


OPEN = {
    "setup": {"own.account"},
    "link": {"mine.answer"},
}


@pytest.mark.parametrize(("kind", "who"), [("setup", "clinician"), ("link", "patient")])
def test_a_session_for_one_thing_opens_no_other_route(kind: str, who: str, shared_clinic: Made) -> None:
    """Every route there is, read from the description that the clinic gives of itself."""
    client = of_kind(shared_clinic, kind, who, only="f" * 32 if kind == "link" else "")
    told = client.get("/api/openapi.json").json()["paths"]
    tried = 0
    for path, methods in told.items():
        for method, route in methods.items():
            action = route.get("x-action")
            if action is None or action in OPEN[kind]:
                continue
            url = path.replace("{patient}", shared_clinic.patients[0])
            url = url.replace("{invitation}", "f" * 32).replace("{", "").replace("}", "")
            csrf = shared_clinic.services.of_cookie(Asking(client), shared_clinic.services).csrf  # type: ignore[arg-type, union-attr]
            answer = client.request(method, url, headers={"x-csrf-token": csrf, "content-type": "text/plain"})
            assert answer.status_code in (403, 404), (method, url, answer.status_code)
            tried += 1
    assert tried > 60


class Asking:
    """As much of a request as tells who asks."""

    def __init__(self, client: TestClient) -> None:
        self.cookies = dict(client.cookies)
        self.headers: dict[str, str] = {}


def test_a_link_opens_its_own_questionnaire_and_no_other_of_the_same_person(clinic: Made) -> None:
    client = of_kind(clinic, "link", "patient", only="e" * 32)
    own, other = (client.get(f"/mine/questionnaires/{each * 32}") for each in "ef")
    assert (own.status_code, other.status_code) == (403, 403)  # there is neither, and both say so alike
    assert own.content == other.content


def test_who_leaves_the_team_is_out_at_the_next_request_also_with_a_page_open(clinic: Made) -> None:
    client, patient = clinic.signed_in("trainee"), clinic.patients[0]
    assert client.get(f"/patients/{patient}/").status_code == 200
    mark = client.get("/api/v1/caseload").headers["etag"]
    with clinic.vault.access(actor="test", purpose="care") as access:
        access.leave(patient, clinic.accounts["trainee"].id)
    assert client.get(f"/patients/{patient}/", params={"seen": mark.strip('"')}).status_code == 404
    gone = client.get(f"/patients/{patient}/")
    assert (gone.status_code, gone.content) == (404, client.get(f"/patients/{'0' * 32}/").content)
    assert client.get("/api/v1/caseload", headers={"If-None-Match": mark}).status_code == 200


def test_who_was_erased_is_nobody(clinic: Made) -> None:
    client, patient = clinic.signed_in("clinician"), clinic.patients[1]
    with clinic.vault.access(actor="test", purpose="rights") as access:
        access.erase(clinic.subjects[1], "asked-by-the-person")
    for url in ("/patients/{}/", "/patients/{}/advice", "/api/v1/patients/{}"):
        gone, nobody = (client.get(url.format(id)) for id in (patient, "0" * 32))
        assert (gone.status_code, gone.content) == (404, nobody.content)
    assert patient not in client.get("/caseload/").text
