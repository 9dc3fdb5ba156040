"""A first mapping for a table, told from its header and first rows: to be used as it is, or completed."""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

from alleviate.instruments import INSTRUMENTS, Instrument
from alleviate.intake.csv.rows import delimiter_of, is_parquet, lines_of
from alleviate.intake.tables.table import MISSING
from alleviate.terms.codes import code
from alleviate.terms.errors import DataError

__all__ = ["Draft", "draft"]

LOOKED_AT = 1_000
"""So many rows are looked at."""

LONG_TEXT = 40
"""Words that are longer than this on average are notes."""

_WORDS: dict[str, Any] = tomllib.loads(
    files("alleviate.intake.csv").joinpath("drafting.toml").read_text("utf-8")
)
_NAMES: dict[str, str] = _WORDS["names"]
_SEXES: dict[str, str] = _WORDS["sexes"]
_LOINC = re.compile(r"(?:loinc\W*)?(\d{1,5}-\d)", re.IGNORECASE)
_UNIT_IN_NAME = re.compile(
    r"(.+?)\s*[(\[](.+)[)\]]|(.+)_(kg|cm|mm|g|mg|bpm|mmhg|mmol|mg_dl|min|h|days|years)", re.IGNORECASE
)


@dataclass(slots=True)
class Draft:
    """``text`` is the mapping; ``open`` names the lines that must be completed before it can be used."""

    text: str
    open: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Seen:
    """A table as far as it was looked at: the values of each column that are there."""

    encoding: str
    delimiter: str | None
    columns: dict[str, list[str]]
    left: list[str]

    def take(self, pattern: str) -> str | None:
        """The first column left whose name is like that, no longer left."""
        found = next((name for name in self.left if re.fullmatch(pattern, _plain(name))), None)
        if found is not None:
            self.left.remove(found)
        return found


def draft(path: Path) -> Draft:
    """A mapping for the table, commented. Raises DataError where the file is no table."""
    seen = _look(path)
    formats = {name: found for name in seen.left if (found := _format_of(seen.columns[name])) is not None}
    birth, sex = seen.take(_NAMES["birth"]), seen.take(_NAMES["sex"])
    subject = seen.take(_NAMES["subject"])
    time = next((n for n in seen.left if n in formats and re.fullmatch(_NAMES["time"], _plain(n))), None)
    time = time or next((n for n in seen.left if n in formats), None)
    counted = None if time else _counted(seen)
    if time:
        seen.left.remove(time)
    recorded = next(
        (n for n in seen.left if n in formats and re.fullmatch(_NAMES["known_at"], _plain(n))), None
    )
    if recorded:
        seen.left.remove(recorded)
    code_column = next(
        (n for n in seen.left if re.fullmatch(_NAMES["code"], _plain(n)) and _repeats(seen.columns[n])), None
    )
    value = next((n for n in seen.left if re.fullmatch(_NAMES["value"], _plain(n))), None)
    long = code_column is not None and value is not None
    unfinished: list[str] = []
    lines = [
        f"# What the columns of {path.name} mean. Drafted from its first rows: check it, then",
        f"#   alleviate import {path.name}",
        "# See docs/mapping.md for everything that may stand here.",
        "",
        "[table]",
        f'shape = "{"long" if long else "wide"}"'.ljust(32)
        + ("# one value a row" if long else "# one visit or person a row"),
        _named("subject", subject, "whose row it is", unfinished),
        *(_since(counted, unfinished) if counted else _when(time, formats, unfinished)),
    ]
    if recorded:
        lines.append(_named("known_at", recorded, "when it was recorded", unfinished))
    lines += _writing(seen, value if long else None)
    if long and code_column and value:
        unit = seen.take(_NAMES["unit"])
        lines += [
            _named("code", code_column, "what was measured", unfinished),
            _named("value", value, "", unfinished),
        ]
        lines += [_named("unit", unit, "", unfinished)] if unit else []
        lines += ["", "[codes]" + " " * 25 + "# the codes as found, and what they mean"]
        lines += [_line(name, _code(name)) for name in dict.fromkeys(seen.columns[code_column])]
    else:
        usual = formats.get(time or "", "")
        own = {name: "" if found == usual else found for name, found in formats.items()}
        lines += _wide(seen, birth, sex, own, unfinished)
    return Draft("\n".join(lines) + "\n", unfinished)


