"""`alleviate token`: systems are registered, listed and taken back from the command line."""

import json
import stat
from base64 import b64encode
from pathlib import Path
from secrets import token_bytes
from typing import Any

import pytest

from alleviate.cli import main
from alleviate.cli.app import COMMANDS
from alleviate.vault import Vault


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALLEVIATE_KEY", b64encode(token_bytes(32)).decode())
    monkeypatch.setitem(COMMANDS, "token", "tokens:token_app")
    monkeypatch.setenv("ALLEVIATE_CLINIC_VAULT", str(tmp_path / "clinic.vault"))
    with Vault.create(tmp_path / "clinic.vault"):
        pass
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main(["token", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_key_pair_is_made_and_its_private_half_is_for_its_owner_alone(
    vault: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = vault / "key.pem"
    found = told(
        capsys, "new", "Warehouse", "--kind", "backend", "--scope", "system/*.rs", "--make-key", str(key)
    )
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert "PRIVATE KEY" in key.read_text()
    assert found["configure"]["Token address"].endswith("/oauth/token")
    (listed,) = told(capsys, "list")
    assert (listed["id"], listed["in_use"]) == (found["id"], True)
    assert main(["token", "revoke", found["id"]]) == 0
    capsys.readouterr()
    assert told(capsys, "list")[0]["in_use"] is False


def test_a_token_is_shown_once(vault: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "new", "Lab", "--kind", "backend", "--scope", "system/Patient.rs", "--bearer"]) == 0
    shown = capsys.readouterr().out
    assert "alv~" in shown
    assert main(["token", "list"]) == 0
    assert "alv~" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ("new", "X", "--kind", "other"),
        ("new", "X", "--kind", "backend", "--scope", "system/*.rs"),
        ("new", "X", "--kind", "backend", "--bearer"),
        ("new", "X", "--kind", "cds", "--make-key", "key.pem"),
        ("new", "X", "--kind", "backend", "--scope", "system/*.rs", "--keys", "nowhere.json"),
        ("new", "X", "--kind", "cds", "--issuer", "http://plain.example.org", "--bearer"),
        ("revoke", "nobody"),
    ],
)
def test_what_is_wrong_is_one_line_and_leaves_no_key(
    arguments: tuple[str, ...],
    vault: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(vault)
    assert main(["token", *arguments]) == 2
    assert "Error:" in capsys.readouterr().err
    assert not (vault / "key.pem").exists()
    assert told(capsys, "list") == []


def test_an_existing_file_is_not_written_over(vault: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = vault / "key.pem"
    key.write_text("mine")
    found = main(["token", "new", "X", "--kind", "backend", "--scope", "system/*.rs", "--make-key", str(key)])
    assert found == 2
    assert key.read_text() == "mine"
    assert told(capsys, "list") == []
