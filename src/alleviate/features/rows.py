"""What was known about one person at one moment, feature by feature."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alleviate.features.spec import Feature, FeatureSpec
from alleviate.records import Event, PatientRecord
from alleviate.terms.errors import DataError
from alleviate.terms.kinds import expect_kind
from alleviate.terms.times import check_utc, parse_utc

__all__ = ["FeatureRow", "Value", "at"]

Value = float | str | bool | None
"""By kind: number and date float, category str, boolean bool; None where unknown."""

_KIND = "feature-row/1"


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """One person's features (name → value) as known at ``moment`` (UTC). Raises DataError."""

    subject_id: str
    moment: datetime
    values: Mapping[str, Value]

    def __post_init__(self) -> None:
        check_utc(self.moment, "The moment of a row")
        if not (isinstance(self.values, Mapping) and all(map(_is_value, self.values.values()))):
            raise DataError(
                f"A row's values must be names with float, text, true, false or null; got {self.values!r}.",
                hint="Make rows with at().",
            )

    def to_dict(self) -> dict[str, Any]:
        """The row as plain values, ready for JSON."""
        return {
            "kind": _KIND,
            "subject_id": self.subject_id,
            "moment": self.moment.isoformat(),
            "values": dict(self.values),
        }

    @classmethod
    def from_dict(cls, data: Any) -> "FeatureRow":
        """The inverse of `to_dict`. Raises DataError."""
        data = expect_kind(data, _KIND, {"subject_id", "moment", "values"})
        return cls(data["subject_id"], parse_utc(data["moment"]), data["values"])


def at(record: PatientRecord, moment: datetime, spec: FeatureSpec) -> FeatureRow:
    """Each feature's last value as known at ``moment`` (UTC); nothing known later enters.

    The last is the one that happened last; of two that happened at once, the one known later (a correction);
    of two known at once as well, the later in the record's order. Raises DataError where a value is not of
    its feature's kind.
    """
    last: dict[str, Event] = {}
    for event in record.at(moment).events:  # by known_at
        known = last.get(event.code)
        if known is None or event.time >= known.time:
            last[event.code] = event
    values = {feature.name: _value(feature, last.get(feature.code)) for feature in spec.features}
    return FeatureRow(record.subject_id, moment, values)


def _is_value(value: object) -> bool:
    return value is None or isinstance(value, (float, str, bool))


def _value(feature: Feature, event: Event | None) -> Value:
    if event is None or (event.numeric_value is None and event.text_value is None):
        return None
    if feature.kind == "category":
        if event.text_value is not None:
            return event.text_value
    elif event.numeric_value is not None:
        if feature.kind != "boolean":
            return event.numeric_value
        if event.numeric_value in (0.0, 1.0):
            return event.numeric_value == 1.0
    found = event.text_value if event.numeric_value is None else event.numeric_value
    raise DataError(
        f"{feature.name!r} must be a {feature.kind}, {event.subject_id!r} has {found!r} at {event.time}.",
        hint="Correct the record, or the kind of the feature.",
    )
