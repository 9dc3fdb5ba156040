"""One clinic that a file's journeys share: each goes its way with people of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clinic_windows import Windows, free_port, served, signed_in_as
from made_clinic import Made, opened
from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def severity(tmp_path_factory: pytest.TempPathFactory, learned_packages: Path) -> Path:
    """Packages, one of them: a rule learned for real, by which tablets help more the worse somebody is."""
    folder = tmp_path_factory.mktemp("journeys-learned")
    shutil.copytree(learned_packages / "severity", folder / "severity")
    return folder


@pytest.fixture(scope="module")
def open_clinic(
    template: Path, clinic_key: str, severity: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Made, str]]:
    """A clinic with the keeper and a live rule, and its address."""
    folder = tmp_path_factory.mktemp("journeys") / "clinic"
    shutil.copytree(template, folder)
    port = free_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALLEVIATE_KEY", clinic_key)
        made = opened(folder, packages=severity, base_url=f"http://127.0.0.1:{port}")
        with served(made, port) as address:
            yield made, address
        made.close()


@pytest.fixture
def made(open_clinic: tuple[Made, str]) -> Made:
    return open_clinic[0]


@pytest.fixture
def windows(browser: Browser, open_clinic: tuple[Made, str]) -> Iterator[Windows]:
    """Windows at the clinic. Whatever a journey does, no script fails and no policy is broken."""
    found = Windows(browser, open_clinic[1])
    yield found
    found.close()
    assert found.wrong == []


@pytest.fixture
def clinician(windows: Windows, made: Made) -> Any:
    """A window in which the clinician is signed in."""
    return windows.open(token=signed_in_as(made, "clinician"))
