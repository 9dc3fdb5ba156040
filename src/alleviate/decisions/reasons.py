"""Why somebody decided otherwise: a coded reason of ``reasons.toml``, and words of one's own."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from alleviate.terms.errors import InputError

__all__ = ["MOST_WORDS", "CodedReason", "Reason", "reasons_for"]

MOST_WORDS = 2000
"""Characters of free words."""


@dataclass(frozen=True, slots=True)
class CodedReason:
    """One line of the list. ``needs_words``: it says nothing without words of one's own."""

    code: str
    text: str
    moves: frozenset[str]
    needs_words: bool


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason as somebody gave it. Raises InputError for an unknown code, or where words lack."""

    code: str
    words: str = ""

    def __post_init__(self) -> None:
        known = _table().get(self.code)
        if known is None:
            raise InputError(f"There is no reason {self.code!r}.", hint=f"One of: {', '.join(_table())}.")
        object.__setattr__(self, "words", self.words.strip())
        if known.needs_words and not self.words:
            raise InputError(f'"{known.text}" was given without words.', hint="Say in your own words why.")
        if len(self.words) > MOST_WORDS:
            raise InputError(
                f"The reason has {len(self.words)} characters; at most {MOST_WORDS} are kept.",
                hint="Say it more briefly; a note of the record may hold the rest.",
            )

    @property
    def text(self) -> str:
        """What the code stands for."""
        return _table()[self.code].text

    def fits(self, move: str) -> bool:
        """Whether it may be given for that move."""
        return move in _table()[self.code].moves


def reasons_for(move: str) -> tuple[CodedReason, ...]:
    """The reasons that may be given for a move, in the list's order."""
    return tuple(each for each in _table().values() if move in each.moves)


@cache
def _table() -> dict[str, CodedReason]:
    text = (files("alleviate.decisions") / "reasons.toml").read_text(encoding="utf-8")
    lines = tomllib.loads(text)["reasons"]
    found = {
        line["code"]: CodedReason(
            line["code"], line["text"], frozenset(line["moves"]), line.get("words", False)
        )
        for line in lines
    }
    assert len(found) == len(lines), "two reasons have one code"
    return found
