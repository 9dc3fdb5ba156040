"""What a person wishes for: read from the record, written to it, and held against treatments."""

import hashlib
import tomllib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from alleviate.advice.safety import Treatment
from alleviate.decisions.parts import Wanted, WishShown
from alleviate.records import Entry, Event, PatientRecord
from alleviate.terms.codes import code
from alleviate.terms.errors import InputError

__all__ = ["MOST_WORDS", "About", "Choice", "abouts", "held_against", "wish_entries", "wishes_of"]

MOST_WORDS = 80
"""Characters of a wish in somebody's own words."""

_PREFIX = "PREFERENCE//"


@dataclass(frozen=True, slots=True)
class Choice:
    """One wish. ``words`` is what the record holds, ``label`` what is shown (English; translate it).

    ``meets``, ``against``: kinds of treatments; ``effect``: a side effect to be avoided.
    """

    id: str
    label: str
    words: str
    meets: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    effect: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """One question. ``many``: several choices may stand together; ``free``: in one's own words."""

    code: str
    label: str
    question: str
    many: bool
    choices: tuple[Choice, ...] = ()
    free: bool = False

    def choice(self, id: str) -> Choice | None:
        return next((each for each in self.choices if each.id == id), None)


def abouts() -> tuple[About, ...]:
    """Every question, in the file's order."""
    return _table()


def wishes_of(record: PatientRecord) -> tuple[Wanted, ...]:
    """The wishes that stand: the newest where only one can, and all where several can."""
    known = {each.code: each for each in _table()}
    found: dict[tuple[str, str], Event] = {}
    for event in sorted(record.events, key=lambda event: (event.time, event.known_at)):
        about = event.code.removeprefix(_PREFIX)
        if event.known_until is None and event.code.startswith(_PREFIX) and event.text_value:
            many = about in known and known[about].many
            found[about, event.text_value if many else ""] = event
    order = {about: place for place, about in enumerate(known)}
    return tuple(
        Wanted(about, _choice(about, event.text_value or ""), event.text_value or "", _day(event.time))
        for (about, _), event in sorted(
            found.items(), key=lambda item: (order.get(item[0][0], len(order)), item[0])
        )
    )


def wish_entries(
    record: PatientRecord, about: str, wanted: Collection[str], now: datetime
) -> tuple[Entry, ...]:
    """What to store so that these are the wishes about it: new ones, and those of ours that no longer stand.

    ``wanted``: ids of choices, or one's own words where the question is free. Raises InputError.
    """
    asked = next((each for each in _table() if each.code == about), None)
    if asked is None:
        raise InputError(f"There is no wish about {about!r}.", hint=f"One of: {', '.join(_codes())}.")
    if len(wanted) > 1 and not asked.many:
        raise InputError(f"{asked.label}: only one wish can stand.", hint="Choose one.")
    words = {_words(asked, each) for each in wanted}
    stands = {wish.words for wish in wishes_of(record) if wish.about == about}
    if words == stands:
        return ()
    gone = [
        Entry(record.subject_id, event.entry, "preference", (), now)
        for event in record.events
        if event.code == code("PREFERENCE", about)
        and event.known_until is None
        and event.text_value not in words
        and event.entry
    ]
    new = [_entry(record.subject_id, about, each, now) for each in sorted(words - stands)]
    return (*gone, *new)


def held_against(
    wishes: Sequence[Wanted], members: Sequence[Treatment], translate: Callable[[str], str] = str
) -> tuple[WishShown, ...]:
    """How treatments (those that one option stands for) meet each wish that our list knows."""
    _ = translate
    shown = []
    for wish in wishes:
        asked = next((each for each in _table() if each.code == wish.about), None)
        choice = asked.choice(wish.choice) if asked else None
        if asked is None or choice is None or not (choice.meets or choice.against or choice.effect):
            continue
        met = [_met(choice, each) for each in members]
        value = met[0] if met and len(set(met)) == 1 else 0
        text = {1: _("Fits this wish"), -1: _("Goes against this wish"), 0: _("Cannot be said")}[value]
        shown.append(WishShown(asked.label, choice.label, value, text))
    return tuple(shown)


def _met(choice: Choice, treatment: Treatment) -> int:
    if not choice.effect:
        return (treatment.kind in choice.meets) - (treatment.kind in choice.against)
    if treatment.kind != "medicine" or choice.effect in treatment.less:
        return 1
    return -1 if choice.effect in treatment.effects else 0


def _entry(subject_id: str, about: str, words: str, now: datetime) -> Entry:
    told = "\0".join((subject_id, about, words, now.isoformat()))  # noqa: FLY002 (as written, so read)
    named = hashlib.sha256(told.encode()).hexdigest()[:32]
    ref = f"Observation/wish-{named}"
    event = Event(subject_id, now, now, code("PREFERENCE", about), None, words, "preference", ref)
    return Entry(subject_id, ref, "preference", (event,), now)


def _words(asked: About, wanted: str) -> str:
    choice = asked.choice(wanted)
    if choice is not None:
        return choice.words
    own = " ".join(wanted.split())
    if not asked.free or not own or len(own) > MOST_WORDS:
        hint = ", ".join(each.id for each in asked.choices) or f"Up to {MOST_WORDS} characters."
        raise InputError(f"{asked.label}: this is no choice.", hint=hint)
    return own


def _choice(about: str, words: str) -> str:
    asked = next((each for each in _table() if each.code == about), None)
    folded = words.casefold()
    return next((each.id for each in asked.choices if each.words.casefold() == folded), "") if asked else ""


def _codes() -> tuple[str, ...]:
    return tuple(each.code for each in _table())


def _day(moment: datetime) -> str:
    return moment.date().isoformat()


@cache
def _table() -> tuple[About, ...]:
    text = (files("alleviate.clinic") / "wishes.toml").read_text(encoding="utf-8")
    found = []
    for line in tomllib.loads(text)["about"]:
        choices = tuple(_choice_of(each) for each in line.pop("choices", ()))
        found.append(About(**line, choices=choices))
    return tuple(found)


def _choice_of(line: dict[str, Any]) -> Choice:
    told: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in line.items()}
    return Choice(**told)
