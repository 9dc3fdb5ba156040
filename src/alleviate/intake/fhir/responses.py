"""QuestionnaireResponse: the answers to an instrument's items, and the total that they make."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from alleviate.instruments import INSTRUMENTS, Instrument, Item, instrument_of_total, instruments_with_item
from alleviate.intake.fhir.draft import Draft
from alleviate.intake.fhir.faults import Fault
from alleviate.intake.fhir.forms import (
    LOINC_FORM,
    OUR_FORM,
    Form,
    aliased,
    defined,
    item_worded,
    knows,
    link_code,
    linked,
    value_in,
    weight_of,
)
from alleviate.intake.fhir.moments import Span, written
from alleviate.intake.fhir.shapes import Reference, Resource, Shape
from alleviate.intake.fhir.values import Valued, value_of
from alleviate.records import Event
from alleviate.terms.codes import SEPARATOR, code

__all__ = ["QuestionnaireResponse", "read", "write"]


STATED = f"STATED{SEPARATOR}"


class Answer(Valued):
    """An answer, which may have further questions below it."""

    item: tuple["Asked", ...] = ()


class Asked(Shape):
    """A question with its answers, or a group of questions."""

    link_id: str = ""
    definition: str | None = None
    text: str | None = None
    answer: tuple[Answer, ...] = ()
    item: tuple["Asked", ...] = ()


class QuestionnaireResponse(Resource):
    """What is read of a QuestionnaireResponse."""

    questionnaire: str | None = None
    subject: Reference | None = None
    authored: str | None = None
    item: tuple[Asked, ...] = ()


@dataclass(slots=True)
class Line:
    """One answered question: where it stands, its own code if it has one, its words, its answers."""

    name: str
    link: str
    code: str | None
    text: str
    answers: tuple[Answer, ...]


def _lines(items: Iterable[Asked], form: Form | None, name: str) -> Iterator[Line]:
    for place, item in enumerate(items):
        here = f"{name}item[{place}]"
        if item.answer:
            own = (form.codes.get(item.link_id) if form else None) or link_code(item.link_id)
            own = own or defined(item.definition)
            words = item.text or (form.texts.get(item.link_id) if form else None) or ""
            yield Line(here, item.link_id, own, words, item.answer)
        yield from _lines(item.item, form, f"{here}.")
        for number, answer in enumerate(item.answer):
            yield from _lines(answer.item, form, f"{here}.answer[{number}].")


def read(source: QuestionnaireResponse, draft: Draft) -> None:
    """Adds an event an answer, and the totals recomputed from them. Raises Fault."""
    if not source.authored:
        raise Fault("authored", "It does not say when it was filled in.")
    when = draft.at(source.authored, "authored")
    form: Form | None = draft.forms.find(source.questionnaire, draft.contained)
    lines = list(_lines(source.item, form, ""))
    named = (form and form.instrument) or linked(source.questionnaire or "")
    left = lines
    for instrument in _instruments(lines, form, named):
        left = _score(instrument, left, form, draft, when)
    about = form.name if form else _name(source.questionnaire)
    for line in left:
        _plain(line, about, draft, when)


def _name(canonical: str | None) -> str:
    address = (canonical or "unnamed").split("|")[0]
    return unquote(address.removeprefix("urn:alleviate:questionnaire:"))


def _instruments(lines: list[Line], form: Form | None, named: Instrument | None) -> list[Instrument]:
    """The instruments that are answered: the one that the form is, then those with most items answered."""
    found: list[Instrument] = [named] if named else []
    for line in lines:
        stated = instrument_of_total(line.code) if line.code else None
        if stated and stated not in found:
            found.append(stated)
    rest = {line.code for line in lines if line.code}
    rest -= {item.code for instrument in found for item in instrument.items}
    while True:
        candidates = {one.id: one for each in rest for one in instruments_with_item(each)}
        if not candidates:
            break
        counts = {
            id: (sum(item.code in rest for item in one.items), len(one.items))
            for id, one in candidates.items()
        }
        best = candidates[max(sorted(counts), key=lambda id: counts[id])]
        found.append(best)
        rest -= {item.code for item in best.items}
    if not found:
        found = [one for one in INSTRUMENTS.values() if _worded(one, lines)]
    return found


def _worded(instrument: Instrument, lines: list[Line]) -> bool:
    """Whether uncoded questions are worded as at least two thirds of an instrument's items are."""
    items = {item.id for line in lines if not line.code and (item := item_worded(instrument, line.text))}
    return len(items) * 3 >= len(instrument.items) * 2


