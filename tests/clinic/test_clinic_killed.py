"""The server is killed while many write: what it acknowledged is there, once. Alerts need no package.

Three kills, or as many as ALLEVIATE_KILLS says.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from killed_writers import Writers, form
from made_clinic import Made, opened

from alleviate.clinic.invitations import invite
from alleviate.clinic.machines.registering import register
from alleviate.progress.alerts import standing

KILLS = int(os.environ.get("ALLEVIATE_KILLS", "3"))
HERE = Path(__file__).parent


@pytest.fixture
def folder(template: Path, clinic_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALLEVIATE_KEY", clinic_key)
    copied = tmp_path / "clinic"
    shutil.copytree(template, copied)
    return copied


@pytest.mark.slow
def test_whatever_the_killed_server_acknowledged_is_there_one_time(folder: Path) -> None:
    port, moments = _free_port(), random.Random(20261123)
    with _clinic(folder) as made:
        writers = Writers(
            f"http://127.0.0.1:{port}",
            _session(made, "clinician"),
            _session(made, "patient"),
            _token(made),
            made.patients,
        )
        before = {patient: len(_alerts(made, patient)) for patient in made.patients}
        invitation = _invitation(made)
    with _servers(folder, port) as start:
        for kill in range(KILLS):
            pid = start()
            _wait(writers.base)
            writers.again()
            threads = writers.begin(invitation)
            writers.wait_for_each(20)
            time.sleep(moments.uniform(0.0, 0.3))
            os.kill(pid, signal.SIGKILL)
            for thread in threads:
                thread.join(60)
            assert not writers.wrong, writers.wrong
            if kill % 10 == 9:
                with _clinic(folder) as made:
                    invitation = _invitation(made)
    few = {kind: len(done) for kind, done in writers.done.items() if len(done) < KILLS}
    assert not few, "each kind of write was acknowledged in each round"
    with _clinic(folder) as made:
        made.vault.verify_audit(actor="test")
        _answers_are_there(made, writers)
        _alerts_are_there(made, writers, before[made.patients[2]])
        _notes_and_goals_are_there(made, writers)
        _moves_are_there(made, writers)


def _answers_are_there(made: Made, writers: Writers) -> None:
    chart = _chart(made, made.patients[2])
    entries = {event.entry for event in chart.record.events if event.kind == "questionnaire"}
    stored = Counter(ref for ref in entries if ref.startswith("QuestionnaireResponse/killed-"))
    done = {f"QuestionnaireResponse/{name}" for name in writers.done["form"]}
    assert done <= stored.keys() <= done | {f"QuestionnaireResponse/{name}" for name in writers.open["form"]}
    items = Counter(
        (event.entry, event.code)
        for event in chart.record.events
        if event.entry in stored and event.known_until is None
    )
    assert set(items.values()) == {1}, "no answer of a form is there twice, also of those sent twice"
    drafts = [sheet for sheet in _chart(made, made.patients[0]).sheets if sheet.kind == "draft"]
    saved = Counter(sheet.body["once"] for sheet in drafts)
    assert set(saved.values()) == {1}
    assert (
        writers.done["answer"].keys()
        <= saved.keys()
        <= writers.done["answer"].keys() | writers.open["answer"].keys()
    )
    values = {sheet.body["once"]: sheet.body["value"] for sheet in drafts}
    assert all(values[once] == told["value"] for once, told in writers.done["answer"].items())


def _alerts_are_there(made: Made, writers: Writers, before: int) -> None:
    """Each form has raised its alert; each alert that was taken was taken once, by the clinician."""
    alerts = _alerts(made, made.patients[2])
    raised = Counter(entry for alert in alerts for entry in alert.sign.entries if "/killed-" in entry)
    assert {f"QuestionnaireResponse/{name}" for name in writers.done["form"]} <= raised.keys()
    assert set(raised.values()) == {1}
    assert len(alerts) == before + len(raised)
    steps = {alert.id: [step.state for step in alert.steps] for alert in alerts}
    assert all(steps[id] == ["acknowledged"] for id in writers.done["taken"])
    sent = writers.done["taken"].keys() | writers.open["taken"].keys()
    assert all(len(taken) <= 1 for id, taken in steps.items() if id in sent)


def _notes_and_goals_are_there(made: Made, writers: Writers) -> None:
    for kind, patient, code in (("note", 1, "NOTE//progress"), ("goal", 0, "GOAL//set")):
        events = _chart(made, made.patients[patient]).record.events
        words = Counter(event.text_value for event in events if event.code == code)
        told = Counter(
            {word: number for word, number in words.items() if str(word).startswith(("Note ", "Goal "))}
        )
        done, sent = writers.done[kind].keys(), writers.done[kind].keys() | writers.open[kind].keys()
        assert done <= told.keys()
        assert {word for word in told if word in sent} >= done
        assert all(told[word] == 1 for word in sent if word in told), kind


def _moves_are_there(made: Made, writers: Writers) -> None:
    sheets = [sheet for sheet in _chart(made, made.patients[3]).sheets if sheet.kind == "decision"]
    moves = [(act["note"], act["move"]) for sheet in sheets for act in sheet.body["acts"]]
    counted = Counter(moves)
    assert set(counted.values()) == {1}
    assert writers.done["move"].items() <= dict(moves).items()
    sent = writers.done["move"].keys() | writers.open["move"].keys()
    assert {word for word, _ in moves} <= sent


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
    (alert,) = [one for one in _alerts(clinic, patient) if "QuestionnaireResponse/alone" in one.sign.entries]
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
def _clinic(folder: Path) -> Iterator[Made]:
    with closing(opened(folder)) as made:
        yield made


@contextmanager
def _servers(folder: Path, port: int) -> Iterator[Callable[[], int]]:
    command = [
        sys.executable,
        str(HERE / "killed_server.py"),
        str(folder / "clinic.vault"),
        str(folder / "packages"),
        str(port),
    ]
    log = (folder / "server.log").open("wb")
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


def _alerts(made: Made, patient: str) -> list[Any]:
    return list(_chart(made, patient).alerts)


def _chart(made: Made, patient: str) -> Any:
    with made.vault.access(actor="test", purpose="care") as access:
        return access.chart(patient)


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
