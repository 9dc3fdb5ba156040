"""What is foreseen, as a person reads it: each number with its unit, no finer than its interval."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from alleviate.cli.screen import person_panel
from alleviate.reports.numbers import count, decimals_for, number
from alleviate.studies.prognosis.findings import WORDING
from alleviate.terms.prognosis_study import PredictedOutcome

__all__ = ["forecast_cards", "forecast_table", "foretold"]

Forecast = Mapping[str, Any]
"""One person's forecast, as ``alleviate predict --json`` prints it."""

INTERVALS = {
    "binary": "95% interval of the risk",
    "time-to-event": "95% interval of the risk",
    "numeric": "holds the outcome of 9 in 10 such people",
    "ordinal": "95% interval of the expected level",
}


def forecast_cards(told: Sequence[Forecast], outcome: PredictedOutcome) -> list[Panel]:
    """A panel for each person, with reasons for and against."""
    decimals = _decimals(told, outcome)
    return [person_panel(str(person["id"]), _card(person, outcome, decimals)) for person in told]


def _card(person: Forecast, outcome: PredictedOutcome, decimals: int) -> RenderableType:
    if person["abstained"]:
        return Text.assemble(("No forecast. ", "red"), str(person["reason"]))
    shown, interval = _numbers(person, outcome, decimals)
    head = Text.assemble(
        (f"{outcome.words}: ", ""), (shown, "bold"), f"  ({interval}; {INTERVALS[outcome.kind or 'binary']})"
    )
    lines = [head]
    if person["set"]:
        lines.append(Text(f"Cannot be ruled out at 90%: {', '.join(person['set'])}", style="dim"))
    if person["comparable_n"] is not None:
        lines.append(Text(f"{count(person['comparable_n'])} people like this one were studied.", style="dim"))
    lines += [Text(f"  · {reason}") for reason in person["reasons"]]
    if "differing" in person:
        lines.append(Text(person["differing"], style="italic"))
    return Group(*lines)


def forecast_table(told: Sequence[Forecast], outcome: PredictedOutcome) -> RenderableType:
    """A line for each person; the reasons are left to the cards and the JSON."""
    decimals = _decimals(told, outcome)
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("Person", overflow="fold")
    table.add_column(outcome.words, justify="right")
    table.add_column("Interval", justify="right", no_wrap=True)
    table.add_column("Alike", justify="right")
    table.add_column("Note", overflow="fold")
    for person in told:
        alike = "" if person["comparable_n"] is None else count(person["comparable_n"])
        if person["abstained"]:
            table.add_row(str(person["id"]), Text("none", style="red"), "", alike, str(person["reason"]))
            continue
        shown, interval = _numbers(person, outcome, decimals)
        table.add_row(str(person["id"]), shown, interval, alike, "; ".join(person["set"] or ()))
    legend = Text(f"Interval: {INTERVALS[outcome.kind or 'binary']}.", style="dim")
    return Group(table, legend)


def _numbers(person: Forecast, outcome: PredictedOutcome, decimals: int) -> tuple[str, str]:
    """The estimate, and its interval: a risk in per cent."""
    percent = outcome.kind in ("binary", "time-to-event")
    factor, unit = (100.0, "%") if percent else (1.0, f" {outcome.unit}".rstrip())
    estimate, low, high = (number(factor * person[key], decimals) for key in ("estimate", "low", "high"))
    return f"{estimate}{unit}", f"{low} to {high}{unit}"


def _decimals(told: Sequence[Forecast], outcome: PredictedOutcome) -> int:
    if outcome.kind in ("binary", "time-to-event"):
        return 0
    return decimals_for([p["high"] - p["low"] for p in told if not p["abstained"]])


def foretold(told: Mapping[str, Any]) -> RenderableType:
    """How a prognosis fared on new people, as ``alleviate evaluate --json`` prints it."""
    events = "" if told["events"] is None else f", {count(told['events'])} with it"
    table = Table(
        title=f"{told['study']} on {count(told['n'])} new people{events}",
        title_style="bold",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        header_style="bold",
        pad_edge=False,
    )
    table.add_column("Measure")
    table.add_column("Estimate", justify="right")
    table.add_column("95% interval", justify="right", no_wrap=True)
    rival = told.get("versus")
    if rival is not None:
        table.add_column(f"Less {rival['second']}", justify="right", no_wrap=True)
    for name, value in told["measures"].items():
        row = [WORDING["measures"].get(name, name), number(value["estimate"], 3), _between(value)]
        if rival is not None:
            apart = rival["differences"].get(name)
            row.append(
                "" if apart is None else f"{number(apart['estimate'], 3, signed=True)} ({_between(apart)})"
            )
        table.add_row(*row)
    lines: list[RenderableType] = [table]
    mix, change = told["case_mix"], told["recalibration"]
    if mix is not None:
        here, there = number(mix["auc_here"], 2), number(mix["auc_there"], 2)
        people, model = (number(mix[key], 2, signed=True) for key in ("by_case_mix", "by_model"))
        lines.append(
            Text(f"AUC where it was learned {here}, here {there}: other people {people}, the model {model}.")
        )
    if change["offered"]:
        gained = next(iter(change["gain"].values()))
        better = f"{number(gained['estimate'], 4)} ({_between(gained)})"
        lines.append(Text(f"Recalibrating its {change['form']} would gain {better}."))
    else:
        lines.append(Text("No recalibration is shown to help."))
    lines += [Text(f"{name}: {why}", style="dim") for name, why in told["not_told"].items()]
    lines += [Text(warning, style="yellow") for warning in told["warnings"]]
    return Group(*lines)


def _between(value: Mapping[str, float]) -> str:
    return f"{number(value['low'], 3)} to {number(value['high'], 3)}"
