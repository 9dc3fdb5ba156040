"""One object, one sequence of bytes: JSON that is the same on every run, and back again.

UTF-8, no spaces, floats as Python's ``repr`` (which reads back as the same float), no NaN or infinity.
"""

import json
from collections.abc import Mapping
from numbers import Integral, Real
from typing import TypeVar

import msgspec

from alleviate.packages.findings import Findings
from alleviate.terms.errors import PackageError

__all__ = ["findings_from_json", "findings_to_json", "from_json", "to_json"]

T = TypeVar("T")


def to_json(value: object, *, sort: bool = True) -> bytes:
    """Canonical JSON of dataclasses, mappings, sequences, text and numbers (NumPy's too).

    ``sort=False`` keeps the mappings in the order in which they were built, where that order means something.
    Raises ``ValueError`` for NaN, infinity and text that is no Unicode, ``TypeError`` for any other type.
    """
    plain = msgspec.to_builtins(value, enc_hook=_plain)
    text = json.dumps(plain, sort_keys=sort, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode() + b"\n"


def from_json(raw: bytes, kind: type[T], *, name: str = "The file") -> T:
    """The object of type ``kind`` that ``raw`` spells, every field checked; an error calls it ``name``.

    For bytes out of a package that has been verified. Raises ``PackageError``.
    """
    try:
        return msgspec.json.decode(raw, type=kind)
    except ValueError as error:
        raise PackageError(
            f"{name} is not what this version of Alleviate expects: {error}.",
            hint="It may come from another version: run `alleviate learn` again with this one.",
        ) from error


def findings_to_json(findings: Findings) -> bytes:
    """``findings.json``: arms, columns and fields in study order, not sorted."""
    return to_json(findings, sort=False)


def findings_from_json(raw: bytes) -> Findings:
    """The findings that ``findings_to_json`` wrote, equal to the original. Raises ``PackageError``."""
    return from_json(raw, Findings, name="findings.json")


def _plain(value: object) -> object:
    match value:
        case Mapping():
            return dict(value)
        case Integral():
            return int(value)
        case Real():
            return float(value)
        case _:
            raise TypeError(f"cannot be written as JSON: {type(value).__name__}")
