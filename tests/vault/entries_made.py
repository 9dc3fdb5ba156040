"""Entries of invented data, as the readers of `alleviate.intake` yield them, short to write in a test."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from alleviate.records import KINDS, Entry, Event, Kind

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def day(number: int) -> datetime:
    """Midnight of a day of January 2025; 1 is the first."""
    return FIRST + (number - 1) * DAY


def entry(
    ref: str,
    subject: str,
    *values: tuple[str, float | None, str | None],
    kind: Kind = "measurement",
    at: datetime = FIRST,
    changed: datetime | None = None,
) -> Entry:
    """An entry with one event a value (code, number, text), all of the moment ``at``."""
    events = tuple(Event(subject, at, at, *value, kind, ref) for value in values)
    return Entry(subject, ref, kind, events, changed)


def pulse(number: int, subject: str, value: float, **more: Any) -> Entry:
    """One Observation of one person."""
    return entry(f"Observation/{number}", subject, ("LOINC//8867-4", value, "/min"), **more)


def person(subject: str, *, family: str = "Muster", given: str = "Anna", **more: Any) -> Entry:
    """A Patient with names, an identifier, a phone and a date of birth."""
    ref = f"Patient/{subject}"
    born = datetime(1970, 5, 1, tzinfo=UTC)
    said = (
        ("MEDS_BIRTH", None),
        ("PERSON//family", family),
        ("PERSON//given", given),
        ("PERSON//sex", "female"),
        ("PERSON//phone", "030 1234"),
        ("PERSON//identifier//urn:clinic", f"MRN-{subject}"),
    )
    events = tuple(Event(subject, born, born, code, None, text, "person", ref) for code, text in said)
    return Entry(subject, ref, "person", events, more.get("changed"))


def consent(
    number: int,
    subject: str,
    answer: str,
    purpose: str,
    kind: str = "",
    *,
    given: int = 1,
    until: int | None = None,
) -> Entry:
    """A consent given on a day of January 2025, until a day of it."""
    code = f"CONSENT//{purpose}//{kind}" if kind else f"CONSENT//{purpose}"
    values: list[tuple[str, float | None, str | None]] = [(code, None, answer)]
    if until is not None:
        values.append(("CONSENT//until", float((day(until) - datetime(1970, 1, 1, tzinfo=UTC)).days), None))
    return entry(f"Consent/{number}", subject, *values, kind="consent", at=day(given))


_MOMENTS = st.integers(-70 * 365 * 24 * 3600 * 10**6, 10**13).map(
    lambda us: FIRST + timedelta(microseconds=us)
)
_NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 27).map(float)
_WORDS = st.none() | st.text(max_size=12)
_CODES = st.sampled_from(
    [
        "LOINC//44261-6",
        "NOTE//progress",
        "MEDS_BIRTH",
        "PERSON//family",
        "PERSON//site",
        "PERSON//identifier//x",
        "ä//ö",
    ]
)


@st.composite
def any_entries(draw: st.DrawFn, most: int = 12) -> list[Entry]:
    """Entries of up to four people under few refs, so that they meet."""
    return draw(st.lists(_any_entry(), max_size=most))


@st.composite
def _any_entry(draw: st.DrawFn) -> Entry:
    subject = draw(st.sampled_from(["p1", "p2", "P1", "an Müller"]))
    ref = draw(st.sampled_from([f"Observation/{number}" for number in range(6)]))
    kind = draw(st.sampled_from([kind for kind in KINDS if kind != "consent"]))
    events = []
    for _ in range(draw(st.integers(0, 3))):
        time, known = sorted((draw(_MOMENTS), draw(_MOMENTS)))
        events.append(Event(subject, time, known, draw(_CODES), draw(_NUMBERS), draw(_WORDS), kind, ref))
    changed = draw(st.none() | st.integers(1, 20).map(day))
    return Entry(subject, ref, kind, tuple(events), changed)
