"""``alleviate instruments``: the questionnaires that are known, and how each is scored."""

from difflib import get_close_matches
from typing import Annotated, Any

import msgspec
import typer
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from alleviate.cli.screen import out, print_json
from alleviate.instruments import INSTRUMENTS, Instrument, Item
from alleviate.terms.errors import InputError

__all__ = ["instruments"]

WIDEST = 110
"""Columns that a page may take: beyond, lines are hard to read."""

ROOM_FOR_TITLES = 100
"""Columns from which on the list shows whole titles; below, what each instrument measures."""


def instruments(
    name: Annotated[str | None, typer.Argument(help="One of them, such as phq9.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
) -> None:
    """List the questionnaires, or show one: its items, bands, rules and sources."""
    width = min(out.width, WIDEST)
    if name is None:
        if as_json:
            print_json([_plain(instrument) for instrument in INSTRUMENTS.values()])
            return
        out.print(_table(wide=width >= ROOM_FOR_TITLES), width=width)
        out.print("Look at one:   alleviate instruments NAME", soft_wrap=True)
        return
    instrument = _find(name)
    if as_json:
        print_json(_plain(instrument))
    else:
        out.print(_page(instrument), width=width)


def _find(name: str) -> Instrument:
    """By id or abbreviation, however written. Raises InputError."""
    ids = {_key(word): i.id for i in INSTRUMENTS.values() for word in (i.id, i.abbreviation)}
    if (id := ids.get(_key(name))) is not None:
        return INSTRUMENTS[id]
    near = get_close_matches(_key(name), ids, n=1)
    hint = f'Did you mean "{ids[near[0]]}"?' if near else f"There are {', '.join(INSTRUMENTS)}."
    raise InputError(f'There is no instrument "{name}".', hint=hint)


def _key(word: str) -> str:
    return "".join(letter for letter in word.lower() if letter.isalnum())


def _plain(instrument: Instrument) -> dict[str, Any]:
    change = instrument.reliable_change
    return {
        **msgspec.to_builtins(instrument),
        "range": list(instrument.range) if instrument.total == "sum" else None,
        "least_change": change.least if change else None,
    }


def _table(*, wide: bool) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("Name", style="bold", no_wrap=True)
    table.add_column("Instrument" if wide else "Measures")
    table.add_column("Items", justify="right")
    table.add_column("Total", justify="right", no_wrap=True)
    table.add_column("Case", no_wrap=True)
    table.add_column("Change", justify="right")
    table.add_column("Licence", no_wrap=True)
    for instrument in INSTRUMENTS.values():
        licence = instrument.licence.partition(":")[0]
        table.add_row(
            instrument.id,
            instrument.title if wide else instrument.measures,
            str(len(instrument.items)),
            _total(instrument),
            _case(instrument),
            _change(instrument),
            Text(licence.lower(), style="green" if _worded(instrument) else "dim"),
        )
    legend = (
        "Case: from which total a person counts as a case. Change: the points from which on chance is no "
        "likely reason; with * the smallest difference that matters to patients."
    )
    return Group(table, Text(legend, style="dim"), Text())


def _worded(instrument: Instrument) -> bool:
    return all(item.text for item in instrument.items)


def _total(instrument: Instrument) -> str:
    if instrument.total == "sum":
        low, high = instrument.range
        return f"{low:g}–{high:g}"
    return f"{len(instrument.tiers)} tiers" if instrument.total == "tier" else "profile"


def _case(instrument: Instrument) -> str:
    if instrument.caseness is None:
        return "–"
    sign = "≥" if instrument.direction == "higher is worse" else "≤"
    usual = instrument.caseness.threshold
    others = [f"{sex} {value:g}" for sex, value in instrument.caseness.by_sex.items() if value != usual]
    return f"{sign} {usual:g}" + (f" ({', '.join(others)})" if others else "")


def _change(instrument: Instrument) -> str:
    change = instrument.reliable_change
    if change is None:
        return "–"
    return f"{round(change.least, 1):g}" + ("*" if change.kind == "important difference" else "")


def _page(instrument: Instrument) -> RenderableType:
    title = Text.assemble((instrument.abbreviation, "bold"), f"  {instrument.title}")
    parts: list[RenderableType] = [title, Text(), _facts(instrument), Text(), _items(instrument)]
    if instrument.bands or instrument.tiers:
        parts.append(_levels(instrument))
    parts.append(_sources(instrument))
    return Group(*parts)


def _pairs(rows: list[tuple[str, str]]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True, min_width=9)
    grid.add_column()
    for what, words in rows:
        grid.add_row(what, words)
    return grid


def _facts(instrument: Instrument) -> Table:
    recall = {None: "", 0: "today"}.get(instrument.recall_days, f"the past {instrument.recall_days} days")
    rows = [
        ("Measures", instrument.measures),
        ("Asks about", recall),
        ("Total", f"{_total(instrument)}, {instrument.direction}" if instrument.total == "sum" else ""),
        ("Case", _case(instrument) if instrument.caseness else ""),
    ]
    if _one_scale(instrument):
        rows.append(("Answers", "\n".join(_answers(instrument.items[0]))))
    if change := instrument.reliable_change:
        rows.append(("Change", f"{round(change.least, 1):g} points ({change.kind})"))
    rows += [(f"{subscale.name}", f"items {', '.join(subscale.items)}") for subscale in instrument.subscales]
    flags = [f"{flag.name} ≥ {flag.at_least:g}" for flag in instrument.flags]
    rows += [("Flagged", ", ".join(flags)), ("Note", instrument.note)]
    return _pairs([row for row in rows if row[1]])


def _one_scale(instrument: Instrument) -> bool:
    return len({item.labels for item in instrument.items}) == 1


def _answers(item: Item) -> list[str]:
    """Like ``0 = Not at all``; empty where the answers have no words."""
    return [f"{item.low + place:g} = {label}" for place, label in enumerate(item.labels)]


def _items(instrument: Instrument) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("Item", justify="right", no_wrap=True)
    table.add_column("Question" if _worded(instrument) else "Topic")
    table.add_column("Answers", no_wrap=True)
    table.add_column("Code", style="dim", overflow="fold")
    for item in instrument.items:
        turned = " reversed" if item.reverse else ""
        asked = Text(item.text or item.name)
        if item.labels and not _one_scale(instrument):
            asked.append("\n" + " · ".join(_answers(item)), style="dim")
        table.add_row(item.id, asked, f"{item.low:g}–{item.high:g}{turned}", item.code)
    return table


def _levels(instrument: Instrument) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("Severity")
    table.add_column("Total" if instrument.bands else "Reached by")
    for band in instrument.bands:
        table.add_row(band.name, f"{band.low:g}–{band.high:g}")
    for tier in instrument.tiers:
        table.add_row(tier.name, f"item {', '.join(tier.any)}" if tier.any else "no item")
    return table


def _sources(instrument: Instrument) -> Table:
    case, change = instrument.caseness, instrument.reliable_change
    rows = [
        ("Missing", instrument.missing.source),
        ("Severity", instrument.bands_source),
        ("Case", case.source if case else ""),
        ("Change", change.source if change else ""),
        *dict.fromkeys(("Flagged", flag.source) for flag in instrument.flags),
        ("Source", instrument.source),
        ("Licence", instrument.licence),
        ("Codes", ", ".join((*instrument.panel_codes, instrument.total_code))),
    ]
    return _pairs([row for row in rows if row[1]])
