"""Every room says what it is for, and nothing lives in a room without a name of its own."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "alleviate"
MODULES = sorted(SOURCE.rglob("*.py"))
NAMELESS = {"base", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}
LONGEST_READING = 450


def name(path: Path) -> str:
    return str(path.relative_to(SOURCE))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), f"{name(path)} starts with no docstring"


def test_the_purpose_of_a_room_fits_on_one_line() -> None:
    rooms = [path for path in MODULES if path.name == "__init__.py"]
    purposes = {name(path): ast.get_docstring(ast.parse(path.read_text())) or "" for path in rooms}
    assert {room: text for room, text in purposes.items() if not text.splitlines()[0].endswith(".")} == {}


def test_every_folder_of_code_is_a_room() -> None:
    folders = {path.parent for path in MODULES}
    assert sorted(name(folder) for folder in folders if not (folder / "__init__.py").exists()) == []


def test_no_room_is_nameless() -> None:
    parts = {part.removesuffix(".py") for path in MODULES for part in path.relative_to(SOURCE).parts}
    assert parts & NAMELESS == set()


def test_a_file_is_read_in_one_sitting() -> None:
    lengths = {name(path): len(path.read_text().splitlines()) for path in MODULES}
    assert {file: lines for file, lines in lengths.items() if lines > LONGEST_READING} == {}
