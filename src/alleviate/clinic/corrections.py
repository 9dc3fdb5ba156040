"""What a person says is wrong in their record, and the answers of the care team: threads of sheets.

The first sheet is the person's, with ``about`` (a kind of data, or "") and ``words``; an answer has ``state``
and ``words``. The record itself is corrected where it comes from, as any entry is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from alleviate.vault import Sheet

__all__ = ["STATES", "WITHIN", "Asked", "Reply", "State", "corrections"]

State = Literal["looking", "corrected", "kept"]
STATES: tuple[State, ...] = get_args(State)

WITHIN = timedelta(days=30)
"""By when an answer is owed: a month, by GDPR article 12(3)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the care team said. ``kept``: it stays as it is, and the words say why."""

    at: datetime
    by: str
    state: State
    words: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person says is wrong, and what became of it."""

    id: str
    at: datetime
    about: str
    words: str
    replies: tuple[Reply, ...]

    @property
    def state(self) -> Literal["open", "looking", "corrected", "kept"]:
        return self.replies[-1].state if self.replies else "open"

    @property
    def is_open(self) -> bool:
        """Whether the care team still owes an answer."""
        return self.state in ("open", "looking")

    @property
    def due(self) -> datetime:
        return self.at + WITHIN


def corrections(sheets: Iterable[Sheet]) -> list[Asked]:
    """The threads in these sheets, the newest first."""
    threads: dict[str, list[Sheet]] = {}
    for sheet in sheets:
        if sheet.kind == "correction":
            threads.setdefault(sheet.thread or sheet.id, []).append(sheet)
    found = []
    for thread in threads.values():
        first, *rest = sorted(thread, key=lambda sheet: "state" in sheet.body)
        if "state" in first.body:
            continue
        replies = tuple(Reply(each.at, each.by, each.body["state"], each.body["words"]) for each in rest)
        found.append(Asked(first.id, first.at, first.body["about"], first.body["words"], replies))
    return sorted(found, key=lambda each: (each.at, each.id), reverse=True)
