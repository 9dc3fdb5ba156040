"""What the command line shows: results on standard output, everything else on standard error."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich import box
from rich.console import Console, RenderableType
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

__all__ = [
    "Report",
    "complain",
    "err",
    "help_alone",
    "out",
    "person_panel",
    "print_json",
    "print_lines",
    "progress",
]

Report = Callable[[int, int, str], None]
"""Called with how much is done, of how much, and what is being done."""

out = Console(highlight=False, soft_wrap=False)
err = Console(stderr=True, highlight=False)


def print_json(data: object) -> None:
    """One JSON document and nothing else; NaN and infinity are refused, since JSON knows neither."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False, allow_nan=False, indent=2) + "\n")


def print_lines(lines: list[str]) -> None:
    """Plain lines, each on one line where it is piped; what stands before a colon is bold."""
    for line in lines:
        head, colon, rest = line.partition(": ")
        text = Text.assemble((head + colon, "bold"), rest) if colon else Text(line)
        out.print(text, soft_wrap=not out.is_terminal)


def complain(message: str, hint: str = "") -> None:
    """One line that says what is wrong, and a line of what to do."""
    err.print(Text.assemble(("Error: ", "bold red"), message), soft_wrap=True)
    if hint:
        err.print(Text.assemble(("Hint:  ", "bold"), hint), soft_wrap=True)


def help_alone(context: typer.Context) -> None:
    """A command group without a command shows what it offers."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def person_panel(id: str, body: RenderableType) -> Panel:
    """What is said of one person, under their id."""
    return Panel(
        body,
        title=Text(f"Person {id}", style="bold"),
        title_align="left",
        box=box.ROUNDED,
        border_style="dim",
        width=96,
    )


@contextmanager
def progress() -> Iterator[Report | None]:
    """A bar on standard error while work goes on; nothing where that is no terminal."""
    if not err.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("Starting", total=None)

        def report(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what)

        yield report
