"""Backend services get short tokens for signed assertions; what they may do follows from their scopes."""

from collections.abc import Callable
from typing import Any

import pytest
from signed_systems import BASE, System, unsigned, with_shared_secret

from alleviate.clinic.machines.backend import ASSERTION, GRANT
from alleviate.clinic.machines.registering import Registered, register, take_back

AUDIENCE = f"{BASE}/oauth/token"
Made = Any


def registered(clinic: Made, system: System, **more: Any) -> Registered:
    """The system, registered as a backend service that may read everything."""
    found = register(
        clinic.services.accounts,
        "test",
        **{
            "name": "Data warehouse",
            "kind": "backend",
            "keys": system.jwks,
            "scopes": ["system/*.rs"],
            **more,
        },
    )
    system.issuer = found.client.id
    return found


def form(system: System, scope: str = "system/*.rs", **changed: Any) -> dict[str, str]:
    assertion = system.token(AUDIENCE, sub=system.issuer)
    fields = {
        "grant_type": GRANT,
        "scope": scope,
        "client_assertion_type": ASSERTION,
        "client_assertion": assertion,
        **changed,
    }
    return {name: value for name, value in fields.items() if value is not None}


@pytest.fixture
def clinic(shared_clinic: Made) -> Made:
    """One for all: each test registers a system of its own."""
    return shared_clinic


@pytest.fixture
def system(clinic: Made) -> System:
    found = System()
    registered(clinic, found)
    return found


def test_a_signed_assertion_gives_a_token_for_five_minutes_that_reads(
    make_clinic: Callable[..., Made],
) -> None:
    clinic, system = make_clinic(), System()
    registered(clinic, system)
    answer = clinic.guest().post("/oauth/token", data=form(system))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert (told["token_type"], told["expires_in"], told["scope"]) == ("bearer", 300, "system/*.rs")
    bearer = {"authorization": f"Bearer {told['access_token']}"}
    person = clinic.guest().get(f"/fhir/Patient/{clinic.patients[0]}", headers=bearer)
    assert person.status_code == 200
    clinic.clock.goes(minutes=6)
    late = clinic.guest().get(f"/fhir/Patient/{clinic.patients[0]}", headers=bearer)
    assert late.status_code == 401
    assert "expired" in late.text


def test_what_was_read_is_in_the_audit_under_the_systems_name(clinic: Made, system: System) -> None:
    token = clinic.guest().post("/oauth/token", data=form(system)).json()["access_token"]
    clinic.guest().get(f"/fhir/Patient/{clinic.patients[0]}", headers={"authorization": f"Bearer {token}"})
    (event, *_) = [one for one in clinic.audit(clinic.patients[0]) if one.action != "inspect"]
    assert (event.action, event.actor) == ("read", f"client:{system.issuer}")


def test_the_token_is_nowhere_in_the_vault(clinic: Made, system: System) -> None:
    token = clinic.guest().post("/oauth/token", data=form(system)).json()["access_token"]
    for path in clinic.vault.checkpoints.parent.rglob("*"):
        if path.is_file():
            assert token.encode() not in path.read_bytes()


def test_scopes_of_smart_1_are_taken(clinic: Made, system: System) -> None:
    answer = clinic.guest().post("/oauth/token", data=form(system, "system/Patient.read system/Nothing.read"))
    assert answer.json()["scope"] == "system/Nothing.rs system/Patient.rs"


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"grant_type": "authorization_code"}, 400, "unsupported_grant_type"),
        ({"grant_type": None}, 400, "unsupported_grant_type"),
        ({"client_assertion_type": "urn:other"}, 400, "invalid_request"),
        ({"client_assertion": None}, 400, "invalid_request"),
        ({"client_assertion": "x.y.z"}, 401, "invalid_client"),
        ({"scope": None}, 400, "invalid_scope"),
        ({"scope": "patient/*.rs"}, 400, "invalid_scope"),
        ({"scope": "system/*.cud"}, 400, "invalid_scope"),
        ({"scope": "openid"}, 400, "invalid_scope"),
    ],
)
def test_what_is_wrong_is_said_in_oauths_words(
    changed: dict[str, Any], status: int, error: str, clinic: Made, system: System
) -> None:
    answer = clinic.guest().post("/oauth/token", data=form(system, **changed))
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert "access_token" not in answer.text


def refused(clinic: Made, system: System, assertion: str) -> str:
    answer = clinic.guest().post("/oauth/token", data=form(system, client_assertion=assertion))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    return str(answer.json()["error_description"])


def test_an_assertion_counts_once(clinic: Made, system: System) -> None:
    fields = form(system)
    assert clinic.guest().post("/oauth/token", data=fields).status_code == 200
    assert "used before" in refused(clinic, system, fields["client_assertion"])


def test_none_hmac_and_another_key_prove_nothing(clinic: Made, system: System) -> None:
    claims = system.claims(AUDIENCE, sub=system.issuer)
    assert "not taken" in refused(clinic, system, unsigned(claims))
    assert "not taken" in refused(clinic, system, with_shared_secret(system, claims))
    other = System(issuer=system.issuer)
    assert "does not fit" in refused(clinic, system, other.token(AUDIENCE, sub=system.issuer))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"aud": f"{BASE}/fhir"}, "another address"),
        ({"sub": "somebody"}, "sub"),
        ({"sub": None}, "sub"),
        ({"exp": 1000}, "expired"),
        ({"jti": None}, "jti"),
        ({"iss": "nobody-registered"}, "not registered"),
    ],
)
def test_each_claim_of_an_assertion_holds(
    changed: dict[str, Any], said: str, clinic: Made, system: System
) -> None:
    assertion = system.token(AUDIENCE, **{"sub": system.issuer, **changed})
    assert said in refused(clinic, system, assertion)


