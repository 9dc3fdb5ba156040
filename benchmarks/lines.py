"""The lines of a benchmark's table: what was asked, what was found, whether it holds; shown and kept."""

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

__all__ = ["RESULTS", "Line", "markdown", "mean_error", "note", "written"]

RESULTS = Path(__file__).parent / "results"
MARKS = {True: "yes", False: "NO", None: ""}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: asked, found, and whether it holds (``None``: for the record)."""

    what: str
    asked: str
    found: str
    holds: bool | None


def written(
    name: str,
    title: str,
    lines: Sequence[Line],
    settings: Mapping[str, object],
    *,
    results: Path = RESULTS,
    more: str = "",
    numbers: Mapping[str, object] | None = None,
) -> None:
    """Print the table; keep it as ``name``.md, ``more`` below it, and as ``name``.json, with ``numbers``."""
    results.mkdir(parents=True, exist_ok=True)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    head = f"# {title}\n\n{machine}; {', '.join(f'{k} {v}' for k, v in settings.items())}.\n\n"
    rows = [(line.what, line.asked, line.found, MARKS[line.holds]) for line in lines]
    columns = ("what", "asked", "found", "holds")
    (results / f"{name}.md").write_text(head + markdown(columns, rows) + more, encoding="utf-8")
    document = {"settings": dict(settings), "lines": [asdict(line) for line in lines], **(numbers or {})}
    text = json.dumps(document, indent=1, ensure_ascii=False, default=bool)  # NumPy's truth values
    (results / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    table = Table(*columns)
    for row in rows:
        table.add_row(*row)
    Console(width=150).print(table)


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def mean_error(values: np.ndarray) -> str:
    """Mean ± standard error."""
    return f"{values.mean():+.4f} ± {values.std(ddof=1) / np.sqrt(len(values)):.4f}"


def note(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)
