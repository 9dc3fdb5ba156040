"""For somebody who is not on track: what stands out in their data, and what to ask. The words are data."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Literal

import msgspec
from msgspec import Struct

from alleviate.instruments import Instrument
from alleviate.terms.errors import DataError
from alleviate.terms.times import check_utc

__all__ = [
    "Outstanding",
    "Questions",
    "Support",
    "default_support",
    "outstanding",
    "questions",
    "read_support",
]

What = Literal["item", "missed", "gap", "alliance"]
_DAY = 86_400.0


class Questions(Struct, frozen=True, forbid_unknown_fields=True):
    """What to ask of a domain; it comes first where one of ``first_when`` stands out."""

    domain: str
    first_when: tuple[What, ...]
    ask: tuple[str, ...]


class _Thresholds(Struct, frozen=True, forbid_unknown_fields=True):
    missed_share: float
    missed_least: int
    gap_factor: float
    gap_least_days: float
    alliance_drop_sd: float
    alliance_least: int
    item_least: float


class _Said(Struct, frozen=True, forbid_unknown_fields=True):
    item: str
    missed: str
    gap: str
    alliance: str
    silent: str


class Support(Struct, frozen=True, forbid_unknown_fields=True):
    """The file support.toml, or a clinic's own."""

    source: str
    thresholds: _Thresholds
    said: _Said
    questions: tuple[Questions, ...]


class Outstanding(Struct, frozen=True):
    """Something that stands out, and in words; ``size`` orders those of one kind, larger is worse."""

    what: What
    words: str
    size: float


def outstanding(
    *,
    instrument: Instrument | None = None,
    items: Sequence[Mapping[str, float]] = (),
    attended: Sequence[tuple[datetime, bool]] = (),
    alliance: Sequence[float] = (),
    support: Support | None = None,
) -> tuple[list[Outstanding], list[str]]:
    """What stands out, worst first within each kind; and what could not be looked at, in words.

    ``items``: the answers of each filled form of ``instrument`` by item id; ``attended``: each planned
    session (UTC) and whether it took place; ``alliance``: scores, higher is better. All in the order of time.
    """
    told = support or default_support()
    found: list[Outstanding] = []
    silent: list[str] = []
    if instrument is not None and len(items) >= 2:
        found += _items(told, instrument, items[0], items[-1])
    else:
        silent.append(told.said.silent.format(what="course of single answers"))
    if attended:
        found += _attendance(told, attended)
    else:
        silent.append(told.said.silent.format(what="planned session"))
    if len(alliance) > told.thresholds.alliance_least:
        found += _alliance(told, alliance)
    else:
        silent.append(told.said.silent.format(what="course of the alliance"))
    return found, silent


def questions(found: Sequence[Outstanding], support: Support | None = None) -> list[Questions]:
    """All domains; first those that most of what stands out speaks for, else in the file's order."""
    kinds = {each.what for each in found}
    asked = (support or default_support()).questions
    return sorted(asked, key=lambda each: -len(kinds.intersection(each.first_when)))


def _items(
    told: Support, instrument: Instrument, before: Mapping[str, float], after: Mapping[str, float]
) -> list[Outstanding]:
    """Items worse at the end than at the start, in points of the total."""
    sign = 1 if instrument.direction == "higher is worse" else -1
    found = []
    for item in instrument.items:
        first, last = before.get(item.id), after.get(item.id)
        if first is None or last is None:
            continue
        worse = sign * (item.points(last) - item.points(first))
        if worse >= told.thresholds.item_least:
            words = told.said.item.format(name=item.name, first=first, last=last)
            found.append(Outstanding("item", words, worse))
    return sorted(found, key=lambda each: -each.size)


def _attendance(told: Support, attended: Sequence[tuple[datetime, bool]]) -> list[Outstanding]:
    found = []
    for moment, _ in attended:
        check_utc(moment, "The time of a session")
    limits = told.thresholds
    missed = sum(not came for _, came in attended)
    if missed >= max(limits.missed_least, limits.missed_share * len(attended)):
        words = told.said.missed.format(missed=missed, planned=len(attended))
        found.append(Outstanding("missed", words, missed / len(attended)))
    took_place = sorted(moment for moment, came in attended if came)
    gaps = [(later - earlier).total_seconds() / _DAY for earlier, later in pairwise(took_place)]
    if len(gaps) >= 2:
        longest, usual = max(gaps), median(gaps)
        if longest >= limits.gap_least_days and longest > limits.gap_factor * usual:
            words = told.said.gap.format(days=round(longest), usual=round(usual, 1))
            found.append(Outstanding("gap", words, longest))
    return found


def _alliance(told: Support, alliance: Sequence[float]) -> list[Outstanding]:
    *earlier, last = alliance
    before = fmean(earlier)
    fall = before - last
    if fall <= 0 or fall < told.thresholds.alliance_drop_sd * stdev(earlier):
        return []
    return [Outstanding("alliance", told.said.alliance.format(before=round(before, 1), last=last), fall)]


def read_support(path: Path) -> Support:
    """A clinic's own file, of the form of support.toml. Raises DataError."""
    try:
        return _parsed(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} is no file of support: {error}", hint="Write it as progress/support.toml."
        ) from None


@cache
def default_support() -> Support:
    """What ships."""
    return _parsed((resources.files("alleviate.progress") / "support.toml").read_text(encoding="utf-8"))


def _parsed(text: str) -> Support:
    return msgspec.toml.decode(text, type=Support)
