import json
import os
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alleviate.packages import (
    FORMAT,
    MAX_BYTES,
    MAX_FILES,
    FileSeal,
    Manifest,
    Origin,
    fingerprint,
    home,
    public_pem,
    read,
    signing_key,
    to_json,
    trust,
    write,
)
from alleviate.terms.errors import PackageError

SEAL = {"manifest.json", "manifest.sig", "signer.pem"}


@pytest.fixture
def package(tmp_path: Path, files: dict[str, bytes], origin: Origin) -> Path:
    return write(tmp_path / "runs" / "toy", files, origin)


def bytes_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def refusal(path: Path) -> str:
    with pytest.raises(PackageError) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    return caught.value.message


def test_what_was_written_is_read(package: Path, files: dict[str, bytes], origin: Origin) -> None:
    sealed = read(package)
    assert sealed.files == files
    assert sealed.manifest == Manifest(
        format=FORMAT,
        origin=origin,
        files={name: FileSeal.of(data) for name, data in files.items()},
        signer=fingerprint(signing_key().public_key()),
    )
    assert bytes_in(package).keys() == files.keys() | SEAL
    assert [path.name for path in package.parent.iterdir()] == ["toy"], "nothing lies beside it"


def test_the_same_input_gives_the_same_bytes(
    package: Path, tmp_path: Path, files: dict[str, bytes], origin: Origin
) -> None:
    again = write(tmp_path / "again", dict(reversed(files.items())), origin)
    assert bytes_in(again) == bytes_in(package)


def test_a_link_to_a_package_is_followed(
    package: Path, tmp_path: Path, files: dict[str, bytes], origin: Origin
) -> None:
    (tmp_path / "live").symlink_to(package)
    assert read(tmp_path / "live") == read(package)
    write(tmp_path / "live", {"other.json": b"{}"}, origin)
    assert read(package).files == {"other.json": b"{}"}
    assert (tmp_path / "live").is_symlink()


# ---- tampering


def test_every_single_changed_byte_is_refused(package: Path) -> None:
    for path in sorted(package.iterdir()):
        whole = path.read_bytes()
        for i in range(len(whole)):
            path.write_bytes(whole[:i] + bytes([whole[i] ^ 1 << i % 8]) + whole[i + 1 :])
            assert path.name in refusal(package) or path.name == "signer.pem"
        path.write_bytes(whole)
    read(package)


@given(data=st.data())
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_else_a_file_becomes_is_refused(package: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(package.iterdir())))
    whole = path.read_bytes()
    start, stop = sorted(data.draw(st.tuples(*[st.integers(0, len(whole))] * 2)))
    changed = whole[:start] + data.draw(st.binary(max_size=3)) + whole[stop:]
    path.write_bytes(changed)
    try:
        if changed == whole:
            read(package)
        else:
            refusal(package)
    finally:
        path.write_bytes(whole)


def test_two_files_that_changed_places_are_refused(package: Path) -> None:
    for one, other in combinations(sorted(package.iterdir()), 2):
        first, second = one.read_bytes(), other.read_bytes()
        one.write_bytes(second)
        other.write_bytes(first)
        refusal(package)
        one.write_bytes(first)
        other.write_bytes(second)
    read(package)


def test_a_missing_file_is_named(package: Path) -> None:
    for path in sorted(package.iterdir()):
        whole = path.read_bytes()
        path.unlink()
        assert path.name in refusal(package)
        assert "missing" in refusal(package)
        path.write_bytes(whole)


def test_an_added_file_is_named(package: Path) -> None:
    (package / "no\nte.txt").write_text("")
    assert refusal(package) == f"'no\\nte.txt' does not belong to the package {package}."


@pytest.mark.parametrize("name", ["model.json", "manifest.json", "added.json"])
def test_a_link_is_refused_even_where_it_leads_to_the_right_bytes(package: Path, name: str) -> None:
    target = package.parent / "target"
    target.write_bytes((package / name).read_bytes() if (package / name).exists() else b"")
    (package / name).unlink(missing_ok=True)
    (package / name).symlink_to(target)
    assert refusal(package) == f"{name!r} in the package {package} is a link, not a file."


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_a_folder_or_a_pipe_is_no_file(package: Path, make: Callable[[Path], None]) -> None:
    (package / "model.json").unlink()
    make(package / "model.json")
    assert refusal(package) == f"'model.json' in the package {package} is a folder or device, not a file."


def test_absurd_sizes_are_refused_unread(package: Path) -> None:
    os.truncate(package / "model.json", MAX_BYTES + 1)
    assert f"has 6 files and {MAX_BYTES / 2**20:.0f} MiB" in refusal(package)


def test_absurdly_many_files_are_refused(package: Path, tmp_path: Path, origin: Origin) -> None:
    for i in range(MAX_FILES):
        (package / f"{i}.json").write_bytes(b"")
    assert f"has {MAX_FILES + 6} files" in refusal(package)
    with pytest.raises(PackageError, match=f"has {MAX_FILES + 3} files"):
        write(tmp_path / "many", {f"{i}.json": b"" for i in range(MAX_FILES)}, origin)
    assert not (tmp_path / "many").exists()


# ---- whom to believe


