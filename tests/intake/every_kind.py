"""Records with entries of every kind, as docs/record.md writes them, with odd texts, numbers and times."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from alleviate.intake.reading import Context, Format, Item
from alleviate.records import KINDS, Entry, Event, PatientRecord

NOW = datetime(2026, 1, 1, tzinfo=UTC)

CODES = {
    "person": [
        *("MEDS_BIRTH", "MEDS_DEATH", "PERSON//sex", "PERSON//language", "PERSON//marital", "PERSON//site"),
        *("PERSON//family", "PERSON//given", "PERSON//identifier//http:%2F%2Fnhs.uk%2Fid"),
    ],
    "questionnaire": ["LOINC//44250-9", "LOINC//44261-6", "INSTRUMENT//wsas//1", "STATED//LOINC//44261-6"],
    "measurement": ["LOINC//8867-4", "LOINC//2708-6", "CODING//SNOMED//364075005"],
    "sensor": ["LOINC//55423-8"],
    "genetic": ["GENE//CYP2D6//diplotype", "GENE//CYP2C19//phenotype"],
    "condition": ["ICD10//F32.1", "ICD10//F32.1//end", "CONDITION//refuted", "CONDITION//severity"],
    "medication": ["RxNorm//36437", "RxNorm//36437//end", "MEDICATION//dose", "ATC//N06AB06"],
    "procedure": ["SNOMED//183401008", "PROCEDURE//status"],
    "session": ["SESSION//attended", "SESSION//planned", "SESSION//therapist", "SESSION//minutes"],
    "episode": ["EPISODE//start", "EPISODE//therapist", "EPISODE//end"],
    "plan": ["PLAN//activity", "PLAN//status"],
    "note": ["NOTE//progress", "NOTE//letter"],
    "goal": ["GOAL//set", "GOAL//status"],
    "preference": ["PREFERENCE//medication"],
    "consent": ["CONSENT//care", "CONSENT//research//note", "CONSENT//until"],
}
assert set(CODES) == set(KINDS)

ODD = [
    "=1+1",
    "'=1+1",
    "''@x",
    "+44 20",
    "-",
    "@sum",
    "\tx",
    "\rx",
    'say "hi"',
    "a\nb",
    "a\r\nb",
    "a;b,c\td",
    "//",
    "é",
]
TEXTS = st.sampled_from(["completed", "female", "{score}", "1970-05", "", " ", "NA", "null", *ODD]) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8
)
NUMBERS = st.sampled_from([0.0, 14.0, 36.6, 0.1, 1e300, 5e-324, 2.0**60]) | st.floats(
    allow_nan=False, allow_infinity=False
)
PLAIN = [datetime(1990, 5, 1, tzinfo=UTC), datetime(2024, 5, 6, 9, tzinfo=UTC)]
FIRST, LAST = datetime(1900, 1, 1), datetime(2025, 12, 1)  # noqa: DTZ001
MOMENTS = st.sampled_from(PLAIN) | st.datetimes(FIRST, LAST, timezones=st.just(UTC))
DELAYS = st.sampled_from([timedelta(), timedelta(days=1)]) | st.timedeltas(timedelta(), timedelta(days=20))


@st.composite
def _events(draw, subject_id, ref, kind):
    time = draw(MOMENTS)
    return Event(
        *(subject_id, time, time + draw(DELAYS), draw(st.sampled_from(CODES[kind]))),
        *(draw(st.none() | NUMBERS), draw(st.none() | TEXTS), kind, ref),
    )


@st.composite
def _records(draw, subject_id):
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=6))
    entries = [(f"Resource/{number}é", kind) for number, kind in enumerate(kinds)]
    parts = [draw(st.lists(_events(subject_id, *entry), min_size=1, max_size=4)) for entry in entries]
    return PatientRecord(subject_id, [event for part in parts for event in part])


@st.composite
def records(draw):
    """A few records, each of another subject."""
    ids = st.sampled_from(["p1", "7", "0007", "north/1", "=x", "Ä b", 'q"', " p1"])
    return [draw(_records(id)) for id in draw(st.lists(ids, unique=True, max_size=4))]


def collected(items: Iterable[Item]) -> dict[str, PatientRecord]:
    """The records that entries make; anything but an entry fails."""
    events: dict[str, list[Event]] = {}
    refs = set()
    for item in items:
        assert isinstance(item, Entry), item
        assert (item.subject_id, item.ref) not in refs, "an entry came twice"
        refs.add((item.subject_id, item.ref))
        events.setdefault(item.subject_id, []).extend(item.events)
    return {id: PatientRecord(id, found) for id, found in events.items()}


def there_and_back(format: Format, given: list[PatientRecord], folder) -> dict[str, PatientRecord]:
    """What reading gives of what was written."""
    format.write(given, folder)
    return collected(format.read(folder, Context(NOW)))
