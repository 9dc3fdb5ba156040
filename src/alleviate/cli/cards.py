"""Advice and measures as a person reads them: each number with its unit, no finer than its interval."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from alleviate.cli.screen import person_panel
from alleviate.reports.numbers import Scale, count
from alleviate.terms.estimates import Estimate
from alleviate.terms.outcomes import Outcome

__all__ = ["advice_cards", "advice_table", "fared", "summary"]

Advice = Mapping[str, Any]
"""One person's advice, as ``alleviate advise --json`` prints it."""

STRENGTHS = {
    "established": ("established", "green", "shown to be better for this person"),
    "leaning": ("leaning", "yellow", "expected to be better, but not shown"),
    "none": ("no difference", "dim", "no difference is expected"),
}
VALUES = {
    "rule": "by the rule",
    "best_arm": "everyone to the best single arm",
    "usual": "everyone to usual care",
}
GAINS = {"over_best_arm": "over the best single arm", "over_usual": "over usual care"}


def advice_cards(advice: Sequence[Advice], outcome: Outcome) -> list[Panel]:
    """A panel for each person, with expected outcomes and reasons."""
    scale = _scale(outcome)
    decimals = _decimals(advice, scale)
    return [person_panel(str(person["id"]), _card(person, scale, decimals)) for person in advice]


def advice_table(advice: Sequence[Advice], outcome: Outcome) -> RenderableType:
    """A line for each person, and what the words mean; the reasons are left to the cards and the JSON."""
    scale = _scale(outcome)
    decimals = _decimals(advice, scale)
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("Person", overflow="fold")
    table.add_column("Advice", overflow="fold")
    table.add_column("Strength", no_wrap=True)
    table.add_column(f"Benefit{_in_brackets(scale)}", justify="right")
    table.add_column("95% interval", justify="right", no_wrap=True)
    table.add_column("Comparable", justify="right")
    table.add_column("Note", overflow="fold")
    for person in advice:
        name, note, alike = str(person["id"]), str(person["reason"] or ""), count(person["comparable_n"])
        if person["abstained"]:
            table.add_row(name, Text("no advice", style="red"), "", "", "", alike, note)
            continue
        words, style, _ = STRENGTHS[person["strength"]]
        benefit = scale.gain(_estimate(person["benefit"]), decimals)
        table.add_row(
            name, person["arm"], Text(words, style=style), benefit.point, benefit.interval, alike, note
        )
    met = {person["strength"] for person in advice if not person["abstained"]}
    legend = [
        Text.assemble((words, style), f": {meaning}")
        for strength, (words, style, meaning) in STRENGTHS.items()
        if strength in met
    ]
    legend.append(
        Text("Benefit: of the advised arm over the next best. Comparable: people like this one in the study.")
    )
    return Group(table, *legend)


def summary(advice: Sequence[Advice], outcome: Outcome) -> Text:
    """How many people are advised what, on which outcome."""
    arms = Counter(person["arm"] for person in advice if not person["abstained"])
    parts = [f"{arm} {count(n)}" for arm, n in arms.most_common()]
    abstained = sum(bool(person["abstained"]) for person in advice)
    if abstained:
        parts.append(f"no advice {count(abstained)}")
    people = "1 person" if len(advice) == 1 else f"{count(len(advice))} people"
    scale = f"Outcome: {outcome.words}, {outcome.better} is better; a positive benefit is better."
    return Text.assemble((f"{people}: ", "bold"), ", ".join(parts), "\n", (scale, "dim"))


def fared(measures: Mapping[str, Any], outcome: Outcome) -> RenderableType:
    """Mean outcomes and gains on new data."""
    scale = _scale(outcome)
    values = {name: _estimate(value) for name, value in measures["value"].items()}
    gains = {name: _estimate(gain) for name, gain in measures["gain"].items()}
    decimals = scale.decimals([*values.values(), *gains.values()])
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(f"{outcome.words}, {outcome.better} is better", overflow="fold")
    table.add_column(f"Estimate{_in_brackets(scale)}", justify="right")
    table.add_column("95% interval", justify="right", no_wrap=True)
    rows = [(VALUES.get(name, f"everyone to {name}"), scale.value(e, decimals)) for name, e in values.items()]
    rows += [(f"gain {GAINS.get(name, name)}", scale.gain(e, decimals)) for name, e in gains.items()]
    for words, shown in rows:
        table.add_row(words, shown.point, shown.interval)
    people = Text.assemble((f"{count(measures['n'])} people", "bold"), " with treatment and outcome")
    notes = [Text.assemble(("Note: ", "bold yellow"), str(text)) for text in measures.get("warnings", [])]
    return Group(people, table, *notes)


def _card(person: Advice, scale: Scale, decimals: int) -> RenderableType:
    if person["abstained"]:
        return Text.assemble(("No advice", "bold red"), f": {person['reason']}")
    words, style, meaning = STRENGTHS[person["strength"]]
    unit = f" {scale.unit}" if scale.unit else ""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("Advice", Text.assemble((person["arm"], "bold"), "  ", (words, style), f": {meaning}"))
    benefit = scale.gain(_estimate(person["benefit"]), decimals)
    grid.add_row("Benefit", f"{benefit.point}{unit} over the next best (95% interval {benefit.interval})")
    for arm, value in person["expected"].items():
        expected = scale.value(_estimate(value), decimals)
        grid.add_row(f"With {arm}", f"{expected.point}{unit} ({expected.interval}), {scale.label}")
    grid.add_row("Evidence", f"{count(person['comparable_n'])} comparable people in the study")
    for place, reason in enumerate(person["reasons"]):
        grid.add_row("" if place else "Reasons", str(reason))
    if person["reason"]:
        grid.add_row("Note", str(person["reason"]))
    return grid


def _scale(outcome: Outcome) -> Scale:
    """A binary outcome is written in percent, so it has no unit of its own."""
    binary = bool(outcome.binary)
    unit = "" if binary else outcome.unit
    return Scale(outcome.words, unit, outcome.better, outcome.important or 0.0, binary)


def _decimals(advice: Sequence[Advice], scale: Scale) -> int:
    """So many as the intervals of these people warrant, the same for all, so that they can be compared."""
    return scale.decimals(_estimate(person["benefit"]) for person in advice if not person["abstained"])


def _estimate(value: Mapping[str, float]) -> Estimate:
    return Estimate(value["estimate"], value["low"], value["high"])


def _in_brackets(scale: Scale) -> str:
    unit = "percentage points" if scale.binary else scale.unit
    return f" ({unit})" if unit else ""
