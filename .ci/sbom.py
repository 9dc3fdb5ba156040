"""Writes the software bill of materials of the clinic (CycloneDX 1.6): what it is made of, in which versions.

Python packages are those that `make run` installs, npm packages those that styles and scripts are built from.
The same environment gives the same file: it names no moment and no machine. https://cyclonedx.org/docs/1.6/json/
"""

import json
import re
import sys
import tomllib
import uuid
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

EXTRAS = ("bayes", "clinic", "examples")
"""What `make run` installs beside the package itself."""

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
WEB = Path(sys.prefix) / "share" / "alleviate" / "web" / "node_modules" / ".package-lock.json"

Component = dict[str, Any]


def main(target: Path) -> None:
    """The bill of this environment, into ``target``."""
    own = distribution("alleviate")
    python, needs = python_components(own, tomllib.loads(PROJECT.read_text("utf-8"))["project"])
    web, web_needs = web_components(json.loads(WEB.read_text())["packages"])
    root = _component(own.name, own.version, "pypi", _licences(own)) | {"type": "application"}
    needs = {**needs, **web_needs}
    needs[root["bom-ref"]] = needs[root["bom-ref"]] | set(web_needs)
    parts = sorted(python + web, key=lambda part: str(part["bom-ref"]))
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": "",
        "version": 1,
        "metadata": {"component": root},
        "components": parts,
        "dependencies": [{"ref": ref, "dependsOn": sorted(needs[ref])} for ref in sorted(needs)],
    }
    bill["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(bill, sort_keys=True))}"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(bill, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stdout.write(f"{target}: {len(python)} Python and {len(web)} npm packages\n")


def python_components(
    own: Distribution, project: dict[str, Any]
) -> tuple[list[Component], dict[str, set[str]]]:
    """All that ``own`` needs by its ``project``, directly or not, here; and what each needs by itself."""
    asked = [
        *project["dependencies"],
        *(each for name in EXTRAS for each in project["optional-dependencies"][name]),
    ]
    found: list[Component] = []
    needs: dict[str, set[str]] = {}
    wanted: dict[str, set[str]] = {canonicalize_name(own.name): set(EXTRAS)}
    left = list(wanted)
    while left:
        name = left.pop()
        one = distribution(name)
        ref = _ref("pypi", name, one.version)
        needs.setdefault(ref, set())
        for other, extras in _required(asked if one.name == own.name else one.requires or (), wanted[name]):
            needs[ref].add(_ref("pypi", other, distribution(other).version))
            if other not in wanted or not extras <= wanted[other]:
                wanted.setdefault(other, set()).update(extras)
                left.append(other)
        if one.name != own.name:
            found.append(_component(name, one.version, "pypi", _licences(one)))
    return list({part["bom-ref"]: part for part in found}.values()), needs


def web_components(packages: dict[str, Any]) -> tuple[list[Component], dict[str, set[str]]]:
    """Those of npm's own list, save what only tests need; which of them needs which is left open."""
    kept = {
        (path.rpartition("node_modules/")[2], told["version"]): told.get("license", "")
        for path, told in packages.items()
        if not told.get("dev")
    }
    parts = [_component(name, version, "npm", [licence]) for (name, version), licence in sorted(kept.items())]
    return parts, {str(part["bom-ref"]): set() for part in parts}


def _required(wishes: Iterable[str], extras: set[str]) -> Iterator[tuple[str, set[str]]]:
    """The packages that ``wishes`` mean here, with ``extras`` chosen; and with which extras of theirs."""
    for text in wishes:
        wish = Requirement(text)
        if wish.marker is None or any(wish.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield canonicalize_name(wish.name), set(wish.extras)


def _component(name: str, version: str, source: str, licences: list[str]) -> Component:
    ref = _ref(source, name, version)
    stated = [_licence(text) for text in licences if text]
    if len(stated) > 1 and any("expression" in each for each in stated):
        stated = stated[:1]
    part: Component = {"type": "library", "bom-ref": ref, "name": name, "version": version, "purl": ref}
    return part | ({"licenses": stated} if stated else {})


def _ref(source: str, name: str, version: str) -> str:
    """A package URL: https://github.com/package-url/purl-spec"""
    return f"pkg:{source}/{name.replace('@', '%40')}@{version.replace('+', '%2B')}"


def _licences(one: Distribution) -> list[str]:
    """The licence as the package states it: an SPDX expression, else its classifiers, else its own words."""
    if expression := one.metadata.get_all("License-Expression"):
        return expression
    classified = [
        text.rpartition(" :: ")[2]
        for text in one.metadata.get_all("Classifier", [])
        if text.startswith("License :: ") and not text.endswith("OSI Approved")
    ]
    words = "\n".join(one.metadata.get_all("License", [])).strip().partition("\n")[0]
    return classified or ([words] if 0 < len(words) <= 100 else [])


def _licence(text: str) -> dict[str, Any]:
    """SPDX ids and what combines them look like this; anything else is a name."""
    if re.fullmatch(r"\(?[A-Za-z0-9.+-]+( (AND|OR|WITH) \(?[A-Za-z0-9.+-]+\)?)*\)?", text):
        return {"expression": text}
    return {"license": {"name": text}}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
