"""Nothing that could run what a file says, nothing that hides a circle of imports."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
KINDS = (ast.Import, ast.ImportFrom, ast.Call, ast.keyword, ast.Name, ast.FunctionDef, ast.AsyncFunctionDef)
UNSAFE_MODULES = {"cloudpickle", "dill", "marshal", "pickle", "shelve", "skops"}
UNSAFE_CALLS = {"eval", "exec", "compile", "joblib.dump", "joblib.load", "torch.load", "yaml.load"}


@pytest.fixture(scope="module")
def nodes() -> list[tuple[str, ast.AST]]:
    """All that the tests below look at, and where it stands."""
    return [
        (f"{path.relative_to(SOURCE)}:{node.lineno}", node)
        for path in sorted(SOURCE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, KINDS)
    ]


def imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        module = node.module or ""
        return {module} | {f"{module}.{alias.name}" for alias in node.names}
    return set()


def called(node: ast.Call) -> str:
    """``name`` or ``module.name``; empty for what is neither."""
    match node.func:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=module), attr=name):
            return f"{module}.{name}"
    return ""


def test_nothing_that_unpickles_is_imported(nodes) -> None:
    found = [
        where for where, node in nodes if {name.split(".")[0] for name in imported(node)} & UNSAFE_MODULES
    ]
    assert found == []


def test_no_call_runs_what_a_file_says(nodes) -> None:
    calls = [(where, called(node)) for where, node in nodes if isinstance(node, ast.Call)]
    assert [f"{where} {call}" for where, call in calls if call in UNSAFE_CALLS] == []
    assert [where for where, node in nodes if imported(node) & UNSAFE_CALLS] == []


def test_numpy_never_unpickles(nodes) -> None:
    allowing = [
        where for where, node in nodes if isinstance(node, ast.keyword) and node.arg == "allow_pickle"
    ]
    assert allowing == []


def test_imports_stand_at_the_top(nodes) -> None:
    late = [
        f"{where}: {ast.unparse(node)}"
        for where, function in nodes
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert late == []


def test_no_import_exists_for_types_only(nodes) -> None:
    assert [where for where, node in nodes if isinstance(node, ast.Name) and node.id == "TYPE_CHECKING"] == []
