"""Accounts in the vault: who there is, what they sign in with; sealed, audited, erased with a patient."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from entries_made import NOW, pulse

from alleviate.terms.errors import ConflictError, DataError, VaultError
from alleviate.vault import Vault
from alleviate.vault.accounts import Account, Credentials, Passkey, Subject

BY = "account:test00000000"


@pytest.fixture
def vault(location: str) -> Iterator[Vault]:
    with Vault.create(location) as made:
        yield made


def account(login: str = "m.weiss", **other: object) -> Account:
    return Account(**{"login": login, "name": "Dr M. Weiss", "role": "clinician", **other})  # type: ignore[arg-type]


def test_an_account_is_found_by_id_login_and_subject(vault: Vault) -> None:
    subject = Subject("https://id.example", "4711")
    mine = vault.accounts.add(BY, account(site="North"), Credentials(password="hash", subjects=(subject,)))
    assert vault.accounts.get(mine.id) == mine
    assert vault.accounts.by_login("M.Weiss") == mine, "capitals do not matter"
    assert vault.accounts.by_subject("https://id.example", "4711") == mine
    assert vault.accounts.by_subject("https://id.example", "4712") is None
    assert vault.accounts.by_subject("https://other.example", "4711") is None
    for nobody in ("nobody000000", "", "x\0y", "\ud800"):
        assert vault.accounts.get(nobody) is None
        assert vault.accounts.client(nobody) is None
        assert vault.accounts.client_of(nobody) is None
        assert vault.accounts.by_login(nobody) is None
        assert vault.accounts.by_subject(nobody, nobody) is None
    assert vault.accounts.all() == [mine]


def test_two_accounts_never_share_a_login_or_a_subject(vault: Vault) -> None:
    subject = Subject("https://id.example", "4711")
    vault.accounts.add(BY, account(), Credentials(subjects=(subject,)))
    with pytest.raises(ConflictError, match="has this login"):
        vault.accounts.add(BY, account("M.WEISS"), Credentials())
    other = vault.accounts.add(BY, account("other"), Credentials())
    with pytest.raises(ConflictError, match="has this login"):
        vault.accounts.change(BY, msgspec.structs.replace(other, login="m.weiss"))
    with pytest.raises(ConflictError, match="signs in this way"):
        vault.accounts.set_credentials(other.id, Credentials(subjects=(subject,)), seen=1)
    assert sorted(each.login for each in vault.accounts.all()) == ["m.weiss", "other"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"login": "two words"}, "A login is"),
        ({"login": "x"}, "A login is"),
        ({"name": " "}, "A name is"),
        ({"name": "line\nbreak"}, "A name is"),
        ({"role": "integrator"}, "role is one of"),
        ({"role": "king"}, "role is one of"),
        ({"profession": "wizard"}, "A profession is"),
        ({"language": "tlh"}, "A language is"),
        ({"patient": "a" * 32}, "Only an account of the role patient"),
        ({"id": "short"}, "id is 12"),
        ({"created": datetime(2026, 1, 1)}, "UTC"),  # noqa: DTZ001
    ],
)
def test_what_no_account_can_have_is_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(DataError, match=said):
        account(**{"login": "m.weiss", **wrong})  # type: ignore[arg-type]


def test_credentials_are_changed_only_by_who_saw_what_stands(vault: Vault) -> None:
    mine = vault.accounts.add(BY, account(), Credentials(password="one"))
    seen = vault.accounts.credentials(mine.id)
    assert seen.version == 1
    changed = msgspec.structs.replace(seen, password="two")
    assert vault.accounts.set_credentials(mine.id, changed, seen=seen.version).version == 2
    with pytest.raises(ConflictError, match="nothing was stored"):
        vault.accounts.set_credentials(
            mine.id, msgspec.structs.replace(seen, password="three"), seen=seen.version
        )
    assert vault.accounts.credentials(mine.id).password == "two"
    with pytest.raises(VaultError, match="There is no account"):
        vault.accounts.credentials("nobody000000")


def test_everything_that_signs_in_comes_back_as_it_was(vault: Vault) -> None:
    whole = Credentials(
        password="hash",
        changed=NOW,
        one_time_until=NOW,
        totp=bytes(range(20)),
        passkeys=(
            Passkey(id=b"\x00\xff", public_key=b"key", uses=3, name="laptop", added=NOW, transports=("usb",)),
        ),
        recovery=(b"a" * 32, b"b" * 32),
        subjects=(Subject("https://id.example", "4711"),),
    )
    mine = vault.accounts.add(BY, account(), whole)
    assert vault.accounts.credentials(mine.id) == msgspec.structs.replace(whole, version=1)


def test_the_database_alone_tells_no_name_no_login_and_no_secret(vault: Vault) -> None:
    credentials = Credentials(password="argonhash", totp=b"secretsecretsecret12")
    mine = vault.accounts.add(BY, account(site="North"), credentials)
    vault.accounts.notice(BY, "package", "jobs2", {"why": "harm"})
    with vault._database.snapshot() as connection:
        for table in ("accounts", "credentials", "notices"):
            for row in connection.execute(sa.text(f"SELECT * FROM {table}")):
                text = repr([bytes(each) if isinstance(each, memoryview) else each for each in row])
                for secret in ("weiss", "Weiss", "North", "clinician", "argonhash", "secret", "jobs2"):
                    assert secret not in text, (table, secret)
    assert repr(vault.accounts.credentials(mine.id)) == "Credentials(version=1)", "no secret in any log"


def test_every_change_is_one_event_without_personal_words(vault: Vault) -> None:
    mine = vault.accounts.add(BY, account(), Credentials())
    vault.accounts.change(BY, msgspec.structs.replace(mine, name="Dr Maria Weiss", site="South"))
    vault.accounts.set_credentials(mine.id, Credentials(password="x"), seen=1, what="password")
    events = [each for each in vault.show_audit(actor="test") if each.action == "account"]
    assert [(each.actor, each.detail["what"]) for each in reversed(events)] == [
        (BY, "made"),
        (BY, "name"),
        (BY, "site"),
        (f"account:{mine.id}", "password"),
    ]
    assert {each.detail["account"] for each in events} == {mine.id}
    assert "Weiss" not in repr(events)
    assert "South" not in repr(events)


def test_the_last_administrator_stays(vault: Vault) -> None:
    first = vault.accounts.add(BY, account("root1", role="administrator"), Credentials())
    for gone in ({"disabled": True}, {"role": "clinician"}):
        with pytest.raises(ConflictError, match="last administrator"):
            vault.accounts.change(BY, msgspec.structs.replace(first, **gone))
    vault.accounts.add(BY, account("root2", role="administrator"), Credentials())
    vault.accounts.change(BY, msgspec.structs.replace(first, disabled=True))


def test_a_patients_account_goes_with_the_patient(vault: Vault, tmp_path: Path, elsewhere: str) -> None:
    access = vault.access(actor="test", purpose="care")
    access.put([pulse(1, "p1", 60.0), pulse(2, "p2", 60.0)], NOW)
    gone, stays = vault.our_id("p1") or "", vault.our_id("p2") or ""
    theirs = {
        patient: vault.accounts.add(
            BY, account(f"of-{number}", role="patient", patient=patient), Credentials(password="x")
        )
        for number, patient in enumerate((gone, stays))
    }
    assert vault.accounts.of_patient(gone) == [theirs[gone]]
    vault.backup(tmp_path / "before.backup", actor="test")
    vault.access(actor="test", purpose="rights").erase("p1", reason="asked-by-the-person")
    assert vault.accounts.get(theirs[gone].id) is None
    assert vault.accounts.by_login("of-0") is None
    assert vault.accounts.get(theirs[stays].id) == theirs[stays]
    vault.backup_keys(tmp_path / "keys", actor="test")
    Vault.restore(tmp_path / "before.backup", elsewhere, actor="test", keys=tmp_path / "keys")
    with Vault.open(elsewhere) as restored:
        assert [each.login for each in restored.accounts.all()] == ["of-1"], "an older backup says nothing"
        assert restored.accounts.credentials(theirs[stays].id).password == "x"


def test_an_account_is_linked_to_a_patient_who_is_there(vault: Vault) -> None:
    vault.access(actor="test", purpose="care").put([pulse(1, "p1", 60.0)], NOW)
    with pytest.raises(DataError, match="no patient of this id"):
        vault.accounts.add(BY, account(role="patient", patient="0" * 32), Credentials())
    mine = vault.accounts.add(BY, account(role="patient"), Credentials(password="hash"))
    linked = msgspec.structs.replace(mine, patient=vault.our_id("p1"))
    vault.accounts.change(BY, linked)
    assert vault.accounts.get(mine.id) == linked
    assert vault.accounts.credentials(mine.id).password == "hash", "sealed anew under the patient's key"


def test_accounts_clients_and_what_was_spent_survive_a_backup_and_open_sessions_do_not(
    vault: Vault, tmp_path: Path, elsewhere: str
) -> None:
    now = datetime.now(UTC)
    mine = vault.accounts.add(BY, account(), Credentials(password="hash"))
    later = now + timedelta(days=1)
    assert vault.accounts.spend("jti", "a", later)
    vault.accounts.notice(BY, "package", "jobs2", {"live": False})
    token = vault.accounts.open_session(mine.id, now, idle=timedelta(hours=1), absolute=timedelta(hours=2))
    vault.backup(tmp_path / "b", actor="test")
    vault.backup_keys(tmp_path / "k", actor="test")
    Vault.restore(tmp_path / "b", elsewhere, actor="test", keys=tmp_path / "k")
    with Vault.open(elsewhere) as restored:
        assert restored.accounts.by_login("m.weiss") == mine
        assert not restored.accounts.spend("jti", "a", later)
        assert [each.subject for each in restored.accounts.notices("package")] == ["jobs2"]
        assert restored.accounts.session(token, now) is None
