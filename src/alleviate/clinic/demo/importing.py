"""Takes the demonstration's people into its vault: the past at once, the rest day by day as it came."""

from collections.abc import Callable, Iterable, Iterator

from alleviate.clinic.demo.entries import by_day, entries_of, taken_over
from alleviate.clinic.demo.people import Everybody
from alleviate.records import Entry
from alleviate.vault import Vault

__all__ = ["ACTOR", "take_in_past", "take_in_recent"]

ACTOR = "alleviate:demo"
_ENTRIES_AT_ONCE = 4000

Told = Callable[[int, int], None]
"""How many of how many are done."""


def take_in_past(vault: Vault, everybody: Everybody, told: Told) -> None:
    """Those of long ago, as an older system gives them away. Cut off, the next goes on where it stopped."""
    clinic = everybody.clinic
    done = 0
    with vault.access(actor=ACTOR, purpose="care") as access:
        for some in _whole_people(everybody, vault):
            access.put([entry for entries in some for entry in entries], clinic.now)
            done += len(some)
            told(done, len(everybody.past))


def _whole_people(everybody: Everybody, vault: Vault) -> Iterator[list[list[Entry]]]:
    """People, some at a time, who are not in the vault yet; none is ever there in part."""
    waiting: list[list[Entry]] = []
    for number in everybody.past:
        record = everybody.clinic.record(number)
        if vault.our_id(record.subject_id) is not None:
            continue
        waiting.append(list(taken_over(entries_of(record))))
        if sum(map(len, waiting)) >= _ENTRIES_AT_ONCE:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def take_in_recent(vault: Vault, everybody: Everybody) -> None:
    """The others: what became known on one day is stored on that day, so that alerts were raised then.

    To take in the same again changes nothing.
    """
    clinic = everybody.clinic
    entries: Iterable[Entry] = (
        entry
        for number in (*everybody.recent, *everybody.current)
        for entry in entries_of(clinic.record(number))
    )
    with vault.access(actor=ACTOR, purpose="care") as access:
        for moment, some in by_day(entries):
            access.put(some, moment)
