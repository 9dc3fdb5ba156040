"""Who cares for whom is said at the command line before anybody has a caseload."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alleviate.cli import main
from alleviate.records import Entry, Event
from alleviate.vault import Vault
from alleviate.vault.accounts import Account, Credentials
from alleviate.vault.keys import make_key_file

NOW = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    key = tmp_path / "vault.key"
    make_key_file(key)
    monkeypatch.setenv("ALLEVIATE_KEY_FILE", str(key))
    monkeypatch.setenv("ALLEVIATE_VAULT", str(tmp_path / "clinic.vault"))
    with Vault.create(tmp_path / "clinic.vault") as made:
        with made.access(actor="test", purpose="care") as access:
            for id in ("p1", "p2"):
                event = Event(id, NOW, NOW, "PERSON//sex", None, "female", "person", f"Patient/{id}")
                access.put([Entry(id, f"Patient/{id}", "person", (event,))], NOW)
        for login, role in (("first", "clinician"), ("chief", "administrator")):
            account = Account(login=login, name=login, role=role, profession="")
            made.accounts.add("test", account, Credentials())
        yield made


def basis(vault: Vault, id: str) -> str:
    account = vault.accounts.by_login("first")
    assert account is not None
    return vault.bond(account.id, vault.our_id(id) or "", datetime.now(UTC)).basis


def test_the_first_clinician_gets_a_caseload_and_gives_it_back(vault: Vault) -> None:
    assert main(["patient", "join", "p1", "p2", "--login", "first", "--as", "psychologist"]) == 0
    assert [basis(vault, id) for id in ("p1", "p2")] == ["team", "team"]
    assert main(["patient", "leave", "p2", "--login", "first"]) == 0
    assert [basis(vault, id) for id in ("p1", "p2")] == ["team", "none"]
    events = vault.show_audit(actor="test", patient=vault.our_id("p1") or "")
    assert "team" in [event.action for event in events]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["p1", "p9", "--login", "first"], "no patient 'p9'"),
        (["p1", "--login", "nobody"], "No clinician or trainee has the login 'nobody'"),
        (["p1", "--login", "chief"], "No clinician or trainee has the login 'chief'"),
    ],
)
def test_a_mistake_changes_nothing_and_is_told_in_one_line(
    vault: Vault, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["patient", "join", *arguments]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert basis(vault, "p1") == "none"
