"""Cards as CDS Hooks 2.0.1 defines them, held to its limits when they are made.

Source: https://cds-hooks.hl7.org/2.0/#cds-service-response
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from alleviate.terms.errors import DataError

__all__ = [
    "Action",
    "Card",
    "Coding",
    "Indicator",
    "Link",
    "Place",
    "Source",
    "Suggestion",
    "one_line",
    "plain",
]

Indicator = Literal["info", "warning", "critical"]
LONGEST_SUMMARY = 139
"""Characters: the specification says fewer than 140."""

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|~&@]|(?<=\d)[.](?=\s)|^[-=])", re.MULTILINE)
_URL = re.compile(r"https?://[^\s\"<>\\]+\Z")


def plain(text: str) -> str:
    """``text`` as Markdown shows it letter by letter: what a record says can be no link and no picture."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def one_line(text: str, longest: int = LONGEST_SUMMARY) -> str:
    """Cut at a word where it is too long, and marked so."""
    words = " ".join(text.split())
    if len(words) <= longest:
        return words
    return f"{words[: longest - 1].rsplit(' ', 1)[0].rstrip(',;:. ')}…"


@dataclass(frozen=True, slots=True)
class Coding:
    """A code with the words for it."""

    code: str
    system: str
    display: str

    def __post_init__(self) -> None:
        _said(self.code, "A coding's code")
        _said(self.system, "A coding's system")
        _said(self.display, "A coding's display")

    def to_json(self) -> dict[str, Any]:
        return {"code": self.code, "system": self.system, "display": self.display}


@dataclass(frozen=True, slots=True)
class Source:
    """What a card rests on. ``url`` says more about that, never about the person."""

    label: str
    url: str = ""
    topic: Coding | None = None

    def __post_init__(self) -> None:
        _said(self.label, "A source's label")
        _absolute(self.url)

    def to_json(self) -> dict[str, Any]:
        topic = {"topic": self.topic.to_json()} if self.topic else {}
        return {"label": self.label, **({"url": self.url} if self.url else {}), **topic}


@dataclass(frozen=True, slots=True)
class Link:
    """``smart``: to be launched as a SMART app, which is then told ``context``."""

    label: str
    url: str
    type: Literal["absolute", "smart"] = "absolute"
    context: str = ""

    def __post_init__(self) -> None:
        _said(self.label, "A link's label")
        _said(self.url, "A link's url")
        _absolute(self.url)
        if self.context and self.type != "smart":
            raise DataError("Only a SMART app can be told something.", hint='Give the link the type "smart".')

    def to_json(self) -> dict[str, Any]:
        told = {"appContext": self.context} if self.context else {}
        return {"label": self.label, "url": self.url, "type": self.type, **told}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the clinic is: ``base`` (no slash at its end) and ``patient``, our id or ""; how it is called."""

    base: str
    patient: str
    name: str

    def link(self, label: str, below: str = "") -> tuple[Link, ...]:
        """To the person's page; none for somebody who has no record here."""
        if not self.patient:
            return ()
        return (Link(label, f"{self.base}/patients/{self.patient}/{below}"),)

    def rules(self, _: Callable[[str], str]) -> Source:
        """What a card of safety rests on."""
        return Source(_("{name}: safety rules").format(name=self.name), self.base)


@dataclass(frozen=True, slots=True)
class Action:
    """``resource`` is created or put in place of another; ``delete`` names what goes (``Type/id``)."""

    type: Literal["create", "update", "delete"]
    description: str
    resource: dict[str, Any] | None = None
    resource_id: str = ""

    def __post_init__(self) -> None:
        _said(self.description, "An action's description")
        if self.type == "delete" and (self.resource is not None or not self.resource_id):
            raise DataError("What is deleted is named by its id.", hint='Like "MedicationRequest/1".')
        if self.type != "delete" and (not self.resource or self.resource_id):
            raise DataError(f"To {self.type} takes a whole resource.", hint="Give it.")

    def to_json(self) -> dict[str, Any]:
        what = {"resource": self.resource} if self.resource else {"resourceId": self.resource_id}
        return {"type": self.type, "description": self.description, **what}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something to do with one click; ``uuid`` comes back when it is taken."""

    label: str
    uuid: str
    actions: tuple[Action, ...] = ()

    def __post_init__(self) -> None:
        _said(self.label, "A suggestion's label")
        _said(self.uuid, "A suggestion's uuid")

    def to_json(self) -> dict[str, Any]:
        actions = {"actions": [action.to_json() for action in self.actions]} if self.actions else {}
        return {"label": self.label, "uuid": self.uuid, **actions}


@dataclass(frozen=True, slots=True)
class Card:
    """One thing to tell a clinician. ``uuid`` where an answer is wanted. Raises DataError outside the limits.

    ``detail`` is GitHub Flavored Markdown; values in it went through `plain`.
    """

    summary: str
    indicator: Indicator
    source: Source
    detail: str = ""
    uuid: str = ""
    suggestions: tuple[Suggestion, ...] = ()
    selection: Literal["", "at-most-one", "any"] = ""
    overrides: tuple[Coding, ...] = ()
    links: tuple[Link, ...] = ()

    def __post_init__(self) -> None:
        _said(self.summary, "A card's summary")
        if len(self.summary) > LONGEST_SUMMARY or "\n" in self.summary:
            raise DataError("A card's summary is one line of fewer than 140 characters.", hint="Shorten it.")
        if self.indicator not in ("info", "warning", "critical"):
            raise DataError("A card is info, warning or critical.", hint="Choose.")
        if bool(self.suggestions) != bool(self.selection):
            raise DataError("Suggestions say how many may be taken, and only they.", hint="Give both.")
        if (self.suggestions or self.overrides) and not self.uuid:
            raise DataError("What is answered has a uuid.", hint="Give one.")

    def to_json(self) -> dict[str, Any]:
        """As it is sent: what is not there is left out, never null or empty."""
        choosing = {"selectionBehavior": self.selection} if self.selection else {}
        return {
            **({"uuid": self.uuid} if self.uuid else {}),
            "summary": self.summary,
            **({"detail": self.detail} if self.detail.strip() else {}),
            "indicator": self.indicator,
            "source": self.source.to_json(),
            **_listed("suggestions", self.suggestions),
            **choosing,
            **_listed("overrideReasons", self.overrides),
            **_listed("links", self.links),
        }


def _listed(name: str, found: Sequence[Suggestion | Coding | Link]) -> dict[str, Any]:
    return {name: [one.to_json() for one in found]} if found else {}


def _said(text: str, what: str) -> None:
    if not text.strip():
        raise DataError(f"{what} is not empty.", hint="Say it.")


def _absolute(url: str) -> None:
    if url and not _URL.match(url):
        raise DataError("A card leads to an absolute http address.", hint="Like https://clinic.example/.")
