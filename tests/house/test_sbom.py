"""The bill of materials names what the clinic is made of, all of it, in the versions that are pinned."""

import importlib.util
import json
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
WEB = json.loads((ROOT / "src/alleviate/clinic/looks/web/package.json").read_text())


@pytest.fixture(scope="module")
def sbom() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sbom", ROOT / ".ci" / "sbom.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def text(sbom: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("bill") / "build" / "alleviate.cdx.json"
    sbom.main(path)
    return path.read_text()


@pytest.fixture(scope="module")
def bill(text: str) -> Any:
    return json.loads(text)


def versions(bill: Any, source: str) -> dict[str, str]:
    kept = [part for part in bill["components"] if part["purl"].startswith(f"pkg:{source}/")]
    return {part["name"]: part["version"] for part in kept}


def test_what_we_declare_and_what_that_needs_is_there_as_pinned(bill: Any) -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = {canonicalize_name(line.partition("==")[0]): line.partition("==")[2] for line in lines}
    found = versions(bill, "pypi")
    assert {name: version for name, version in found.items() if pins.get(name) != version} == {}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wishes = [*project["dependencies"], *project["optional-dependencies"]["clinic"]]
    assert {canonicalize_name(Requirement(wish).name) for wish in wishes} - set(found) == set()
    assert {"starlette", "cffi", "mako"} <= set(found), "what is needed by what we need"


def test_what_pages_are_built_from_is_there_and_what_tests_need_is_not(bill: Any) -> None:
    found = versions(bill, "npm")
    assert {name: found.get(name) for name in WEB["dependencies"]} == WEB["dependencies"]
    assert "axe-core" in WEB["devDependencies"]
    assert "axe-core" not in found
    assert {"pytest", "playwright"} & set(versions(bill, "pypi")) == set()


def test_every_reference_leads_to_a_component_and_each_stands_once(bill: Any) -> None:
    refs = [part["bom-ref"] for part in bill["components"]]
    own = bill["metadata"]["component"]["bom-ref"]
    assert len(refs) == len(set(refs))
    assert {told["ref"] for told in bill["dependencies"]} == {own, *refs}
    assert {ref for told in bill["dependencies"] for ref in told["dependsOn"]} <= set(refs)


def test_the_same_environment_gives_the_same_file(sbom: ModuleType, text: str, tmp_path: Path) -> None:
    sbom.main(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text() == text
