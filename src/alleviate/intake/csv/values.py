"""Cells as numbers and moments, by the mapping's word on how they are written."""

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from alleviate.intake.cells import CellError
from alleviate.intake.csv.mapping import Layout, Meaning
from alleviate.intake.tables.table import MISSING, quoted
from alleviate.terms.errors import DataError

__all__ = ["Writing", "value_of"]

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_PARTIAL = re.compile(r"(\d{4})(?:-(\d{2}))?", re.ASCII)
_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YES = {
    "yes": 1.0,
    "true": 1.0,
    "y": 1.0,
    "t": 1.0,
    "1": 1.0,
    "no": 0.0,
    "false": 0.0,
    "n": 0.0,
    "f": 0.0,
    "0": 0.0,
}


class Writing:
    """How a table writes things: decimals, moments, what is missing, and whether formulas were defused."""

    def __init__(self, layout: Layout) -> None:
        self._comma = layout.decimal == ","
        self._format = layout.time_format
        self._zone = ZoneInfo(layout.zone)
        self._defused = layout.defused
        given = layout.missing
        self._missing = (
            frozenset({"", *given}) if given is not None else frozenset({""}) if self._defused else MISSING
        )

    def cell(self, raw: str) -> str | None:
        """The text of a cell, None where it is missing. Of a defused one exactly what it was."""
        if self._defused:
            return None if not raw else raw[1:] if raw[0] == "'" else raw
        text = raw.strip()
        return None if text in self._missing else text

    def number(self, text: str) -> float | None:
        """None where it is no number."""
        if self._comma and "." not in text:
            text = text.replace(",", ".", 1)
        return float(text) if _NUMBER.fullmatch(text) else None

    def moment(self, text: str, column: str, written: str | None = None) -> tuple[datetime, datetime]:
        """When it was, and when that was known at the earliest: the same, or the last day of a month or year.

        ``written`` is a format of the column's own. Raises CellError.
        """
        written = written or self._format
        try:
            if written is None and (partial := _PARTIAL.fullmatch(text)):
                year, month = int(partial[1]), int(partial[2] or 1)
                last_month = month if partial[2] else 12
                last_day = monthrange(year, last_month)[1]
                return datetime(year, month, 1, tzinfo=UTC), datetime(year, last_month, last_day, tzinfo=UTC)
            if written is None:
                moment = datetime.fromisoformat(text)
                whole_day = len(text) <= len("2024-05-06") and "T" not in text
            else:
                moment = datetime.strptime(text, written)  # noqa: DTZ007
                whole_day = re.search("%[HIMSfpcXT]", written) is None
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC if whole_day else self._zone)
            moment = moment.astimezone(UTC)
        except (ValueError, OverflowError):
            like = written or "2024-05-06 or 2024-05-06T09:30"
            raise CellError(column, f"Expected a moment as {like}, got {quoted(text)}.") from None
        return moment, moment


def value_of(
    text: str, meaning: Meaning, writing: Writing, column: str
) -> tuple[str, float | None, str | None]:
    """Code, number and words that a cell stands for. Raises CellError."""
    answer = meaning.answers.get(text.lower())
    if isinstance(answer, str):
        return meaning.code, None, answer
    if meaning.holds == "text" and answer is None:
        if meaning.answers and text not in meaning.answers.values():
            raise CellError(column, f"Expected one of {_listed(meaning)}, got {quoted(text)}.")
        return meaning.code, None, text
    if meaning.holds == "code" and answer is None:
        return f"{meaning.code}//{text.replace('/', '%2F')}", None, None
    number = _number(text, meaning, writing, column) if answer is None else float(answer)
    if meaning.instrument is not None and meaning.item is not None:
        try:
            meaning.instrument.check(meaning.item, number)
        except DataError as error:
            raise CellError(column, error.message) from None
    return meaning.code, number, meaning.unit


def _number(text: str, meaning: Meaning, writing: Writing, column: str) -> float:
    if meaning.holds == "date":
        return float((writing.moment(text, column, meaning.written)[0] - _EPOCH) // _DAY)
    number = _YES.get(text.lower()) if meaning.holds == "yes" else writing.number(text)
    if number is None or (
        meaning.answers and meaning.item is None and number not in meaning.answers.values()
    ):
        expected = "yes or no" if meaning.holds == "yes" else "a number"
        if meaning.answers:
            expected += f" or one of {_listed(meaning)}"
        raise CellError(column, f"Expected {expected}, got {quoted(text)}.")
    if number in (float("inf"), float("-inf")):
        raise CellError(column, f"Expected a finite number, got {quoted(text)}.")
    return number


def _listed(meaning: Meaning) -> str:
    shown = ", ".join(list(meaning.answers)[:8])
    return shown if len(meaning.answers) <= 8 else f"{shown}, …"
