"""What is sent to the clinic at random: what its OpenAPI description allows, and what nobody would send."""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

LONG = "x" * 70_000
DEEP = 3_000
TEXTS = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ud800",
    "\U0010ffff\u202e",
    LONG,
    str(2**31),
    str(2**63),
    str(-(2**63) - 1),
    "9" * 400,
    "1e999",
    "NaN",
    "0001-01-01",
    "9999-12-31",
    "9999-12-31T23:59:59.999999-14:00",
    "10000-01-01",
    "2026-02-30",
    "0000-00-00T24:00:00Z",
    "../../etc/passwd",
    "{{7*7}}${7*7}",
    "'\"><script>",
    "%",
    "%00",
    "🙂" * 50,
)
VALUES: tuple[Any, ...] = (
    *TEXTS,
    None,
    True,
    0,
    -1,
    2**31,
    2**53 + 1,
    2**63,
    2**64,
    -(2**63) - 1,
    10**400,
    1e308,
    5e-324,
    [],
    {},
    [None],
    [[[[[]]]]],
    {"": ""},
)
RAW = (
    b"",
    b"null",
    b"[]",
    b"{}",
    b'"',
    b"\xff\xfe",
    b"[" * DEEP,
    b"[" * DEEP + b"]" * DEEP,
    b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    b'{"resourceType":"Bundle","type":"transaction","entry":' + b"[" * DEEP + b"]" * DEEP + b"}",
    b'{"resourceType":"\\ud800"}',
    b'{"a":NaN}',
    b'{"a":1e999}',
    b"\xef\xbb\xbf{}",
)


@dataclass(frozen=True)
class Sent:
    """One request. ``path`` as it goes out; ``form``, ``body`` (JSON) or ``raw``."""

    path: str
    query: tuple[tuple[str, str], ...] = ()
    form: tuple[tuple[str, str], ...] | None = None
    raw: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def as_it_stands(path: str, known: Mapping[str, Sequence[str]], seed: Any, *, form: bool) -> Sent:
    """A body that is taken, to somebody who is there."""
    parts = {name: values[0] for name, values in known.items()}
    if "resourceType" in seed:
        parts |= {"type": seed["resourceType"], "id": seed.get("id", "none")}
    for name, value in parts.items():
        path = path.replace("{" + name + "}", _quoted(value))
    if form:
        return Sent(path, form=tuple((key, _text(value)) for key, value in seed.items()))
    return Sent(path, raw=json.dumps(seed).encode())


@st.composite
def requests_to(draw: Any, path: str, described: Any, known: Mapping[str, Any], seeds: list[Any]) -> Sent:
    """To ``path``: ``described`` draws what the description allows, ``seeds`` are bodies that are taken."""
    case = draw(described)
    seeded = draw(st.sampled_from(seeds)) if seeds and draw(st.integers(0, 5)) else None
    spoilt = draw(st.sampled_from(("nothing", "nothing", "path", "query", "body", "body", "raw")))
    path = _path(draw, path, dict(case.path_parameters or {}), known, seeded, odd=spoilt == "path")
    query = [(str(k), _text(v)) for k, values in dict(case.query or {}).items() for v in _many(values)]
    if path.startswith("/fhir/") and "patient" in known and draw(st.integers(0, 3)):
        query.append(("patient", known["patient"][0]))
    if spoilt == "query":
        names = [name for name, _ in query] or ["page", "_count", "_since", "date", "patient"]
        query.append((draw(st.sampled_from(names)), draw(st.sampled_from(TEXTS))))
    media, body = case.media_type or "", case.body
    if seeded is not None:
        media, body = media if "form" in media else "application/json", seeded
    if spoilt == "raw" and ("json" in media or not media):
        return Sent(path, tuple(query), raw=draw(st.sampled_from(RAW)))
    if "form" in media:
        fields = [(k, _text(v)) for k, values in _fields(body) for v in _many(values)]
        if spoilt == "body" and fields:
            fields.append((draw(st.sampled_from([k for k, _ in fields])), draw(st.sampled_from(TEXTS))))
        return Sent(path, tuple(query), form=tuple(fields))
    if "json" in media:
        if spoilt == "body":
            body = _spoilt(draw, body)
        return Sent(path, tuple(query), raw=json.dumps(_plain(body)).encode("utf-8", "backslashreplace"))
    return Sent(path, tuple(query))


def _path(
    draw: Any, path: str, parts: dict[str, Any], known: Mapping[str, Any], seeded: Any, *, odd: bool
) -> str:
    """With ids that there are, mostly; where the body names its own, with that."""
    for name, values in known.items():
        if name in parts and draw(st.integers(0, 4)):
            parts[name] = draw(st.sampled_from(values))
    if isinstance(seeded, dict) and "resourceType" in seeded:
        own = {"type": seeded["resourceType"], "id": seeded.get("id", "none")}
        parts |= {name: value for name, value in own.items() if name in parts}
    if odd and parts:
        parts[draw(st.sampled_from(sorted(parts)))] = draw(st.sampled_from(TEXTS[1:]))
    for name, value in parts.items():
        path = path.replace("{" + name + "}", _quoted(value))
    return path


def _spoilt(draw: Any, body: Any) -> Any:
    """With one to three of its values replaced, left out, or said twice."""
    body = copy.deepcopy(_plain(body))
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(body))
        if not places:
            return draw(st.sampled_from(VALUES))
        holder, key = draw(st.sampled_from(places))
        match draw(st.sampled_from(("replace", "replace", "replace", "drop", "nest"))):
            case "drop" if isinstance(holder, dict):
                holder.pop(key, None)
            case "nest":
                holder[key] = [holder[key], copy.deepcopy(holder[key])]
            case _:
                holder[key] = copy.deepcopy(draw(st.sampled_from(VALUES)))  # the next round may spoil it too
    return body


def _places(body: Any) -> Iterator[tuple[Any, Any]]:
    pairs = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in list(pairs):
        yield body, key
        yield from _places(value)


def _plain(body: Any) -> Any:
    """What JSON can hold: the description's own odd values (bytes, no body) become text."""
    if isinstance(body, dict):
        return {str(key): _plain(value) for key, value in body.items()}
    if isinstance(body, (list, tuple)):
        return [_plain(value) for value in body]
    return body if isinstance(body, (str, int, float, bool, type(None))) else str(body)


def _fields(body: Any) -> list[tuple[str, Any]]:
    return list(body.items()) if isinstance(body, dict) else list(body) if isinstance(body, list) else []


def _many(values: Any) -> list[Any]:
    return list(values) if isinstance(values, (list, tuple)) else [values]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(_plain(value))


def _quoted(value: Any) -> str:
    return quote(_text(value).encode("utf-8", "surrogatepass"), safe="") or "%20"
