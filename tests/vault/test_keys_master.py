"""The master key: where it comes from, and which keys are refused."""

import base64
import os
import string
from pathlib import Path

import pytest

from alleviate.packages.keys import home
from alleviate.terms.errors import VaultError
from alleviate.vault.keys import MasterKey, load_master, make_key_file


@pytest.fixture(autouse=True)
def _no_key_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALLEVIATE_KEY", raising=False)
    monkeypatch.delenv("ALLEVIATE_KEY_FILE", raising=False)
    monkeypatch.setenv("ALLEVIATE_HOME", str(tmp_path / "home"))


def spelled(key: bytes) -> str:
    return base64.b64encode(key).decode()


def test_a_key_file_is_made_for_its_owner_alone_and_opens(tmp_path: Path) -> None:
    path = make_key_file(tmp_path / "deep" / "vault.key")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o077 == 0
    assert load_master(path) == load_master(path)
    assert len(load_master(path).key) == 32


def test_two_key_files_hold_two_keys(tmp_path: Path) -> None:
    first, second = (load_master(make_key_file(tmp_path / name)) for name in "ab")
    assert first.id != second.id


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = make_key_file(tmp_path / "vault.key")
    before = path.read_bytes()
    with pytest.raises(VaultError, match="exists already; a key file is never overwritten"):
        make_key_file(path)
    assert path.read_bytes() == before


def test_a_key_file_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(VaultError, match="cannot be written"):
        make_key_file(tmp_path / "file" / "vault.key")


def test_a_named_file_comes_before_the_environment_and_that_before_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_home = load_master(make_key_file(home() / "vault.key"))
    named = make_key_file(tmp_path / "named.key")
    assert load_master() == at_home
    elsewhere = make_key_file(tmp_path / "elsewhere.key")
    monkeypatch.setenv("ALLEVIATE_KEY_FILE", str(elsewhere))
    assert load_master() == load_master(elsewhere) != at_home
    key = os.urandom(32)
    monkeypatch.setenv("ALLEVIATE_KEY", f" {spelled(key)}\n")
    assert load_master() == MasterKey(key)
    assert load_master(named) not in (at_home, MasterKey(key))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o677, 0o601])
def test_a_key_file_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    path = make_key_file(tmp_path / "vault.key")
    path.chmod(mode)
    with pytest.raises(VaultError, match=f"others can reach it \\({mode:04o}\\)") as caught:
        load_master(path)
    assert caught.value.hint == f"Run: chmod 600 '{path}'"


def test_no_key_at_all_says_where_one_was_looked_for() -> None:
    with pytest.raises(VaultError) as caught:
        load_master()
    assert caught.value.message == (
        f"There is no key: ALLEVIATE_KEY is not set, and no file is at {home() / 'vault.key'}."
    )
    assert caught.value.hint == "Make a key with: alleviate vault init"


def test_a_folder_is_no_key_file(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="cannot be read"):
        load_master(tmp_path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (spelled(os.urandom(31)), "ALLEVIATE_KEY: A master key is 32 bytes, got 31"),
        (spelled(os.urandom(33)), "is 32 bytes, got 33"),
        ("not base64!", "ALLEVIATE_KEY is not base64 of 32 bytes"),
        ("ключ", "is not base64"),
        (spelled(bytes(32)), "could be guessed"),
        (spelled(b"\xff" * 32), "could be guessed"),
        (spelled(bytes(range(32))), "could be guessed"),
        (spelled(bytes(range(0, 96, 3))), "could be guessed"),
        (spelled(os.urandom(8) * 4), "could be guessed"),
        (spelled(string.ascii_letters[:32].encode()), "could be guessed"),
        (spelled(b"correct horse battery staple 123"), "could be guessed"),
    ],
    ids=[
        "short",
        "long",
        "words",
        "cyrillic",
        "zeros",
        "ones",
        "counting",
        "steps",
        "repeated",
        "alphabet",
        "sentence",
    ],  # some keys are drawn
)
def test_what_is_no_random_key_is_refused(text: str, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLEVIATE_KEY", text)
    with pytest.raises(VaultError, match=problem) as caught:
        load_master()
    assert text not in str(caught.value), "an error shows no key"


def test_random_keys_are_never_refused() -> None:
    for _ in range(2000):
        MasterKey.generate()


def test_a_key_is_named_without_being_shown() -> None:
    master = MasterKey.generate()
    assert repr(master) == f"MasterKey({master.id})"
    assert len(master.id) == 16
    assert master.id == MasterKey(master.key).id
    assert bytes.fromhex(master.id) not in master.key
