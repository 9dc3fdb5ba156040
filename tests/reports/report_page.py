"""A report as a reader's program sees it: tags, text, rows."""

import re
from html.parser import HTMLParser

from sample_jobs2 import Sample

from alleviate.reports import study_report

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """``tags``: each start tag, its attributes, its ancestors. ``text``: what is read. ``style``: the CSS."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str], tuple[str, ...]]] = []
        self._open: list[str] = []
        self._words: list[str] = []
        self._headings: list[list[str]] = []
        self.style = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}, tuple(self._open)))
        if tag not in VOID:
            self._open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self._headings.append([])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}, tuple(self._open)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            self.style += data
            return
        self._words.append(data)
        if any(re.fullmatch("h[1-6]", tag) for tag in self._open):
            self._headings[-1].append(data)

    @property
    def text(self) -> str:
        """What is read, blanks as one."""
        return " ".join(" ".join(self._words).split())

    @property
    def prose(self) -> str:
        """The text without the blanks that inline tags leave before punctuation."""
        return re.sub(r" ([.,:;)])", r"\1", self.text)

    def all(self, name: str) -> list[dict[str, str]]:
        return [attrs for tag, attrs, _ in self.tags if tag == name]

    @property
    def headings(self) -> list[tuple[int, str]]:
        levels = [int(tag[1]) for tag, _, _ in self.tags if re.fullmatch("h[1-6]", tag)]
        return [
            (level, " ".join("".join(words).split()))
            for level, words in zip(levels, self._headings, strict=True)
        ]

    @property
    def estimates(self) -> list[tuple[str, str, str]]:
        """Every "point low to high" in the text, as written."""
        real = r"([+−]?[\d,]+(?:\.\d+)?)%?"
        return re.findall(rf"{real} (?:[^\d()<>]*95% interval )?\(?{real} to {real}", self.text)


def page_of(sample: Sample, package_name: str = "runs/package") -> Page:
    return Page(study_report(*sample, package_name=package_name))


def says(written: tuple[str, str, str], exact: tuple[float, float, float]) -> bool:
    """Whether the three numbers as written are the exact ones, each rounded to its last digit."""
    return all(_near(text, x) for text, x in zip(written, exact, strict=True))


def _near(text: str, x: float) -> bool:
    decimals = len(text.partition(".")[2])
    return abs(float(text.replace("−", "-").replace(",", "")) - x) <= 0.5001 * 10**-decimals