def test_an_assertion_for_more_than_five_minutes_is_refused(clinic: Made, system: System) -> None:
    claims = system.claims(AUDIENCE)
    assertion = system.token(AUDIENCE, sub=system.issuer, exp=claims["iat"] + 1200)
    assert "too long" in refused(clinic, system, assertion)


def test_keys_at_another_address_than_the_registered_one_are_not_fetched(
    clinic: Made, system: System
) -> None:
    header = {"jku": "https://evil.example.org/jwks"}
    assertion = system.token(AUDIENCE, sub=system.issuer, header=header)
    assert "jku" in refused(clinic, system, assertion)


def test_a_system_that_was_taken_back_gets_nothing_and_its_token_ends(clinic: Made, system: System) -> None:
    token = clinic.guest().post("/oauth/token", data=form(system)).json()["access_token"]
    take_back(clinic.services.accounts, "test", system.issuer)
    assert "not registered" in refused(clinic, system, system.token(AUDIENCE, sub=system.issuer))
    late = clinic.guest().get("/fhir/Patient", headers={"authorization": f"Bearer {token}"})
    assert late.status_code == 401


def test_a_cds_client_gets_no_token(clinic: Made) -> None:
    system = System()
    found = registered(clinic, system, kind="cds", scopes=[], issuer="https://no-token.example.org")
    assert "not registered" in refused(clinic, system, system.token(AUDIENCE, sub=found.client.id))


def test_a_token_that_only_reads_writes_nothing(clinic: Made, system: System) -> None:
    token = clinic.guest().post("/oauth/token", data=form(system)).json()["access_token"]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": []}
    answer = clinic.guest().post("/fhir", json=bundle, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code in (403, 404)


def test_a_token_opens_no_page_and_no_cards(clinic: Made, system: System) -> None:
    token = clinic.guest().post("/oauth/token", data=form(system)).json()["access_token"]
    bearer = {"authorization": f"Bearer {token}"}
    for url in ("/caseload/", "/admin/tokens", f"/patients/{clinic.patients[0]}/"):
        assert clinic.guest().get(url, headers=bearer).status_code in (403, 404)
    answer = clinic.guest().post("/cds-services/alleviate-patient-view", json={}, headers=bearer)
    assert answer.status_code == 403


def test_a_system_that_cannot_sign_shows_its_own_token(clinic: Made) -> None:
    found = register(
        clinic.services.accounts,
        "test",
        name="Lab",
        kind="backend",
        scopes=["system/Patient.rs"],
        bearer=True,
    )
    assert found.token not in repr(found)
    url, own = f"/fhir/Patient/{clinic.patients[0]}", f"Bearer {found.token}"
    assert clinic.guest().get(url, headers={"authorization": own}).status_code == 200
    for wrong in (own[:-1], own + "x", own.replace(found.client.id, "other"), "Bearer alv~", "Bearer alv~~"):
        assert clinic.guest().get(url, headers={"authorization": wrong}).status_code == 401
    take_back(clinic.services.accounts, "test", found.client.id)
    assert clinic.guest().get(url, headers={"authorization": own}).status_code == 401


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic dGVzdDp0ZXN0", "Bearer a b", "Bearer \x7f", "Bearer " + "x" * 9000],
)
def test_what_is_no_token_opens_nothing(header: str, clinic: Made) -> None:
    answer = clinic.guest().get("/fhir/Patient", headers={"authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_signed_call_does_not_open_fhir(clinic: Made) -> None:
    system = System()
    registered(clinic, system, kind="cds", scopes=[], issuer="https://no-fhir.example.org")
    system.issuer = "https://no-fhir.example.org"
    bearer = {"authorization": f"Bearer {system.token(f'{BASE}/fhir/Patient')}"}
    assert clinic.guest().get("/fhir/Patient", headers=bearer).status_code == 401


@pytest.mark.parametrize("where", ["", "/fhir"])
def test_a_client_can_find_out_where_tokens_are_given(where: str, clinic: Made) -> None:
    told = clinic.guest().get(f"{where}/.well-known/smart-configuration").json()
    assert told["token_endpoint"] == AUDIENCE
    assert "private_key_jwt" in told["token_endpoint_auth_methods_supported"]
    assert {"ES384", "RS384"} <= set(told["token_endpoint_auth_signing_alg_values_supported"])
    assert not [alg for alg in told["token_endpoint_auth_signing_alg_values_supported"] if alg[:2] == "HS"]


def test_fields_given_twice_or_as_json_are_refused(clinic: Made, system: System) -> None:
    fields = [*form(system).items(), ("scope", "system/*.cruds")]
    body = "&".join(f"{name}={value}" for name, value in fields)
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert clinic.guest().post("/oauth/token", content=body, headers=kind).status_code == 400
    assert clinic.guest().post("/oauth/token", json=form(system)).status_code == 400


def test_the_token_needs_a_clinic_that_is_reachable_as_its_settings_say(
    make_clinic: Callable[..., Made],
) -> None:
    """The audience is the address that the settings name, not what a Host header says."""
    clinic, system = make_clinic(), System()
    registered(clinic, system)
    forged = system.token("http://evil.example.org/oauth/token", sub=system.issuer)
    answer = clinic.guest().post(
        "/oauth/token", data=form(system, client_assertion=forged), headers={"host": "evil.example.org"}
    )
    assert answer.status_code == 401
