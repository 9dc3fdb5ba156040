"""Whether a package may speak of a person at all: what it was learned from, and whom it left out."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from alleviate import features
from alleviate.features import Feature
from alleviate.records import Event, PatientRecord
from alleviate.studies.vault_sections import exclusions, spec_of
from alleviate.terms.prognosis_study import PrognosisStudy
from alleviate.terms.study import Study

__all__ = ["Started", "misfit", "started"]


@dataclass(frozen=True, slots=True)
class Started:
    """A treatment that runs: its words as recorded, and since when."""

    words: str
    at: datetime


def misfit(study: Study | PrognosisStudy, record: PatientRecord, moment: datetime) -> str:
    """Why the study does not speak of this person, in a sentence; "" where it does."""
    if not study.definitions or study.cohort is None:
        return "It was learned from a table, so a record does not tell its features."
    cohort = study.cohort
    left_out = features.at(record, moment, exclusions(cohort)).values if cohort.exclude else {}
    for name, held in left_out.items():
        if held:
            return f"The study left out people of whom this holds: {name}."
    values = features.at(record, moment, spec_of(study.definitions)).values
    labels = {feature.name: feature.words for feature in spec_of(study.definitions).features}
    for name, (low, high) in cohort.between.items():
        value = values[name]
        if not isinstance(value, float):
            return f"The study was of people with {labels[name]} {low:g} to {high:g}; here it is not known."
        if not low <= value <= high:
            return f"The study was of people with {labels[name]} {low:g} to {high:g}; here it is {value:.3g}."
    return _out_of_time(study, record, moment)


def _out_of_time(study: Study | PrognosisStudy, record: PatientRecord, moment: datetime) -> str:
    """A prognosis some time into treatment speaks of people who have come so far, and no further."""
    cohort = study.cohort
    if cohort is None or not isinstance(study, PrognosisStudy) or cohort.offset <= 0:
        return ""
    begun = started(record, cohort.start, moment)
    if begun is None:
        return f"It speaks of people {cohort.offset} days into treatment; none is running here."
    entered = begun.at + timedelta(days=cohort.offset)
    if moment < entered:
        return (
            f"It speaks of people {cohort.offset} days into treatment; here it began on {begun.at:%Y-%m-%d}."
        )
    if moment > begun.at + timedelta(days=cohort.offset + cohort.closes):
        return f"It looks {cohort.closes} days ahead from day {cohort.offset}; that time has passed."
    return ""


def started(record: PatientRecord, code: str, moment: datetime) -> Started | None:
    """The newest treatment begun and not ended by ``moment``; its end comes with its entry, or later on."""
    wanted = Feature("start", code, "category")
    known = record.at(moment).events
    starts = [event for event in known if wanted.matches(event.code) and event.time <= moment]
    for start in sorted(starts, key=lambda event: event.time, reverse=True):
        if not any(_ends(event, start) for event in known):
            return Started(start.text_value or start.code, start.time)
    return None


def _ends(event: Event, start: Event) -> bool:
    """An episode's end is EPISODE//end; that of a medicine or condition is its code with //end."""
    codes = (f"{start.code}//end", f"{start.code.removesuffix('//start')}//end")
    return event.code in codes and event.time >= start.time and event.entry == start.entry
