"""Observation: measurements, totals of instruments, findings of genes, readings of devices, wishes."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from alleviate.instruments import instrument_of_total, instruments_with_item
from alleviate.intake.fhir.coding import codes_of, concept_of, others, words_of
from alleviate.intake.fhir.draft import Draft
from alleviate.intake.fhir.faults import Fault
from alleviate.intake.fhir.forms import answer_of, meant
from alleviate.intake.fhir.moments import Span, written
from alleviate.intake.fhir.shapes import Concept, Extension, Meta, Period, Reference
from alleviate.intake.fhir.values import UCUM, Valued, value_of
from alleviate.records import Event, Kind
from alleviate.terms.codes import SEPARATOR, code

__all__ = ["Observation", "read", "write"]

GENE = "http://hl7.org/fhir/StructureDefinition/observation-geneticsGene"
_DIPLOTYPE = re.compile(r"\*\w+/\*\w+")
_NUMBER = re.compile(r"\s*\d{1,3}(\.0*)?\s*\Z")


class Component(Valued):
    """A part of an observation with a value of its own."""

    code: Concept | None = None
    data_absent_reason: Concept | None = None


class Timing(Valued):
    """When something is to happen; only moments that are named are read."""

    event: tuple[str, ...] = ()


class Observation(Valued):
    """What is read of an Observation."""

    id: str | None = None
    meta: Meta | None = None
    status: str | None = None
    extension: tuple[Extension, ...] = ()
    subject: Reference | None = None
    focus: tuple[Reference, ...] = ()
    category: tuple[Concept, ...] = ()
    code: Concept | None = None
    effective_date_time: str | None = None
    effective_instant: str | None = None
    effective_period: Period | None = None
    effective_timing: Timing | None = None
    issued: str | None = None
    data_absent_reason: Concept | None = None
    component: tuple[Component, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """What ``observations.toml`` says."""

    kinds: dict[tuple[str, str], Kind]
    categories: dict[str, dict[str, str]]
    wishes: dict[str, str]
    gene: str
    findings: dict[str, str]


@cache
def _table() -> Table:
    raw = tomllib.loads(files("alleviate.intake.fhir").joinpath("observations.toml").read_text("utf-8"))
    return Table(
        {(c["system"], c["code"]): c["kind"] for c in raw["categories"]},
        {c["kind"]: {"system": c["system"], "code": c["code"]} for c in reversed(raw["categories"])},
        raw["wishes"],
        raw["genes"]["gene"],
        raw["genes"]["findings"],
    )


def read(source: Observation, draft: Draft) -> None:
    """Adds the events of an Observation. Raises Fault."""
    if source.focus:
        raise Fault(
            "focus", "It is about something other than its subject, such as a relative or an unborn child."
        )
    if source.status in {"cancelled", "registered"}:
        draft.caution("status", f"The observation is {source.status}: it has no result.")
        return
    codes = codes_of(source.code)
    if not codes:
        raise Fault("code", "It has neither a code nor words that say what was observed.")
    named = codes[0]
    draft.kind = _kind(source, named)
    when = _when(source, draft)
    known = draft.recorded(source.issued, "issued", when) if source.issued else when.last
    if draft.kind == "genetic" and (gene := _gene(source)):
        named = code("GENE", gene, _finding(named, source))
        if codes[0] not in _table().findings:
            codes = (named, *codes)
    elif draft.kind == "preference" and named in _table().wishes:
        named = code("PREFERENCE", _table().wishes[named])
    number, text = _value(source, named, draft, "") or (None, None)
    draft.add(_possible(_meant(named, source, draft), number, draft), when, known, number, text)
    for place, part in enumerate(source.component):
        name = f"component[{place}]"
        part_codes = codes_of(part.code)
        if not part_codes:
            raise Fault(f"{name}.code", "It has neither a code nor words that say what was observed.")
        if part_codes[0] == _table().gene and draft.kind == "genetic":
            continue
        number, text = _value(part, part_codes[0], draft, f"{name}.") or (None, None)
        draft.add(_meant(part_codes[0], part, draft), when, known, number, text)
        if len(part_codes) > 1:
            draft.also(others(part_codes), when, known)
    if len(codes) > 1:
        draft.also(others(codes), when, known)


def _when(source: Observation, draft: Draft) -> Span:
    if source.effective_date_time:
        return draft.at(source.effective_date_time, "effectiveDateTime")
    if source.effective_instant:
        return draft.at(source.effective_instant, "effectiveInstant")
    if (period := source.effective_period) is not None:
        if period.start:
            start, end = draft.at(period.start, "effectivePeriod.start"), draft.end(period, "effectivePeriod")
            return Span(start.first, max(start.last, end.last)) if end else start
        if period.end:
            return draft.at(period.end, "effectivePeriod.end")
    if (timing := source.effective_timing) is not None and timing.event:
        return draft.at(timing.event[0], "effectiveTiming.event[0]")
    if source.issued:
        return draft.at(source.issued, "issued")
    raise Fault(
        "effectiveDateTime", "It says neither when it was observed (effective) nor when it was issued."
    )


def _kind(source: Observation, named: str) -> Kind:
    """An answer of an instrument is one whatever its category says: what shows danger hangs on it."""
    parts = (found[0] for part in source.component if (found := codes_of(part.code)))
    if any(instrument_of_total(each) or instruments_with_item(each) for each in (named, *parts)):
        return "questionnaire"
    table = _table()
    for category in source.category:
        for coding in category.coding:
            kind = table.kinds.get((coding.system or "", coding.code or ""))
            if kind is not None:
                return kind
    if named in table.wishes:
        return "preference"
    if named in table.findings or any(extension.url == GENE for extension in source.extension):
        return "genetic"
    return "measurement"


def _value(valued: Valued, named: str, draft: Draft, name: str) -> tuple[float | None, str | None] | None:
    value = value_of(valued, draft, name)
    if draft.kind != "questionnaire" or value is None or value[0] is not None:
        return value
    if instrument := instrument_of_total(named):
        try:
            number = float(value[1] or "")
        except ValueError:
            return value
        low, high = instrument.range
        if low <= number <= high:
            draft.caution(
                f"{name}valueString",
                f'The total "{value[1]}" is written as words; it was read as {number:g}.',
            )
            return number, None
        return value
    number_of_answer = answer_of(named, valued)
    if number_of_answer is None and instruments_with_item(named) and _NUMBER.match(value[1] or ""):
        draft.caution(f"{name}valueString", f'The answer "{value[1]}" is written as words; it was read so.')
        number_of_answer = float(value[1] or "")
    return value if number_of_answer is None else (number_of_answer, None)


def _meant(named: str, valued: Valued, draft: Draft) -> str:
    """The code, or that of the instrument's item which a wrong code stands for, told by its answer."""
    if draft.kind != "questionnaire":
        return named
    right = meant(named, valued)
    if right is None:
        return named
    draft.caution("code", f"{named} is answered as {right} is: it was read as {right}.")
    return right


