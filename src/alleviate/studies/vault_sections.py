"""What a study file says where its data are the vault: ``[cohort]``, and features by definition."""

from collections.abc import Mapping
from dataclasses import replace
from math import isfinite
from typing import Literal, cast

from alleviate.features import Feature, FeatureSpec, declare, parse_days
from alleviate.studies.sections import Section, nearest
from alleviate.terms.errors import DataError, StudyError
from alleviate.terms.study import CohortSpec, Definition

__all__ = [
    "PERSON",
    "cohort_tables",
    "exclusions",
    "labels_of",
    "outcome_feature",
    "read_cohort",
    "read_definitions",
    "spec_of",
]

PERSON = "person"
"""The column of ids, where the study names none."""

COLUMN_KEYS = ("include", "known_after", "labels")
"""What ``[features]`` says of a table's columns only."""


def read_definitions(section: Section, taken: Mapping[str, str]) -> dict[str, Definition]:
    """The features of ``[features]``, each checked. ``taken``: column → its role. Raises StudyError."""
    for key in COLUMN_KEYS:
        if key in section:
            hint = 'As in: age = { take = "age" }'
            raise section.error(
                key, "is for the columns of a table; from the vault, define each feature", hint
            )
    features = [
        feature for name in section.values for feature in _declared(section, name, section.values[name])
    ]
    try:
        spec = FeatureSpec(tuple(features))
    except DataError as error:
        raise StudyError(f"{section.source.name}, [features]: {error.message}", hint=error.hint) from None
    if not features:
        raise section.error("", "expected a feature or more, got none", 'As in: age = { take = "age" }')
    for name in spec.names:
        if name in taken:
            raise section.error(name, f"this is the name of {taken[name]}", "Give the feature another.")
    return cast(dict[str, Definition], dict(section.values))


def read_cohort(section: Section, definitions: Mapping[str, Definition]) -> CohortSpec:
    """``[cohort]``, checked. Raises StudyError."""
    if not isinstance(section.values.get("outcome"), dict):
        hint = 'As in: outcome = { of = "phq9", take = "last", from = "12w", to = "24w" }'
        raise section.error("outcome", "expected a table of what is measured, and when", hint)
    outcome = dict(cast(Definition, section.values["outcome"]))
    opens, closes = (_days(section, "outcome", key, outcome.pop(key, None), 1) for key in ("from", "to"))
    if closes < opens:
        raise section.wrong("outcome", '"to" not before "from"')
    feature = _one(section, "outcome", outcome)
    if feature.kind not in ("number", "boolean") or feature.days is not None or feature.since_start:
        raise section.wrong("outcome", "a number, or yes and no, without a window or a start of its own")
    exclude = section.values.get("exclude", {})
    if not isinstance(exclude, dict):
        raise section.wrong("exclude", 'a table like { psychosis = { code = "ICD10//F2*" } }')
    text = section.values.get("text", [])
    found = CohortSpec(
        start=section.required("start"),
        outcome=outcome,
        opens=opens,
        closes=closes,
        text=(text,) if isinstance(text, str) else section.names("text"),
        offset=_days(section, "offset", "offset", section.values.get("offset", "0d"), -3650),
        arm=cast(Literal["text", "code"], section.choice("arm", ("text", "code"), "text")),
        exclude=exclude,
        between=_between(section, definitions),
    )
    _one(section, "start", {"code": found.start})
    for name, definition in exclude.items():
        if _one(section, "exclude", _held(definition), name).kind != "boolean":
            raise section.error("exclude", f'"{name}" is not yes or no', 'Leave out "take": it is then ever.')
    return found


def spec_of(definitions: Mapping[str, Definition]) -> FeatureSpec:
    """The features that a study of the vault defines."""
    return FeatureSpec(
        tuple(feature for name, table in definitions.items() for feature in declare(name, table))
    )


def labels_of(definitions: Mapping[str, Definition]) -> dict[str, str]:
    """What features are called in a sentence, where their definition says so."""
    return {feature.name: feature.label for feature in spec_of(definitions).features if feature.label}


def exclusions(cohort: CohortSpec) -> FeatureSpec:
    """Yes or no for each of ``cohort.exclude``."""
    features = (declare(name, _held(table)) for name, table in cohort.exclude.items())
    return FeatureSpec(tuple(feature for (feature,) in features))


def outcome_feature(cohort: CohortSpec) -> Feature:
    """The outcome as a feature since ``start``, which is when its window opens."""
    (feature,) = declare("outcome", cohort.outcome)
    return replace(feature, since_start=True)


def cohort_tables(cohort: CohortSpec | None) -> dict[str, dict[str, object]]:
    """``[cohort]`` as a study file writes it: the inverse of `read_cohort`."""
    if cohort is None:
        return {}
    window = {"from": f"{cohort.opens}d", "to": f"{cohort.closes}d"}
    return {
        "cohort": {
            "start": cohort.start,
            "text": cohort.text or None,
            "offset": f"{cohort.offset}d",
            "arm": cohort.arm,
            "outcome": {**cohort.outcome, **window},
            "exclude": cohort.exclude or None,
            "between": cohort.between or None,
        }
    }


def _held(definition: object) -> object:
    """What excludes does so once it ever was, unless it says otherwise."""
    return {"take": "ever", **definition} if isinstance(definition, Mapping) else definition


def _declared(section: Section, name: str, table: object, key: str = "") -> tuple[Feature, ...]:
    try:
        return declare(name, table)
    except DataError as error:
        message = error.message.removesuffix(".")
        if key in ("", name):
            message = message.removeprefix(f"{name}: ")
        raise section.error(key or name, message, error.hint) from None


def _one(section: Section, key: str, table: object, name: str = "") -> Feature:
    features = _declared(section, name or key, table, key)
    if len(features) != 1:
        raise section.error(key, "expected one feature, got the items of an instrument", "Name one item.")
    return features[0]


def _days(section: Section, key: str, name: str, value: object, least: int) -> int:
    try:
        return parse_days(key, name, value, least=least)
    except DataError as error:
        raise section.error(
            key, error.message.removeprefix(f"{key}: ").removesuffix("."), error.hint
        ) from None


def _between(section: Section, definitions: Mapping[str, Definition]) -> dict[str, tuple[float, float]]:
    value = section.values.get("between", {})
    if not isinstance(value, dict) or not all(_is_range(ends) for ends in value.values()):
        raise section.wrong("between", "the least and the most of features, like { age = [18, 65] }")
    numbers = [feature.name for feature in spec_of(definitions).features if feature.kind == "number"]
    unknown = next((name for name in value if name not in numbers), None)
    if unknown is not None:
        raise section.error("between", f'no feature "{unknown}" with a number', nearest(unknown, numbers))
    return {name: (float(low), float(high)) for name, (low, high) in value.items()}


def _is_range(ends: object) -> bool:
    """Two numbers, the lower first."""
    return (
        isinstance(ends, list)
        and len(ends) == 2
        and all(isinstance(end, (int, float)) and not isinstance(end, bool) and isfinite(end) for end in ends)
        and ends[0] <= ends[1]
    )
