"""A feature of one person, worked out plainly: the reference that the compiled form is held to."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from statistics import fmean, linear_regression, stdev

from alleviate.features.spec import Feature, Take
from alleviate.records import Event
from alleviate.terms.errors import DataError

__all__ = ["DAY", "WEEK", "YEAR", "Value", "kind_error", "value_of"]

Value = float | str | bool | None
"""By kind: number and date float, category str, boolean bool; None where unknown."""

DAY, WEEK, YEAR = timedelta(days=1), timedelta(weeks=1), timedelta(days=365.25)


def value_of(
    feature: Feature, known: Mapping[str, Sequence[Event]], moment: datetime, start: datetime | None
) -> Value:
    """The feature at ``moment``. ``known``: by code, the events known then, in the record's order.

    Raises DataError where a last or first value is not of the feature's kind.
    """
    if feature.since_start and start is None:
        return None
    events = [
        event
        for code in (filter(feature.matches, known) if feature.prefix else [feature.code])
        for event in known.get(code, ())
        if _within(feature, event, moment, start)
    ]
    events.sort(key=lambda event: (event.time, event.known_at, event.code))  # stable: the record's order
    if feature.take in _OF_EVENTS:
        return _OF_EVENTS[feature.take](events, moment)
    settled = [list(at_once)[-1] for _, at_once in groupby(events, key=lambda event: event.time)]
    if feature.take == "last":
        return _typed(feature, settled[-1]) if settled else None
    if feature.take == "first":
        return next((_typed(feature, event) for event in settled if _has_value(event)), None)
    return _of_numbers(feature.take, [event for event in settled if event.numeric_value is not None])


def _within(feature: Feature, event: Event, moment: datetime, start: datetime | None) -> bool:
    return (
        (feature.days is None or event.time >= moment - timedelta(days=feature.days))
        and (not feature.since_start or (start is not None and event.time >= start))
        and (not feature.text or event.text_value in feature.text)
        and (feature.events is None or event.kind == feature.events)
    )


_OF_EVENTS: Mapping[Take, Callable[[list[Event], datetime], Value]] = {
    "count": lambda events, _: float(len(events)),
    "ever": lambda events, _: bool(events),
    "time-since": lambda events, moment: (moment - events[-1].time) / DAY if events else None,
    "time-since-first": lambda events, moment: (moment - events[0].time) / DAY if events else None,
    "duration": lambda events, _: (events[-1].time - events[0].time) / DAY if events else None,
    "age": lambda events, moment: (moment - events[-1].time) / YEAR if events else None,
}


def _of_numbers(take: Take, events: list[Event]) -> float | None:
    """``events``: with a number, one a time, in the order of time."""
    numbers = [event.numeric_value for event in events if event.numeric_value is not None]
    match take:
        case _ if not numbers:
            return None
        case "mean":
            return fmean(numbers)
        case "min":
            return min(numbers)
        case "max":
            return max(numbers)
        case _ if len(numbers) == 1:
            return None
        case "sd":
            return stdev(numbers)
        case "slope":
            weeks = [(event.time - events[0].time) / WEEK for event in events]
            return linear_regression(weeks, numbers).slope
        case "change":
            return numbers[-1] - numbers[0]
        case _:  # change-last-two
            return numbers[-1] - numbers[-2]


def _has_value(event: Event) -> bool:
    return event.numeric_value is not None or event.text_value is not None


def _typed(feature: Feature, event: Event) -> Value:
    number, text = event.numeric_value, event.text_value
    if number is None and text is None:
        return None
    if feature.kind == "category":
        if text is not None:
            return text
    elif number is not None:
        if feature.kind != "boolean":
            return number
        if number in (0.0, 1.0):
            return number == 1.0
    raise kind_error(feature, event.subject_id, text if number is None else number, event.time)


def kind_error(feature: Feature, subject_id: str, found: object, time: datetime) -> DataError:
    """A value that is not of its feature's kind."""
    return DataError(
        f"{feature.name!r} must be a {feature.kind}, {subject_id!r} has {found!r} at {time}.",
        hint="Correct the record, or the kind of the feature.",
    )
