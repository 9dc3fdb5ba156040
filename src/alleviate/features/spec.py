"""Which features a model reads, and from which code of the record each comes."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal, get_args

from alleviate.terms.codes import check_code
from alleviate.terms.errors import DataError
from alleviate.terms.kinds import expect_kind

__all__ = ["Feature", "FeatureSpec", "Kind"]

Kind = Literal["number", "category", "boolean", "date"]
"""A date is a number of days since 1970-01-01, with a fraction for the time of day."""

_KIND = "feature-spec/1"


@dataclass(frozen=True, slots=True)
class Feature:
    """The last known value of ``code``. ``label`` names it in a sentence (or its name). Raises DataError."""

    name: str
    code: str
    kind: Kind
    label: str = ""

    def __post_init__(self) -> None:
        check_code(self.code)
        if not (isinstance(self.name, str) and self.name and isinstance(self.label, str)):
            raise DataError(f"A feature needs a name, got {self.name!r}.", hint="Name it as its column.")
        if self.kind not in get_args(Kind):
            raise DataError(
                f"A kind must be one of {', '.join(get_args(Kind))}; {self.name!r} has {self.kind!r}.",
                hint="Choose the nearest.",
            )

    @property
    def words(self) -> str:
        return self.label or self.name


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """Features in the order of a table's columns; no two share a name or a code. Raises DataError."""

    features: tuple[Feature, ...]

    def __post_init__(self) -> None:
        for what, found in (("name", self.names), ("code", tuple(self.codes.values()))):
            twice = [text for text, count in Counter(found).items() if count > 1]
            if twice:
                raise DataError(
                    f"Each feature needs a {what} of its own, shared: {', '.join(twice)}.",
                    hint="Leave one out.",
                )

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(feature.name for feature in self.features)

    @property
    def codes(self) -> dict[str, str]:
        """Name → code, as `alleviate.intake.frames.records_from_frame` takes it."""
        return {feature.name: feature.code for feature in self.features}

    def to_dict(self) -> dict[str, Any]:
        """The spec as plain values, ready for JSON."""
        features = [[feature.name, feature.code, feature.kind, feature.label] for feature in self.features]
        return {"kind": _KIND, "features": features}

    @classmethod
    def from_dict(cls, data: Any) -> "FeatureSpec":
        """The inverse of `to_dict`. Raises DataError."""
        data = expect_kind(data, _KIND, {"features"})
        try:
            return cls(tuple(Feature(*feature) for feature in data["features"]))
        except TypeError as error:
            raise DataError(f"A feature is malformed: {error}.", hint="Write specs with to_dict.") from None
