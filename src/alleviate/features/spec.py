"""Which features a model reads, and from which events of the record each comes."""

from collections import Counter
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from alleviate.records import KINDS
from alleviate.records import Kind as EventKind
from alleviate.terms.codes import SEPARATOR, check_code
from alleviate.terms.errors import DataError
from alleviate.terms.kinds import expect_kind

__all__ = ["TAKES", "Feature", "FeatureSpec", "Kind", "Take"]

Kind = Literal["number", "category", "boolean", "date"]
"""A date is a number of days since 1970-01-01, with a fraction for the time of day."""

Take = Literal[
    "last",
    "first",
    "mean",
    "min",
    "max",
    "sd",
    "slope",
    "change",
    "change-last-two",
    "count",
    "ever",
    "time-since",
    "time-since-first",
    "duration",
    "age",
]
"""What is made of the events of a feature; ``docs/features.md`` defines each."""

TAKES: tuple[Take, ...] = get_args(Take)

MOST_DAYS = 36_525
"""A window is no longer than a century."""

_OF_ANY_KIND = ("last", "first")
_KIND = "feature-spec/1"


@dataclass(frozen=True, slots=True)
class Feature:
    """One number, word or yes/no about a person, taken from what was known of some events. Raises DataError.

    ``code``: of these events; a final ``*`` stands for the rest of a part (``ICD10//F32*``). ``kind``: what
    the value is; of takes other than last and first a number, of ever a boolean. ``label`` names it in a
    sentence (or its name does). ``take``: what is made of the events. ``days``: only events of so many days
    up to the moment. ``since_start``: only events from the start on, of people who have one. ``text``: only
    events with one of these words. ``events``: only events of this kind.
    """

    name: str
    code: str
    kind: Kind
    label: str = ""
    take: Take = "last"
    days: int | None = None
    since_start: bool = False
    text: tuple[str, ...] = ()
    events: EventKind | None = None

    def __post_init__(self) -> None:
        check_code(self.code)
        if not (isinstance(self.name, str) and self.name and isinstance(self.label, str)):
            raise DataError(f"A feature needs a name, got {self.name!r}.", hint="Name it as its column.")
        self._one_of("kind", self.kind, get_args(Kind))
        self._one_of("take", self.take, TAKES)
        if self.events is not None:
            self._one_of("kind of event", self.events, KINDS)
        needed = "boolean" if self.take == "ever" else "number"
        if self.take not in _OF_ANY_KIND and self.kind != needed:
            raise DataError(
                f"The {self.take} of events is a {needed}, but {self.name!r} is to be a {self.kind}.",
                hint=f"Make it a {needed}.",
            )
        if self.days is not None and not (type(self.days) is int and 0 < self.days <= MOST_DAYS):
            raise DataError(
                f"{self.name!r} looks back {self.days!r} days.",
                hint=f"Give a whole number from 1 to {MOST_DAYS:,}, or leave it out.",
            )
        object.__setattr__(self, "text", tuple(self.text))  # a list, where it comes from JSON

    @property
    def words(self) -> str:
        return self.label or self.name

    @property
    def definition(self) -> tuple[Any, ...]:
        """All that its value depends on, but for its kind."""
        return (self.code, self.take, *self.selection[1:])

    @property
    def selection(self) -> tuple[Any, ...]:
        """Which events it is made of: code, days, since_start, text, kind of event."""
        return (self.code, self.days, self.since_start, self.text, self.events)

    @property
    def prefix(self) -> bool:
        """Whether its code stands for all that begin so."""
        return self.code.endswith("*")

    def matches(self, code: str) -> bool:
        """Whether events of this code are meant; ``*`` never reaches over a ``//``."""
        if not self.prefix:
            return code == self.code
        stem = self.code[:-1]
        return code.startswith(stem) and SEPARATOR not in code[len(stem) :]

    def _one_of(self, what: str, value: object, valid: tuple[str, ...]) -> None:
        if value not in valid:
            raise DataError(
                f"A {what} must be one of {', '.join(valid)}; {self.name!r} has {value!r}.",
                hint="Choose the nearest.",
            )


_FURTHER = tuple(field for field in fields(Feature) if field.name not in ("name", "code", "kind", "label"))
"""The fields that a plain feature leaves at their defaults."""


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """Features in the order of a table's columns; no two share a name or a definition. Raises DataError."""

    features: tuple[Feature, ...]

    def __post_init__(self) -> None:
        definitions = [feature.definition for feature in self.features]
        for what, found in (("name", self.names), ("definition", definitions)):
            twice = [thing for thing, count in Counter(found).items() if count > 1]
            if twice:
                shared = [thing if isinstance(thing, str) else f"{thing[1]} of {thing[0]}" for thing in twice]
                raise DataError(
                    f"Each feature needs a {what} of its own, shared: {', '.join(shared)}.",
                    hint="Leave one out.",
                )

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(feature.name for feature in self.features)

    def to_dict(self) -> dict[str, Any]:
        """The spec as plain values, ready for JSON."""
        return {"kind": _KIND, "features": [_listed(feature) for feature in self.features]}

    @classmethod
    def from_dict(cls, data: Any) -> "FeatureSpec":
        """The inverse of `to_dict`. Raises DataError."""
        data = expect_kind(data, _KIND, {"features"})
        try:
            return cls(
                tuple(
                    Feature(name, code, kind, label, **further[0] if further else {})
                    for name, code, kind, label, *further in data["features"]
                )
            )
        except (TypeError, ValueError) as error:
            raise DataError(f"A feature is malformed: {error}.", hint="Write specs with to_dict.") from None


def _listed(feature: Feature) -> list[Any]:
    """Name, code, kind and label; then, unless it is plain, whatever else it says."""
    further = {f.name: getattr(feature, f.name) for f in _FURTHER if getattr(feature, f.name) != f.default}
    if "text" in further:
        further["text"] = list(feature.text)
    return [feature.name, feature.code, feature.kind, feature.label, *([further] if further else [])]
