"""SMART App Launch, with us as the app: from a registered EHR to the patient who is open there."""

import hashlib
import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import msgspec
import pytest
from signed_systems import BASE, System

from alleviate.clinic.machines.registering import register, take_back
from alleviate.vault.accounts import Subject

Made = Any


@dataclass
class Ehr:
    """An EHR on this machine: it signs in whoever comes, as ``subject``, with ``patient`` open.

    ``changed``: claims of its id_token that are not as they should be; ``configured``: what more it says of
    itself.
    """

    base: str = ""
    subject: str = "dr-1"
    patient: str = ""
    birth: str = ""
    changed: dict[str, Any] = field(default_factory=dict)
    signs: System = field(default_factory=System)
    configured: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    forms: list[dict[str, str]] = field(default_factory=list)

    def told(self, path: str) -> Any:
        here = self.base.rpartition("/")[0]
        if path == "/fhir/.well-known/smart-configuration":
            return {
                "authorization_endpoint": f"{here}/authorize",
                "token_endpoint": f"{here}/token",
                "issuer": here,
                "jwks_uri": f"{here}/jwks",
                **self.configured,
            }
        if path == "/jwks":
            return self.signs.jwks
        if path == f"/fhir/Patient/{self.patient}" and self.birth:
            return {"resourceType": "Patient", "id": self.patient, "birthDate": self.birth}
        return None

    def token(self, form: dict[str, str]) -> Any:
        """Checks what an EHR checks: the code's challenge against the verifier."""
        self.forms.append(form)
        challenge = urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        if challenge.decode() != self.asked["code_challenge"] or form["code"] != "the-code":
            return None
        now = int(time.time())
        claims = {
            "iss": self.base.rpartition("/")[0],
            "sub": self.subject,
            "aud": self.asked["client_id"],
            "iat": now,
            "exp": now + 300,
            "nonce": self.asked["nonce"],
            **self.changed,
        }
        self.signs.issuer = claims["iss"]
        id_token = self.signs.token(**{"audience": claims.pop("aud"), **claims})
        return {"access_token": "t", "token_type": "Bearer", "id_token": id_token, "patient": self.patient}


@pytest.fixture
def ehr() -> Iterator[Ehr]:
    with _serving(Ehr()) as found:
        yield found


