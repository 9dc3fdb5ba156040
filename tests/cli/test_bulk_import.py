"""``alleviate import --bulk``: from a real FHIR server that runs here (sekmet-fhir) into a vault."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import ECAlgorithm

from alleviate.cli import main
from alleviate.intake.bulk.credentials import load_key

TOKEN = "a-token-to-fill-the-server"
PATIENTS = 5
SYSTEM = "http://loinc.org"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "client.pem"
    made = ec.generate_private_key(ec.SECP384R1())
    path.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory, key: Path) -> Iterator[str]:
    """The address of a server that knows our public key, and has a few patients, treated and asked."""
    folder = tmp_path_factory.mktemp("hospital")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base, own = f"http://127.0.0.1:{port}/fhir", load_key(key)
    public = {**ECAlgorithm.to_jwk(own.key.public_key(), as_dict=True), "kid": own.kid}  # type: ignore[arg-type]
    reader = {"client_id": "alleviate", "jwks": {"keys": [public]}, "scopes": "system/*.read"}
    settings = {
        "base_url": base,
        "data_dir": str(folder),
        "log_inbound": False,
        "simulator": {"enabled": False, "delay_seconds": 0.1},
        "server_auth": {"types": ["smart", "bearer"], "tokens": [TOKEN], "smart_clients": [reader]},
    }
    (folder / "settings.yaml").write_text(json.dumps(settings))
    program = [Path(sys.executable).parent / "sekmet", "serve", "--config", "settings.yaml"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*program, "--host", "127.0.0.1", "--port", str(port)],
            cwd=folder,
            stdout=log,
            stderr=log,
            env={name: value for name, value in os.environ.items() if not name.startswith("SEKMET")},
        )
    try:
        _fill(base, folder / "log")
        yield base
    finally:
        server.terminate()
        server.wait(10)


def _fill(base: str, log: Path) -> None:
    with httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30) as http:
        for _ in range(300):
            try:
                http.get(f"{base}/metadata")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        else:
            raise RuntimeError(log.read_text())
        members = [{"entity": {"reference": f"Patient/p{number}"}} for number in range(2)]
        group = {"resourceType": "Group", "id": "few", "type": "person", "actual": True, "member": members}
        for resource in (*(each for number in range(PATIENTS) for each in _patient(number)), MEDICINE, group):
            address = f"{base}/{resource['resourceType']}/{resource['id']}"
            http.put(address, json=resource).raise_for_status()


MEDICINE = {
    "resourceType": "Medication",
    "id": "sertraline",
    "code": {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "36437"}]},
}


def _patient(number: int) -> Iterator[dict]:
    subject = {"reference": f"Patient/p{number}"}
    yield {"resourceType": "Patient", "id": f"p{number}", "gender": "female", "birthDate": "1980-05-01"}
    yield {
        "resourceType": "Observation",
        "id": f"o{number}",
        "status": "final",
        "code": {"coding": [{"system": SYSTEM, "code": "44261-6"}]},
        "subject": subject,
        "effectiveDateTime": "2024-05-06T09:00:00Z",
        "valueInteger": 10 + number,
    }
    yield {
        "resourceType": "MedicationRequest",
        "id": f"m{number}",
        "status": "active",
        "intent": "order",
        "medicationReference": {"reference": "Medication/sertraline"},
        "subject": subject,
        "authoredOn": "2024-05-06T10:00:00Z",
    }


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("ALLEVIATE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ALLEVIATE_VAULT", str(tmp_path / "clinic.vault"))
    monkeypatch.delenv("ALLEVIATE_KEY", raising=False)
    assert main(["vault", "init"]) == 0

    def run(*arguments: str, code: int = 0):
        capsys.readouterr()
        assert main([*arguments, "--json"]) == code
        printed = capsys.readouterr()
        return printed.err if code else json.loads(printed.out)

    return run


@pytest.fixture
def smart(key: Path) -> list[str]:
    return ["--client-id", "alleviate", "--client-key", str(key)]


def left(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "home" / "bulk").glob("*"))


def test_a_server_is_taken_in_whole_and_nothing_of_it_stays_outside(hospital, run, smart, tmp_path) -> None:
    first = run("import", hospital, "--bulk", *smart)
    assert first["rejected"] == []
    assert (first["patients"], first["stored"]) == (PATIENTS, 3 * PATIENTS)
    shown = run("patient", "show", "p3")
    assert [(filled["instrument"], filled["total"]) for filled in shown["questionnaires"]] == [("phq9", 13)]
    assert [each["code"] for each in shown["treatments"]] == ["RxNorm//36437"]  # from a file of its own
    assert left(tmp_path) == []
    again = run("import", hospital, "--bulk", *smart)
    assert (again["stored"], again["superseded"], again["unchanged"]) == (0, 0, 3 * PATIENTS)


def test_only_some_people_and_only_some_resources(hospital, run, smart, tmp_path) -> None:
    found = run("import", hospital, "--bulk", *smart, "--group", "few", "--type", "Observation")
    assert (found["patients"], found["stored"]) == (2, 2)
    nothing = run("import", hospital, "--bulk", *smart, "--type", "Patient", "--since", "2100-01-01")
    assert (nothing["files"], nothing["read"], nothing["stored"]) == (0, 0, 0)
    assert left(tmp_path) == []


def test_a_stranger_is_refused_in_the_words_of_the_server(hospital, run, key) -> None:
    complaint = run("import", hospital, "--bulk", "--client-id", "stranger", "--client-key", str(key), code=2)
    assert "gave stranger no token" in complaint
    assert "does not start an export: 401" in run("import", hospital, "--bulk", code=2)


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        (["http://127.0.0.1:1/fhir"], "Add --bulk"),
        (["clinic", "--since", "2024-05-06"], "Add --bulk"),
        (["clinic", "--bulk"], "Expected an address with https"),
        (["http://hospital.example/fhir", "--bulk"], "Expected an address with https"),
        (["http://127.0.0.1:1/fhir", "--bulk", "--client-id", "a"], "together"),
        (["http://127.0.0.1:1/fhir", "--bulk", "--since", "yesterday"], "--since: expected a day"),
        (["http://127.0.0.1:1/fhir", "--bulk", "--since", "2024-05-06T09:00"], "--since: A time must name"),
    ],
)
def test_what_cannot_be_asked_says_so_before_anything_is_fetched(asked, complaint, run, tmp_path) -> None:
    assert complaint in run("import", *asked, code=2).replace("\n", " ")


class Telling(ThreadingHTTPServer):
    """A server with one patient that says what it could not give and what it deleted, as few do.

    ``broken`` are paths that it does not hand out; ``asked`` is what came.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.base = f"http://127.0.0.1:{self.server_address[1]}/fhir"
        self.broken: set[str] = set()
        self.asked: list[str] = []
        issue = {"severity": "error", "code": "exception", "diagnostics": "Encounter/7 is locked"}
        gone = {"request": {"method": "DELETE", "url": "Patient/9"}}
        self.bodies = {
            "status": {
                "transactionTime": "2024-05-06T09:00:00Z",
                "requiresAccessToken": False,
                "output": [{"type": "Patient", "url": f"{self.base}/people"}],
                "error": [{"type": "OperationOutcome", "url": f"{self.base}/errors"}],
                "deleted": [{"type": "Bundle", "url": f"{self.base}/deleted"}],
            },
            "people": {"resourceType": "Patient", "id": "p1", "gender": "male"},
            "errors": {"resourceType": "OperationOutcome", "issue": [issue]},
            "deleted": {"resourceType": "Bundle", "type": "transaction", "entry": [gone]},
        }


