"""What was known about one person at one moment, feature by feature."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alleviate.features.plain import Value, value_of
from alleviate.features.spec import FeatureSpec
from alleviate.records import Event, PatientRecord
from alleviate.terms.errors import DataError
from alleviate.terms.kinds import expect_kind
from alleviate.terms.times import check_utc, parse_utc

__all__ = ["FeatureRow", "at"]

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


def at(
    record: PatientRecord, moment: datetime, spec: FeatureSpec, start: datetime | None = None
) -> FeatureRow:
    """Each feature by what was known at ``moment`` (UTC) and stood then; nothing known later enters.

    Of several values that happened at once, the one known last counts (as a correction does); of those known
    at once as well, the latest in the record's order. ``start`` (UTC): from when features "since start" look;
    without one they are unknown. Raises DataError where a last or first value is not of its feature's kind.
    ``cohort_table`` gives the same for many people.
    """
    if start is not None:
        check_utc(start, "The start of a row")
    known: dict[str, list[Event]] = defaultdict(list)
    for event in record.at(moment).events:
        known[event.code].append(event)
    values = {feature.name: value_of(feature, known, moment, start) for feature in spec.features}
    return FeatureRow(record.subject_id, moment, values)


def _is_value(value: object) -> bool:
    return value is None or isinstance(value, (float, str, bool))
