"""``alleviate track``: learn expected courses, judge each score, show them, and sweep the vault."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from alleviate.cli.screen import help_alone, out, print_json, print_lines, progress
from alleviate.cli.vault import AsJson, VaultOption, open_vault
from alleviate.intake.tables import Table as Scores
from alleviate.intake.tables import read, table_of
from alleviate.reports.numbers import number
from alleviate.studies.courses.asking import EPISODE_GAP, Asked
from alleviate.studies.courses.learning import learn_courses
from alleviate.studies.courses.showing import show_caseload, show_patient
from alleviate.studies.courses.sweeping import long_of_records, sweep_vault
from alleviate.studies.courses.telling import judged_lines, not_enough_courses
from alleviate.studies.loading import load_advice, load_courses
from alleviate.studies.rules import LearnedRule
from alleviate.terms.errors import InputError, NotEnoughDataError, PackageError
from alleviate.vault.whereabouts import acting

__all__ = ["track_app"]

track_app = typer.Typer(
    help="Follow courses of scores: what to expect, who is not on track.", invoke_without_command=True
)

Package = Annotated[
    Path, typer.Argument(help="Folder that `alleviate track learn` wrote.", show_default=False)
]
LONG = "CSV or Parquet, one score a row: id, time or session, score."
Long = Annotated[Path, typer.Argument(help=LONG, show_default=False)]

MOST_ROWS = 40
"""More rows are shown as those off track alone."""


class Per(StrEnum):
    """What a number of alerts is asked for: a patient's whole course, or each session."""

    patient = "patient"
    session = "session"


@track_app.callback()
def _track(context: typer.Context) -> None:
    help_alone(context)


@track_app.command("learn")
def learn(
    instrument: Annotated[
        str, typer.Option(help="As phq9; see `alleviate instruments`.", show_default=False)
    ],
    long: Annotated[Path | None, typer.Argument(help=LONG, show_default="the vault")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the package.", show_default="runs/…")
    ] = None,
    alerts_per_100: Annotated[
        float, typer.Option(help="How many of 100 patients you can look at; the threshold follows.")
    ] = 20.0,
    per: Annotated[
        Per, typer.Option(help="Over a patient's whole course, or at each session.")
    ] = Per.patient,
    end: Annotated[
        float | None,
        typer.Option(
            help="Planned end, in weeks or sessions since the first score.", show_default="column, else usual"
        ),
    ] = None,
    reliable: Annotated[
        float | None,
        typer.Option(help="Points of a reliable change.", show_default="the instrument's"),
    ] = None,
    gap: Annotated[float, typer.Option(help="Weeks without a score that begin a new episode.")] = EPISODE_GAP,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all randomness.")] = 1,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes at once; the result is the same for any.")
    ] = None,
    vault: VaultOption = None,
    as_json: AsJson = False,
) -> None:
    """Learn expected courses, test them on people held out, and write a package with its report."""
    asked = Asked(
        instrument, alerts_per_100, "session" if per is Per.session else "patient", end, reliable, gap, seed
    )
    folder = Path("runs") / f"{instrument}-courses" if out is None else out
    try:
        with progress() as report:
            learned = learn_courses(
                _scores(long, vault, asked),
                asked,
                out=folder,
                now=datetime.now(UTC),
                workers=workers,
                progress=report,
            )
    except NotEnoughDataError as error:
        if as_json:
            print_json(not_enough_courses(instrument, error))
        raise
    if as_json:
        print_json(learned.to_json())
    else:
        print_lines(learned.lines())


def _scores(long: Path | None, vault: str | None, asked: Asked) -> Scores:
    """Of the file, else of everybody in the vault who permits it for model training."""
    if long is not None:
        return read(long)
    instrument = asked.following("weeks").instrument
    with open_vault(vault) as opened, opened.access(actor=acting(), purpose="model-training") as access:
        frame = long_of_records(list(access.records()), instrument)
    if frame.is_empty():
        raise NotEnoughDataError(
            f"The vault holds no {instrument.abbreviation} that may be used for model training.",
            hint="Import scores, and ask for consent to model training.",
        )
    return table_of(frame, "the vault")


@track_app.command("score")
def score(package: Package, long: Long, as_json: AsJson = False) -> None:
    """Judge each score: what to expect next, the chances of change, and who is not on track."""
    told = load_courses(package).score(long)
    if as_json:
        print_json(told)
        return
    out.print(_scored(told))
    print_lines(_summary(told))


@track_app.command("evaluate")
def evaluate(package: Package, long: Long, as_json: AsJson = False) -> None:
    """Measure how the courses learned fare on people that they have never seen."""
    loaded = load_courses(package)
    rows = loaded.read(long)
    if as_json:
        print_json(loaded.evaluate(long))
        return
    judged = loaded.judge(rows)
    out.print(_fared(judged.measures))
    print_lines(judged_lines(judged))


@track_app.command("show")
def show(
    package: Package,
    long: Long,
    to: Annotated[Path, typer.Option("--out", help="Picture to write: .svg or .html.", show_default=False)],
    patient: Annotated[
        str | None, typer.Option(help="Whose course; without it the whole caseload.", show_default="all")
    ] = None,
) -> None:
    """Draw one patient's course with what was expected, or the caseload with those off track first."""
    if to.suffix not in (".svg", ".html"):
        raise InputError(
            f"{to}: expected a name that ends in .svg or .html.", hint="As in: --out course.html"
        )
    loaded = load_courses(package)
    rows = loaded.read(long)
    page = to.suffix == ".html"
    text = (
        show_caseload(loaded, rows, page=page)
        if patient is None
        else show_patient(loaded, rows, patient, page=page)
    )
    try:
        to.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{to} cannot be written: {error.strerror}.", hint="Name another file.") from None
    print_lines([f"Picture: {to}"])


