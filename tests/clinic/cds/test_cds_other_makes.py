"""A client of another make: Node signs and calls over HTTP. And the client's FHIR server."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import uvicorn
from hook_calls import drafts, medication

from alleviate.clinic.machines.registering import register

CALLER = Path(__file__).with_name("caller.mjs")
NODE = Path(sys.executable).with_name("node")
ISSUER = "https://node.example.org"


def node(*arguments: str) -> Any:
    done = subprocess.run(
        [str(NODE), str(CALLER), *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@contextmanager
def listening(app: Any, port: int) -> Iterator[None]:
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", lifespan="off")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = monotonic() + 20
    while not server.started and monotonic() < until:
        sleep(0.02)
    assert server.started
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(10)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def test_a_client_of_another_make_finds_calls_and_answers(make_calling: Any, tmp_path: Path) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    calling = make_calling(base_url=base)
    key = str(tmp_path / "key.pem")
    keys = node("keys", key)
    register(calling.made.services.accounts, "test", name="Node", kind="cds", issuer=ISSUER, keys=keys)
    calling.added("node-1", phq9=8)
    with listening(calling.made.app, port):
        told = node("call", key, base, ISSUER, "node-1")
    assert [told[step] for step in ("discovered", "called", "answered")] == [200, 200, 200]
    assert told["summary"].startswith(
        "Cognitive behavioural therapy is expected to help more than Sertraline"
    )


@contextmanager
def fhir_server(resources: dict[str, Any]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """A FHIR server on this machine, and what it was asked with which token."""
    asked: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.removeprefix("/fhir/")
            asked.append((path, str(self.headers["authorization"])))
            found = resources.get(path.partition("?")[0])
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(json.dumps(found or {}).encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/fhir", asked
    finally:
        server.shutdown()
        server.server_close()


AUTHORIZED = {
    "access_token": "the-token",
    "token_type": "Bearer",
    "expires_in": 300,
    "scope": "patient/*.rs",
    "subject": "us",
}


def test_what_was_not_sent_along_is_read_from_a_server_that_the_settings_name(make_calling: Any) -> None:
    bundle = {"resourceType": "Bundle", "type": "searchset"}
    person = {"resourceType": "Patient", "id": "p7", "birthDate": "1970-05-01"}
    types = ("Condition", "MedicationRequest", "Observation", "QuestionnaireResponse")
    with fhir_server({"Patient/p7": person, **dict.fromkeys(types, bundle)}) as (base, asked):
        calling = make_calling(fhir_servers=(base,), private_addresses=True)
        more = {"fhirServer": base, "fhirAuthorization": AUTHORIZED}
        context = drafts(medication("Sertraline"))
        answer = calling.asks("order-sign", "p7", context=context, **more)
        assert answer.status_code == 200
        assert {path.partition("?")[0] for path, _ in asked} == {"Patient/p7", *types}
        assert {token for _, token in asked} == {"Bearer the-token"}
        assert "the-token" not in answer.text


def test_no_other_server_is_asked_and_gets_no_token(make_calling: Any) -> None:
    with fhir_server({}) as (base, asked):
        for settings in (
            {"fhir_servers": ("https://ehr.example.org/fhir",), "private_addresses": True},
            {"fhir_servers": (base.replace("/fhir", "/other"),), "private_addresses": True},
            {"fhir_servers": (base,)},  # a private address, which the settings do not permit
        ):
            calling = make_calling(**settings)
            more = {"fhirServer": base, "fhirAuthorization": AUTHORIZED}
            assert calling.asks("patient-view", "p7", **more).status_code == 412
        assert asked == []


def test_a_server_that_fails_gives_nothing_and_does_no_harm(make_calling: Any) -> None:
    with fhir_server({}) as (base, asked):
        calling = make_calling(fhir_servers=(base,), private_addresses=True)
        more = {"fhirServer": base, "fhirAuthorization": AUTHORIZED}
        assert calling.asks("patient-view", "p7", **more).status_code == 412
        assert calling.asks("patient-view", "../../metadata", **more).status_code == 412
        assert [path for path, _ in asked] == ["Patient/p7"]
