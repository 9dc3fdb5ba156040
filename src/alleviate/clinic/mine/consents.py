"""What a person permits: statements as entries of the record and back, in force and as history."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from alleviate.records import KINDS, Entry, Event, Kind
from alleviate.terms.codes import SEPARATOR, code
from alleviate.terms.errors import DataError
from alleviate.vault.consent import permitted

__all__ = ["ASKED", "Asked", "Standing", "Statement", "entry_of", "history", "standing"]

Asked = Literal["care", "research", "model-training"]
ASKED: tuple[Asked, ...] = get_args(Asked)
"""The purposes for which a person is asked; their own rights need no consent."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNTIL = code("CONSENT", "until")


@dataclass(frozen=True, slots=True)
class Statement:
    """What was said at ``given`` (UTC). ``kind`` None: of everything. ``last_day``: where it runs out.

    ``standing``: whether the source has not replaced it since.
    """

    purpose: str
    kind: Kind | None
    permits: bool
    given: datetime
    last_day: datetime | None = None
    standing: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """What is permitted for ``purpose`` now. ``since``: the newest statement about it, or None."""

    purpose: Asked
    allowed: frozenset[Kind]
    since: datetime | None

    @property
    def degree(self) -> Literal["all", "some", "none"]:
        if not self.allowed:
            return "none"
        return "all" if self.allowed.issuperset(KINDS) else "some"


def entry_of(
    subject_id: str, ref: str, purpose: str, kind: str | None, permits: bool, now: datetime
) -> Entry:
    """What is said now (UTC), as an entry of its own: it writes nothing over. Raises DataError."""
    if purpose not in ASKED:
        raise DataError(f"Consent is for {', '.join(ASKED)}, not for {purpose!r}.", hint="Choose one.")
    if kind is not None and kind not in KINDS:
        raise DataError("There is no such kind of data.", hint=f"One of: {', '.join(KINDS)}.")
    named = code("CONSENT", purpose) if kind is None else code("CONSENT", purpose, kind)
    said = "permit" if permits else "deny"
    event = Event(subject_id, now, now, named, None, said, kind="consent", entry=ref)
    return Entry(subject_id, ref, "consent", (event,))


def history(events: Iterable[Event]) -> list[Statement]:
    """Everything ever said in these events, newest first; of one moment in the order of purpose and kind."""
    consents = [event for event in events if event.kind == "consent"]
    ends: dict[str, datetime] = {}
    for event in consents:
        if event.code == _UNTIL and event.numeric_value is not None and event.entry:
            day = _day(event.numeric_value)
            ends[event.entry] = min(day, ends.get(event.entry, day))
    found = []
    for event in consents:
        word, purpose, *rest = [*event.code.split(SEPARATOR), ""]
        kind = next((kind for kind in KINDS if [kind, ""] == rest), None)
        if word != "CONSENT" or event.code == _UNTIL or (kind is None and rest != [""]):
            continue
        found.append(
            Statement(
                purpose,
                kind,
                event.text_value == "permit",
                event.time,
                ends.get(event.entry),
                event.known_until is None,
            )
        )
    return sorted(found, key=lambda each: (each.given, each.purpose, each.kind or ""), reverse=True)


def standing(events: Iterable[Event], now: datetime) -> list[Standing]:
    """What is permitted now, for each purpose, by the vault's own rules."""
    events = list(events)
    said = history(events)
    return [
        Standing(
            purpose,
            permitted(events, purpose, now),
            next((each.given for each in said if each.purpose == purpose and each.given <= now), None),
        )
        for purpose in ASKED
    ]


def _day(number: float) -> datetime:
    return _EPOCH + timedelta(days=max(min(number, 2_900_000), -700_000))
