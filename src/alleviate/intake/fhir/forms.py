"""Questionnaires as forms: which question is which item of an instrument, and what answers are worth."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cache, lru_cache

import msgspec

from alleviate.instruments import (
    INSTRUMENTS,
    Instrument,
    Item,
    instrument_of_panel,
    instruments_with_item,
)
from alleviate.intake.fhir.coding import coded
from alleviate.intake.fhir.shapes import Coding, Extension, Shape
from alleviate.intake.fhir.values import Valued
from alleviate.terms.errors import DataError

__all__ = [
    "LOINC_FORM",
    "OUR_FORM",
    "Form",
    "Library",
    "aliased",
    "answer_of",
    "defined",
    "item_worded",
    "knows",
    "link_code",
    "linked",
    "meant",
    "value_in",
    "weight_of",
]

LOINC_FORM, OUR_FORM = "http://loinc.org/q/", "urn:alleviate:instrument:"
"""Addresses of the form of an instrument: by LOINC's panel code, or by our id of the instrument."""

_LOINC_LINK = re.compile(r"(?:.*/)?(\d{3,7}-\d)\Z")
_WEIGHTS = ("/ordinalValue", "/itemWeight", "/questionnaire-ordinalValue")
_WORDED = 0.8


class Option(Shape):
    """An answer that a form offers."""

    value_coding: Coding | None = None
    extension: tuple[Extension, ...] = ()


class FormItem(Shape):
    """A question, or a group of them."""

    link_id: str = ""
    code: tuple[Coding, ...] = ()
    definition: str | None = None
    text: str | None = None
    answer_option: tuple[Option, ...] = ()
    item: tuple["FormItem", ...] = ()


