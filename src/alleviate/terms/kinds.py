"""What a JSON object says that it is, with its version: ``{"kind": "patient-record/2", …}``."""

from collections.abc import Mapping
from typing import Any

from alleviate.terms.errors import DataError

__all__ = ["expect_kind"]


def expect_kind(data: Any, kind: str, fields: set[str]) -> Mapping[str, Any]:
    """``data`` if it is an object of this kind and version with exactly these fields. Raises DataError."""
    if not isinstance(data, Mapping) or data.get("kind") != kind:
        found = data.get("kind") if isinstance(data, Mapping) else data
        raise DataError(
            f'Expected an object of kind "{kind}", got {found!r}.',
            hint="Read it with the version of Alleviate that wrote it.",
        )
    if data.keys() != fields | {"kind"}:
        raise DataError(
            f'An object of kind "{kind}" has {sorted(fields)}, got {list(data)}.',
            hint="Write it with to_dict.",
        )
    return data
