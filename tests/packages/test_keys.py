import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from alleviate.packages import fingerprint, home, public_pem, signing_key, trust, trusted
from alleviate.terms.errors import InputError


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def pem_of(key: Ed25519PrivateKey) -> bytes:
    return public_pem(key.public_key())


def test_home_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ALLEVIATE_HOME", str(tmp_path / "mine"))
    assert home() == tmp_path / "mine"
    monkeypatch.delenv("ALLEVIATE_HOME")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert home() == tmp_path / "alleviate"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home() == tmp_path / ".config" / "alleviate"


def test_the_key_is_made_once_and_for_its_owner_only() -> None:
    first = pem_of(signing_key())
    assert pem_of(signing_key()) == first
    assert mode(home() / "signing.key") == 0o600
    assert mode(home()) == 0o700
    assert [path.name for path in home().iterdir()] == ["signing.key"]


def test_a_half_written_key_of_a_killed_process_is_no_obstacle() -> None:
    home().mkdir(mode=0o700)
    (home() / "signing.draft").write_bytes(b"-----BEGIN PRIV")
    signing_key()
    assert [path.name for path in home().iterdir()] == ["signing.key"]


@pytest.mark.slow
def test_first_uses_at_the_same_time_end_with_one_key() -> None:
    code = "from alleviate.packages import *; print(fingerprint(signing_key().public_key()))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    racers = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(6)
    ]
    answers = {racer.communicate(timeout=60)[0].strip() for racer in racers}
    assert answers == {fingerprint(signing_key().public_key())}


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o620, 0o777])
def test_a_key_that_others_can_reach_is_refused(bits: int) -> None:
    signing_key()
    path = home() / "signing.key"
    path.chmod(bits)
    for use in (signing_key, trusted):
        with pytest.raises(InputError) as caught:
            use()
        assert caught.value.message == f"{path} can be read by others (mode {bits:04o})."
        assert caught.value.hint == f"Run: chmod go-rwx '{path}'"


@pytest.mark.parametrize("folder", [".", "trusted"])
def test_a_home_that_others_can_change_is_refused(folder: str) -> None:
    trust(pem_of(Ed25519PrivateKey.generate()))
    (home() / folder).chmod(0o770)
    with pytest.raises(InputError, match=r"can be changed by others \(mode 0770\)"):
        trusted()
    with pytest.raises(InputError, match="can be changed by others"):
        trust(pem_of(Ed25519PrivateKey.generate()))


def encrypted() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )


def elliptic() -> bytes:
    return generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize("content", [b"", b"garbage", encrypted(), elliptic()])
def test_what_is_no_signing_key_is_refused_and_kept(content: bytes) -> None:
    home().mkdir(mode=0o700)
    path = home() / "signing.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(InputError, match=r"signing\.key is not an Ed25519 private key"):
        signing_key()
    assert path.read_bytes() == content


def test_a_fresh_machine_trusts_nobody_and_looking_makes_no_key() -> None:
    assert trusted() == {}
    assert not home().exists()


def test_trust_goes_to_ones_own_key_and_those_one_chose() -> None:
    own, friend, stranger = signing_key(), Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    name = trust(pem_of(friend))
    assert name == trust(pem_of(friend)) == fingerprint(friend.public_key())
    assert set(trusted()) == {pem_of(own), pem_of(friend)}
    assert pem_of(stranger) not in trusted()
    assert [path.name for path in (home() / "trusted").iterdir()] == [f"{name}.pem"]


def test_a_signer_pem_copied_by_hand_is_trusted() -> None:
    friend = Ed25519PrivateKey.generate()
    (home() / "trusted").mkdir(parents=True)
    (home() / "trusted" / "clinic in the north.pem").write_bytes(pem_of(friend))
    assert set(trusted()) == {pem_of(friend)}


def test_a_fingerprint_names_a_key() -> None:
    zero = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    assert fingerprint(zero) == "139e3940e64b5491722088d9a0d741628fc826e09475d341a780acde3c4b8070"[:32]


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"-----BEGIN PUBLIC KEY-----\n",
        generate_private_key(SECP256R1())
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    ],
)
def test_only_an_ed25519_public_key_can_be_trusted(pem: bytes) -> None:
    with pytest.raises(InputError, match="is not an Ed25519 public key"):
        trust(pem)
    assert not home().exists()
    (home() / "trusted").mkdir(parents=True)
    (home() / "trusted" / "odd.pem").write_bytes(pem)
    with pytest.raises(InputError, match=r"odd\.pem is not an Ed25519 public key"):
        trusted()


def test_a_home_that_cannot_be_reached_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ALLEVIATE_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(InputError) as caught:
        signing_key()
    assert caught.value.message == f"The keys in {tmp_path}/file/home cannot be reached: Not a directory."
    assert "ALLEVIATE_HOME" in caught.value.hint
