"""Styles and scripts are built from a fresh folder, and again without any network."""

import json
import re
import shutil
from pathlib import Path

import pytest

from alleviate.clinic.looks.assets import FOLDER, Assets
from alleviate.clinic.looks.web.build import SOURCES, build
from alleviate.terms.errors import InputError

NOWHERE = "http://127.0.0.1:9"


def test_every_package_is_named_in_one_exact_version_without_an_address() -> None:
    told = json.loads((SOURCES / "package.json").read_text(encoding="utf-8"))
    named = {**told["dependencies"], **told["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in named.values())
    assert "://" not in (SOURCES / "package.json").read_text() + (SOURCES / "npmrc").read_text()
    assert "omit-lockfile-registry-resolved=true" in (SOURCES / "npmrc").read_text()
    assert not list(SOURCES.rglob("*lock*.json"))


def test_the_frontend_is_the_version_that_the_templates_are_for() -> None:
    installed = json.loads((FOLDER / "node_modules/nhsuk-frontend/package.json").read_text())
    assert installed["version"] == "10.6.1"  # which nhsuk-frontend-jinja 0.10.2 ports


@pytest.mark.slow
def test_with_its_packages_there_it_builds_without_a_network_and_the_same_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("npm_config_registry", "HTTPS_PROXY", "HTTP_PROXY", "npm_config_proxy"):
        monkeypatch.setenv(name, NOWHERE)
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "node_modules").symlink_to(FOLDER / "node_modules")
    shutil.copy(FOLDER / "packages.stamp", folder / "packages.stamp")
    assert build(folder=folder)
    assert not build(folder=folder)
    assert Assets(folder / "built").seal == Assets().seal
    (folder / "built" / "stamp").write_text("older")
    assert build(folder=folder)
    assert Assets(folder / "built").seal == Assets().seal


def test_without_npm_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alleviate.clinic.looks.web.build.shutil.which", lambda *_, **__: None)
    with pytest.raises(InputError, match="npm is not here"):
        build(folder=tmp_path / "web")


def test_without_its_assets_the_clinic_says_how_to_build_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="styles and scripts are not in") as refused:
        Assets(tmp_path)
    assert "looks.web.build" in refused.value.hint