def _item(instrument: Instrument, line: Line) -> Item | None:
    if line.code:
        return instrument.item(line.code)
    by_id = instrument.item(line.link) if len(instrument.items) > 1 else None
    return (by_id if not line.text else None) or item_worded(instrument, line.text) or by_id


def _score(
    instrument: Instrument, lines: list[Line], form: Form | None, draft: Draft, when: Span
) -> list[Line]:
    """Adds the events of an instrument; returns the lines that are none of its own."""
    answers: dict[str, float] = {}
    stated: list[tuple[Line, float]] = []
    left: list[Line] = []
    worded = False
    for line in lines:
        if _is_total(instrument, line) and (total := _number(line)) is not None:
            stated.append((line, total))
            continue
        item = _item(instrument, line)
        if item is None or item.id in answers:
            left.append(line)
            continue
        value = _worth(item, line, form)
        if (
            value is None
            or len(line.answers) > 1
            or not (item.low <= value <= item.high and value == int(value))
        ):
            draft.caution(
                line.name, f"The answer is none that {instrument.abbreviation} item {item.id} can have."
            )
            left.append(line)
            continue
        if line.code in item.aliases:
            draft.caution(line.name, f"{line.code} stands here for {item.code}: it was read as that item.")
        worded = worded or line.code is None
        answers[item.id] = value
        draft.add(item.code, when, when.last, value)
    if worded:
        draft.caution(
            "item",
            f"The questions have no codes: they were told to be {instrument.abbreviation} by their words.",
        )
    _total(instrument, answers, stated, form, draft, when)
    return left


def _is_total(instrument: Instrument, line: Line) -> bool:
    if line.code:
        return line.code == instrument.total_code
    words = f"{line.text} {line.link}".lower()
    return ("total" in words or "score" in words) and item_worded(instrument, line.text) is None


def _number(line: Line) -> float | None:
    answer = line.answers[0]
    if answer.value_quantity is not None:
        return answer.value_quantity.value
    if answer.value_integer is not None:
        return float(answer.value_integer)
    if answer.value_string is not None:
        try:
            return float(answer.value_string)
        except ValueError:
            return None
    return answer.value_decimal


def _worth(item: Item, line: Line, form: Form | None) -> float | None:
    answer = line.answers[0]
    coding = answer.value_coding
    if coding is None:
        return _number(line)
    value = value_in(item, coding)
    if value is None:
        value = weight_of(coding.extension)
    if value is None and form is not None and coding.code:
        value = form.weights.get((line.link, coding.code))
    return value


def _total(
    instrument: Instrument,
    answers: dict[str, float],
    stated: list[tuple[Line, float]],
    form: Form | None,
    draft: Draft,
    when: Span,
) -> None:
    lacking = knows(instrument, form) if form else ()
    score = None if lacking or not answers else instrument.score(answers)
    total = score.total if score else None
    if total is not None:
        draft.add(instrument.total_code, when, when.last, total)
    for line, number in stated:
        if not answers and not lacking:
            low, high = instrument.range
            if low <= number <= high:
                draft.add(instrument.total_code, when, when.last, number)
                continue
            reason = f"The stated total {number:g} lies outside {low:g} to {high:g}."
        elif lacking:
            names = ", ".join(item.code for item in lacking)
            reason = (
                f"The form lacks {names}: its score of {number:g} is not a {instrument.abbreviation} total."
            )
        elif total is None:
            why = score.reason if score else "no item is answered"
            reason = f"The stated total {number:g} cannot be checked: {why}."
        elif number == total:
            continue
        else:
            reason = f"The stated total is {number:g}, but the items make {total:g}."
        draft.caution(line.name, reason)
        draft.add(f"{STATED}{instrument.total_code}", when, when.last, number)


