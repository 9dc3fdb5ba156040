"""How hard English is to read: the school grade of Flesch and Kincaid, and the words of the longest sentence.

Kincaid JP, Fishburne RP, Rogers RL, Chissom BS (1975), Research Branch Report 8-75, Naval Technical Training.
"""

import re
from collections.abc import Iterable
from html.parser import HTMLParser

GRADE_AT_11 = 6.0
"""School grade in the USA of children of 11 to 12."""

_VOWELS = re.compile(r"[aeiouy]+")
_APART = {"p", "li", "h1", "h2", "h3", "h4", "td", "th", "dt", "dd", "legend", "label", "summary", "caption",
          "div", "button", "option", "figcaption", "br", "section", "span", "a", "strong"}  # fmt: skip
_SAME_LINE = {"span", "a", "strong"}
_UNREAD = {"script", "style", "svg", "nav", "header", "footer", "select", "title", "table"}


def syllables(word: str) -> int:
    word = re.sub(r"(?<=[^aeiouyl])e$|(?<=[^td])ed$", "", word.casefold())
    return max(1, len(_VOWELS.findall(word)))


def words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z']+", text)


def sentences(texts: Iterable[str]) -> list[str]:
    parts = [part for text in texts for part in re.split(r"[.?!:;]+(?:\s+|$)", text)]
    return [part.strip() for part in parts if re.search("[a-z]", part)]


def grade(texts: Iterable[str]) -> float:
    """0.39 · words per sentence + 11.8 · syllables per word − 15.59."""
    parts = sentences(texts)
    said = [word for part in parts for word in words(part)]
    return 0.39 * len(said) / len(parts) + 11.8 * sum(map(syllables, said)) / len(said) - 15.59


class _Prose(HTMLParser):
    """What stands in a page's main part as running text: each paragraph, heading and line of a list."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._line: list[str] = []
        self._main = 0
        self._unread: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "main":
            self._main += 1
        told = (given.get("lang") or "en").startswith("en") and "data-unread" not in given
        if self._unread or tag in _UNREAD or not told or given.get("class") == "app-own-words":
            if tag not in ("br", "input", "img", "meta", "link", "hr"):
                self._unread.append(tag)
        elif tag in _APART - _SAME_LINE:
            self._ends()

    def handle_endtag(self, tag: str) -> None:
        if self._unread:
            self._unread.pop()
        elif tag in _APART - _SAME_LINE or tag == "main":
            self._ends()

    def handle_data(self, data: str) -> None:
        if self._main and not self._unread:
            self._line.append(data)

    def _ends(self) -> None:
        text = " ".join("".join(self._line).split())
        self._line = []
        if text:
            self.found.append(text)


def prose(html: str) -> list[str]:
    """The running text of a page's main part; not its tables, lists to choose from, or words of others."""
    parser = _Prose()
    parser.feed(html)
    return parser.found