class Answering(BaseHTTPRequestHandler):
    server: Telling

    def do_GET(self) -> None:
        what = self.path.partition("?")[0].rpartition("/")[2]
        self.server.asked.append(what)
        body = json.dumps(self.server.bodies.get(what, {})).encode() + b"\n"
        self.send_response(404 if what in self.server.broken else 202 if "export" in what else 200)
        self.send_header("Content-Location", f"{self.server.base}/status")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_DELETE = do_GET

    def log_message(self, *ignored: object) -> None:
        """Say nothing."""


@pytest.fixture
def telling() -> Iterator[Telling]:
    with Telling() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def test_what_the_server_could_not_give_and_what_it_deleted_are_warnings(telling, run, capsys) -> None:
    found = run("import", telling.base, "--bulk")
    assert (found["files"], found["stored"]) == (1, 1)
    assert [(place["line"], place["field"], place["reason"]) for place in found["warnings"]] == [
        (1, "OperationOutcome.issue", "The server says (error): Encounter/7 is locked"),
        (
            1,
            "Bundle.entry.request",
            "The server has deleted Patient/9; it stays here until it is withdrawn.",
        ),
    ]
    assert main(["import", telling.base, "--bulk"]) == 0
    assert "Encounter/7 is locked" in capsys.readouterr().err


def test_a_fetch_that_failed_goes_on_where_it_was(telling, run, tmp_path) -> None:
    telling.broken = {"deleted"}
    assert "The server does not hand out" in run("import", telling.base, "--bulk", code=2)
    (folder,) = left(tmp_path)
    assert (folder / "0000-Patient.ndjson").is_file()
    assert folder.stat().st_mode & 0o077 == 0
    telling.broken, telling.asked = set(), []
    assert run("import", f"{telling.base}/", "--bulk")["stored"] == 1
    assert telling.asked == ["deleted", "status"]  # the last is to say that we are done
    assert left(tmp_path) == []


def test_another_question_is_another_fetch(telling, run, tmp_path) -> None:
    telling.broken = {"people"}
    for asked in ([], ["--since", "2024-05-06"], ["--type", "Patient"], ["--group", "few"]):
        run("import", telling.base, "--bulk", *asked, code=2)
    assert len(left(tmp_path)) == 4


def test_a_server_that_is_named_twice_is_asked_once(telling, run) -> None:
    assert run("import", telling.base, telling.base, "--bulk")["read"] == 1
    assert telling.asked.count("people") == 1
