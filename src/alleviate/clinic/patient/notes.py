"""The team's notes: what was written, by whom; who has seen and agreed; the tasks and mentions with them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from alleviate.records import PatientRecord
from alleviate.vault.sheets import Sheet

__all__ = ["NOTE", "Note", "Seen", "Task", "loose_tasks", "notes_of", "tasks_of", "unseen_mentions"]

NOTE = "note"
"""``of`` in a sheet of the kind "seen" about a note; its thread is the note's ref."""


@dataclass(frozen=True, slots=True)
class Seen:
    """``by`` (an actor) has read the note at ``at``; ``agreed``: and agrees. ``wrote``: wrote it."""

    by: str
    at: datetime
    agreed: bool
    wrote: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be done, by whom (an account), until when. ``done_by`` and ``done_at`` once it is.

    ``thread``: the note that it hangs on, or its own id."""

    id: str
    thread: str
    words: str
    account: str
    due: date | None
    by: str
    at: datetime
    done_by: str = ""
    done_at: datetime | None = None

    @property
    def open(self) -> bool:
        return self.done_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """``by``: the actor who wrote it here, "" where it came from elsewhere. ``mentions``: accounts."""

    ref: str
    at: datetime
    sort: str
    text: str
    by: str
    seen: tuple[Seen, ...]
    mentions: tuple[str, ...]
    tasks: tuple[Task, ...]

    def seen_by(self, actor: str) -> Seen | None:
        return next((seen for seen in self.seen if seen.by == actor), None)


def notes_of(record: PatientRecord, sheets: Sequence[Sheet]) -> list[Note]:
    """The notes that stand, the latest first. Of each reader the last word counts."""
    seen: defaultdict[str, dict[str, Seen]] = defaultdict(dict)
    mentions: defaultdict[str, list[str]] = defaultdict(list)
    tasks: defaultdict[str, list[Task]] = defaultdict(list)
    for sheet in sorted(sheets, key=lambda sheet: sheet.at):
        if sheet.kind == "seen" and sheet.body.get("of") == NOTE:
            before = seen[sheet.thread].get(sheet.by)
            wrote = bool(sheet.body.get("wrote")) or (before is not None and before.wrote)
            seen[sheet.thread][sheet.by] = Seen(sheet.by, sheet.at, bool(sheet.body.get("agreed")), wrote)
        elif sheet.kind == "mention":
            mentions[sheet.thread].append(str(sheet.body.get("account", "")))
    for task in tasks_of(sheets):
        tasks[task.thread].append(task)
    found = []
    for event in record.events:
        if event.kind == "note" and event.known_until is None and event.code.startswith("NOTE//"):
            readers = tuple(seen[event.entry].values())
            found.append(
                Note(
                    ref=event.entry,
                    at=event.time,
                    sort=event.code.removeprefix("NOTE//"),
                    text=event.text_value or "",
                    by=next((one.by for one in readers if one.wrote), ""),
                    seen=readers,
                    mentions=tuple(dict.fromkeys(mentions[event.entry])),
                    tasks=tuple(tasks[event.entry]),
                )
            )
    return sorted(found, key=lambda note: (note.at, note.ref), reverse=True)


def tasks_of(sheets: Iterable[Sheet]) -> list[Task]:
    """Every task, open ones first, by when they are due; then those that are done, the latest first."""
    told = [sheet for sheet in sheets if sheet.kind == "task"]
    done = {str(sheet.body["done"]): sheet for sheet in told if "done" in sheet.body}
    found = [
        Task(
            id=sheet.id,
            thread=sheet.thread,
            words=str(sheet.body.get("words", "")),
            account=str(sheet.body.get("account", "")),
            due=date.fromisoformat(sheet.body["due"]) if sheet.body.get("due") else None,
            by=sheet.by,
            at=sheet.at,
            done_by=done[sheet.id].by if sheet.id in done else "",
            done_at=done[sheet.id].at if sheet.id in done else None,
        )
        for sheet in told
        if "done" not in sheet.body
    ]
    waiting = sorted((t for t in found if t.open), key=lambda t: (t.due or date.max, t.at, t.id))
    finished = sorted((t for t in found if t.done_at), key=lambda t: (t.done_at or t.at, t.id), reverse=True)
    return [*waiting, *finished]


def loose_tasks(tasks: Iterable[Task], notes: Iterable[Note]) -> list[Task]:
    """Those that hang on no note that can be seen."""
    refs = {note.ref for note in notes}
    return [task for task in tasks if task.thread not in refs]


def unseen_mentions(sheets: Sequence[Sheet]) -> list[tuple[str, datetime]]:
    """The accounts that were mentioned and have not said that they saw it, with when; each once."""
    read = {(sheet.thread, sheet.by) for sheet in sheets if sheet.kind == "seen"}
    found: dict[str, datetime] = {}
    for sheet in sheets:
        account = str(sheet.body.get("account", "")) if sheet.kind == "mention" else ""
        if account and (sheet.thread, f"account:{account}") not in read:
            found[account] = min(sheet.at, found.get(account, sheet.at))
    return sorted(found.items())