def _possible(named: str, number: float | None, draft: Draft) -> str:
    """The code; of a total that the instrument cannot have, that of one that was only stated."""
    instrument = instrument_of_total(named) if draft.kind == "questionnaire" else None
    if instrument is None or number is None:
        return named
    low, high = instrument.range
    if low <= number <= high:
        return named
    draft.caution("value", f"The stated total {number:g} lies outside {low:g} to {high:g}.")
    return f"STATED{SEPARATOR}{named}"


def _finding(named: str, source: Observation) -> str:
    """What was found of a gene: its diplotype, the phenotype, or as the source calls it."""
    if _DIPLOTYPE.match(source.value_string or words_of(source.value_codeable_concept) or ""):
        return "diplotype"
    return _table().findings.get(named) or (source.code and source.code.text) or named.split(SEPARATOR)[-1]


def _gene(source: Observation) -> str | None:
    for extension in source.extension:
        if extension.url == GENE:
            return words_of(extension.value_codeable_concept)
    for part in source.component:
        if codes_of(part.code)[:1] == (_table().gene,):
            return words_of(part.value_codeable_concept) or part.value_string
    return None


def write(events: Sequence[Event]) -> dict[str, Any]:
    """An Observation of these events, the first of them the observation and the rest its components."""
    more = [event.code for event in events if event.code.startswith(f"CODING{SEPARATOR}")]
    main, *parts = [event for event in events if event.code not in more] or list(events)
    table = _table()
    concept, components = concept_of(main.code, more=more), [_component(part) for part in parts]
    pieces = main.code.split(SEPARATOR)
    if pieces[0] == "GENE" and len(pieces) == 3:
        finding = next((loinc for loinc, name in table.findings.items() if name == pieces[2]), None)
        if finding:
            concept = concept_of(finding, more=more)
            gene = {"code": concept_of(table.gene), "valueCodeableConcept": {"text": pieces[1]}}
            components.insert(0, gene)
    if wish := next(
        (loinc for loinc, name in table.wishes.items() if main.code == code("PREFERENCE", name)), None
    ):
        concept = concept_of(wish, more=more)
    resource: dict[str, Any] = {
        "status": "final",
        "category": [{"coding": [table.categories[main.kind]]}] if main.kind in table.categories else None,
        "code": concept,
        "effectiveDateTime": written(main.time),
        "issued": written(main.known_at),
        **_written_value(main),
        "component": components or None,
    }
    return {name: value for name, value in resource.items() if value is not None}


def _component(event: Event) -> dict[str, Any]:
    return {"code": concept_of(event.code), **_written_value(event)}


def _written_value(event: Event) -> dict[str, Any]:
    if event.numeric_value is not None:
        unit = event.text_value
        quantity: dict[str, Any] = {"value": event.numeric_value}
        if unit:
            quantity |= {"unit": unit, "system": UCUM, "code": unit} if " " not in unit else {"unit": unit}
        return {"valueQuantity": quantity}
    if event.text_value:
        return {"valueString": event.text_value}
    return {}