class Questionnaire(Shape):
    """What is read of a Questionnaire."""

    resource_type: str | None = None
    id: str | None = None
    url: str | None = None
    version: str | None = None
    name: str | None = None
    title: str | None = None
    code: tuple[Coding, ...] = ()
    item: tuple[FormItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """A Questionnaire: the code and the words of each item, by linkId, and what an answer is worth."""

    name: str
    instrument: Instrument | None
    codes: Mapping[str, str]
    texts: Mapping[str, str]
    weights: Mapping[tuple[str, str], float]

    @classmethod
    def of(cls, source: Questionnaire) -> "Form":
        items = list(_flat(source.item))
        return cls(
            source.url or source.name or source.title or source.id or "unnamed",
            _panel(source),
            {
                item.link_id: named
                for item in items
                if (
                    named := _code(item.code[0])
                    if item.code and item.code[0].code
                    else defined(item.definition)
                )
            },
            {item.link_id: item.text for item in items if item.text},
            {
                (item.link_id, option.value_coding.code): weight
                for item in items
                for option in item.answer_option
                if option.value_coding and option.value_coding.code
                if (weight := weight_of((*option.extension, *option.value_coding.extension))) is not None
            },
        )


@cache
def _our_form(address: str) -> Form | None:
    """The form of an instrument of ours, whose linkIds are the ids of its items."""
    instrument = INSTRUMENTS.get(address.removeprefix(OUR_FORM))
    if instrument is None:
        return None
    codes = {item.id: item.code for item in instrument.items}
    return Form(address, instrument, {**codes, "total": instrument.total_code}, {}, {})


def _flat(items: Iterable[FormItem]) -> Iterator[FormItem]:
    for item in items:
        yield item
        yield from _flat(item.item)


def _code(coding: Coding) -> str:
    return coded(coding.system, coding.code or "")


def _panel(source: Questionnaire) -> Instrument | None:
    for coding in source.code:
        if coding.code and (found := instrument_of_panel(_code(coding))):
            return found
    return linked(source.url or "")


@lru_cache(maxsize=4096)
def linked(address: str) -> Instrument | None:
    """The instrument that a form's address names: LOINC's of a panel, ours, or one that ends in its name."""
    address = address.split("|")[0]
    if address.startswith(OUR_FORM):
        return INSTRUMENTS.get(address.removeprefix(OUR_FORM))
    if code := _LOINC_LINK.match(address):
        return instrument_of_panel(f"LOINC//{code[1]}")
    last = _letters(re.split(r"[/:#]", address)[-1])
    return next((one for one in _all() if last in {_letters(one.id), _letters(one.abbreviation)}), None)


@cache
def _all() -> tuple[Instrument, ...]:
    return tuple(INSTRUMENTS.values())


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def weight_of(extensions: Iterable[Extension]) -> float | None:
    """The number that an answer is said to count."""
    return next(
        (e.value_decimal for e in extensions if e.url.endswith(_WEIGHTS) and e.value_decimal is not None),
        None,
    )


@lru_cache(maxsize=4096)
def link_code(link_id: str) -> str | None:
    """The LOINC code that a linkId is or ends in, if any."""
    code = _LOINC_LINK.match(link_id)
    return f"LOINC//{code[1]}" if code else None


def defined(definition: str | None) -> str | None:
    """The LOINC code that the address of an item's definition ends in."""
    return link_code(definition) if definition and "loinc.org" in definition else None


def item_worded(instrument: Instrument, text: str) -> Item | None:
    """The item of an instrument that a form words as ``text``, told by their likeness."""
    likeness, id = _likest(instrument.id, text)
    return instrument.item(id) if likeness >= _WORDED else None


@lru_cache(maxsize=8192)
def _likest(instrument: str, text: str) -> tuple[float, str]:
    words = _letters(text)
    return max(
        (
            (SequenceMatcher(None, words, _letters(item.text)).ratio(), item.id)
            for item in INSTRUMENTS[instrument].items
            if item.text
        ),
        default=(0.0, ""),
    )


def value_in(item: Item, coding: Coding) -> float | None:
    """What an answer to an item is worth, by LOINC's answer code or by its words."""
    if coding.code and coding.code in item.answers:
        return item.answers[coding.code]
    words = {_letters(coding.display or ""), _letters(coding.code or "")} - {""}
    return next(
        (item.low + place for place, label in enumerate(item.labels) if _letters(label) in words), None
    )


def answer_of(code: str, valued: Valued) -> float | None:
    """What a coded answer to an instrument's item of this code is worth."""
    codings = valued.value_codeable_concept.coding if valued.value_codeable_concept else ()
    for coding in (*codings, *([valued.value_coding] if valued.value_coding else [])):
        for instrument in instruments_with_item(code) or aliased(code):
            if (item := instrument.item(code)) and (value := value_in(item, coding)) is not None:
                return value
        if (weight := weight_of(coding.extension)) is not None:
            return weight
    return None


@lru_cache(maxsize=4096)
def aliased(code: str) -> tuple[Instrument, ...]:
    """The instruments in which this code is known to be written for another."""
    return tuple(one for one in _all() if (item := one.item(code)) and code in item.aliases)


def meant(code: str, valued: Valued) -> str | None:
    """The code of the item that a wrong code stands for, if its answer is one of that item's answers."""
    codings = valued.value_codeable_concept.coding if valued.value_codeable_concept else ()
    for instrument in aliased(code):
        item = instrument.item(code)
        if item and any(coding.code in item.answers for coding in codings):
            return item.code
    return None


@dataclass(slots=True)
class Library:
    """All forms that are known, by "Questionnaire/id", by address, and by address with version."""

    forms: dict[str, Form] = field(default_factory=dict)

    def add(self, body: bytes | msgspec.Raw) -> None:
        """One more Questionnaire, as JSON; one that cannot be read is no help and no harm."""
        try:
            source = msgspec.json.decode(body, type=Questionnaire)
            form = Form.of(source)
        except (msgspec.DecodeError, DataError, UnicodeDecodeError, RecursionError):
            return
        if source.id:
            self.forms[f"Questionnaire/{source.id}"] = form
        if source.url:
            self.forms[source.url] = form
            if source.version:
                self.forms[f"{source.url}|{source.version}"] = form

    def find(self, canonical: str | None, contained: Iterable[msgspec.Raw]) -> Form | None:
        """The form that a canonical address, "Questionnaire/1" or "#contained" names."""
        if not canonical:
            return None
        if canonical.startswith("#"):
            for raw in contained:
                source = msgspec.json.decode(raw, type=Questionnaire)
                if source.id == canonical[1:] and source.resource_type == "Questionnaire":
                    return Form.of(source)
            return None
        if canonical.startswith(OUR_FORM):
            return _our_form(canonical)
        address = canonical.split("|")[0]
        found = self.forms.get(canonical) or self.forms.get(address)
        return found or self.forms.get("/".join(address.split("/")[-2:]))


def knows(instrument: Instrument, form: Form) -> tuple[Item, ...]:
    """The scored items of an instrument that a form does not have."""
    asked = {item.id for code in form.codes.values() if (item := instrument.item(code))}
    asked |= {item.id for text in form.texts.values() if (item := item_worded(instrument, text))}
    asked |= {item.id for link in form.texts if (item := instrument.item(link_code(link) or ""))}
    return tuple(item for item in instrument.items if item.scored and item.id not in asked)
