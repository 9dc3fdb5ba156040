"""The signs of danger in a record, by rule: flags that an instrument's data file declares, and risk tiers.

No model has a say and nothing is capped. That there is no sign is no finding: most people who die by suicide
had answered "not at all", so an answer of 0 is never said to mean safety.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from alleviate.instruments import INSTRUMENTS, Instrument
from alleviate.instruments.parts import Flag
from alleviate.records import Event, PatientRecord
from alleviate.records.questionnaires import Filled, questionnaires

__all__ = ["Sign", "of_a_form", "signs", "watched"]

_KINDS = ("questionnaire", "measurement")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Sign:
    """A flag that stands: of which instrument, when it was answered and when the record knew.

    ``answers``: the items that raise it, as ``("9", 2.0)``; an unknown one has None. ``entries``: what
    they came in.
    """

    time: datetime
    instrument: str
    flag: str
    answers: tuple[tuple[str, float | None], ...]
    known_at: datetime
    entries: tuple[str, ...]

    @property
    def rule(self) -> str:
        """The rule's name, as in escalation.toml: "phq9//item 9"."""
        return f"{self.instrument}//{self.flag}"


def watched(events: Iterable[Event]) -> bool:
    """Whether any of these events could raise a sign, alone or with others: cheap, and never wrongly no."""
    flags, tiers = _watched()
    for event in events:
        least, value = flags.get(event.code), event.numeric_value
        if event.code in tiers or (least is not None and value is not None and value >= least):
            return True
    return False


def of_a_form(events: Iterable[Event]) -> bool:
    """Whether any of these events makes a tier with others of its form, so that the whole form is needed."""
    return any(event.code in _watched()[1] for event in events)


def signs(record: PatientRecord) -> list[Sign]:
    """The signs of everything that stands in the record, by time.

    A flag hangs on its answer alone, also one above the item's range; a tier on the form that its items came
    in, where an item that is not known counts as yes. The same answer come twice is one sign.
    """
    events = [e for e in record.events if e.known_until is None and e.kind in _KINDS]
    forms = [form for form in questionnaires(record) if INSTRUMENTS[form.instrument].tiers]
    scored = {(form.instrument, form.time) for form in forms}
    found = [*_flagged(events), *_tiered(forms), *_stated(events, scored)]
    first: dict[tuple[object, ...], Sign] = {}
    for sign in sorted(found, key=lambda sign: (sign.time, sign.known_at, sign.rule, sign.entries)):
        first.setdefault((sign.time, sign.rule, sign.answers), sign)
    return list(first.values())


@cache
def _watched() -> tuple[dict[str, float], frozenset[str]]:
    """The least answer that raises a flag, by its item's code; the codes of items that make tiers."""
    flags: dict[str, float] = {}
    for _, flag, code in _flags():
        flags[code] = min(flag.at_least, flags.get(code, flag.at_least))
    tiers = {
        code
        for instrument in _tier_instruments()
        for code in (instrument.total_code, *(item.code for item in instrument.items))
    }
    return flags, frozenset(tiers)


@cache
def _tier_instruments() -> list[Instrument]:
    return [instrument for instrument in INSTRUMENTS.values() if instrument.tiers]


@cache
def _flags() -> list[tuple[Instrument, Flag, str]]:
    """Every flag there is, with the code of its item."""
    return [
        (instrument, flag, item.code)
        for instrument in INSTRUMENTS.values()
        for flag in instrument.flags
        for item in instrument.items
        if item.id == flag.item
    ]


def _flagged(events: Iterable[Event]) -> Iterator[Sign]:
    for event in events:
        value = event.numeric_value
        for instrument, flag, code in _flags():
            if event.code == code and value is not None and value >= flag.at_least:
                yield Sign(
                    time=event.time,
                    instrument=instrument.id,
                    flag=flag.name,
                    answers=((flag.item, value),),
                    known_at=event.known_at,
                    entries=(event.entry,),
                )


def _tiered(forms: Iterable[Filled]) -> Iterator[Sign]:
    for form in forms:
        instrument = INSTRUMENTS[form.instrument]
        tier = next((tier for tier in instrument.tiers if tier.name == form.severity), None)
        if tier and tier.flag:
            yield Sign(
                time=form.time,
                instrument=instrument.id,
                flag=tier.flag,
                answers=tuple((id, form.items.get(id)) for id in _reaching(instrument, form, tier.any)),
                known_at=form.known_at,
                entries=form.entries,
            )


def _reaching(instrument: Instrument, form: Filled, ids: tuple[str, ...]) -> list[str]:
    """The items of a tier that are answered yes; where none is, those that are not known."""
    skipped = {
        item.id
        for item in instrument.items
        if item.skip and form.items.get(item.skip.item) == item.skip.equals
    }
    yes = [id for id in ids if form.items.get(id) == 1]
    return yes or [id for id in ids if id not in form.items and id not in skipped]


def _stated(events: Iterable[Event], scored: set[tuple[str, datetime]]) -> Iterator[Sign]:
    """Levels of risk that came without items; one whose name we do not know counts as the highest."""
    for event in events:
        for instrument in _tier_instruments():
            if event.code != instrument.total_code or (instrument.id, event.time) in scored:
                continue
            said = (event.text_value or "").casefold()
            named = [tier for tier in instrument.tiers if tier.name in said]
            flag = (named or list(instrument.tiers))[0].flag
            if flag:
                yield Sign(
                    time=event.time,
                    instrument=instrument.id,
                    flag=flag,
                    answers=(("total", event.numeric_value),),
                    known_at=event.known_at,
                    entries=(event.entry,),
                )
