"""Clinics to test with, and packages learned for them; see ``made_clinic`` and ``made_people``."""

import base64
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from made_clinic import Made, filled, opened
from made_people import learned

from alleviate.vault import Vault


@pytest.fixture(scope="session")
def clinic_key() -> str:
    """The master key of the clinics' vaults, in ALLEVIATE_KEY while a test of theirs runs."""
    return base64.b64encode(os.urandom(32)).decode()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, clinic_key: str) -> Path:
    """A folder with the vault of the eight; each clinic is a copy of it."""
    folder = tmp_path_factory.mktemp("clinic")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALLEVIATE_KEY", clinic_key)
        with closing(Vault.create(folder / "clinic.vault")) as vault:
            filled(vault)
    return folder


@pytest.fixture(scope="session")
def learned_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """severity: a rule that personalises; leaving: a risk that no arm changes; foreseen: a prognosis.

    Learned for real, once; nobody changes them.
    """
    return learned(tmp_path_factory.mktemp("learned"))


@pytest.fixture
def make_clinic(
    template: Path, clinic_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Made]]:
    """Makes clinics, each over a vault of its own, with these settings."""
    monkeypatch.setenv("ALLEVIATE_KEY", clinic_key)
    made: list[Made] = []

    def make(**settings: Any) -> Made:
        folder = tmp_path / f"clinic-{len(made)}"
        shutil.copytree(template, folder)
        made.append(opened(folder, **settings))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def clinic(make_clinic: Callable[..., Made]) -> Made:
    """A clinic of this test's own."""
    return make_clinic()


@pytest.fixture(scope="module")
def shared_clinic(
    template: Path, clinic_key: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Made]:
    """A clinic that all tests of a file share: for those that leave it as it was."""
    folder = tmp_path_factory.mktemp("shared") / "clinic"
    shutil.copytree(template, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALLEVIATE_KEY", clinic_key)
        made = opened(folder)
        yield made
        made.close()