@contextmanager
def _serving(ehr: Ehr) -> Iterator[Ehr]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self, told: Any) -> None:
            self.send_response(200 if told is not None else 400)
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

        def do_GET(self) -> None:
            self._answer(ehr.told(self.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            self._answer(ehr.token({name: values[0] for name, values in parse_qs(body).items()}))

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    ehr.base = f"http://127.0.0.1:{server.server_port}/fhir"
    try:
        yield ehr
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def clinic(make_clinic: Callable[..., Made], ehr: Ehr) -> Made:
    """A clinic that knows the EHR; its clinician is the EHR's dr-1."""
    made = make_clinic(private_addresses=True)
    accounts = made.services.accounts
    register(accounts, "test", name="EHR", kind="app", issuer=ehr.base, client_id="us-there", insecure=True)
    id = made.accounts["clinician"].id
    credentials = accounts.credentials(id)
    linked = msgspec.structs.replace(credentials, subjects=(Subject(ehr.base.rpartition("/")[0], "dr-1"),))
    accounts.set_credentials(id, linked, seen=credentials.version)
    ehr.patient = made.subjects[0]
    return made


def leaves(clinic: Made, ehr: Ehr, client: Any = None, **query: str) -> Any:
    """The browser after the EHR sent it here; what we asked of the EHR's sign-in is noted there."""
    client = client or clinic.guest()
    answer = client.get("/launch", params={"iss": ehr.base, "launch": "xyz", **query})
    assert answer.status_code == 302, answer.text
    ehr.asked = {
        name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()
    }
    return client


def returns(client: Any, ehr: Ehr, **query: str) -> Any:
    return client.get("/launch/callback", params={"state": ehr.asked["state"], "code": "the-code", **query})


def test_what_is_asked_of_the_ehr(clinic: Made, ehr: Ehr) -> None:
    leaves(clinic, ehr)
    assert ehr.asked["response_type"] == "code"
    assert (ehr.asked["client_id"], ehr.asked["aud"]) == ("us-there", ehr.base)
    assert ehr.asked["redirect_uri"] == f"{BASE}/launch/callback"
    assert ehr.asked["code_challenge_method"] == "S256"
    assert ehr.asked["launch"] == "xyz"
    assert set(ehr.asked["scope"].split()) == {"launch", "openid", "fhirUser"}


def test_begun_by_ourselves_the_ehr_asks_for_the_patient(clinic: Made, ehr: Ehr) -> None:
    leaves(clinic, ehr, launch="")
    assert "launch" not in ehr.asked
    assert "launch/patient" in ehr.asked["scope"].split()


def test_a_linked_clinician_comes_to_the_page_of_the_patient(clinic: Made, ehr: Ehr) -> None:
    client = leaves(clinic, ehr)
    answer = returns(client, ehr)
    if answer.headers["location"] != "/account/":  # a second factor is still to be set up in this clinic
        assert answer.headers["location"] == f"/patients/{clinic.patients[0]}/"
    assert answer.status_code == 303
    assert "alleviate" in answer.headers["set-cookie"]
    assert ehr.forms[0]["client_id"] == "us-there"


def test_whoever_is_signed_in_here_stays_so_and_the_gate_decides(clinic: Made, ehr: Ehr) -> None:
    client = leaves(clinic, ehr, clinic.signed_in("clinician"))
    url = returns(client, ehr).headers["location"]
    assert url == f"/patients/{clinic.patients[0]}/"
    assert client.get(url).status_code == 200
    ehr.patient = clinic.subjects[5]  # whom somebody else cares for
    client = leaves(clinic, ehr, client)
    assert client.get(returns(client, ehr).headers["location"]).status_code == 404


def test_somebody_who_is_not_here_looks_like_somebody_who_is_not_open(clinic: Made, ehr: Ehr) -> None:
    client = clinic.signed_in("clinician")
    pages = []
    for patient in ("nobody-here", clinic.subjects[6]):
        ehr.patient = patient
        url = returns(leaves(clinic, ehr, client), ehr).headers["location"]
        assert len(url) == len(f"/patients/{clinic.patients[0]}/")
        pages.append(client.get(url))
    assert [page.status_code for page in pages] == [404, 404]
    assert pages[0].text == pages[1].text.replace(pages[1].request.url.path, pages[0].request.url.path)


def test_the_same_id_for_somebody_born_on_another_day_opens_nobody(clinic: Made, ehr: Ehr) -> None:
    ehr.birth = "1900-01-01"
    client = leaves(clinic, ehr, clinic.signed_in("clinician"))
    assert returns(client, ehr).headers["location"] != f"/patients/{clinic.patients[0]}/"


def test_somebody_whom_no_account_is_linked_to_signs_in_here(clinic: Made, ehr: Ehr) -> None:
    ehr.subject = "dr-unknown"
    answer = returns(leaves(clinic, ehr), ehr)
    assert answer.headers["location"] == "/sign-in"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example.org"},
        {"aud": "another-app"},
        {"aud": ["us-there", "another-app"]},
        {"azp": "another-app"},
        {"nonce": "another"},
        {"exp": 1000},
    ],
)
def test_an_id_token_that_is_not_for_this_launch_signs_nobody_in(
    changed: dict[str, Any], clinic: Made, ehr: Ehr
) -> None:
    ehr.changed = changed
    answer = returns(leaves(clinic, ehr), ehr)
    assert answer.status_code in (303, 401)
    assert answer.headers.get("location", "").startswith("/sign-in") or answer.status_code == 401
    assert "alleviate=" not in answer.headers.get("set-cookie", "")


def test_a_launch_counts_once_and_in_the_browser_that_left(clinic: Made, ehr: Ehr) -> None:
    client = leaves(clinic, ehr)
    assert returns(clinic.guest(), ehr).status_code == 403, "another browser"
    client = leaves(clinic, ehr)
    assert returns(client, ehr, code="wrong").status_code == 403
    assert returns(client, ehr).status_code == 403, "its state was used"
    client = leaves(clinic, ehr)
    clinic.clock.goes(minutes=11)
    assert returns(client, ehr).status_code == 403, "too late"
    assert clinic.guest().get("/launch/callback").status_code == 403
    assert returns(leaves(clinic, ehr), ehr, error="access_denied").status_code == 403


@pytest.mark.parametrize(
    "iss", ["", "https://evil.example.org/fhir", "javascript:alert(1)", "//evil.example.org"]
)
def test_an_ehr_that_is_not_registered_is_not_asked(iss: str, clinic: Made) -> None:
    answer = clinic.guest().get("/launch", params={"iss": iss, "launch": "x"})
    assert answer.status_code == 403
    assert "location" not in answer.headers


