"""``alleviate study new``: asks what a table is about, and writes the study file that says so."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, cast

import typer
from rich import box
from rich.table import Table as Grid
from rich.text import Text

from alleviate.cli.screen import complain, err, help_alone, out
from alleviate.intake.tables import Table, read
from alleviate.studies.questions import Answers, ColumnNote, arms_of, draft, look, suggest, write
from alleviate.studies.sections import nearest
from alleviate.terms.errors import StudyError
from alleviate.terms.outcomes import Better

__all__ = ["study_app", "study_new"]

NONE = "-"
"""The answer that means "there is none"."""

study_app = typer.Typer(help="Write a study file.", invoke_without_command=True)


@study_app.callback()
def _study(context: typer.Context) -> None:
    help_alone(context)


@study_app.command("new")
def study_new(
    data: Annotated[Path, typer.Argument(help="CSV or Parquet, one row a person.", show_default=False)],
    out_file: Annotated[
        Path | None, typer.Option("--out", help="Study file to write.", show_default="<data>.toml")
    ] = None,
    treatment: Annotated[str | None, typer.Option(help="Column of the treatment each person had.")] = None,
    usual: Annotated[str | None, typer.Option(help="Arm that is given today.")] = None,
    outcome: Annotated[str | None, typer.Option(help="Column of the outcome.")] = None,
    better: Annotated[str | None, typer.Option(help="Which outcome is better: lower or higher.")] = None,
    randomised: Annotated[
        bool | None,
        typer.Option("--randomised/--observational", help="Were people randomised?", show_default="yes"),
    ] = None,
    id_column: Annotated[str | None, typer.Option("--id", help="Column that names each person.")] = None,
    features: Annotated[
        str | None, typer.Option(help="Columns to decide by, like age,sex.", show_default="all others")
    ] = None,
    known_after: Annotated[
        str | None, typer.Option(help="Columns known only after treatment starts, like week4,week8.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="Title of the study.")] = None,
    question: Annotated[str | None, typer.Option(help="The question in one sentence.")] = None,
    name: Annotated[
        str | None, typer.Option(help="Short name of the study.", show_default="from the file")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing; take the options and defaults.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the study file.")] = False,
) -> None:
    """Write a study file from your own data, by a few questions or by options."""
    table = read(data)
    notes = look(table)
    target = out_file or data.with_suffix(".toml")
    if yes and target.exists() and not overwrite:
        raise StudyError(f"{target} is there already.", hint="Name another with --out, or add --overwrite.")
    ask = _Ask(table, notes, yes)
    if not yes:
        err.print(_overview(table, notes))
    treatment = ask.column("Which column is the treatment?", treatment, "treatment", "--treatment")
    usual = ask.arm(treatment, usual)
    outcome = ask.column("Which column is the outcome?", outcome, "outcome", "--outcome", taken=[treatment])
    better = ask.choice("Which outcome is better?", better, ["lower", "higher"], None, "--better")
    if randomised is None:
        randomised = ask.choice("Was the treatment randomised?", None, ["yes", "no"], "yes", "") == "yes"
    ids = suggest(notes, "id", len(table.frame))
    id_column = ask.column_or_none("Which column names each person?", id_column, ids[0] if ids else NONE)
    late = ask.columns("Which columns are known only after treatment starts?", known_after, ())
    rest = tuple(column for column in notes if column not in {treatment, outcome, id_column, *late})
    chosen = ask.columns("Which columns may decide?", features, rest, all_words=f"all {len(rest)} others")
    answers = Answers(
        treatment=treatment,
        outcome=outcome,
        better=cast(Better, better),
        usual=usual,
        id=id_column,
        features=chosen,
        known_after=late,
        randomised=randomised,
        name=name or "",
        title=title or ask.text("Title of the study?", f"{treatment} and {outcome}"),
        question=question or "",
    )
    study = draft(table, data, answers)
    if target.exists() and not overwrite:
        overwrite = (
            ask.choice(f"{target} is there already. Replace it?", None, ["yes", "no"], "no", "") == "yes"
        )
    write(study, target, overwrite=overwrite)
    for warning in table.warnings:
        err.print(Text.assemble(("Note: ", "bold yellow"), warning))
    out.print(Text.assemble(("Written: ", "bold"), str(target)), soft_wrap=True)
    out.print(Text.assemble(("Next:    ", "bold"), f"alleviate learn {target}"), soft_wrap=True)


def _overview(table: Table, notes: Mapping[str, ColumnNote]) -> Grid:
    grid = Grid(
        title=f"{table.source}: {len(table.frame):,} rows", title_justify="left", title_style="bold",
        box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False,
    )  # fmt: skip
    grid.add_column("Column", style="bold", overflow="fold")
    grid.add_column("Holds")
    grid.add_column("Different", justify="right")
    grid.add_column("Missing", justify="right")
    grid.add_column("Such as", overflow="fold")
    for note in notes.values():
        missing = f"{note.missing:,}" if note.missing else ""
        grid.add_row(note.name, note.kind, f"{note.different:,}", missing, note.shows)
    return grid


class _Ask:
    """Asks on standard error until an answer fits; with ``--yes`` takes the default or names the option."""

    def __init__(self, table: Table, notes: Mapping[str, ColumnNote], silent: bool) -> None:
        self.table, self.notes, self.silent = table, notes, silent

    def choice(
        self, question: str, given: str | None, valid: Sequence[str], default: str | None, option: str
    ) -> str:
        """One of ``valid``; ``given`` (from an option) is checked too."""
        if given is not None:
            if given not in valid:
                raise StudyError(f'{option}: there is no "{given}".', hint=nearest(given, valid))
            return given
        if self.silent:
            if default is None:
                raise StudyError(
                    f"{option} is required with --yes.", hint=f"Give one of: {', '.join(valid)}."
                )
            return default
        while True:
            answer = self._answer(question, default)
            if answer in valid:
                return answer
            short = [word for word in valid if answer and word.startswith(answer)]
            if len(short) == 1:
                return short[0]
            complain(f'There is no "{answer}".' if answer else "An answer is needed.", nearest(answer, valid))

    def text(self, question: str, default: str) -> str:
        return default if self.silent else self._answer(question, default)

    def column(
        self, question: str, given: str | None, role: str, option: str, taken: Sequence[str] = ()
    ) -> str:
        likely = [
            column for column in suggest(self.notes, role, len(self.table.frame)) if column not in taken
        ]
        named = f"Likely: {', '.join(likely[:8]) or 'none'}"
        if given is None and self.silent:
            raise StudyError(f"{option} is required with --yes.", hint=named)
        if given is None:
            err.print(Text(named, style="dim"), soft_wrap=True)
        default = likely[0] if role == "treatment" and likely else None
        return self.choice(question, given, list(self.notes), default, option)

    def column_or_none(self, question: str, given: str | None, default: str) -> str | None:
        answer = self.choice(f"{question} ({NONE} for none)", given, [*self.notes, NONE], default, "--id")
        return None if answer == NONE else answer

    def columns(
        self, question: str, given: str | None, default: tuple[str, ...], all_words: str = NONE
    ) -> tuple[str, ...]:
        """Columns named in one answer, parted by commas."""
        if given is None and self.silent:
            return default
        while True:
            answer = given if given is not None else self._answer(f"{question} (like a,b)", all_words)
            if answer == all_words:
                return default
            names = tuple(part.strip() for part in answer.split(",") if part.strip())
            unknown = next((name for name in names if name not in self.notes), None)
            if unknown is None:
                return names
            if given is not None:
                self.table.require([unknown])
            complain(f'There is no column "{unknown}".', nearest(unknown, self.notes))

    def arm(self, treatment: str, given: str | None) -> str | None:
        arms = arms_of(self.table, treatment)
        if given is None and not self.silent:
            shown = ", ".join(f"{arm} ({n:,} people)" for arm, n in list(arms.items())[:12])
            err.print(Text(f"Arms: {shown}", style="dim"), soft_wrap=True)
        answer = self.choice(
            f"Which arm is given today? ({NONE} for none)", given, [*arms, NONE], NONE, "--usual"
        )
        return None if answer == NONE else answer

    def _answer(self, question: str, default: str | None) -> str:
        prompt = Text.assemble((question, "bold"), (f" [{default}]" if default else "", "dim"), " ")
        return err.input(prompt).strip() or default or ""
