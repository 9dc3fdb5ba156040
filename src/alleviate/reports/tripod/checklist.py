"""TRIPOD+AI and PROBAST+AI for a packaged prognosis: filled in where the package knows, else for people."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import resources
from string import Formatter
from typing import Any, Literal

from alleviate.reports.pages import templates
from alleviate.reports.tripod.facts import Known, facts
from alleviate.reports.tripod.probast import Answer, answered

__all__ = ["PROBAST", "TRIPOD", "Checklist", "Item", "Question", "Status", "checklist", "tripod_page"]


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((resources.files("alleviate.reports.tripod") / name).read_text(encoding="utf-8"))


TRIPOD: Mapping[str, Any] = _read("items.toml")
"""The items, in order, under "item"; see the file."""

PROBAST: Mapping[str, Any] = _read("probast.toml")
"""The questions, in order, under "question"; see the file."""

Status = Literal["filled", "partly", "for-a-person", "not-done"]
"""``partly``: what is known is there, the rest only a person can write. ``not-done``: and known not to be."""


@dataclass(frozen=True, slots=True)
class Item:
    """``known``: sentences from the package. ``person``: what is left to write, "" for nothing."""

    id: str
    section: str
    of: str
    says: str
    status: Status
    known: tuple[str, ...]
    person: str


@dataclass(frozen=True, slots=True)
class Question:
    """A signalling question; ``why``: the reason of an answer by rule."""

    part: str
    id: str
    domain: str
    asks: str
    answer: Answer
    why: str


@dataclass(frozen=True, slots=True)
class Checklist:
    """``counts``: items by status."""

    study: str
    title: str
    source: str
    items: tuple[Item, ...]
    probast_source: str
    questions: tuple[Question, ...]

    @property
    def counts(self) -> Mapping[Status, int]:
        every: tuple[Status, ...] = ("filled", "partly", "for-a-person", "not-done")
        return {status: sum(item.status == status for item in self.items) for status in every}

    def to_json(self) -> dict[str, Any]:
        """As `alleviate report PACKAGE --tripod --json` prints it."""
        return {
            "study": self.study,
            "title": self.title,
            "counts": dict(self.counts),
            "tripod": {"source": self.source, "items": [asdict(item) for item in self.items]},
            "probast": {
                "source": self.probast_source,
                "questions": [asdict(question) for question in self.questions],
            },
        }


def checklist(known: Known) -> Checklist:
    """Nothing is written of which a fact is not known."""
    told = facts(known)
    return Checklist(
        study=known.study.name,
        title=known.study.title,
        source=TRIPOD["source"],
        items=tuple(_item(entry, told) for entry in TRIPOD["item"]),
        probast_source=PROBAST["source"],
        questions=tuple(_question(entry, known, told) for entry in PROBAST["question"]),
    )


def tripod_page(known: Known, *, package_name: str) -> str:
    """The checklist as one HTML page: no script, no network, the same bytes for the same input."""
    found = checklist(known)
    return (
        templates()
        .get_template("tripod.html.jinja")
        .render(c=found, f=known.findings, study=known.study, package_name=package_name)
    )


def _item(entry: Mapping[str, Any], told: Mapping[str, str]) -> Item:
    known = tuple(line.format_map(told) for line in entry.get("known", ()) if _needs(line) <= told.keys())
    person, otherwise = entry.get("person", ""), entry.get("otherwise", "")
    status: Status = "filled" if known else "not-done"
    if person:
        status = "partly" if known else "for-a-person"
    if not known and otherwise:
        known = (otherwise,)
    return Item(entry["id"], entry["section"], entry["of"], entry["says"], status, known, person)


def _needs(line: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(line) if name}


def _question(entry: Mapping[str, str], known: Known, told: Mapping[str, str]) -> Question:
    domain = PROBAST["domains"][entry["id"][1]]
    rule = entry.get("rule")
    if rule is None:
        return Question(entry["part"], entry["id"], domain, entry["asks"], "for a person", "")
    answer, key = answered(rule, known.findings)
    why = str(PROBAST["why"][rule][key]).format_map(told)
    return Question(entry["part"], entry["id"], domain, entry["asks"], answer, why)
