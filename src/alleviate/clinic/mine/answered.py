"""Answers as the record holds them: a QuestionnaireResponse of each instrument, and what must not wait.

An answer that raises a sign of danger (`alleviate.progress.safety`) goes into the record when it is chosen,
not when the form is sent: a draft is only a draft, while what enters the record raises its alert in the same
transaction. The entry then holds that answer alone; sending the form replaces it by the whole form, under the
same ref and at the same time, so that the alert, which is known by person, rule, time and answer, is not
raised again. An answer taken back later leaves the alert standing: a person looks at it.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from alleviate.clinic.mine.forms import Answers, Section
from alleviate.progress.safety import signs, watched
from alleviate.records import Entry, Event, PatientRecord

__all__ = ["entry_of", "ref_of", "shows_danger", "urgent_entry"]

_ANY = datetime(2000, 1, 1, tzinfo=UTC)  # signs hang on answers, not on when they were given


def ref_of(invitation: str, section: Section, *, late: bool = False) -> str:
    """What the filled-in form is called in the record. ``late``: what came after the form had been sent."""
    return f"QuestionnaireResponse/{invitation}-{section.instrument.id}{'-late' if late else ''}".replace(
        "_", ""
    )


def entry_of(
    section: Section, answers: Answers, *, subject_id: str, ref: str, time: datetime, now: datetime
) -> Entry:
    """The answered items of one instrument and, where they suffice, their total. Raises DataError.

    ``time`` (UTC) is when it was filled in, ``now`` when the record comes to know.
    """
    given = section.answers(answers)
    values = {item.code: given[item.id] for item in section.instrument.items if item.id in given}
    total = section.instrument.score(given).total
    if total is not None:
        values[section.instrument.total_code] = total
    return _entry(subject_id, ref, values, time, now)


def urgent_entry(
    section: Section, answers: Answers, *, subject_id: str, ref: str, time: datetime, now: datetime
) -> Entry | None:
    """Of an unfinished form the answers that show danger, to be stored at once; None where there are none."""
    given = section.answers(answers)
    if not shows_danger(section, given):
        return None
    codes = {item.id: item.code for item in section.instrument.items}
    tiers = {id for tier in section.instrument.tiers for id in tier.any}
    flagged = {flag.item for flag in section.instrument.flags}
    values = {codes[id]: value for id, value in given.items() if id in tiers | flagged}
    return _entry(subject_id, ref, values, time, now)


def shows_danger(section: Section, given: Answers) -> bool:
    """Whether these answers (by item id) raise a sign by an answer that was given, not by one left open.

    What was not asked yet counts as no sign here: the form is not finished.
    """
    instrument = section.instrument
    reached = {id for tier in instrument.tiers if tier.flag for id in tier.any}
    events = [
        Event("x", _ANY, _ANY, item.code, float(given[item.id]), kind="questionnaire", entry="x")
        for item in instrument.items
        if item.id in given
    ]
    if any(given.get(id) == 1 for id in reached):
        return True
    return watched(events) and any(
        value is not None for sign in signs(PatientRecord("x", events)) for _, value in sign.answers
    )


def _entry(subject_id: str, ref: str, values: dict[str, float], time: datetime, now: datetime) -> Entry:
    events: Iterable[Event] = (
        Event(subject_id, time, max(time, now), code, value, kind="questionnaire", entry=ref)
        for code, value in values.items()
    )
    return Entry(subject_id, ref, "questionnaire", tuple(events))
