"""The server is killed while many write: what it acknowledged is there, once. Alerts need no package.

Three kills on SQLite and one on PostgreSQL (whose own server lives on), or as many as ALLEVIATE_KILLS says.
"""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from killed_found import alerts_of, check
from killed_writers import Writers, form
from made_clinic import Made, filled, opened
from made_people import entries_of, person

from alleviate.clinic.invitations import invite
from alleviate.clinic.machines.registering import register
from alleviate.progress.alerts import standing
from alleviate.vault import Vault

KILLS = os.environ.get("ALLEVIATE_KILLS", "")
HERE = Path(__file__).parent
PEOPLE = 20
"""About whom forms come in, and as many again for whom the rule speaks: what is held of each grows."""


@dataclass(frozen=True)
class Place:
    """Where a clinic is: its vault (a path or a URL) and its folder, with the packages."""

    vault: str
    folder: Path
    kills: int

    @contextmanager
    def clinic(self) -> Iterator[Made]:
        with closing(opened(self.folder, vault=self.vault)) as made:
            yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def place(
    request: pytest.FixtureRequest,
    template: Path,
    learned_packages: Path,
    clinic_key: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Place:
    monkeypatch.setenv("ALLEVIATE_KEY", clinic_key)
    folder = tmp_path / "clinic"
    shutil.copytree(learned_packages / "severity", folder / "packages" / "severity")
    if request.param == "sqlite":
        shutil.copytree(template, folder, dirs_exist_ok=True)
        return Place(str(folder / "clinic.vault"), folder, int(KILLS or 3))
    url: str = request.getfixturevalue("database")
    with closing(Vault.create(url)) as vault:
        filled(vault)
    return Place(url, folder, int(KILLS or 1))


@pytest.mark.slow
def test_whatever_the_killed_server_acknowledged_is_there_one_time(place: Place) -> None:
    port, moments = _free_port(), random.Random(20261123)
    with place.clinic() as made:
        writers = Writers(
            f"http://127.0.0.1:{port}",
            _session(made, "clinician"),
            _session(made, "patient"),
            _token(made),
            made.patients,
            _added(made, "filing"),
            _added(made, "deciding"),
        )
        before = len(alerts_of(made, writers.filing))
        invitation = _invitation(made)
    with _servers(place, port) as start:
        for kill in range(place.kills):
            pid = start()
            _wait(writers.base)
            writers.again()
            threads = writers.begin(invitation)
            writers.wait_for_each(60)
            time.sleep(moments.uniform(0.0, 0.3))
            os.kill(pid, signal.SIGKILL)
            for thread in threads:
                thread.join(60)
            assert not writers.wrong, writers.wrong
            if kill % 10 == 9:
                with place.clinic() as made:
                    invitation = _invitation(made)
    few = {kind: len(done) for kind, done in writers.done.items() if len(done) < place.kills}
    assert not few, f"each kind of write was acknowledged in each round, but for {few}"
    with place.clinic() as made:
        found = check(made, writers, before)
    unheard = {kind: len(sent) for kind, sent in writers.open.items() if sent}
    print(json.dumps({"kills": place.kills, "again": writers.repeated, "open": unheard, "found": found}))


@pytest.mark.parametrize("state", ["no folder", "empty", "tampered", "not a package"])
def test_a_safety_alert_moves_on_to_the_next_tier_where_no_package_can_be_loaded(
    state: str, make_clinic: Callable[..., Made], tmp_path: Path
) -> None:
    packages = tmp_path / "packages"
    _spoilt(packages, state)
    clinic = make_clinic(packages=packages)
    assert not clinic.services.shelf.all()
    assert bool(clinic.services.shelf.unusable()) == (state in ("tampered", "not a package"))
    patient, client = clinic.patients[2], clinic.signed_in("clinician")
    system = clinic.guest()
    body = form("alone", patient, datetime.now(UTC))
    sent = system.put(
        "/fhir/QuestionnaireResponse/alone", json=body, headers={"authorization": f"Bearer {_token(clinic)}"}
    )
    assert sent.status_code == 201, sent.text
    (alert,) = [
        one for one in alerts_of(clinic, [patient]) if "QuestionnaireResponse/alone" in one.sign.entries
    ]
    tiers = []
    while True:
        stands = standing(alert, clinic.clock())
        assert stands is not None
        tiers.append(stands.tier)
        page = client.get(f"/patients/{patient}/alerts/{alert.id}")
        assert page.status_code == 200
        assert client.get("/caseload/").status_code == 200
        if len(tiers) == 3:
            break
        clinic.clock.goes(seconds=(stands.deadline - clinic.clock()).total_seconds() + 1)
        client = clinic.signed_in("clinician", afresh=True)
    assert tiers == sorted(set(tiers)), f"each deadline that passes takes the alert further: {tiers}"


def _spoilt(packages: Path, state: str) -> None:
    if state != "no folder":
        packages.mkdir()
    if state == "tampered":
        shutil.copytree(Path("runs/jobs2"), packages / "jobs2") if Path("runs/jobs2").exists() else _invented(
            packages
        )
        (packages / "jobs2" / "model.json").write_bytes(b"{}")
    if state == "not a package":
        _invented(packages)


def _invented(packages: Path) -> None:
    (packages / "jobs2").mkdir()
    (packages / "jobs2" / "manifest.json").write_text("{")


@contextmanager
def _servers(place: Place, port: int) -> Iterator[Callable[[], int]]:
    told = (place.vault, str(place.folder / "packages"), str(port))
    command = [sys.executable, str(HERE / "killed_server.py"), *told]
    log = (place.folder / "server.log").open("wb")
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
    heard, said = process.stdin, process.stdout
    assert heard is not None
    assert said is not None
    running: list[int] = []

    def start() -> int:
        if running:
            assert said.readline() == "gone\n"
        heard.write("start\n")
        heard.flush()
        running.append(int(said.readline()))
        return running[-1]

    with log, process:
        try:
            yield start
        finally:
            heard.close()


def _wait(base: str) -> None:
    for _ in range(300):
        try:
            if httpx.get(f"{base}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("The server was not ready.")


def _session(made: Made, who: str) -> str:
    hours = timedelta(hours=6)
    return made.services.accounts.open_session(
        made.accounts[who].id, datetime.now(UTC), idle=hours, absolute=hours, method="test"
    )


def _token(made: Made) -> str:
    told = register(
        made.services.accounts, "test", name="Forms", kind="backend", scopes=["system/*.cruds"], bearer=True
    )
    return told.token


def _invitation(made: Made) -> str:
    with made.vault.access(actor=made.accounts["clinician"].actor, purpose="care") as access:
        now = datetime.now(UTC)
        day = now.date() + timedelta(days=7)
        invited = invite(
            access, made.services.accounts, "test", made.patients[0], instruments=["phq9"], due=day, now=now
        )
    return invited.id


def _added(made: Made, name: str) -> list[str]:
    """New people in the clinician's care, so severe that the rule has an advice."""
    now = datetime.now(UTC)
    at = (now - timedelta(days=3)).replace(microsecond=0)
    people = [person(f"{name}-{number}", phq9=25, at=at) for number in range(PEOPLE)]
    with made.vault.access(actor="test", purpose="care") as access:
        access.put([entry for record in people for entry in entries_of(record)], now)
        found = [made.vault.our_id(record.subject_id) or "" for record in people]
        for patient in found:
            access.join(patient, made.accounts["clinician"].id, "psychologist")
    return found


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