def test_an_ehr_that_was_taken_back_is_not_asked(clinic: Made, ehr: Ehr) -> None:
    take_back(clinic.services.accounts, "test", "us-there")
    assert clinic.guest().get("/launch", params={"iss": ehr.base}).status_code == 403


def test_an_ehr_in_a_private_network_is_not_asked_unless_the_settings_permit(
    make_clinic: Callable[..., Made], ehr: Ehr
) -> None:
    made = make_clinic()
    register(
        made.services.accounts, "test", name="EHR", kind="app", issuer=ehr.base, client_id="x", insecure=True
    )
    assert made.guest().get("/launch", params={"iss": ehr.base}).status_code == 403


@pytest.fixture
def signing(clinic: Made, ehr: Ehr) -> Made:
    """A clinic that is a confidential client of the EHR: it signs with a key of its own."""
    accounts = clinic.services.accounts
    before = accounts.client("us-there")
    accounts.change_client(
        "test", msgspec.structs.replace(before, issuer="https://gone.example", disabled=True)
    )
    made = register(
        accounts,
        "test",
        name="EHR, signed",
        kind="app",
        issuer=ehr.base,
        client_id="us-signed",
        make_key=True,
        insecure=True,
    )
    assert made.private == "", "it is the clinic's own: nobody is shown it"
    return clinic


def test_a_confidential_client_signs_who_it_is_for_this_token_endpoint(signing: Made, ehr: Ehr) -> None:
    client = leaves(signing, ehr)
    assert returns(client, ehr).status_code == 303
    (form,) = ehr.forms
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    published = signing.guest().get("/launch/jwks").json()
    (key,) = published["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}, "the public half alone"
    head = jwt.get_unverified_header(form["client_assertion"])
    assert head == {"alg": "ES384", "typ": "JWT", "kid": key["kid"]}
    endpoint = f"{ehr.base.rpartition('/')[0]}/token"
    proof = jwt.PyJWK(key).key
    claims = jwt.decode(form["client_assertion"], proof, algorithms=["ES384"], audience=endpoint)
    assert (claims["iss"], claims["sub"]) == ("us-signed", "us-signed")
    assert claims["exp"] - claims["iat"] <= 300
    returns(leaves(signing, ehr), ehr)
    again = jwt.decode(ehr.forms[1]["client_assertion"], proof, algorithms=["ES384"], audience=endpoint)
    assert again["jti"] != claims["jti"]


def test_our_own_key_is_shown_on_no_page_and_gone_when_the_ehr_is_taken_back(signing: Made, ehr: Ehr) -> None:
    key = signing.services.accounts.client("us-signed").signing_key
    assert "PRIVATE KEY" in key
    assert "PRIVATE KEY" not in repr(signing.services.accounts.client("us-signed"))
    for url in ("/admin/tokens", "/admin/tokens/us-signed"):
        page = signing.signed_in("administrator").get(url)
        assert page.status_code == 200
        assert "PRIVATE KEY" not in page.text
    assert "/launch/jwks" in signing.signed_in("administrator").get("/admin/tokens/us-signed").text
    take_back(signing.services.accounts, "test", "us-signed")
    assert signing.services.accounts.client("us-signed").signing_key == ""
    assert signing.guest().get("/launch/jwks").json() == {"keys": []}


def test_a_public_client_signs_nothing_and_publishes_no_key(clinic: Made, ehr: Ehr) -> None:
    returns(leaves(clinic, ehr), ehr)
    assert "client_assertion" not in ehr.forms[0]
    assert clinic.guest().get("/launch/jwks").json() == {"keys": []}


@pytest.mark.parametrize(
    ("configured", "status"),
    [
        ({"code_challenge_methods_supported": ["S256"]}, 302),
        ({"code_challenge_methods_supported": ["plain"]}, 403),
        ({"token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_basic"]}, 302),
        ({"token_endpoint_auth_methods_supported": ["client_secret_basic"]}, 403),
    ],
)
def test_an_ehr_that_takes_less_than_what_is_safe_is_not_gone_to(
    configured: dict[str, Any], status: int, signing: Made, ehr: Ehr
) -> None:
    ehr.configured = configured
    assert signing.guest().get("/launch", params={"iss": ehr.base, "launch": "x"}).status_code == status
