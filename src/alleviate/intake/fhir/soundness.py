"""JSON that no reader can take in two ways, of bounded depth; and what must be understood or refused."""

import json
import re
from typing import Any

import msgspec

from alleviate.intake.fhir.faults import Fault

__all__ = ["DEEPEST", "check_understood", "sound"]

DEEPEST = 64
"""How deep the objects and lists of a resource may lie in each other."""

_MUST = (b'"modifierExtension"', b'"implicitRules"')
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{}]')
_decode, _encode = msgspec.json.Decoder(dict[str, Any]).decode, msgspec.json.Encoder().encode


def sound(data: bytes) -> dict[str, Any]:
    """The content of a resource. Raises Fault, DecodeError or UnicodeDecodeError where it is not sound."""
    if data.count(b"{") + data.count(b"[") > DEEPEST and _depth(data) > DEEPEST:
        raise Fault("", f"It is nested deeper than {DEEPEST} levels.")
    content: dict[str, Any] = _decode(data)
    if len(_encode(content)) != len(data):  # written out otherwise, or with a name twice
        json.loads(data, object_pairs_hook=_once, parse_int=str, parse_float=str)
    return content


def check_understood(data: bytes, content: dict[str, Any]) -> None:
    """Raise Fault where something changes the meaning of a resource in a way that is not known."""
    if _MUST[0] in data or _MUST[1] in data:
        _understood(content, "")


def _depth(data: bytes) -> int:
    depth = deepest = 0
    for token in _TOKEN.finditer(data):
        match token[0]:
            case b"{" | b"[":
                depth += 1
                deepest = max(deepest, depth)
            case b"}" | b"]":
                depth -= 1
    return deepest


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Fault(twice, "The name stands twice in one object.")
    return content


def _understood(content: Any, path: str) -> None:
    """Refuse what changes the meaning of a resource in a way that is not known."""
    if isinstance(content, list):
        for place, one in enumerate(content):
            _understood(one, f"{path}[{place}]")
    elif isinstance(content, dict):
        for name, value in content.items():
            here = f"{path}.{name}" if path else name
            if name == "modifierExtension" and value:
                urls = (
                    [str(e.get("url")) for e in value if isinstance(e, dict)]
                    if isinstance(value, list)
                    else []
                )
                raise Fault(
                    here, f"It changes the meaning in a way that is not known: {', '.join(urls)[:200]}."
                )
            if name == "implicitRules" and value:
                raise Fault(here, f"It is to be read by rules that are not known: {str(value)[:200]}.")
            _understood(value, here)
