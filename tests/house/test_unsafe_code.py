"""Nothing that could run what a file says, nothing that hides a circle of imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"
UNSAFE_MODULES = {"cloudpickle", "dill", "marshal", "pickle", "shelve", "skops"}
UNSAFE_CALLS = {"eval", "exec", "compile", "joblib.dump", "joblib.load", "torch.load", "yaml.load"}


def nodes() -> Iterator[tuple[str, ast.AST]]:
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            yield f"{path.relative_to(SOURCE)}:{getattr(node, 'lineno', 0)}", node


def imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        module = node.module or ""
        return {module} | {f"{module}.{alias.name}" for alias in node.names}
    return set()


def test_nothing_that_unpickles_is_imported() -> None:
    found = [
        where for where, node in nodes() if {name.split(".")[0] for name in imported(node)} & UNSAFE_MODULES
    ]
    assert found == []


def test_no_call_runs_what_a_file_says() -> None:
    calls = [(where, ast.unparse(node.func)) for where, node in nodes() if isinstance(node, ast.Call)]
    assert [f"{where} {call}" for where, call in calls if call in UNSAFE_CALLS] == []
    assert [where for where, node in nodes() if imported(node) & UNSAFE_CALLS] == []


def test_numpy_never_unpickles() -> None:
    allowing = [
        where for where, node in nodes() if isinstance(node, ast.keyword) and node.arg == "allow_pickle"
    ]
    assert allowing == []


def test_imports_stand_at_the_top() -> None:
    late = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path in sorted(SOURCE.rglob("*.py"))
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert late == []


def test_no_import_exists_for_types_only() -> None:
    assert [
        where for where, node in nodes() if isinstance(node, ast.Name) and node.id == "TYPE_CHECKING"
    ] == []