def _plain(line: Line, about: str, draft: Draft, when: Span) -> None:
    """Events of a question that is no instrument's."""
    named = line.code or code("QUESTIONNAIRE", about or "unnamed", line.link or "unnamed")
    if line.code and aliased(line.code):
        draft.caution(line.name, f"{line.code} is sometimes written for another question.")
    for number, answer in enumerate(line.answers):
        value = value_of(answer, draft, f"{line.name}.answer[{number}].")
        if answer.value_coding and (weight := weight_of(answer.value_coding.extension)) is not None:
            value = weight, None
        if value is not None:
            draft.add(named, when, when.last, *value)


def write(events: Sequence[Event]) -> dict[str, Any]:
    """A QuestionnaireResponse of these events."""
    first = events[0]
    codes = {event.code for event in events}
    instrument = _form_of(codes)
    items: list[dict[str, Any]] = []
    address = None
    stated = {event.code.removeprefix(STATED) for event in events if event.code.startswith(STATED)}
    for event in sorted(events, key=lambda event: _place(event, instrument)):
        if event.code in stated:
            continue
        named = event.code.removeprefix(STATED)
        parts = named.split(SEPARATOR)
        link, item = named, instrument.item(named) if instrument else None
        if parts[0] == "LOINC" and len(parts) == 2:
            link = parts[1]
        elif parts[0] == "INSTRUMENT" and len(parts) == 3:
            link = parts[2]
        elif parts[0] == "QUESTIONNAIRE" and len(parts) == 3:
            address, link = unquote(parts[1]), unquote(parts[2])
        items.append({"linkId": link, **_text(item), "answer": [_answer(event, item)]})
    if instrument:
        panel = instrument.panel_codes[0].split(SEPARATOR) if instrument.panel_codes else [""]
        address = f"{LOINC_FORM}{panel[1]}" if panel[0] == "LOINC" else f"{OUR_FORM}{instrument.id}"
    resource = {
        "questionnaire": address,
        "status": "completed",
        "authored": written(first.time),
        "item": items,
    }
    return {name: value for name, value in resource.items() if value}


def _place(event: Event, instrument: Instrument | None) -> int:
    """Where an instrument asks this, the total last."""
    codes = [item.code for item in instrument.items] if instrument else []
    return codes.index(event.code) if event.code in codes else len(codes)


def _form_of(codes: set[str]) -> Instrument | None:
    counts = {one.id: sum(item.code in codes for item in one.items) for one in INSTRUMENTS.values()}
    best = max(sorted(counts), key=lambda id: (INSTRUMENTS[id].total_code in codes, counts[id]))
    return INSTRUMENTS[best] if counts[best] or INSTRUMENTS[best].total_code in codes else None


def _text(item: Item | None) -> dict[str, str]:
    return {"text": item.text} if item and item.text else {}


def _answer(event: Event, item: Item | None) -> dict[str, Any]:
    number = event.numeric_value
    if number is None:
        return {"valueString": event.text_value} if event.text_value else {}
    for answer, value in (item.answers if item else {}).items():
        if value == number:
            words = item.labels[int(value - item.low)] if item and item.labels else None
            coding = {"system": "http://loinc.org", "code": answer, **({"display": words} if words else {})}
            return {"valueCoding": coding}
    if event.text_value:
        return {"valueQuantity": {"value": number, "unit": event.text_value}}
    return {"valueDecimal": number}
