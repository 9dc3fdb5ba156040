"""What a module promises in ``__all__`` is there, in order, and nobody reaches past it."""

import ast
import importlib
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")


MODULES = sorted(dotted(path) for path in SOURCE.rglob("*.py") if path.stem != "__main__")


@pytest.mark.parametrize("module", MODULES)
def test_exports_exist(module: str) -> None:
    loaded = importlib.import_module(module)
    exported = getattr(loaded, "__all__", [])
    assert [name for name in exported if not hasattr(loaded, name)] == []
    assert len(set(exported)) == len(exported), "a name is exported twice"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_that_defines_public_names_declares_them(module: str) -> None:
    loaded = importlib.import_module(module)
    defined = {
        node.name
        for node in ast.parse(Path(str(loaded.__file__)).read_text()).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_")
    }
    if defined:
        assert hasattr(loaded, "__all__"), f"{module} defines {sorted(defined)} and declares no __all__"


def test_no_private_name_is_imported_from_another_module() -> None:
    reached = [
        f"{dotted(path)}: from {node.module} import {alias.name}"
        for path in sorted(SOURCE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("alleviate")
        for alias in node.names
        if alias.name.startswith("_") and not alias.name.startswith("__")
    ]
    assert reached == []
