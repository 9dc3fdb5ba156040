"""The courses of treatment in a record, as the service is judged by them."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from alleviate.clinic.patient.contacts import Contact, Episode, contacts, episodes
from alleviate.oversight.service import Score, Spell
from alleviate.records import PatientRecord
from alleviate.records.questionnaires import Filled, questionnaires

__all__ = ["spells_of"]

_SITE = "PERSON//site"


def spells_of(person: int, record: PatientRecord) -> Iterator[Spell]:
    """Each course of treatment; for somebody without one who came, that they wait."""
    came = [contact for contact in contacts(record) if contact.state == "attended"]
    forms = questionnaires(record)
    site = next((e.text_value for e in reversed(record.events) if e.code == _SITE), None) or ""
    depression, anxiety = _scores(forms, "phq9"), _scores(forms, "gad7")
    begun = episodes(record)
    if not begun and came and _alive(record):
        yield Spell(person=person, site=site, asked=came[0].at, depression=depression, anxiety=anxiety)
    free_since: datetime | None = None
    for turn, episode in enumerate(begun, 1):
        yield Spell(
            person=person,
            site=site,
            treatment=episode.treatment,
            therapist=episode.therapist,
            turn=turn,
            asked=_asked(came, free_since, episode.since),
            since=episode.since,
            until=episode.until,
            reason=episode.reason,
            contacts=_within(came, episode),
            depression=depression,
            anxiety=anxiety,
        )
        free_since = episode.until


def _asked(came: Iterable[Contact], after: datetime | None, start: datetime) -> datetime | None:
    """The first contact that led to a course: after the end of the one before it."""
    return next((c.at for c in came if c.at < start and (after is None or c.at > after)), None)


def _within(came: Iterable[Contact], episode: Episode) -> int:
    end = episode.until
    return sum(episode.since <= c.at and (end is None or c.at <= end) for c in came)


def _scores(forms: Iterable[Filled], instrument: str) -> tuple[Score, ...]:
    return tuple((f.time, f.total) for f in forms if f.instrument == instrument and f.total is not None)


def _alive(record: PatientRecord) -> bool:
    return all(event.code != "MEDS_DEATH" for event in record.events)
