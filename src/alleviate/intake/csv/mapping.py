"""What the columns of a table mean: a small TOML file, checked key by key. See docs/mapping.md."""

import codecs
import tomllib
from collections.abc import Iterable
from collections.abc import Mapping as Pairs
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from alleviate.instruments import INSTRUMENTS, Instrument
from alleviate.instruments.parts import Item
from alleviate.intake.vocabularies import kind_of
from alleviate.records import Kind
from alleviate.terms.codes import check_code
from alleviate.terms.errors import DataError

__all__ = ["HOLDS", "Layout", "Mapping", "Meaning", "load", "parse"]

_Any = TypeVar("_Any", bound=Struct)

Holds = Literal["number", "text", "yes", "date", "code"]
HOLDS: tuple[Holds, ...] = ("number", "text", "yes", "date", "code")

SEXES = ("female", "male", "other", "unknown")
"""What ``PERSON//sex`` may hold; other words in a table need a translation."""

COLUMN_KEYS = (
    "subject",
    "time",
    "known_at",
    "known_until",
    "entry",
    "kind",
    "code",
    "value",
    "number",
    "text",
    "unit",
)
"""The keys of ``[table]`` that name a column."""


class Layout(Struct, frozen=True, kw_only=True):
    """The table ``[table]``: where everything that is no value stands, and how it is written."""

    shape: Literal["long", "wide"]
    subject: str
    name: str = ""
    time: str | None = None
    moment: str | None = None
    day_zero: str | None = None
    time_format: str | None = None
    zone: str = "UTC"
    known_at: str | None = None
    known_until: str | None = None
    entry: str | None = None
    kind: str | None = None
    code: str | None = None
    value: str | None = None
    number: str | None = None
    text: str | None = None
    unit: str | None = None
    vocabulary: str | None = None
    encoding: str = "utf-8"
    delimiter: str | None = None
    decimal: Literal[".", ","] = "."
    missing: tuple[str, ...] | None = None
    defused: bool = False

    @property
    def columns(self) -> dict[str, str]:
        """The columns that are named, by key."""
        return {key: name for key in COLUMN_KEYS if (name := getattr(self, key)) is not None}


class _Column(Struct, frozen=True, kw_only=True):
    """What stands behind a name in ``[columns]`` or ``[codes]``; a text alone is its ``code``."""

    code: str
    kind: Kind | None = None
    unit: str | None = None
    holds: Holds | None = None
    answers: dict[str, float | str] = {}
    missing: tuple[str, ...] = ()
    time_format: str | None = None


class _Form(Struct, frozen=True, kw_only=True):
    """A questionnaire in ``[instruments]``: the names of its items in order ("": none) and of its total."""

    items: tuple[str, ...] = ()
    total: str | None = None
    answers: dict[str, float] = {}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a column (wide) or a value of the code column (long) means. ``group`` names its entry in a row.

    ``answers`` are by lower case; ``written`` is the format of its dates. ``item`` is None for a total.
    """

    code: str
    kind: Kind
    group: str
    holds: Holds = "number"
    unit: str | None = None
    answers: Pairs[str, float | str] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    written: str | None = None
    instrument: Instrument | None = None
    item: Item | None = None


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping file, checked. ``meanings``: column (wide) or code as found (long) → what it means."""

    source: str
    layout: Layout
    meanings: Pairs[str, Meaning]

    def check_header(self, columns: Iterable[str], table: str) -> None:
        """Raise DataError for the first column that the mapping names and the table lacks."""
        there = list(columns)
        layout = self.layout
        named = {f"table.{key}": name for key, name in layout.columns.items()}
        if layout.shape == "wide":
            named |= {f'columns."{name}"': name for name in self.meanings}
        for key, name in named.items():
            if not name:
                raise DataError(f"{self.source}: {key} is empty.", hint="Complete the line: name a column.")
            if name not in there:
                hint = _nearest(name, there) or f"It has {', '.join(there[:8])}."
                raise DataError(f'{self.source}: {key}: {table} has no column "{name}".', hint=hint)


