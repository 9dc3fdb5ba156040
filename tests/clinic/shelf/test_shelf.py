"""The shelf: every package verified, one that cannot be used told with its reason; nothing stopped."""

import json
import shutil
from pathlib import Path

import pytest

from alleviate.clinic.shelf import Shelf
from alleviate.packages import home
from alleviate.studies.loading import load_courses
from alleviate.terms.errors import InputError, PackageError


@pytest.fixture
def shelf(clinic_with):
    return clinic_with().services.shelf


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr("alleviate.clinic.shelf._LOOK_AGAIN", 0.0)


def test_packages_are_shelved_by_what_they_are(shelf):
    assert [(each.name, each.kind, each.live) for each in shelf.all()] == [
        ("courses", "course", True),
        ("rule", "rule", True),
    ]
    assert [each.name for each in shelf.rules()] == ["rule"]
    assert [each.name for each in shelf.courses()] == ["courses"]
    assert shelf.prognoses() == []
    assert shelf.unusable() == []
    assert len({each.seal for each in shelf.all()}) == 2
    assert {each.signer for each in shelf.all()} == {load_courses(shelf.courses()[0].path).manifest.signer}


def test_courses_with_a_second_measure_are_kept_and_read_again(shelf):
    (courses,) = shelf.courses()
    assert courses.what.package.following.further == ("gad7",)


def _changed(package: Path) -> None:
    path = package / "model.json"
    path.write_bytes(path.read_bytes().replace(b"0", b"1", 1))


def _signed_by_a_stranger(package: Path) -> None:
    lying = json.loads((package / "manifest.json").read_bytes()) | {"signer": "0" * 32}
    (package / "manifest.json").write_text(json.dumps(lying))


def _emptied(package: Path) -> None:
    shutil.rmtree(package)
    package.mkdir()


def _half_there(package: Path) -> None:
    (package / "manifest.sig").unlink()


def _a_link(package: Path) -> None:
    (package / "model.json").unlink()
    (package / "model.json").symlink_to("/etc/passwd")


def _unreadable(package: Path) -> None:
    (package / "manifest.json").unlink()
    (package / "manifest.json").mkdir()


@pytest.mark.parametrize(
    "spoil", [_changed, _signed_by_a_stranger, _emptied, _half_there, _a_link, _unreadable]
)
def test_a_spoiled_package_is_told_and_the_others_go_on(packages, clinic_with, spoil):
    spoil(packages / "rule")
    shelf = clinic_with().services.shelf
    assert [each.name for each in shelf.all()] == ["courses"]
    (told,) = shelf.unusable()
    assert told.name == "rule"
    assert told.reason
    assert shelf.rules() == []


def test_whatever_a_package_does_when_it_is_opened_it_stops_nothing(packages, clinic_with, monkeypatch):
    def fails(_: Path) -> None:
        raise ZeroDivisionError("a name that nobody should read")

    monkeypatch.setattr("alleviate.clinic.shelf.load", fails)
    shelf = clinic_with().services.shelf
    assert [each.reason for each in shelf.unusable()] == ["It cannot be read (ZeroDivisionError)."] * 2


def test_a_strangers_signature_is_not_believed(packages, clinic_with, monkeypatch, tmp_path):
    assert home().exists()
    monkeypatch.setenv("ALLEVIATE_HOME", str(tmp_path / "elsewhere"))
    told = clinic_with().services.shelf.unusable()
    assert [each.name for each in told] == ["courses", "rule"]
    assert all("does not trust" in each.reason for each in told)


def test_without_a_folder_there_is_nothing_and_nothing_wrong(make_clinic, tmp_path):
    shelf = make_clinic(packages=tmp_path / "none").services.shelf
    assert (shelf.all(), shelf.unusable()) == ([], [])


def test_what_is_put_there_and_taken_away_is_seen_without_a_new_start(packages, clinic_with, tmp_path):
    shelf = clinic_with().services.shelf
    (packages / "rule").rename(tmp_path / "aside")
    assert [each.name for each in shelf.all()] == ["courses"]
    (tmp_path / "aside").rename(packages / "again")
    assert [each.name for each in shelf.all()] == ["again", "courses"]


def test_an_unchanged_package_is_opened_once(shelf, monkeypatch):
    first = shelf.rules()[0].what
    monkeypatch.setattr("alleviate.clinic.shelf.load", lambda _: pytest.fail("opened again"))
    assert shelf.rules()[0].what is first


def test_taken_out_of_use_it_is_out_for_every_worker_and_after_a_new_start(packages, clinic_with):
    clinic = clinic_with()
    other = Shelf(packages, clinic.vault)
    (rule,) = other.rules()
    clinic.services.shelf.take_out("account:safety000001", rule.seal, "More dropouts than expected.")
    for shelf in (clinic.services.shelf, other, Shelf(packages, clinic.vault)):
        assert shelf.rules() == []
        told = shelf.one(rule.seal)
        assert (told.live, told.why) == (False, "More dropouts than expected.")
        assert [each.name for each in shelf.courses()] == ["courses"]
    clinic.services.shelf.bring_back("account:safety000001", rule.seal, "It was the new form.")
    assert [each.name for each in other.rules()] == ["rule"]


def test_a_switch_wants_a_reason_and_a_package(shelf):
    with pytest.raises(InputError, match="reason"):
        shelf.take_out("account:safety000001", shelf.rules()[0].seal, "  ")
    with pytest.raises(InputError, match="no such package"):
        shelf.take_out("account:safety000001", "0" * 64, "Because.")


def test_a_report_is_served_as_it_was_signed_or_not_at_all(shelf):
    (rule,) = shelf.rules()
    assert shelf.report(rule.seal) == rule.report.read_bytes()
    assert shelf.report("0" * 64) is None
    rule.report.write_text("<h1>Everybody is cured</h1>")
    with pytest.raises(PackageError, match="changed after it was signed"):
        shelf.report(rule.seal)
