"""All that is kept about a person besides the record itself, as plain values and in words.

GDPR article 15: what is held, who has it, what a computer works out from it, and who looked. Nobody is named:
each account is said as what somebody is. Left out are the hashes of codes to open a questionnaire, which
would help to guess them and say nothing of anybody.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from alleviate.clinic.mine.forms import form_of, shown
from alleviate.clinic.mine.looked import Look
from alleviate.clinic.mine.seers import Seers
from alleviate.clinic.recommending.aid import PatientAid, Translate, patient_words
from alleviate.clinic.recommending.ledger import Kept, kept
from alleviate.decisions.decision import ELSE, NOTHING
from alleviate.instruments import INSTRUMENTS
from alleviate.records import PatientRecord
from alleviate.records.questionnaires import questionnaires
from alleviate.vault import Chart, Sheet

__all__ = ["Advised", "Answered", "advice", "answered", "beside", "labels"]

_SECRET = {"invitation": ("typed",), "content": ("data",)}
"""Of each kind of sheet what is not told: hashes of codes; and what is in documents: files of their own."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One filled-in questionnaire in words. ``total`` in its points, None where too few were answered."""

    at: datetime
    title: str
    total: float | None
    most: float
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Advised:
    """What was worked out and shown, as a patient reads it (``aid``), and what became of it.

    ``moves``: when, who (in words), which move, what was chosen, why, and a note.
    """

    found: Kept
    aid: PatientAid
    moves: tuple[tuple[datetime, str, str, str, str, str], ...]


def beside(chart: Chart, looks: Iterable[Look], seers: Seers) -> dict[str, Any]:
    """All of the chart that is no event of the record, and who looked, for programs."""
    told = {
        "care_team": [msgspec.to_builtins(member) for member in chart.team],
        "alerts": [msgspec.to_builtins(alert) for alert in chart.alerts],
        "courses": [msgspec.to_builtins(result) for result in chart.courses],
        "sheets": [_sheet(sheet) for sheet in chart.sheets],
        "looks": [
            {
                "first": look.first,
                "last": look.last,
                "by": look.actor,
                "did": look.done,
                "for": look.purpose,
                "emergency": look.glass,
                "times": look.times,
            }
            for look in looks
        ],
    }
    plain: dict[str, Any] = seers.told(msgspec.to_builtins(told))
    return plain


def _sheet(sheet: Sheet) -> dict[str, Any]:
    hidden = _SECRET.get(sheet.kind, ())
    body = {name: value for name, value in sheet.body.items() if name not in hidden}
    return {
        "kind": sheet.kind,
        "id": sheet.id,
        "thread": sheet.thread,
        "at": sheet.at,
        "by": sheet.by,
        "body": body,
    }


def answered(record: PatientRecord, language: str) -> list[Answered]:
    """Every questionnaire that stands in the record, the newest first, with its questions where these may be
    shown."""
    found = []
    for form in reversed(questionnaires(record)):
        instrument = INSTRUMENTS[form.instrument]
        lines: tuple[tuple[str, str], ...] = ()
        if shown(form.instrument):
            questions = form_of((form.instrument,), language).questions
            values = {question.key: form.items.get(question.item.id) for question in questions}
            given = {key: value for key, value in values.items() if value is not None}
            lines = tuple((q.words, q.chosen(given)) for q in questions if q.key in given)
        found.append(Answered(form.time, instrument.abbreviation, form.total, instrument.range[1], lines))
    return found


def advice(chart: Chart, seers: Seers, translate: Translate) -> list[Advised]:
    """Every advice that was ever shown about the person, the newest first."""
    return [_advised(one, seers, translate) for one in kept(chart.sheets)]


def _advised(one: Kept, seers: Seers, _: Translate) -> Advised:
    titles = {option.arm: _(option.title) for option in one.proposal.options}
    titles |= {ELSE: _("Something else"), NOTHING: _("Nothing for now")}
    moves = []
    for act in one.decision.acts:
        why = ""
        if act.reason is not None:
            why = ". ".join(part for part in (_(act.reason.text), act.reason.words) if part)
        who = seers.of(act.by) if act.role is not None else _("A program of the clinic")
        moves.append((act.at, who, act.move, titles.get(act.chosen, act.chosen), why, act.note))
    return Advised(one, patient_words(one.proposal, _), tuple(moves))


def labels(record: PatientRecord) -> Mapping[str, str]:
    """Words for the codes in the record that are questions or totals of a questionnaire we know."""
    found: dict[str, str] = {}
    for instrument in INSTRUMENTS.values():
        found[instrument.total_code] = instrument.abbreviation
        for item in instrument.items:
            found.setdefault(item.code, f"{instrument.abbreviation}: {item.name}")
    return {event.code: found[event.code] for event in record.events if event.code in found}