def _look(path: Path) -> _Seen:
    encoding = "utf-8"
    if not is_parquet(path):
        encoding = _encoding(path)
    delimiter = None if is_parquet(path) else delimiter_of(path, encoding)
    lines = lines_of(path, encoding, delimiter)
    header = next(lines)
    names = [name.strip() for name in header.cells]
    rows = [line.cells for line in islice(lines, LOOKED_AT) if not line.reason]
    if not names or not rows:
        raise DataError(f"{path}: expected a header and rows.", hint="Is it the right file?")
    columns = {
        name: [cell for row in rows if (cell := row[place].strip()) not in MISSING]
        for place, name in enumerate(names)
        if name
    }
    return _Seen(encoding, delimiter, columns, list(columns))


def _encoding(path: Path) -> str:
    if path.suffix == ".gz":
        return "utf-8"
    with path.open("rb") as file:
        start = file.read(1 << 20)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        start[: start.rfind(b"\n") + 1 or None].decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _when(time: str | None, formats: Mapping[str, str], unfinished: list[str]) -> list[str]:
    when = 'when it was; or moment = "2024-05-06" for all rows'
    lines = [_named("time", time, when if time is None else "when it was", unfinished)]
    found = formats.get(time or "", "")
    if found:
        alike = found.startswith(("%d/%m", "%d-%m"))
        lines.append(f'time_format = "{found}"'.ljust(32) + ("# day first? check" if alike else ""))
    if "%H" in found or not found:
        lines.append('# zone = "Europe/Berlin"         # where the clock hung, if it does not say; else UTC')
    return [line.rstrip() for line in lines]


def _counted(seen: _Seen) -> str | None:
    """The column that counts days, taken, where it holds numbers only."""
    name = next((n for n in seen.left if re.fullmatch(_NAMES["day"], _plain(n))), None)
    if name is None or not all(map(_number, seen.columns[name])):
        return None
    seen.left.remove(name)
    return name


def _since(column: str, unfinished: list[str]) -> list[str]:
    unfinished.append("day_zero")
    return [
        _named("time", column, "when it was, in days", unfinished),
        'day_zero = ""'.ljust(32) + "# COMPLETE THIS LINE: the date of day 0; any, where nobody knows it",
    ]


def _writing(seen: _Seen, value: str | None) -> list[str]:
    lines = []
    if seen.encoding != "utf-8":
        lines.append(f'encoding = "{seen.encoding}"')
    if seen.delimiter is not None and seen.delimiter != ",":
        lines.append(f"delimiter = {json.dumps(seen.delimiter)}")
    looked = [value] if value else list(seen.columns)
    if any(
        _number(cell.replace(",", ".", 1)) and "," in cell for name in looked for cell in seen.columns[name]
    ):
        lines.append('decimal = ","')
    return lines


def _wide(
    seen: _Seen, birth: str | None, sex: str | None, formats: Mapping[str, str], unfinished: list[str]
) -> list[str]:
    lines = []
    for instrument in INSTRUMENTS.values():
        items, total = _items(instrument, seen.left)
        if items or total:
            taken = {*items.values(), total}
            seen.left = [name for name in seen.left if name not in taken]
            lines += ["", f"[instruments.{instrument.id}]".ljust(32) + f"# {instrument.abbreviation}"]
            if items:
                names = [items.get(item.id, "") for item in instrument.items]
                lines.append(f"items = {json.dumps(names, ensure_ascii=False)}")
            if total:
                lines.append(f"total = {json.dumps(total, ensure_ascii=False)}")
    lines += ["", "[columns]"]
    if birth:
        lines.append(_line(birth, _dated("MEDS_BIRTH", formats.get(birth, ""))))
    if sex:
        known = {
            value: _SEXES[value.lower()]
            for value in dict.fromkeys(seen.columns[sex])
            if value.lower() in _SEXES
        }
        rest = [value for value in dict.fromkeys(seen.columns[sex]) if value.lower() not in _SEXES]
        inner = ", ".join(
            f"{json.dumps(key, ensure_ascii=False)} = {json.dumps(word)}" for key, word in known.items()
        )
        hint = f"   # COMPLETE THIS LINE: say what these mean: {', '.join(rest[:5])}" if rest else ""
        unfinished += [sex] if rest else []
        lines.append(_line(sex, f'{{ code = "PERSON//sex", answers = {{ {inner} }} }}{hint}'))
    lines += [_line(name, _column(name, seen.columns[name], formats.get(name))) for name in seen.left]
    return lines


