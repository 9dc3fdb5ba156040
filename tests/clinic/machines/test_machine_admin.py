"""The administrator's pages about systems."""

import json
import re
from typing import Any

import pytest
from signed_systems import System

from alleviate.clinic.machines.registering import KINDS, register, to_configure

Made = Any
FORM = {
    "name": "Data warehouse",
    "kind": "backend",
    "issuer": "",
    "known_by": "keys",
    "keys": "",
    "keys_url": "",
    "scopes": "system/*.rs",
    "client_id": "",
}


def test_a_system_is_registered_listed_and_taken_back(clinic: Made) -> None:
    sent = {**FORM, "keys": json.dumps(System().jwks)}
    made = clinic.send("administrator", "/admin/tokens/new", **sent)
    assert made.status_code == 200
    (client,) = clinic.services.accounts.clients()
    assert (client.name, client.kind, client.scopes) == ("Data warehouse", "backend", {"system/*.rs"})
    assert client.id in made.text
    browser = clinic.signed_in("administrator")
    assert "Data warehouse" in browser.get("/admin/tokens").text
    assert "/oauth/token" in browser.get(f"/admin/tokens/{client.id}").text
    ended = clinic.send("administrator", f"/admin/tokens/{client.id}/end")
    assert ended.headers["location"] == "/admin/tokens"
    assert clinic.services.accounts.client(client.id).disabled
    assert "Taken back" in browser.get("/admin/tokens").text


@pytest.mark.parametrize(("known_by", "shown"), [("bearer", "alv~"), ("make_key", "BEGIN PRIVATE KEY")])
def test_what_is_secret_is_shown_once_and_kept_nowhere(known_by: str, shown: str, clinic: Made) -> None:
    made = clinic.send("administrator", "/admin/tokens/new", **{**FORM, "known_by": known_by})
    assert shown in made.text
    assert made.headers["cache-control"] == "no-store"
    (client,) = clinic.services.accounts.clients()
    for url in ("/admin/tokens", f"/admin/tokens/{client.id}"):
        assert shown not in clinic.signed_in("administrator").get(url).text
    secret = re.search(r"<textarea[^>]* readonly[^>]*>(.+?)</textarea>", made.text, re.DOTALL)
    assert secret is not None
    assert secret[1] not in repr(client)


def test_an_ehr_for_which_the_clinic_signs_has_a_key_that_nobody_is_shown(clinic: Made) -> None:
    sent = {**FORM, "kind": "app", "issuer": "https://ehr.example/fhir", "client_id": "us", "scopes": ""}
    made = clinic.send("administrator", "/admin/tokens/new", **{**sent, "known_by": "make_key"})
    assert made.status_code == 200
    assert "PRIVATE KEY" not in made.text
    assert "/launch/jwks" in made.text
    assert clinic.services.accounts.client("us").signing_key


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"kind": ""},
        {"kind": "other"},
        {"keys": ""},
        {"keys": "{"},
        {"keys": '{"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "a"}]}'},
        {"known_by": "keys_url", "keys_url": "http://plain.example.org/jwks"},
        {"known_by": "keys_url", "keys_url": "https://user:pw@x.example/"},
        {"scopes": ""},
        {"scopes": "patient/*.rs"},
        {"kind": "cds", "issuer": ""},
        {"kind": "cds", "issuer": "https://x.example", "scopes": "system/*.rs"},
        {"kind": "app", "issuer": ""},
    ],
)
def test_what_is_wrong_is_said_on_the_form_and_nothing_is_stored(wrong: dict[str, str], clinic: Made) -> None:
    sent = {**FORM, "keys": json.dumps(System().jwks), **wrong}
    answer = clinic.send("administrator", "/admin/tokens/new", **sent)
    assert answer.status_code == 400
    assert "There is a problem" in answer.text
    assert clinic.services.accounts.clients() == []


def test_nobody_but_an_administrator_comes_here(clinic: Made) -> None:
    for who in ("clinician", "trainee", "patient", "safety-officer", "protection-officer", "data-scientist"):
        for url in ("/admin/tokens", "/admin/tokens/new", "/admin/tokens/x"):
            assert clinic.signed_in(who).get(url).status_code in (403, 404)
        assert clinic.send(who, "/admin/tokens/new", **FORM).status_code in (403, 404)


def test_two_systems_of_one_issuer_are_refused(clinic: Made) -> None:
    sent = {
        **FORM,
        "kind": "cds",
        "issuer": "https://x.example",
        "scopes": "",
        "keys": json.dumps(System().jwks),
    }
    assert clinic.send("administrator", "/admin/tokens/new", **sent).status_code == 200
    assert clinic.send("administrator", "/admin/tokens/new", **sent).status_code == 400


def test_a_system_that_is_not_there_is_a_404(clinic: Made) -> None:
    assert clinic.signed_in("administrator").get("/admin/tokens/nobody").status_code == 404


@pytest.mark.parametrize("kind", KINDS)
def test_what_to_configure_is_said_of_each_kind(kind: Any, clinic: Made) -> None:
    more: dict[str, Any] = {"keys": System().jwks} if kind != "app" else {"client_id": "us"}
    scopes = ["system/*.rs"] if kind == "backend" else []
    found = register(
        clinic.services.accounts,
        "test",
        name="X",
        kind=kind,
        issuer="https://x.example",
        scopes=scopes,
        **more,
    )
    lines = dict(to_configure(found.client, "https://clinic.example/"))
    assert all(value.strip() for value in lines.values())
    assert any(value.startswith("https://clinic.example/") for value in lines.values())
