"""What a study file says of outcomes: ``[outcome]``, and a ``[[harm]]`` for each other that counts."""

from collections.abc import Sequence
from typing import cast

from alleviate.studies.sections import Section
from alleviate.terms.outcomes import Better, Harm, Measure, Missing, Outcome, OutcomeKind

__all__ = ["HARM_KEYS", "OUTCOME_KEYS", "read_harms", "read_outcome"]

OF_EVENTS = ("event", "horizon", "measure")
OUTCOME_KEYS = ("column", "better", "important", "binary", "label", "unit", "kind", "missing", *OF_EVENTS)
HARM_KEYS = ("column", "weight", "limit", "better", "label", "unit")
KINDS = ("numeric", "binary", "count", "time-to-event")


def read_outcome(section: Section) -> Outcome:
    """``[outcome]``, checked. Raises StudyError."""
    kind = section.choice("kind", KINDS, "") if "kind" in section else None
    binary = section.flag("binary")
    if binary is not None and kind is not None and binary != (kind == "binary"):
        raise section.wrong(
            "kind", f'what "binary = {str(binary).lower()}" says too', "Leave one of them out."
        )
    event, horizon = section.name_or_none("event"), section.positive("horizon")
    if kind == "time-to-event":
        for key, value, example in (("event", event, '"relapsed"'), ("horizon", horizon, "24")):
            if value is None:
                raise section.error(key, "a time to an event needs this key", f"As in: {key} = {example}")
    else:
        for key in OF_EVENTS:
            if key in section:
                raise section.error(key, "is for times to an event only", 'Write: kind = "time-to-event"')
    return Outcome(
        name=section.required("column"),
        better=cast(Better, section.choice("better", ("lower", "higher"))),
        important=section.positive("important"),
        binary=True if kind == "binary" else binary,
        label=section.text("label"),
        unit=section.text("unit"),
        kind=cast(OutcomeKind | None, kind),
        event=event,
        horizon=horizon,
        measure=cast(
            Measure, section.choice("measure", ("restricted-mean", "event-free"), "restricted-mean")
        ),
        missing=cast(Missing, section.choice("missing", ("weight", "leave-out"), "weight")),
    )


def read_harms(sections: Sequence[Section]) -> tuple[Harm, ...]:
    """Each ``[[harm]]``, checked. Raises StudyError."""
    harms: list[Harm] = []
    for section in sections:
        section.refuse_unknown(HARM_KEYS)
        harm = Harm(
            section.required("column"),
            section.positive("weight"),
            _number(section, "limit"),
            cast(Better, section.choice("better", ("lower", "higher"), "lower")),
            section.text("label"),
            section.text("unit"),
        )
        if harm.weight is None and harm.limit is None:
            hint = "As in: weight = 5, or limit = 0.2"
            raise section.error("weight", "expected what it is worth to avoid, or a limit, got neither", hint)
        if harm.name in (earlier.name for earlier in harms):
            raise section.wrong("column", "another column than an earlier harm's")
        harms.append(harm)
    return tuple(harms)


def _number(section: Section, key: str) -> float | None:
    value = section.values.get(key)
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < float("inf"):
        return float(value)
    raise section.wrong(key, "a number")
