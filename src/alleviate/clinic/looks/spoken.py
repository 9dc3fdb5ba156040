"""Words that pages say and that stand in no template: in data files, in errors, in lists of the code.

``spoken.toml`` declares where they stand. Sentences with places to fill (``"{} points better"``) are known
again when they come filled, so that what was stored in English can be read in another language.
"""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Formatter
from typing import Any

from markupsafe import Markup, escape

from alleviate.clinic.looks.formats import percent_sign
from alleviate.clinic.looks.languages import Language, catalogue

__all__ = ["Speaker", "raised", "written"]

ROOT = Path(str(files("alleviate")))
_NUMBER = re.compile(r"[-−+]?\d+(?:[.,]\d+)*(?: ?%)?")
_PERCENT = re.compile(r"(?<=\d)[ \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]?%")
_SOME, _ANY, _DIGITS = "(.+?)", "(.+)", r"([-−+]?\d[\d.,]*(?: ?%)?)"


@cache
def _declared() -> dict[str, Any]:
    return tomllib.loads((files("alleviate.clinic.looks") / "spoken.toml").read_text(encoding="utf-8"))


def written() -> Iterator[tuple[str, str]]:
    """Every word that ``spoken.toml`` declares, with the file in which it stands."""
    for source in _declared()["from"]:
        for pattern in source["files"]:
            for path in sorted(ROOT.glob(pattern)):
                told = tomllib.loads(path.read_text(encoding="utf-8"))
                place = path.relative_to(ROOT).as_posix()
                for words in source["words"]:
                    yield from ((found, place) for found in _at(told, words.split(".")))
    for found in _at(_declared()["plain"], ["*"]):
        yield found, "clinic/looks/spoken.toml"


def raised() -> Iterator[tuple[str, str]]:
    """Messages and hints, written as plain words, of the errors that the declared files raise."""
    for pattern in _declared()["errors"]["files"]:
        for path in sorted(ROOT.glob(pattern)):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                yield from ((words, path.relative_to(ROOT).as_posix()) for words in _told(node))


def _told(node: ast.AST) -> Iterator[str]:
    if not (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("Error")
    ):
        return
    said = [*node.args[:1], *(each.value for each in node.keywords if each.arg == "hint")]
    for each in said:
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and " " in each.value:
            yield each.value


def _at(told: Any, names: Sequence[str]) -> Iterator[str]:
    """The words at a path; a list is walked through, and so is a table at the path's end."""
    if isinstance(told, list):
        for each in told:
            yield from _at(each, names)
    elif isinstance(told, Mapping):
        if not names:
            yield from (word for each in told.values() for word in _at(each, ()))
        elif names[0] == "*":
            yield from (word for each in told.values() for word in _at(each, names[1:]))
        elif names[0] in told:
            yield from _at(told[names[0]], names[1:])
    elif isinstance(told, str) and told and not names:
        yield told


@dataclass(frozen=True, slots=True)
class _Frame:
    """A sentence with places. ``said``: in the other language; ``names``: of its places, in order."""

    shape: re.Pattern[str]
    names: tuple[str, ...]
    said: str


class Speaker:
    """Says words of data and of packages in one language; what it does not know is marked as English.

    A place takes a number or what is known itself, so that no sentence is half translated; those that
    ``spoken.toml`` calls open take anything: the name of a medicine, a day.
    """

    def __init__(self, language: Language) -> None:
        self._home = language.code == "en"
        self._say = language.words.gettext
        self._percent = percent_sign(language.locale)
        self._comma = language.locale.number_symbols["latn"]["decimal"]
        self._known: frozenset[str] = frozenset()
        self._frames: tuple[_Frame, ...] = ()
        self._open = frozenset(_declared()["open"])
        if not self._home:
            known = (message.id for message in catalogue(language.code) if message.string)
            self._known = frozenset(id for id in known if isinstance(id, str) and id)
            found = sorted({words for words, _ in written() if "{" in words}, key=len, reverse=True)
            self._frames = tuple(_frame(words, self._say(words)) for words in found if words in self._known)

    def __call__(self, words: object) -> Markup:
        """Escaped: in this language, or within ``lang="en"``."""
        text = str(words)
        if self._home or not text.strip():
            return escape(self._signed(text))
        told = self.told(text)
        return escape(self._signed(told)) if told else Markup('<span lang="en">{}</span>').format(text)

    def say(self, text: str) -> str:
        """In this language where it is known in it, else as it is: for code (``_``), not for markup."""
        return self._signed(self.told(text) or text)

    def _signed(self, text: str) -> str:
        """Data files and packages write "45 %"; a page writes it one way, as its language does."""
        return _PERCENT.sub(self._percent, text) if "%" in text else text

    def told(self, text: str) -> str:
        """In this language, or "" where it is not known in it."""
        if self._home or text in self._known:
            return self._say(text)
        if _NUMBER.fullmatch(text):
            return self._value(text)
        return next((told for frame in self._frames if (told := self._filled(frame, text))), "")

    def _filled(self, frame: _Frame, text: str) -> str:
        found = frame.shape.fullmatch(text)
        if found is None:
            return ""
        values = {}
        for name, given in zip(frame.names, found.groups(), strict=True):
            values[name] = self._value(given) or (given if name in self._open else "")
        return _rename(frame.said)[0].format_map(values) if all(values.values()) else ""

    def _value(self, given: str) -> str:
        if _NUMBER.fullmatch(given):
            return given.replace(".", self._comma) if given.count(".") == 1 else given
        return self.told(given) or self.told(given[:1].lower() + given[1:])


def _frame(words: str, said: str) -> _Frame:
    text, names = _rename(words)
    shape = "".join(
        re.escape(literal) + ("" if name is None else _place(name))
        for literal, name, _, _ in Formatter().parse(text)
    )
    return _Frame(re.compile(shape), names, said)


def _place(name: str) -> str:
    return _SOME if name.startswith("_") else _DIGITS if name in _declared()["numbers"] else _ANY


def _rename(words: str) -> tuple[str, tuple[str, ...]]:
    """With a name for every place ("_0", "_1", … for those without), and these names; without formats."""
    text = ""
    names: list[str] = []
    for literal, name, _, _ in Formatter().parse(words):
        text += literal.replace("{", "{{").replace("}", "}}")
        if name is not None:
            names.append(name or f"_{len(names)}")
            text += "{" + names[-1] + "}"
    return text, tuple(names)
