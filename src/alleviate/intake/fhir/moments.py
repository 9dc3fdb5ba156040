"""FHIR's dates and times, which may leave out the day or the time of day."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from alleviate.intake.fhir.faults import Fault

__all__ = ["EPOCH_DAY", "Span", "days", "moment", "span", "written", "written_date"]

_FULL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)\Z")
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?\Z")
_NO_ZONE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+\Z")

EPOCH_DAY = date(1970, 1, 1).toordinal()


class Span(NamedTuple):
    """What a date leaves open: ``first`` is its first moment, ``last`` the first moment of its last day.

    Both are the same for a full date or time.
    """

    first: datetime
    last: datetime


@lru_cache(maxsize=8192)
def span(text: str) -> Span:
    """What a FHIR date, dateTime or instant may mean, in UTC. Raises ValueError with the reason."""
    try:
        if _FULL.match(text):
            moment = datetime.fromisoformat(text).astimezone(UTC)
            return Span(moment, moment)
        if parts := _DATE.match(text):
            year, month, day = (int(part) if part else 0 for part in parts.groups())
            first = datetime(year, month or 1, day or 1, tzinfo=UTC)
            return Span(first, first if day else _last_day(year, month))
    except (ValueError, OverflowError):
        raise ValueError(f'"{text[:40]}" is no day or time that exists.') from None
    if _NO_ZONE.match(text):
        raise ValueError(f'"{text}" has a time of day without a time zone, so that it could be any of many.')
    raise ValueError(f'Expected a date or time as 2024-05-06 or 2024-05-06T09:00:00Z, got "{text[:40]}".')


def _last_day(year: int, month: int) -> datetime:
    if month in {0, 12}:
        return datetime(year, 12, 31, tzinfo=UTC)
    return datetime(year, month + 1, 1, tzinfo=UTC) - timedelta(days=1)


def moment(text: str, field: str) -> Span:
    """As `span`; raises Fault at ``field``."""
    try:
        return span(text)
    except ValueError as error:
        raise Fault(field, str(error)) from None


def days(when: datetime) -> float:
    """A moment as days since 1970-01-01, whole at midnight UTC."""
    return (when - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(days=1)


def written(when: datetime) -> str:
    """A moment as FHIR writes it."""
    return when.isoformat()


def written_date(when: datetime) -> str:
    """The day of a moment as FHIR writes it."""
    return when.date().isoformat()
