"""``alleviate clinic``: the first start prints a password once, unsafe starts are refused in one line."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from alleviate.cli import main
from alleviate.clinic.looks.assets import FOLDER
from alleviate.vault import Vault
from alleviate.vault.keys import make_key_file


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of this test's own, without a key or vault."""
    for name in [each for each in os.environ if each.startswith(("ALLEVIATE_CLINIC_", "ALLEVIATE_KEY"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ALLEVIATE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What one line of complaint says; the clinic does not start, and makes nothing."""
    assert main(["clinic", *arguments]) == 2
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    assert told.err.count("Error:") == 1
    assert told.out == ""
    return told.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--base-url", "http://clinic.example.org"], "may not travel unencrypted"),
        (["--host", "0.0.0.0"], "may not travel unencrypted"),
        (["--host", "0.0.0.0", "--base-url", "http://127.0.0.1:8000"], "others reach this clinic"),
        (["--vault", "postgresql://a@db.example.org/a"], "may not travel unencrypted to the database"),
        (["--vault", "postgresql://a:postgres123@localhost/a"], "could be guessed"),
        (["--base-url", "https://clinic.example.org/path"], "without a path"),
        (["--demo", "--vault", "x.vault"], "a vault and packages of its own"),
        (["--demo", "--packages", "x"], "a vault and packages of its own"),
        (["--demo", "--base-url", "https://clinic.example.org"], "on this machine alone"),
        (["--port", "70000"], "65535"),
        (["--workers", "0"], "greater than or equal to 1"),
    ],
)
def test_an_unsafe_start_is_refused_in_one_line(home, capsys, arguments, words):
    assert words in refused(capsys, *arguments)
    assert not home.exists()


def test_a_port_that_is_taken_is_said_before_anything_is_made(home, capsys, port):
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert f"Port {port}" in refused(capsys, "--port", str(port))
    assert not home.exists()


def test_a_key_that_others_can_read_is_refused(home, capsys, port):
    key = make_key_file(home / "vault.key")
    Vault.create(home / "clinic.vault", key_file=key).close()
    key.chmod(0o644)
    assert "others can reach it" in refused(capsys, "--port", str(port))


def test_a_key_that_could_be_guessed_is_refused(home, capsys, port, monkeypatch):
    monkeypatch.setenv("ALLEVIATE_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    assert "could be guessed" in refused(capsys, "--port", str(port))


def test_an_unknown_setting_is_refused(home, capsys, monkeypatch):
    monkeypatch.setenv("ALLEVIATE_CLINIC_BASEURL", "https://clinic.example.org")
    assert "ALLEVIATE_CLINIC_BASEURL" in refused(capsys)


class Running:
    """The program as people start it."""

    def __init__(self, home: Path, port: int, *options: str) -> None:
        self.address = f"http://127.0.0.1:{port}"
        program = [sys.executable, "-m", "alleviate", "clinic", "--port", str(port), *options]
        self.log = (home.parent / f"log-{time.monotonic_ns()}").open("w+")
        self.process = subprocess.Popen(
            program, stdout=subprocess.PIPE, stderr=self.log, text=True, env=dict(os.environ)
        )

    def ready(self) -> None:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            assert self.process.poll() is None, self.stopped()
            try:
                if httpx.get(f"{self.address}/readyz", timeout=5).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise AssertionError("It never became ready.")

    def stopped(self) -> str:
        """Asked to stop, it ends by itself; what it printed."""
        self.process.send_signal(signal.SIGTERM)
        printed, _ = self.process.communicate(timeout=60)
        return printed


@pytest.mark.slow
@pytest.mark.skipif(not (FOLDER / "built").exists(), reason="the clinic's styles were not built: make web")
def test_the_first_start_prints_a_password_once_and_two_workers_serve_and_stop(home, port):
    first = Running(home, port, "--workers", "2")
    try:
        first.ready()
        assert httpx.get(f"{first.address}/sign-in").status_code == 200
        assert httpx.get(f"{first.address}/caseload/").status_code in (303, 401, 404)
        assert "alleviate_requests" in httpx.get(f"{first.address}/metrics").text
    finally:
        printed = first.stopped()
    (password,) = re.findall(r"^One-time password: (\S+)$", printed, re.MULTILINE)
    assert re.search(r"^Login: administrator$", printed, re.MULTILINE)
    assert (home / "vault.key").stat().st_mode & 0o077 == 0
    first.log.seek(0)
    assert password not in first.log.read()
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
    with Vault.open(home / "clinic.vault") as vault:
        (account,) = vault.accounts.all()
        assert account.role == "administrator"
        assert vault.accounts.credentials(account.id).one_time_until is not None
