"""One object, one sequence of bytes: the JSON Canonicalization Scheme (RFC 8785) of what the audit says.

Text, whole numbers that a double holds exactly, booleans, and objects of these. Fractions, null and arrays
are refused, so that of the scheme's rules on numbers only the one on whole numbers is needed.
"""

import json
from collections.abc import Mapping

__all__ = ["LARGEST", "Json", "canonical"]

Json = str | int | bool | Mapping[str, "Json"]

LARGEST = 2**53 - 1
"""The largest whole number that every reader of JSON takes to be itself."""

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def canonical(value: Json) -> bytes:
    """UTF-8, no spaces, keys in the order of their UTF-16 units, the shortest escapes.

    Raises ``TypeError`` for another type, ``ValueError`` for a number beyond ``LARGEST`` or no Unicode.
    """
    return _ENCODER.encode(_ordered(value)).encode()


def _ordered(value: Json) -> object:
    kind = type(value)
    if kind is str or kind is bool:
        return value
    if kind is int:
        if not -LARGEST <= value <= LARGEST:  # type: ignore[operator]
            raise ValueError(f"A whole number in JSON lies within ±(2^53 - 1), got {value}.")
        return value
    if isinstance(value, Mapping):
        keys = sorted(value) if all(map(str.isascii, value)) else sorted(value, key=_units)
        return {key: _ordered(value[key]) for key in keys}
    raise TypeError(f"Expected text, a whole number, a boolean or an object of these, got {kind.__name__}.")


def _units(key: str) -> bytes:
    return key.encode("utf-16-be")