@track_app.command("sweep")
def sweep(
    package: Package,
    rule: Annotated[
        Path | None,
        typer.Option(help="A rule package: what changing treatment now may gain.", show_default=False),
    ] = None,
    vault: VaultOption = None,
    as_json: AsJson = False,
) -> None:
    """Score everybody in the vault who has new scores, and say what then for those off track."""
    courses = load_courses(package)
    advice = None if rule is None else load_advice(rule)
    if advice is not None and not isinstance(advice, LearnedRule):
        raise PackageError(f"{rule} holds rules for several decisions.", hint="Give a rule for one decision.")
    with open_vault(vault) as opened, opened.access(actor=acting(), purpose="care") as access:
        swept = sweep_vault(courses, access, datetime.now(UTC), advice)
    told = swept.to_json(str(package))
    if as_json:
        print_json(told)
        return
    print_lines(
        [
            f"Scored: {told['scored']} new scores of {told['people']} people",
            f"Safety alerts raised: {told['safety_alerts']} (by rule, apart from these)",
            f"Newly off track: {len(told['alerts'])}",
            f"Still off track: {len(told['off_track'])}",
            *(f"Not judged: {problem}" for problem in told["problems"]),
            *(f"Note: {warning}" for warning in told["warnings"]),
        ]
    )
    for person in told["alerts"]:
        print_lines(["", *_card(person)])


def _card(person: Mapping[str, Any]) -> list[str]:
    then = person["then"]
    lines = [f"{person['id']}, {person['time'][:10]}: {'; '.join(person['reasons'])}"]
    lines += [f"  Stands out: {words}" for words in then["stands_out"]]
    lines += [f"  Ask ({each['domain']}): {each['questions'][0]}" for each in then["ask"][:2]]
    change = then.get("change_or_wait")
    if change and change["arm"] is not None:
        gain = change["gain"]
        low, high = number(gain["low"], 1), number(gain["high"], 1)
        told = f"{number(gain['estimate'], 1, signed=True)} points ({low} to {high})"
        lines.append(
            f"  Changing to {change['arm']} now rather than staying: {told}, 95% interval of the mean"
        )
    elif change:
        lines.append(f"  No advice on changing treatment: {change['reason']}")
    return lines


def _scored(told: Sequence[Mapping[str, Any]]) -> Table:
    shown = [row for row in told if row["on_track"] is False or row["problem"] or row["safety"]]
    shown = list(told) if len(told) <= MOST_ROWS else shown[:MOST_ROWS]
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("Person", "Session", "Score", "Next (90% band)", "Improves", "On track", "Why"):
        table.add_column(
            name, justify="right" if name in ("Session", "Score", "Improves") else "left", overflow="fold"
        )
    for row in shown:
        if row["problem"]:
            table.add_row(
                str(row["id"] or ""), f"line {row['line']}", "", "", "", "", Text(row["problem"], style="red")
            )
            continue
        band = f"{number(row['expected'], 0)} ({number(row['low'], 0)} to {number(row['high'], 0)})"
        track = {True: "yes", False: "NO", None: ""}[row["on_track"]]
        why = [*(f"SAFETY: {flag}" for flag in row["safety"]), *row["reasons"]]
        table.add_row(
            str(row["id"]),
            str(row["session"]),
            f"{row['score']:g}",
            band,
            f"{row['p_improve']:.0%}",
            Text(track + (", alert" if row["alert"] else ""), style="bold red" if track == "NO" else ""),
            "; ".join(why),
        )
    return table


def _summary(told: Sequence[Mapping[str, Any]]) -> list[str]:
    judged = [row for row in told if not row["problem"]]
    alerts, people = sum(bool(row["alert"]) for row in judged), len({row["id"] for row in judged})
    lines = [f"Judged: {len(judged)} of {len(told)} scores, of {people} people; alerts: {alerts}"]
    flagged = sum(bool(row["safety"]) for row in told)
    return lines + ([f"Safety: {flagged} forms have an answer that asks for somebody now"] if flagged else [])


MEASURES = {
    "auc": "AUC of no reliable improvement",
    "brier": "Brier score",
    "calibration_slope": "calibration slope (best: 1)",
    "e_o": "expected to observed (best: 1)",
    "ici": "mean miscalibration (ICI)",
    "coverage_end": "90% band holds the end score",
    "coverage_next": "90% band holds the next score",
    "mae_end": "error of the end score, points",
    "mae_end_carried": "the same, last score carried forward",
    "mae_next": "error of the next score, points",
    "mae_next_carried": "the same, last score carried forward",
}


def _fared(measures: Mapping[str, Any]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for name in ("Measure", "Estimate", "95% interval"):
        table.add_column(name, justify="left" if name == "Measure" else "right")
    for name, words in MEASURES.items():
        if name in measures:
            e = measures[name]
            table.add_row(words, number(e.estimate, 3), f"{number(e.low, 3)} to {number(e.high, 3)}")
    return table