def sealed_by(key: Ed25519PrivateKey, package: Path, manifest: bytes) -> None:
    (package / "manifest.json").write_bytes(manifest)
    (package / "manifest.sig").write_bytes(key.sign(manifest))
    (package / "signer.pem").write_bytes(public_pem(key.public_key()))


def test_a_stranger_is_named_and_may_become_trusted(package: Path) -> None:
    stranger = Ed25519PrivateKey.generate()
    manifest = json.loads((package / "manifest.json").read_bytes())
    manifest["signer"] = fingerprint(stranger.public_key())
    sealed_by(stranger, package, to_json(manifest))
    with pytest.raises(PackageError) as caught:
        read(package)
    name = fingerprint(stranger.public_key())
    assert caught.value.message == (
        f"The package {package} is signed by {name}, a key that this machine does not trust."
    )
    assert caught.value.hint == (
        f"If its maker confirms this fingerprint, copy {package}/signer.pem to {home()}/trusted/."
    )
    trust((package / "signer.pem").read_bytes())
    assert read(package).manifest.signer == name


def test_a_trusted_name_on_anothers_signature_is_refused(package: Path) -> None:
    pem = (package / "signer.pem").read_bytes()
    sealed_by(Ed25519PrivateKey.generate(), package, (package / "manifest.json").read_bytes())
    (package / "signer.pem").write_bytes(pem)
    assert refusal(package) == f"manifest.json or manifest.sig in {package} was changed after it was signed."


def test_a_signer_other_than_the_manifest_names_is_refused(package: Path) -> None:
    friend = Ed25519PrivateKey.generate()
    trust(public_pem(friend.public_key()))
    sealed_by(friend, package, (package / "manifest.json").read_bytes())
    assert refusal(package) == f"signer.pem in {package} is not the key that its manifest names."


def test_another_format_says_so(package: Path) -> None:
    sealed_by(signing_key(), package, to_json({"format": 2, "of": "the future"}))
    assert refusal(package) == "The package has format 2; this version of Alleviate reads format 1."


@pytest.mark.parametrize(
    "name", ["../model.json", "a/b", "a\\b", "", ".hidden", "Ä.json", "signer.pem", "a\n"]
)
def test_a_file_cannot_have_any_name(
    package: Path, files: dict[str, bytes], origin: Origin, name: str
) -> None:
    manifest = json.loads((package / "manifest.json").read_bytes())
    manifest["files"][name] = {"sha256": "00", "size": 1}
    sealed_by(signing_key(), package, to_json(manifest))
    assert "cannot be the name of a file in a package" in refusal(package)
    with pytest.raises(ValueError, match="cannot be the name"):
        write(package.parent / "new", {**files, name: b""}, origin)
    assert not (package.parent / "new").exists()


# ---- what is no package


def test_what_is_no_package_is_said_plainly(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none") == f"There is no package at {tmp_path}/none."
    assert refusal(tmp_path / "none" / "deep") == f"There is no package at {tmp_path}/none/deep."
    (tmp_path / "file").write_text("")
    assert refusal(tmp_path / "file") == f"{tmp_path}/file is not a folder, as a package is."
    (tmp_path / "empty").mkdir()
    assert refusal(tmp_path / "empty") == f"{tmp_path}/empty is not a package: manifest.json is missing."
    assert "cannot be read: File name too long" in refusal(tmp_path / ("x" * 300))


def test_an_older_package_is_replaced(package: Path, origin: Origin) -> None:
    write(package, {"new.json": b"{}"}, origin)
    assert read(package).files == {"new.json": b"{}"}
    assert [path.name for path in package.parent.iterdir()] == ["toy"]


def test_a_damaged_package_and_an_empty_folder_are_replaced(
    package: Path, files: dict[str, bytes], origin: Origin
) -> None:
    (package / "model.json").write_bytes(b"changed")
    (package / "manifest.sig").unlink()
    (package.parent / "empty").mkdir()
    for out in (package, package.parent / "empty"):
        assert read(write(out, files, origin)).files == files


@pytest.mark.parametrize("content", ["thesis.tex", "manifest.json"])
def test_a_folder_that_is_no_package_is_left_alone(
    tmp_path: Path, files: dict[str, bytes], origin: Origin, content: str
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / content).write_text('{"name": "a browser extension"}')
    for out in (mine, mine / content):
        with pytest.raises(PackageError) as caught:
            write(out, files, origin)
        assert caught.value.message == f"{out} is not a package, and is left as it is."
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", content]


def test_a_package_with_something_of_ones_own_in_it_is_left_alone(
    package: Path, files: dict[str, bytes], origin: Origin
) -> None:
    (package / "notes.txt").write_text("do not lose me")
    with pytest.raises(PackageError, match=r"holds what is not the package's own \('notes.txt'\)"):
        write(package, files, origin)
    assert (package / "notes.txt").read_text() == "do not lose me"


def test_a_disk_that_refuses_is_one_clear_line(
    tmp_path: Path, files: dict[str, bytes], origin: Origin
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PackageError) as caught:
        write(tmp_path / "file" / "toy", files, origin)
    assert caught.value.message == f"The package {tmp_path}/file/toy cannot be written: File exists."
    with pytest.raises(PackageError, match="File name too long"):
        write(tmp_path / ("x" * 250), files, origin)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
