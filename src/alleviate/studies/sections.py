"""Reads one table of a study file key by key; what is wrong is said with file, line, key and nearest name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import isfinite

from alleviate.studies.toml_lines import line_of
from alleviate.terms.errors import StudyError

__all__ = ["Section", "Source", "nearest"]


def nearest(name: str, valid: Iterable[str]) -> str:
    """``Did you mean "x"?``, or the valid names where none is near."""
    names = list(dict.fromkeys(valid))
    return _did_you_mean(name, names) or (f"Valid here: {', '.join(names)}." if names else "")


@dataclass(frozen=True, slots=True)
class Source:
    """A study file's display name and text."""

    name: str
    text: str

    def error(self, path: Sequence[str], message: str, hint: str = "") -> StudyError:
        """``jobs2.toml, line 12, [outcome] better: …``, without a line where none of ``path`` is there."""
        line = line_of(self.text, *path)
        place = self.name if line is None else f"{self.name}, line {line}"
        where = f"[{path[0]}] {'.'.join(path[1:])}".strip()
        return StudyError(f"{place}, {where}: {message}.", hint=hint)


@dataclass(frozen=True, slots=True)
class Section:
    """The table ``[name]``. Each reader takes a key and gives its value, or the default where it is absent.

    Each raises ``StudyError`` where the value is not what the reader is for.
    """

    source: Source
    name: str
    values: Mapping[str, object]

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def error(self, key: str, message: str, hint: str = "") -> StudyError:
        return self.source.error((self.name, key), message, hint)

    def wrong(self, key: str, expected: str, hint: str = "") -> StudyError:
        return self.error(key, f"expected {expected}, got {shown(self.values[key])}", hint)

    def refuse_unknown(self, valid: Sequence[str]) -> None:
        for key in self.values:
            if key not in valid:
                raise self.error(key, "there is no such key", nearest(key, valid))

    def required(self, key: str) -> str:
        """A text that must be there and hold something."""
        if key not in self.values:
            raise self.error(key, "this key is required, but missing", f'Add: {key} = "…"')
        return self.name_or_none(key) or ""

    def name_or_none(self, key: str) -> str | None:
        """A text that holds something, such as a column's name."""
        value = self.values.get(key)
        if value is None or (isinstance(value, str) and value.strip()):
            return value
        raise self.wrong(key, "a text")

    def text(self, key: str) -> str:
        """Any text, "" by default."""
        value = self.values.get(key, "")
        if isinstance(value, str):
            return value
        raise self.wrong(key, "a text")

    def choice(self, key: str, valid: Sequence[str], default: str | None = None) -> str:
        """One of ``valid``; required where there is no default."""
        value = self.required(key) if default is None else self.values.get(key, default)
        if value in valid:
            return str(value)
        raise self.wrong(key, " or ".join(f'"{name}"' for name in valid), _did_you_mean(str(value), valid))

    def whole(self, key: str, low: int, high: int, default: int) -> int:
        """A whole number from ``low`` to ``high``."""
        value = self.values.get(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        raise self.wrong(key, f"a whole number from {low} to {high}")

    def positive(self, key: str) -> float | None:
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0 and isfinite(value):
            return float(value)
        raise self.wrong(key, "a number above 0")

    def flag(self, key: str) -> bool | None:
        value = self.values.get(key)
        if value is None or isinstance(value, bool):
            return value
        raise self.wrong(key, "true or false")

    def names(self, key: str) -> tuple[str, ...]:
        """A list of different texts, each holding something; empty by default."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(name, str) and name.strip() for name in value):
            raise self.wrong(key, 'a list of texts like ["age", "sex"]')
        doubled = next((name for name in value if value.count(name) > 1), None)
        if doubled is not None:
            raise self.error(key, f'"{doubled}" is named twice', "Name it once.")
        return tuple(value)

    def some_of(self, key: str, valid: Sequence[str], default: tuple[str, ...]) -> tuple[str, ...]:
        """A list of one or more of ``valid``."""
        if key not in self:
            return default
        names = self.names(key)
        unknown = next((name for name in names if name not in valid), None)
        if unknown is not None or not names:
            raise self.wrong(key, f"some of {', '.join(valid)}", nearest(unknown or "", valid))
        return names

    def texts_by_name(self, key: str) -> dict[str, str]:
        """A table of texts, each holding something; empty by default."""
        value = self.values.get(key, {})
        if not isinstance(value, dict) or not all(isinstance(x, str) and x.strip() for x in value.values()):
            raise self.wrong(key, 'a table of texts like { "0" = "usual care", "1" = "workshop" }')
        return value


def shown(value: object) -> str:
    """A value as the file writes it, cut when it is long."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        text = "{ " + ", ".join(f"{key} = {shown(item)}" for key, item in value.items()) + " }"
    elif isinstance(value, list):
        text = f"[{', '.join(map(shown, value))}]"
    else:
        text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


def _did_you_mean(name: str, valid: Iterable[str]) -> str:
    lower = {known.lower(): known for known in valid}
    near = get_close_matches(name.lower(), lower, n=1, cutoff=0.5)
    return f'Did you mean "{lower[near[0]]}"?' if near else ""
