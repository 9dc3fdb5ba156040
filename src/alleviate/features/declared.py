"""Features as a person writes them, in TOML: ``slope = { of = "phq9", take = "slope", window = "90d" }``."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import partial
from typing import TypeVar, get_args

from alleviate.features.spec import TAKES, Feature, FeatureSpec, Kind
from alleviate.instruments import INSTRUMENTS, Instrument
from alleviate.records import KINDS
from alleviate.terms.errors import DataError

__all__ = ["KEYS", "declare", "parse_days", "read_features"]

KEYS = ("of", "item", "code", "kind", "text", "take", "window", "since", "as", "label")
"""What a feature may say."""

Word = TypeVar("Word", bound=str)

_VALUE_KINDS: tuple[Kind, ...] = get_args(Kind)

BIRTH = "MEDS_BIRTH"

SPAN = re.compile(r"(-?[0-9]{1,5})([dw])")
DAYS = {"d": 1, "w": 7}


def read_features(text: str) -> FeatureSpec:
    """The features of a TOML text, a table ``[features.NAME]`` each, in its order. Raises DataError."""
    try:
        tables = tomllib.loads(text).get("features", {})
    except (ValueError, RecursionError) as error:
        raise DataError(f"This is not TOML ({error}).", hint="Texts stand in quotes.") from None
    if not isinstance(tables, dict) or not tables:
        raise DataError("Expected features, found none.", hint='As in: age = { take = "age" }')
    return FeatureSpec(tuple(feature for name, table in tables.items() for feature in declare(name, table)))


def declare(name: str, table: object) -> tuple[Feature, ...]:
    """The feature that a table describes; several where it takes the items of an instrument.

    Raises DataError, ``NAME: expected …, got …``, with the nearest valid name as its hint.
    """
    if not isinstance(table, Mapping):
        raise _wrong(name, "expected a table", table, 'As in: { of = "phq9", take = "last" }')
    for key in table:
        if key not in KEYS:
            raise DataError(f'{name}: there is no key "{key}".', hint=_nearest(key, KEYS))
    try:
        return _features(name, table)
    except DataError as error:
        if error.message.startswith(f"{name}: "):
            raise
        raise DataError(f"{name}: {error.message}", hint=error.hint) from None


def parse_days(name: str, key: str, value: object, *, least: int = 1) -> int:
    """Days of ``"90d"`` or ``"12w"``, ``least`` or more. Raises DataError."""
    found = SPAN.fullmatch(value) if isinstance(value, str) else None
    days = int(found[1]) * DAYS[found[2]] if found is not None else least - 1
    if days < least:
        raise _wrong(name, f"expected {key} to be days or weeks", value, 'As in: "90d", "12w"')
    return days


def _features(name: str, table: Mapping[str, object]) -> tuple[Feature, ...]:
    instrument = _instrument(name, table)
    feature = partial(
        Feature,
        days=parse_days(name, "window", table["window"]) if "window" in table else None,
        since_start="since" in table and bool(_choice(name, "since", table["since"], ("start",))),
        text=_words(name, table.get("text", ())),
        events=_choice(name, "kind", table["kind"], KINDS) if "kind" in table else None,
    )
    label = _text(name, "label", table.get("label", ""))
    if table.get("take") == "items":
        if instrument is None or "item" in table:
            raise DataError(f"{name}: items are those of an instrument.", hint='As in: of = "phq9"')
        words = label or instrument.abbreviation
        return tuple(
            feature(f"{name}_{item.id}", item.code, "number", f"{words}, {item.id}: {item.name}")
            for item in instrument.items
        )
    take = _choice(name, "take", table.get("take", "last"), TAKES, "items")
    kind: Kind = "boolean" if take == "ever" else "number"
    if take in ("last", "first") and instrument and instrument.total == "tier" and "item" not in table:
        kind = "category"  # the total is the name of a level
    kind = _choice(name, "as", table.get("as", kind), _VALUE_KINDS)
    return (feature(name, _code(name, take, table, instrument), kind, label, take),)


def _instrument(name: str, table: Mapping[str, object]) -> Instrument | None:
    if "of" not in table:
        return None
    if "code" in table:
        raise DataError(f'{name}: expected either "of" or "code", got both.', hint="Leave one out.")
    return INSTRUMENTS[_choice(name, "of", table["of"], tuple(INSTRUMENTS))]


def _code(name: str, take: str, table: Mapping[str, object], instrument: Instrument | None) -> str:
    if instrument is not None:
        return _item(name, table["item"], instrument) if "item" in table else instrument.total_code
    if "item" in table:
        raise DataError(f'{name}: "item" needs an instrument.', hint='As in: of = "phq9", item = 9')
    if take == "age" and "code" not in table:
        return BIRTH
    if "code" not in table:
        raise DataError(f'{name}: expected "of" or "code", got neither.', hint='As in: of = "phq9"')
    return _text(name, "code", table["code"])


def _item(name: str, item: object, instrument: Instrument) -> str:
    """Of the item with this id, number or code."""
    found = instrument.item(str(item))
    if found is None:
        ids = [item.id for item in instrument.items]
        raise _wrong(name, f"expected item to be one of {instrument.id}", item, _nearest(str(item), ids))
    return found.code


def _words(name: str, value: object) -> tuple[str, ...]:
    found = (value,) if isinstance(value, str) else value
    if not isinstance(found, (list, tuple)) or not all(isinstance(word, str) for word in found):
        raise _wrong(name, "expected text to be a text or a list of texts", value, 'As in: text = "CBT"')
    return tuple(found)


def _text(name: str, key: str, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong(name, f"expected {key} to be a text", value, f'As in: {key} = "…"')
    return value


def _choice(name: str, key: str, value: object, valid: tuple[Word, ...], *also: str) -> Word:
    """One of ``valid``; ``also`` are others that would have been right."""
    for word in valid:
        if word == value:
            return word
    words: tuple[str, ...] = (*valid, *also)
    raise _wrong(name, f"expected {key} to be one of {', '.join(words)}", value, _nearest(str(value), words))


def _wrong(name: str, expected: str, got: object, hint: str) -> DataError:
    shown = f'"{got}"' if isinstance(got, str) else repr(got)
    return DataError(f"{name}: {expected}, got {shown if len(shown) <= 80 else shown[:80] + '…'}.", hint=hint)


def _nearest(name: str, valid: Iterable[str]) -> str:
    """The nearest valid word; "" where none is near, since the message lists them."""
    near = get_close_matches(name, list(valid), n=1, cutoff=0.5)
    return f'Did you mean "{near[0]}"?' if near else "See docs/features.md."