def _items(instrument: Instrument, names: Iterable[str]) -> tuple[dict[str, str], str | None]:
    """The columns of an instrument's items by item id, and of its total; none where no name is like that."""
    key = _plain(instrument.id)
    items: dict[str, str] = {}
    total = None
    ids = {item.id for item in instrument.items}
    for name in names:
        plain = _plain(name)
        found = re.fullmatch(key + _WORDS["instruments"]["item"], plain)
        found = found or re.fullmatch(_WORDS["studies"].get(instrument.id, "(?!)"), plain)
        if found and found[1] in ids:
            items.setdefault(found[1], name)
        elif total is None and re.fullmatch(key + _WORDS["instruments"]["total"], plain):
            total = name
    return items, total


def _column(name: str, values: Sequence[str], written: str | None) -> str:
    found = _LOINC.fullmatch(name.strip())
    united = _UNIT_IN_NAME.fullmatch(name.strip())
    bare = (united[1] or united[3]) if united else name
    unit = (united[2] or united[4]) if united else ""
    meant = code("LOINC", found[1]) if found else code("LOCAL", bare.strip())
    words = json.dumps(meant, ensure_ascii=False)
    numbers = all(_number(value.replace(",", ".", 1)) for value in values)
    if written is not None and not numbers:
        return _dated(meant, written)
    if not numbers and sum(map(len, values)) > LONG_TEXT * len(values):
        return f'{{ code = {json.dumps(code("NOTE", bare.strip()), ensure_ascii=False)}, kind = "note" }}'
    if not numbers:
        return f'{{ code = {words}, holds = "text" }}'
    return f"{{ code = {words}, unit = {json.dumps(unit, ensure_ascii=False)} }}" if unit else words


def _dated(code: str, written: str) -> str:
    """The meaning of a column of dates, with their format where it is another than that of the time."""
    own = f', time_format = "{written}"' if written else ""
    return f'{{ code = {json.dumps(code, ensure_ascii=False)}, holds = "date"{own} }}'


def _code(found: str) -> str:
    """The TOML of a code as it was found in a long table."""
    if "//" in found and all(found.split("//")):
        return json.dumps(found, ensure_ascii=False)
    loinc = _LOINC.fullmatch(found)
    if loinc:
        return json.dumps(code("LOINC", loinc[1]))
    for instrument in INSTRUMENTS.values():
        items, total = _items(instrument, [found])
        for id in items:
            item = instrument.item(id)
            if item is not None:
                return json.dumps(item.code)
        if total:
            return json.dumps(instrument.total_code)
    return json.dumps(code("LOCAL", found), ensure_ascii=False)


def _format_of(values: Sequence[str]) -> str | None:
    """The way that all these dates are written, "" for ISO 8601; None where they are none."""
    if not values or (all(map(_number, values)) and not all(len(value) == 8 for value in values)):
        return None
    dates = _WORDS["dates"]
    known = (day + clock for day in dates["days"] for clock in dates["clocks"] if day or not clock)
    return next((written for written in known if _all_dates(values, written)), None)


def _all_dates(values: Sequence[str], written: str) -> bool:
    try:
        for value in values:
            moment = datetime.strptime(value, written) if written else datetime.fromisoformat(value)  # noqa: DTZ007
            if not 1900 <= moment.year < 2100:
                return False
    except ValueError:
        return False
    return True


def _repeats(values: Sequence[str]) -> bool:
    return len(set(values)) < len(values) or any("//" in value or _LOINC.fullmatch(value) for value in values)


def _number(text: str) -> bool:
    return re.fullmatch(r"[+-]?[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?", text) is not None


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


def _named(key: str, column: str | None, what: str, unfinished: list[str]) -> str:
    if column is None:
        unfinished.append(key)
        return f'{key} = ""'.ljust(32) + f"# COMPLETE THIS LINE: the column that says {what}"
    return (
        f"{key} = {json.dumps(column, ensure_ascii=False)}".ljust(32) + (f"# {what}" if what else "")
    ).rstrip()


def _line(name: str, meaning: str) -> str:
    return f"{json.dumps(name, ensure_ascii=False)} = {meaning}"
