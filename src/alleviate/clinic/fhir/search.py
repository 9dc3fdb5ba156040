"""Search by FHIR's parameters within one person's resources (https://hl7.org/fhir/R4/search.html).

Taken are the parameters of `PARAMETERS`, several at once (and) or by commas (or), with the prefixes eq, ne,
gt, ge, lt, le, sa and eb where there is an order. Of `_lastUpdated` nothing is promised: a source may send
today what it has known for long, and what a resource says of itself does not tell when it came.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from alleviate.terms.errors import DataError

__all__ = ["PARAMETERS", "Asked", "Unknown", "asked"]

Resource = dict[str, Any]
Test = Callable[[Resource], bool]

_Looks = Mapping[str, tuple[str, ...]]
_EVERY: _Looks = {"_id": ("token", "id"), "identifier": ("token", "identifier")}
_STATUS: _Looks = {"status": ("token", "status")}
_CODED: _Looks = {"code": ("token", "code")}
_OWN: Mapping[str, _Looks] = {
    "Patient": {
        "birthdate": ("date", "birthDate"),
        "family": ("string", "name.family"),
        "gender": ("token", "gender"),
    },
    "Encounter": {**_STATUS, "type": ("token", "type"), "date": ("date", "period")},
    "EpisodeOfCare": {**_STATUS, "type": ("token", "type"), "date": ("date", "period")},
    "Condition": {
        **_CODED,
        "clinical-status": ("token", "clinicalStatus"),
        "onset-date": ("date", "onsetDateTime", "onsetPeriod"),
        "recorded-date": ("date", "recordedDate"),
    },
    "Procedure": {**_STATUS, **_CODED, "date": ("date", "performedDateTime", "performedPeriod")},
    "Observation": {
        **_STATUS,
        **_CODED,
        "category": ("token", "category"),
        "date": ("date", "effectiveDateTime", "effectivePeriod"),
    },
    "QuestionnaireResponse": {**_STATUS, "authored": ("date", "authored")},
    "MedicationStatement": {
        **_STATUS,
        "code": ("token", "medicationCodeableConcept"),
        "effective": ("date", "effectiveDateTime", "effectivePeriod"),
    },
    "MedicationRequest": {
        **_STATUS,
        "code": ("token", "medicationCodeableConcept"),
        "authoredon": ("date", "authoredOn"),
        "intent": ("token", "intent"),
    },
    "CarePlan": {**_STATUS, "date": ("date", "period"), "intent": ("token", "intent")},
    "Goal": {"lifecycle-status": ("token", "lifecycleStatus"), "start-date": ("date", "startDate")},
    "Consent": {
        **_STATUS,
        "category": ("token", "category"),
        "date": ("date", "dateTime"),
        "scope": ("token", "scope"),
    },
    "DocumentReference": {**_STATUS, "type": ("token", "type"), "date": ("date", "date")},
}
PARAMETERS: Mapping[str, _Looks] = {name: {**_EVERY, **more} for name, more in _OWN.items()}
"""Of each type its parameters, as FHIR R4 names them: their kind, and the elements that they look at."""

_PATIENT = ("patient", "subject")
_IGNORED = ("_format", "_pretty", "_count", "_offset", "_total", *_PATIENT)
_COUNT, _MOST = 100, 1000
_DATE = re.compile(r"(eq|ne|gt|ge|lt|le|sa|eb)?(\d{4}(?:-\d\d(?:-\d\d(?:T.+)?)?)?)\Z")
_END = datetime(9999, 12, 31, tzinfo=UTC)


class Unknown(DataError):
    """A parameter that this server does not know, asked for with ``handling=strict``."""


@dataclass(frozen=True, slots=True)
class Asked:
    """``count`` resources from ``offset``; those that pass all ``tests``. ``used``: the parameters taken."""

    tests: tuple[Test, ...]
    count: int
    offset: int
    used: tuple[tuple[str, str], ...]

    def found(self, resources: Iterable[Resource]) -> list[Resource]:
        return [each for each in resources if all(test(each) for test in self.tests)]


def asked(type: str, parameters: Sequence[tuple[str, str]], *, strict: bool = False) -> Asked:
    """What a query asks of resources of this type.

    Raises DataError for a value that cannot be read; where ``strict``, Unknown for a parameter that is not
    known.
    """
    tests, used = [], []
    numbers, known = {"_count": _COUNT, "_offset": 0}, PARAMETERS[type]
    for name, value in parameters:
        plain = name.partition(":")[0]
        if plain in numbers:
            numbers[plain] = _number(plain, value)
        if plain in known and name == plain:
            kind, *elements = known[plain]
            tests.append(_TESTS[kind](plain, elements, value))
            used.append((name, value))
        elif plain in _IGNORED:
            used += [(name, value)] if plain in _PATIENT else []
        elif strict or name != plain:
            raise Unknown(f"Search by {name[:60]!r} is not known here.", hint=f"Known: {', '.join(known)}.")
    return Asked(tuple(tests), min(numbers["_count"], _MOST), numbers["_offset"], tuple(used))


def _number(name: str, value: str) -> int:
    if not re.fullmatch(r"\d{1,9}", value):
        raise DataError(f"{name} is a whole number, got {value[:40]!r}.", hint="Correct it.")
    return int(value)


def _token(name: str, elements: Sequence[str], value: str) -> Test:
    wanted = [_split(part) for part in value.split(",")]

    def test(resource: Resource) -> bool:
        return any(
            (system is None or system == found[0]) and (not code or code == found[1])
            for element in elements
            for found in _tokens(resource.get(element))
            for system, code in wanted
        )

    return test


def _string(name: str, elements: Sequence[str], value: str) -> Test:
    """Whether one begins so, in capitals or not."""
    wanted = tuple(part.strip().casefold() for part in value.split(","))

    def test(resource: Resource) -> bool:
        return any(
            str(part.get(inner, "")).casefold().startswith(wanted)
            for outer, _, inner in (element.partition(".") for element in elements)
            for part in resource.get(outer, ())
        )

    return test


def _split(part: str) -> tuple[str | None, str]:
    system, bar, code = part.partition("|")
    return (system, code) if bar else (None, system)


def _tokens(element: Any) -> list[tuple[str, str]]:
    """The (system, code) pairs of a code, Coding, CodeableConcept or Identifier, or of a list of them."""
    if isinstance(element, list):
        return [token for each in element for token in _tokens(each)]
    if isinstance(element, str):
        return [("", element)]
    if not isinstance(element, dict):
        return []
    if "coding" in element:
        return _tokens(element["coding"])
    code = element.get("code", element.get("value"))
    return [(str(element.get("system", "")), str(code))] if code is not None else []


def _dated(name: str, elements: Sequence[str], value: str) -> Test:
    parts = [_range(name, part) for part in value.split(",")]

    def test(resource: Resource) -> bool:
        given = next((resource[element] for element in elements if element in resource), None)
        if given is None:
            return False
        own = _span(given)
        return any(_compared(prefix, own, span) for prefix, span in parts)

    return test


_TESTS: Mapping[str, Callable[[str, Sequence[str], str], Test]] = {
    "token": _token,
    "string": _string,
    "date": _dated,
}


def _range(name: str, text: str) -> tuple[str, tuple[datetime, datetime]]:
    match = _DATE.match(text)
    try:
        if match is None:
            raise ValueError
        return match[1] or "eq", _span(match[2])
    except (ValueError, OverflowError):
        raise DataError(
            f"{name} is a date such as ge2026-01-31, got {text[:40]!r}.", hint="Correct it."
        ) from None


def _span(given: Any) -> tuple[datetime, datetime]:
    """From when (included) to when (not included) a date, a moment or a Period is. Raises ValueError."""
    if isinstance(given, dict):
        start = _span(given["start"])[0] if "start" in given else datetime.min.replace(tzinfo=UTC)
        return start, _span(given["end"])[1] if "end" in given else _END
    text = str(given)
    if "T" in text:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment, moment + timedelta(microseconds=1)
    year, month, day = ([int(part) for part in text.split("-")] + [0, 0])[:3]
    first = datetime.combine(date(year, month or 1, day or 1), time(), UTC)
    if day:
        return first, first + timedelta(days=1)
    if month:
        return first, first.replace(year=year + month // 12, month=month % 12 + 1)
    return first, first.replace(year=year + 1)


def _compared(prefix: str, own: tuple[datetime, datetime], asked: tuple[datetime, datetime]) -> bool:
    """As https://hl7.org/fhir/R4/search.html#prefix says of ranges."""
    within = asked[0] <= own[0] and own[1] <= asked[1]
    match prefix:
        case "eq":
            return within
        case "ne":
            return not within
        case "gt":
            return own[1] > asked[1]
        case "ge":
            return own[1] > asked[1] or within
        case "lt":
            return own[0] < asked[0]
        case "le":
            return own[0] < asked[0] or within
        case "sa":
            return own[0] >= asked[1]
        case _:
            return own[1] <= asked[0]
