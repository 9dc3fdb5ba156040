"""What the capability statement claims is so: each type, interaction, parameter and operation is answered."""

from collections.abc import Iterator
from typing import Any

import pytest
from made_clinic import Made
from starlette.testclient import TestClient

from alleviate.clinic.fhir.search import PARAMETERS
from alleviate.clinic.machines.registering import register
from alleviate.intake.fhir.types import TYPES

BASE = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def system(shared_clinic: Made) -> TestClient:
    """A system whose token opens everything."""
    made = shared_clinic
    told = register(
        made.services.accounts, "test", name="All", kind="backend", scopes=["system/*.cruds"], bearer=True
    )
    client = made.guest()
    client.headers["authorization"] = f"Bearer {told.token}"
    return client


def claimed(made: Made) -> Any:
    return made.guest().get("/fhir/metadata").json()["rest"][0]


def found(system: TestClient, url: str, **query: Any) -> list[dict[str, Any]]:
    answer = system.get(url, params={**query, "_count": 1000}, headers={"prefer": "handling=strict"})
    assert answer.status_code == 200, answer.text
    return [entry["resource"] for entry in answer.json().get("entry", [])]


def everything(made: Made, system: TestClient, type: str) -> list[dict[str, Any]]:
    """All resources of the type, of the eight people."""
    key = "_id" if type == "Patient" else "patient"
    return [one for patient in made.patients for one in found(system, f"/fhir/{type}", **{key: patient})]


def test_every_type_that_is_held_is_claimed_with_the_parameters_that_are_known(shared_clinic: Made) -> None:
    told = {each["type"]: each for each in claimed(shared_clinic)["resource"]}
    assert list(told) == list(TYPES) == [name for name in TYPES if name in PARAMETERS]
    for type, each in told.items():
        names = {one["name"] for one in each["searchParam"]} - {"patient"}
        assert names == PARAMETERS[type].keys()


@pytest.mark.parametrize("type", TYPES)
def test_each_claimed_interaction_is_answered(type: str, shared_clinic: Made, system: TestClient) -> None:
    (told,) = [each for each in claimed(shared_clinic)["resource"] if each["type"] == type]
    assert {each["code"] for each in told["interaction"]} == {"read", "search-type", "create", "update"}
    some = everything(shared_clinic, system, type)
    if not some:
        assert type == "MedicationStatement", "the synthetic people have prescriptions instead"
        return
    one = some[0]
    assert system.get(f"/fhir/{type}/{one['id']}").json() == one
    assert system.post(f"/fhir/{type}", json=one).status_code == 201
    assert system.put(f"/fhir/{type}/{one['id']}", json=one).status_code == 201
    assert [each["id"] for each in everything(shared_clinic, system, type)] == [each["id"] for each in some]


def values(resource: dict[str, Any], elements: tuple[str, ...]) -> Iterator[str]:
    """What a parameter that looks at these elements may ask for, to find the resource."""
    for element in elements:
        outer, _, inner = element.partition(".")
        held = resource.get(outer)
        for each in held if isinstance(held, list) else [held] if held is not None else []:
            each = each.get(inner) if inner else each
            if isinstance(each, str):
                yield each
            elif "start" in each:
                yield f"sa{int(each['start'][:4]) - 1}"
            elif "value" in each:
                yield f"{each['system']}|{each['value']}" if "system" in each else each["value"]
            else:
                yield from (f"{one.get('system', '')}|{one['code']}" for one in each.get("coding", ()))


@pytest.mark.parametrize(("type", "name"), [(type, name) for type in TYPES for name in PARAMETERS[type]])
def test_each_claimed_parameter_finds_what_has_the_value_and_leaves_out_the_rest(
    type: str, name: str, shared_clinic: Made, system: TestClient
) -> None:
    kind, *elements = PARAMETERS[type][name]
    some = everything(shared_clinic, system, type)
    asked = next(
        ((one, value) for one in some for value in values(one, tuple(elements))),
        None,
    )
    if asked is None:
        assert type == "MedicationStatement" or name == "type", "the synthetic people have it"
        return
    one, value = asked
    query = {"_id" if type == "Patient" else "patient": one["id"].partition(".")[0], name: value}
    hits = found(system, f"/fhir/{type}", **query)
    assert one["id"] in [each["id"] for each in hits]
    if name != "_id":
        no_such = "1850-01-01" if kind == "date" else "no-such-thing"
        assert found(system, f"/fhir/{type}", **{**query, name: no_such}) == []


def test_people_are_found_by_what_is_claimed_for_them(shared_clinic: Made, system: TestClient) -> None:
    one = system.get(f"/fhir/Patient/{shared_clinic.patients[0]}").json()
    family, born = one["name"][0]["family"], one["birthDate"]
    for query in (
        {"_id": one["id"]},
        {"identifier": one["identifier"][0]["value"]},
        {"family": family, "birthdate": born, "gender": one["gender"]},
    ):
        assert one in found(system, "/fhir/Patient", **query)
    other = "male" if one["gender"] != "male" else "female"
    assert found(system, "/fhir/Patient", family=family, birthdate=born, gender=other) == []


def test_each_claimed_operation_and_transaction_is_answered(shared_clinic: Made, system: TestClient) -> None:
    told = claimed(shared_clinic)
    assert {each["code"] for each in told["interaction"]} == {"transaction", "batch"}
    for kind in ("transaction", "batch"):
        answer = system.post("/fhir", json={"resourceType": "Bundle", "type": kind})
        assert answer.json()["type"] == f"{kind}-response"
    assert [each["name"] for each in told["operation"]] == ["export"]
    begun = system.get("/fhir/$export", headers={"prefer": "respond-async"})
    assert begun.status_code == 202
    whole = system.get(f"/fhir/Patient/{shared_clinic.patients[0]}/$everything")
    assert whole.json()["total"] == len(whole.json()["entry"])


def test_what_is_not_claimed_is_refused(shared_clinic: Made, system: TestClient) -> None:
    patient = shared_clinic.patients[0]
    assert system.delete(f"/fhir/Patient/{patient}").status_code == 405
    assert system.patch(f"/fhir/Patient/{patient}", json=[]).status_code == 405
    assert system.get("/fhir/Practitioner", params={"patient": patient}).status_code == 400
    strict = system.get(
        "/fhir/Observation",
        params={"patient": patient, "_lastUpdated": "gt2026-01-01"},
        headers={"prefer": "handling=strict"},
    )
    assert strict.status_code == 400
    security = claimed(shared_clinic)["security"]
    (oauth,) = security["extension"]
    assert [each["valueUri"] for each in oauth["extension"]] == [f"{BASE}/oauth/token"]
    assert system.post("/oauth/token", data={"grant_type": "x"}).status_code == 400
