"""Help in a crisis, by country: who answers, how, and when we last checked it (``crisis.toml``)."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files
from typing import Any, Self

from alleviate.terms.errors import InputError

__all__ = ["HOLDS", "Country", "Crisis", "Help", "dialled"]

HOLDS = timedelta(days=365)
"""So long a number may be taken for current after somebody has looked; our own limit."""


def dialled(number: str) -> str:
    """A number as people write it, as a telephone dials it."""
    return "".join(sign for sign in number if sign in "+0123456789")


@dataclass(frozen=True, slots=True)
class Help:
    """One who answers. ``number`` as people write it; ``text`` takes messages that begin with ``say``.

    ``checked``: when it was compared with ``source``, None where never.
    """

    name: str
    kind: str
    words: str
    number: str
    text: str
    say: str
    url: str
    source: str
    checked: date | None

    def __post_init__(self) -> None:
        if self.kind not in ("emergency", "urgent", "line"):
            raise InputError(f"{self.name}: kind is emergency, urgent or line, got {self.kind!r}.")
        if not (self.number or self.text or self.url):
            raise InputError(f"{self.name}: there is no way to reach them.")
        if not self.source:
            raise InputError(f"{self.name}: the source is missing.")

    def checked_lately(self, today: date) -> bool:
        """Whether it was compared with its source, and not too long ago to say so."""
        return self.checked is not None and today - self.checked <= HOLDS

    @property
    def dial(self) -> str:
        """``number`` as a telephone dials it."""
        return dialled(self.number)

    @property
    def text_dial(self) -> str:
        return dialled(self.text)


@dataclass(frozen=True, slots=True)
class Country:
    """Its name and helps in the reader's language; the first ones come first."""

    code: str
    name: str
    helps: tuple[Help, ...]

    @property
    def emergency(self) -> Help:
        return next(each for each in self.helps if each.kind == "emergency")


@dataclass(frozen=True, slots=True)
class Crisis:
    """The whole file, as ``known`` on that day."""

    known: date
    countries: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls) -> Self:
        text = (files("alleviate.clinic.looks") / "crisis.toml").read_text(encoding="utf-8")
        told = tomllib.loads(text)
        found = cls(told["known"], told["country"])
        for code in found.countries:
            for spoken in ("en", "de"):
                found.of(code, spoken).emergency  # noqa: B018  # each has one, or the start fails
        return found

    def old(self, today: date) -> bool:
        """Whether nobody has looked at the file for longer than its numbers may be taken for current."""
        return today - self.known > HOLDS

    def of(self, code: str, spoken: str) -> Country:
        """Of one country; of one that we do not know, the international entry."""
        code = code if code in self.countries else "XX"
        entry = self.countries[code]
        return Country(code, _in(entry["name"], spoken), tuple(_help(each, spoken) for each in entry["help"]))

    def all(self, spoken: str) -> tuple[Country, ...]:
        """By name, the international entry last."""
        found = [self.of(code, spoken) for code in self.countries]
        return tuple(sorted(found, key=lambda each: (each.code == "XX", each.name)))


def _help(entry: Mapping[str, Any], spoken: str) -> Help:
    return Help(
        name=_in(entry["name"], spoken),
        kind=entry["kind"],
        words=_in(entry["words"], spoken),
        number=entry.get("number", ""),
        text=entry.get("text", ""),
        say=entry.get("say", ""),
        url=entry.get("url", ""),
        source=entry["source"],
        checked=entry.get("checked"),
    )


def _in(words: str | Mapping[str, str], spoken: str) -> str:
    if isinstance(words, str):
        return words
    return words.get(spoken, words["en"])
