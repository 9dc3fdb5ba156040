"""Dates and numbers as a reader of one language and country writes them. What is not there is a dash."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache, lru_cache
from importlib.resources import files
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, format_timedelta
from babel.numbers import format_decimal, format_percent

__all__ = ["MISSING", "Formats", "percent_sign", "zone_of"]

MISSING = "–"


@cache
def _zones() -> dict[str, str]:
    return tomllib.loads((files("alleviate.clinic.looks") / "zones.toml").read_text(encoding="utf-8"))


def zone_of(country: str) -> tzinfo:
    """The time zone of a country (two letters); UTC where we do not know it."""
    return ZoneInfo(_zones()[country]) if country in _zones() else UTC


def percent_sign(locale: Locale) -> str:
    """As it stands after a number: with a space in German, without one in English."""
    return "\N{NO-BREAK SPACE}%" if locale.language == "de" else "%"


@dataclass(frozen=True, slots=True)
class Formats:
    """The filters of templates: ``|day`` ``|short_day`` ``|moment`` ``|clock`` ``|ago(now)`` ``|number(1)``
    ``|percent``. Times come with their zone and are shown in that of the clinic."""

    locale: Locale
    zone: tzinfo

    def filters(self) -> dict[str, Callable[..., str]]:
        return {
            "day": self.day,
            "short_day": self.short_day,
            "moment": self.moment,
            "clock": self.clock,
            "ago": self.ago,
            "number": self.number,
            "percent": self.percent,
        }

    def day(self, value: date | None) -> str:
        """23 November 2026"""
        return MISSING if value is None else _dated(_day_of(self._here(value)), "long", self.locale)

    def short_day(self, value: date | None) -> str:
        """23 Nov 2026"""
        return MISSING if value is None else _dated(_day_of(self._here(value)), "medium", self.locale)

    def clock(self, value: datetime | None) -> str:
        """14:05"""
        return MISSING if value is None else format_time(self._time(value), "HH:mm", locale=self.locale)

    def moment(self, value: datetime | None) -> str:
        """23 November 2026, 14:05"""
        return MISSING if value is None else f"{self.day(value)}, {self.clock(value)}"

    def ago(self, value: datetime | None, now: datetime) -> str:
        """3 days ago"""
        if value is None:
            return MISSING
        passed = min(value - now, timedelta(seconds=-1))
        return format_timedelta(passed, add_direction=True, locale=self.locale, threshold=1)

    def number(self, value: float | None, decimals: int = 0) -> str:
        """1,234.5 with ``decimals`` places, always all of them."""
        if value is None or value != value:
            return MISSING
        return _numbered(value, decimals, self.locale)

    def percent(self, value: float | None, decimals: int = 0) -> str:
        """0.25 is 25%."""
        if value is None or value != value:
            return MISSING
        pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
        pattern += percent_sign(self.locale)
        return format_percent(value, pattern, locale=self.locale).replace("-", "\N{MINUS SIGN}")

    def _here(self, value: date) -> date:
        return self._time(value) if isinstance(value, datetime) else value

    def _time(self, value: datetime) -> datetime:
        return value.astimezone(self.zone).replace(tzinfo=None)


# A page shows the same few scores and days again and again; to write one takes longer than all around it.


@lru_cache(maxsize=4096)
def _numbered(value: float, decimals: int, locale: Locale) -> str:
    # Half of the last place and nearer to 0 is 0, never −0.
    value = 0.0 if abs(value) < 0.5 * 10**-decimals else value
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    return format_decimal(value, pattern, locale=locale).replace("-", "\N{MINUS SIGN}")


@lru_cache(maxsize=4096)
def _dated(day: date, style: Literal["long", "medium"], locale: Locale) -> str:
    return format_date(day, style, locale=locale)


def _day_of(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value
