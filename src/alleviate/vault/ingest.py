"""Takes what a reader yields into a vault, a portion at a time, and says what became of it."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from alleviate.intake.reading import Caution, Definition, Item, Refusal
from alleviate.records import Entry
from alleviate.vault.access import Access
from alleviate.vault.writing import Tally

__all__ = ["Intake", "take_in"]


@dataclass(frozen=True, slots=True)
class Intake:
    """``read`` is ``stored`` + ``unchanged`` + ``superseded`` + the rejected; ``patients`` are people."""

    files: int
    read: int
    stored: int
    unchanged: int
    superseded: int
    rejected: list[Refusal]
    warnings: list[Caution]
    patients: int
    seconds: float


def take_in(
    access: Access,
    items: Iterable[Item],
    *,
    now: datetime,
    files: int = 0,
    chunk: int = 1000,
    progress: Callable[[int], None] | None = None,
) -> Intake:
    """Store the entries of ``items``, ``chunk`` in a transaction. Raises VaultError.

    ``progress`` is told how many items are done, once they are on the disk: what it was told of survives
    whatever comes, and reading the same again adds nothing. ``now`` (UTC) is the moment of the import;
    ``files`` is counted by whoever opened them.
    """
    begun = time.perf_counter()
    taking = _Taking(access, now)
    done = 0
    for done, item in enumerate(items, 1):
        taking.add(item)
        if taking.waiting >= chunk:
            taking.store()
            if progress:
                progress(done)
    taking.store()
    if progress and done:
        progress(done)
    return taking.intake(files, time.perf_counter() - begun)


class _Taking:
    """An intake under way."""

    def __init__(self, access: Access, now: datetime) -> None:
        self._access = access
        self._now = now
        self._entries: list[Entry] = []
        self._definitions: list[Definition] = []
        self._stored = self._unchanged = self._superseded = 0
        self._rejected: list[Refusal] = []
        self._warnings: list[Caution] = []
        self._people: set[int] = set()

    @property
    def waiting(self) -> int:
        return len(self._entries) + len(self._definitions)

    def add(self, item: Item) -> None:
        if isinstance(item, Entry):
            self._entries.append(item)
        elif isinstance(item, Definition):
            self._definitions.append(item)
        elif isinstance(item, Refusal):
            self._rejected.append(item)
        else:
            self._warnings.append(item)

    def store(self) -> None:
        """All that waits is on the disk when this returns."""
        if self._definitions:
            self._count(self._access.put_definitions([(each.ref, each.body) for each in self._definitions]))
        if self._entries:
            self._count(self._access.put(self._entries, self._now))
            self._people.update(hash(entry.subject_id) for entry in self._entries)
        self._definitions, self._entries = [], []

    def intake(self, files: int, seconds: float) -> Intake:
        counts = self._stored, self._unchanged, self._superseded
        read = sum(counts) + len(self._rejected)
        return Intake(files, read, *counts, self._rejected, self._warnings, len(self._people), seconds)

    def _count(self, tally: Tally) -> None:
        self._stored += tally.stored
        self._unchanged += tally.unchanged
        self._superseded += tally.superseded
        self._rejected += [
            Refusal("", 0, ref, "The person was erased; what is about them is not stored again.")
            for ref in tally.erased
        ]
