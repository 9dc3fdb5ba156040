"""What was known of a person at a moment, as the variables of a screen; and the moments to learn from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alleviate.instruments import INSTRUMENTS, Instrument
from alleviate.records import Event, PatientRecord
from alleviate.records.questionnaires import Filled, questionnaires
from alleviate.terms.codes import SEPARATOR

__all__ = ["Known", "Moment", "known", "moments", "oriented"]

MOST_MOMENTS = 4
"""Of one person, spread over their time: more of the same person tell little."""

OLDEST = 365
"""Days after which an answer is no longer counted at all: how much it still tells was not learned."""

YEAR = 365.25
VOCABULARIES = ("ICD10", "ICD10CM", "SNOMED")
ICD_STEM = 3


@dataclass(frozen=True, slots=True)
class Known:
    """``values``: by variable name. ``said``: in words, answers by their total. ``forms``: the fresh ones,

    whether or not it has a total. ``answered``: codes of the fresh answers. ``language``, ``age``:
    where known.
    """

    values: Mapping[str, float]
    said: Mapping[str, str]
    forms: Mapping[str, Filled]
    answered: frozenset[str]
    age: float | None
    language: str | None


@dataclass(frozen=True, slots=True)
class Moment:
    """Of one person: what was known, and the instruments that were asked at that very time."""

    known: Known
    asked: frozenset[str]


def oriented(instrument: Instrument, total: float) -> float:
    """A total, or a cut-off, such that higher is worse."""
    return total if instrument.direction == "higher is worse" else -total


def known(
    record: PatientRecord,
    moment: datetime,
    days: int,
    *,
    diagnoses_before: datetime | None = None,
    forms_then: Sequence[Filled] | None = None,
) -> Known:
    """What ``record`` knew at ``moment``; answers of the last ``days`` are fresh.

    ``diagnoses_before``: only diagnoses known before then, where the answers of the moment led to some. Who
    has no diagnosis at all in the record may yet have some: that is not known. ``forms_then``: the
    questionnaires that the record knew, where they have been read.
    """
    then = record.at(moment)
    values, said = {}, {}
    forms: dict[str, Filled] = {}
    answered: set[str] = set()
    fresh = moment - timedelta(days=days)
    for form in questionnaires(then) if forms_then is None else forms_then:
        instrument = INSTRUMENTS[form.instrument]
        if form.time < moment - timedelta(days=max(OLDEST, days)):
            continue
        if form.time < fresh:
            if form.total is not None:
                values[name := f"before {instrument.id}"] = oriented(instrument, form.total)
                said[name] = f"{instrument.abbreviation} of {form.total:g} earlier, on {form.time:%Y-%m-%d}"
            continue
        forms[instrument.id] = form
        if form.total is not None:
            values[instrument.id] = oriented(instrument, form.total)
            said[instrument.id] = f"{instrument.abbreviation} of {form.total:g} on {form.time:%Y-%m-%d}"
        for id, answer in form.items.items():
            item = instrument.item(id)
            assert item is not None
            answered.add(item.code)
            values[name := f"item {item.code}"] = item.points(answer)
            own = f"{answer:g} on {item.name} ({instrument.abbreviation})"
            said[name] = own if form.total is None else said[instrument.id]
    birth, sex, language = _person(then.events)
    age = None if birth is None else float((moment - birth).days // YEAR)
    if age is not None:
        values["age"], said["age"] = age, f"age {age:g}"
    if sex in ("female", "male"):
        values["female"], said["female"] = float(sex == "female"), sex
    for stem, words in _diagnoses(then.events, diagnoses_before).items():
        values[name := f"had {stem}"] = 1.0
        said[name] = words
    return Known(
        values,
        said,
        forms,
        frozenset(answered),
        age,
        language,
    )


def moments(record: PatientRecord, days: int) -> list[Moment]:
    """The days on which somebody filled in questionnaires, at most four, from the first to the last."""
    by_day: dict[object, list[Filled]] = {}
    standing = questionnaires(record)
    corrected = any(event.known_until for event in record.events)
    for form in standing:
        if form.total is not None and INSTRUMENTS[form.instrument].caseness:
            by_day.setdefault(form.time.date(), []).append(form)
    order = list(by_day.values())
    if len(order) > MOST_MOMENTS:
        order = [order[i * (len(order) - 1) // (MOST_MOMENTS - 1)] for i in range(MOST_MOMENTS)]
    found = []
    for forms in order:
        moment = max(form.known_at for form in forms)
        then = None if corrected else [form for form in standing if form.known_at <= moment]
        before = min(form.time for form in forms)
        told = known(record, moment, days, diagnoses_before=before, forms_then=then)
        found.append(Moment(told, frozenset(form.instrument for form in forms)))
    return found


def _person(events: Iterable[Event]) -> tuple[datetime | None, str | None, str | None]:
    """Birth, sex, language."""
    birth = sex = language = None
    for event in events:
        if event.code == "MEDS_BIRTH":
            birth = event.time
        elif event.code == f"PERSON{SEPARATOR}sex":
            sex = event.text_value
        elif event.code == f"PERSON{SEPARATOR}language":
            language = event.text_value
    return birth, sex, language


def _diagnoses(events: Iterable[Event], before: datetime | None) -> dict[str, str]:
    """The first three characters of ICD-10 codes, other codes whole, and words for them."""
    found = {}
    for event in events:
        vocabulary, _, rest = event.code.partition(SEPARATOR)
        if event.kind != "condition" or vocabulary not in VOCABULARIES or rest.endswith(f"{SEPARATOR}end"):
            continue
        if before is None or event.known_at < before:
            stem = rest[:ICD_STEM] if vocabulary.startswith("ICD10") else rest
            found[stem] = f"a diagnosis on record ({event.text_value or stem})"
    return found
