"""An export from a real FHIR server, with SMART backend services: sekmet-fhir, running here.

Where it is not as Bulk Data 2 and SMART 2.2 have it:
- it takes no DELETE of a status URL with the scope ``system/*.read`` that allowed the export (403), so that
  the export stays on the server until that is stopped; nothing depends on it;
- it knows neither ``deleted`` files nor ``_since`` of deleted resources, nor Retry-After other than "1".
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from bulk_stand_in import QUICK
from jwt.algorithms import ECAlgorithm

from alleviate.intake.bulk import Credentials, fetch
from alleviate.intake.bulk.credentials import load_key
from alleviate.terms.errors import InputError

TOKEN = "a-token-to-fill-the-server"
PATIENTS = 12


@pytest.fixture(scope="session")
def hospital(tmp_path_factory: pytest.TempPathFactory, key_file: Path, client: Credentials) -> Iterator[str]:
    """The address of a server with some patients; it knows our public key."""
    folder = tmp_path_factory.mktemp("hospital")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    key = load_key(key_file)
    public = {**ECAlgorithm.to_jwk(key.key.public_key(), as_dict=True), "kid": key.kid}  # type: ignore[arg-type]
    reader = {"client_id": client.client_id, "jwks": {"keys": [public]}, "scopes": "system/*.read"}
    settings = {
        "base_url": f"http://127.0.0.1:{port}/fhir",
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
        _filled(settings["base_url"], folder / "log")  # type: ignore[arg-type]
        yield settings["base_url"]  # type: ignore[misc]
    finally:
        server.terminate()
        server.wait(10)


def _filled(base: str, log: Path) -> None:
    with httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30) as http:
        for _ in range(300):
            try:
                http.get(f"{base}/metadata")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        else:
            raise RuntimeError(log.read_text())
        for number in range(PATIENTS):
            patient = {"resourceType": "Patient", "id": f"p{number}", "gender": "female"}
            total = {
                "resourceType": "Observation",
                "id": f"o{number}",
                "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": "44261-6"}]},
                "subject": {"reference": f"Patient/p{number}"},
                "effectiveDateTime": "2024-05-06T09:00:00Z",
                "valueInteger": number,
            }
            for resource in (patient, total):
                address = f"{base}/{resource['resourceType']}/{resource['id']}"
                http.put(address, json=resource).raise_for_status()
        members = [{"entity": {"reference": f"Patient/p{number}"}} for number in range(3)]
        group = {"resourceType": "Group", "id": "few", "type": "person", "actual": True, "member": members}
        http.put(f"{base}/Group/few", json=group).raise_for_status()


def ids(files: list[Path]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for file in files:
        for line in file.read_text().splitlines():
            resource = json.loads(line)
            found.setdefault(resource["resourceType"], []).append(resource["id"])
    return {kind: sorted(each) for kind, each in found.items()}


def test_the_whole_server(hospital: str, client: Credentials, tmp_path: Path) -> None:
    found = ids(fetch(hospital, tmp_path, credentials=client, limits=QUICK))
    assert found == {
        "Patient": sorted(f"p{number}" for number in range(PATIENTS)),
        "Observation": sorted(f"o{number}" for number in range(PATIENTS)),
        "Group": ["few"],
    }


def test_a_group_of_patients(hospital: str, client: Credentials, tmp_path: Path) -> None:
    files = fetch(hospital, tmp_path, credentials=client, group="few", types=["Observation"], limits=QUICK)
    assert ids(files) == {"Observation": ["o0", "o1", "o2"]}


def test_only_what_is_new(hospital: str, client: Credentials, tmp_path: Path) -> None:
    tomorrow = datetime(2100, 1, 1, tzinfo=UTC)
    assert fetch(hospital, tmp_path, credentials=client, since=tomorrow, level="patient", limits=QUICK) == []


def test_without_credentials_the_server_gives_nothing(hospital: str, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="does not start an export: 401 Unauthorized, Authentication required"
    ):
        fetch(hospital, tmp_path, limits=QUICK)


def test_another_client_gets_no_token(hospital: str, key_file: Path, tmp_path: Path) -> None:
    stranger = Credentials("stranger", key_file)
    with pytest.raises(InputError, match="gave stranger no token: 401 Unauthorized, invalid_client Unknown"):
        fetch(hospital, tmp_path, credentials=stranger, limits=QUICK)


def test_a_scope_beyond_ours_gets_no_token(hospital: str, key_file: Path, tmp_path: Path) -> None:
    greedy = Credentials("alleviate-test", key_file, scope="system/*.write")
    with pytest.raises(InputError, match="invalid_scope"):
        fetch(hospital, tmp_path, credentials=greedy, limits=QUICK)