def load(path: Path) -> Mapping:
    """Read and check a mapping file. Raises DataError naming the file, the key and the nearest valid one."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise DataError(
            f"{path}: cannot be read.", hint="alleviate mapping new DATA.csv writes one."
        ) from None
    return parse(text, str(path), path.stem)


def parse(text: str, source: str, name: str = "") -> Mapping:
    """A mapping from its TOML; ``name`` goes before the names of its entries where the file gives none."""
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{source}: this is no TOML ({error}).", hint="See docs/mapping.md.") from None
    _known(data, ("table", "columns", "codes", "instruments"), source, "")
    if "table" not in data:
        raise DataError(f"{source}: the section [table] is missing.", hint="See docs/mapping.md.")
    layout = _convert(data["table"], Layout, source, "table")
    layout = _check_layout(
        layout if "name" in data["table"] else msgspec.structs.replace(layout, name=name), source
    )
    section, other = ("columns", "codes") if layout.shape == "wide" else ("codes", "columns")
    if other in data:
        raise DataError(
            f'{source}: [{other}] does not go with shape = "{layout.shape}".', hint=f"Name it [{section}]."
        )
    named = _section(data, section, source)
    meanings = {name: _meaning(name, value, source, f'{section}."{name}"') for name, value in named.items()}
    for id, value in _section(data, "instruments", source).items():
        for name, meaning in _form(id, value, source):
            if name in meanings:
                raise DataError(f'{source}: instruments.{id}: "{name}" is named twice.', hint="Name it once.")
            meanings[name] = meaning
    if layout.shape == "wide" and not meanings:
        raise DataError(f"{source}: no column has a meaning.", hint="Add [columns] or [instruments.phq9].")
    return Mapping(source, layout, meanings)


def _check_layout(layout: Layout, source: str) -> Layout:
    def expect(holds: object, key: str, expected: str) -> None:
        if not holds:
            raise DataError(f"{source}: table.{key}: expected {expected}.", hint="See docs/mapping.md.")

    expect(
        (layout.time is None) != (layout.moment is None),
        "time",
        "a column, or else moment = a date for all rows",
    )
    expect(layout.day_zero != "", "day_zero", "the date of day 0, as 2024-05-06: complete the line")
    expect(layout.day_zero is None or layout.time is not None, "time", "the column that counts from day_zero")
    expect(layout.delimiter is None or len(layout.delimiter) == 1, "delimiter", "one character")
    try:
        codecs.lookup(layout.encoding)
    except LookupError:
        expect(False, "encoding", f'one that is known, got "{layout.encoding}"')
    try:
        ZoneInfo(layout.zone)
    except (OSError, ValueError, KeyError):
        expect(False, "zone", f'one like "Europe/Berlin", got "{layout.zone}"')
    if layout.shape == "long":
        expect(layout.code is not None, "code", "the column of codes")
        expect(
            layout.value is not None or layout.number is not None or layout.text is not None,
            "value",
            "a column",
        )
    return layout


def _meaning(name: str, value: Any, source: str, key: str) -> Meaning:
    column = _convert({"code": value} if isinstance(value, str) else value, _Column, source, key)
    if not column.code:
        raise DataError(f"{source}: {key}.code is empty.", hint="Complete the line, or remove it.")
    try:
        check_code(column.code)
    except DataError as error:
        raise DataError(f"{source}: {key}.code: {error.message}", hint=error.hint) from None
    kind = column.kind or kind_of(column.code)
    words = any(isinstance(answer, str) for answer in column.answers.values())
    holds = column.holds or ("text" if words or kind in ("note", "person") else "number")
    holds = "date" if column.code == "MEDS_BIRTH" else holds
    return Meaning(
        column.code,
        kind,
        kind,
        holds,
        column.unit,
        {
            **(dict(zip(SEXES, SEXES, strict=True)) if column.code == "PERSON//sex" else {}),
            **{answer.lower(): number for answer, number in column.answers.items()},
        },
        frozenset(column.missing),
        column.time_format,
    )


def _form(id: str, value: Any, source: str) -> Iterable[tuple[str, Meaning]]:
    key = f"instruments.{id}"
    instrument = INSTRUMENTS.get(id)
    if instrument is None:
        hint = _nearest(id, INSTRUMENTS) or f"There are {', '.join(INSTRUMENTS)}."
        raise DataError(f'{source}: {key}: there is no instrument "{id}".', hint=hint)
    form = _convert(value, _Form, source, key)
    if len(form.items) > len(instrument.items):
        raise DataError(
            f"{source}: {key}.items: {instrument.abbreviation} has {len(instrument.items)} items, "
            f"got {len(form.items)}.",
            hint='Name them in its order, "" for one that is not there.',
        )
    for name, item in zip(form.items, instrument.items, strict=False):
        if name:
            labels = {label.lower(): item.low + place for place, label in enumerate(item.labels)}
            codes = {code.lower(): number for code, number in item.answers.items()}
            own = {answer.lower(): number for answer, number in form.answers.items()}
            answers = {**labels, **codes, **own}
            yield (
                name,
                Meaning(item.code, "questionnaire", id, answers=answers, instrument=instrument, item=item),
            )
    if form.total:
        yield form.total, Meaning(instrument.total_code, "questionnaire", id, instrument=instrument)


def _section(data: dict[str, Any], name: str, source: str) -> dict[str, Any]:
    section = data.get(name, {})
    if not isinstance(section, dict):
        raise DataError(f"{source}: expected a section [{name}], got a value.", hint="See docs/mapping.md.")
    return section


def _convert(value: Any, to: type[_Any], source: str, key: str) -> _Any:
    if not isinstance(value, dict):
        raise DataError(f"{source}: {key}: expected a table, got {value!r}.", hint="See docs/mapping.md.")
    _known(value, [field.name for field in msgspec.structs.fields(to)], source, f"{key}.")
    try:
        return msgspec.convert(value, to)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        place = f"{key}.{where.rstrip('`')}" if where else key
        raise DataError(f"{source}: {place}: {what}.", hint="See docs/mapping.md.") from None


def _known(found: Iterable[str], valid: Iterable[str], source: str, before: str) -> None:
    valid = list(valid)
    for key in found:
        if key not in valid:
            hint = _nearest(key, valid) or f"There are {', '.join(valid)}."
            raise DataError(f'{source}: there is no key "{before}{key}".', hint=hint)


def _nearest(word: str, valid: Iterable[str]) -> str:
    near = get_close_matches(word, list(valid), n=1, cutoff=0.5)
    return f'Did you mean "{near[0]}"?' if near else ""
