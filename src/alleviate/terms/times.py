"""Moments in time: always UTC, so that they compare and print in one way."""

from datetime import UTC, datetime

from alleviate.terms.errors import DataError

__all__ = ["check_utc", "parse_utc", "to_utc"]


def check_utc(moment: datetime, what: str) -> None:
    """Raise DataError unless ``moment`` is a datetime in ``datetime.UTC``; no other zone will do."""
    if getattr(moment, "tzinfo", None) is not UTC:
        raise DataError(f"{what} must be a datetime in UTC, got {moment!r}.", hint="Convert it with to_utc.")


def to_utc(moment: datetime) -> datetime:
    """The same moment in UTC. Raises DataError for a time without a zone: it could be any moment of a day."""
    if moment.utcoffset() is None:
        raise DataError(
            f"A time must name its zone, got {moment}.", hint="Attach the zone where it was noted."
        )
    return moment.astimezone(UTC)


def parse_utc(text: str) -> datetime:
    """A moment from ISO 8601 with an offset, such as ``2024-05-01T09:30:00+02:00``. Raises DataError."""
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise DataError(
            f"Expected an ISO 8601 time, got {text!r}.", hint="As 2024-05-01T09:30:00Z."
        ) from None
    return to_utc(moment)
