"""Who a record is about, as a page's head says it."""

from dataclasses import dataclass
from datetime import date, datetime

from alleviate.records import PatientRecord
from alleviate.terms.codes import SEPARATOR

__all__ = ["Person", "age_at", "birth_date", "person_of"]

_WORD = f"PERSON{SEPARATOR}"
_NUMBER = f"{_WORD}identifier{SEPARATOR}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """``patient`` is our id; "" where something is not known or withheld. ``born`` as the source knew it:
    "1970-05-01", "1970-05" or "1970". ``numbers``: identifiers, without the systems that gave them."""

    patient: str
    family: str = ""
    given: str = ""
    born: str = ""
    sex: str = ""
    language: str = ""
    site: str = ""
    numbers: tuple[str, ...] = ()
    died: datetime | None = None

    @property
    def name(self) -> str:
        """As in a list: family name first. "" where no name may be read."""
        return ", ".join(part for part in (self.family, self.given) if part)

    @property
    def number(self) -> str:
        return self.numbers[0] if self.numbers else ""


def birth_date(born: str) -> date | None:
    """The day of birth; None where it is not known to the day."""
    try:
        return date.fromisoformat(born)
    except ValueError:
        return None


def age_at(born: str, today: date) -> int | None:
    """Whole years at ``today``; None where the day of birth is not known."""
    day = birth_date(born)
    return None if day is None else today.year - day.year - ((today.month, today.day) < (day.month, day.day))


def person_of(record: PatientRecord, patient: str) -> Person:
    """What stands in the record now; of what came twice, the latest."""
    said: dict[str, str] = {}
    given: dict[str, list[str]] = {}
    numbers: list[str] = []
    died = None
    for event in record.events:
        if event.kind != "person" or event.known_until is not None:
            continue
        words = event.text_value or ""
        if event.code == "MEDS_BIRTH":
            said["born"] = words or event.time.date().isoformat()
        elif event.code == "MEDS_DEATH":
            died = event.time
        elif event.code.startswith(_NUMBER):
            numbers.append(words)
        elif event.code == f"{_WORD}given":
            given.setdefault(event.entry, []).append(words)
        elif event.code.startswith(_WORD):
            said[event.code.removeprefix(_WORD)] = words
    names = next(reversed(given.values()), [])
    return Person(
        patient=patient,
        family=said.get("family", ""),
        given=" ".join(names),
        born=said.get("born", ""),
        sex=said.get("sex", ""),
        language=said.get("language", ""),
        site=said.get("site", ""),
        numbers=tuple(number for number in dict.fromkeys(numbers) if number),
        died=died,
    )
