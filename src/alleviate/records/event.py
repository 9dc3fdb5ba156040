"""One thing that happened to one person, and when the record came to know it."""

from dataclasses import dataclass
from datetime import datetime
from math import isfinite

from alleviate.records.kinds import KINDS, Kind
from alleviate.terms.codes import check_code
from alleviate.terms.errors import DataError
from alleviate.terms.times import check_utc

__all__ = ["Event"]


@dataclass(frozen=True, slots=True)
class Event:
    """An event as in MEDS, and what the record knew of it when. Raises DataError.

    ``time`` is when it happened, ``known_at`` when the record knew, ``known_until`` when a correction
    replaced it (None while it stands); all in UTC. Nothing is known before it happens, so ``known_at >=
    time``: what lies ahead is recorded as the plan that was made (an appointment's event is the booking,
    its date a value). ``numeric_value`` is finite; booleans are 1 and 0, dates days since 1970-01-01;
    categories, words and the unit of a number are in ``text_value``. An event without any value states
    that it happened, or for a code that has values that from then on the value is unknown. ``entry``
    names what it came in ("QuestionnaireResponse/1"): events of an entry are replaced together; "" is on
    its own.
    """

    subject_id: str
    time: datetime
    known_at: datetime
    code: str
    numeric_value: float | None = None
    text_value: str | None = None
    kind: Kind = "measurement"
    entry: str = ""
    known_until: datetime | None = None

    def __post_init__(self) -> None:
        check_utc(self.time, "An event's time")
        check_utc(self.known_at, "An event's known_at")
        check_code(self.code)
        if self.known_at < self.time:
            raise DataError(
                f"{self.code} is said to be known at {self.known_at}, before it happened at {self.time}.",
                hint="Record a plan as an event at the time it was made.",
            )
        if self.known_until is not None:
            check_utc(self.known_until, "An event's known_until")
            if self.known_until <= self.known_at:
                raise DataError(
                    f"{self.code}, known at {self.known_at}, is said to be replaced at {self.known_until}.",
                    hint="A correction comes after what it corrects.",
                )
        if not (isinstance(self.subject_id, str) and self.subject_id):
            raise DataError(f"subject_id must be text, not empty; got {self.subject_id!r}.", hint="Give one.")
        if self.kind not in KINDS:
            raise DataError(f"A kind must be one of {', '.join(KINDS)}; got {self.kind!r}.", hint="Choose.")
        if not isinstance(self.entry, str):
            raise DataError(f"The entry of {self.code} must be text, got {self.entry!r}.", hint="Convert it.")
        number, text = self.numeric_value, self.text_value
        if type(number) is int and abs(number) < 2**53:  # a whole number, as JSON may write it
            number = float(number)
            object.__setattr__(self, "numeric_value", number)
        if number is not None and not (isinstance(number, float) and isfinite(number)):
            raise DataError(
                f"numeric_value of {self.code} must be a finite float, got {number!r}.",
                hint="Leave it out where it is missing; words go into text_value.",
            )
        if text is not None and not isinstance(text, str):
            raise DataError(f"text_value of {self.code} must be text, got {text!r}.", hint="Convert it.")
