"""Who looked at a person's record, from the audit: role and profession, when, what for; no names."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from alleviate.vault.accounts import Account
from alleviate.vault.audit import Recorded

__all__ = ["Day", "Done", "Look", "Seen", "Seer", "by_day", "glass_of", "looks_of"]

Done = Literal["read", "changed", "refused", "exported", "erased", "team", "glass", "inspected"]
Seer = Literal["you", "staff", "system", "clinic"]

_DONE: dict[str, Done] = {
    "read": "read",
    "find": "read",
    "import": "changed",
    "write": "changed",
    "decide": "changed",
    "alert": "changed",
    "consent": "changed",
    "deny": "refused",
    "export": "exported",
    "erase": "erased",
    "team": "team",
    "inspect": "inspected",
}
_TOGETHER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Look:
    """What one seer did in one go, from ``first`` to ``last``: ``times`` events of one sort.

    ``role`` and ``profession`` are those of the account now; "" where it is none. ``glass``: the emergency
    access was used. ``purpose`` as the audit says it. ``actor``: the audit's word for the seer, not to be
    shown as it is (`alleviate.clinic.mine.seers`).
    """

    first: datetime
    last: datetime
    seer: Seer
    role: str
    profession: str
    done: Done
    purpose: str
    glass: bool
    times: int
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one (``who``, in words) did on one day. ``moments``: when each look began, in their order."""

    who: str
    done: Done
    purpose: str
    glass: bool
    moments: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class Day:
    on: date
    seen: tuple[Seen, ...]


def by_day(looks: Iterable[Look], day_of: Callable[[datetime], date], say: Callable[[str], str]) -> list[Day]:
    """The looks by the day on which they began, newest first; equal ones of a day are one line.

    ``day_of``: the day of a moment, where the reader is. ``say``: an actor in words.
    """
    days: dict[date, dict[tuple[object, ...], list[Look]]] = {}
    for look in sorted(looks, key=lambda look: look.first, reverse=True):
        key = (say(look.actor), look.done, look.purpose, look.glass)
        days.setdefault(day_of(look.first), {}).setdefault(key, []).append(look)
    return [
        Day(
            on,
            tuple(
                Seen(say(one.actor), one.done, one.purpose, one.glass, tuple(sorted(e.first for e in found)))
                for found in lines.values()
                for one in found[:1]
            ),
        )
        for on, lines in days.items()
    ]


def looks_of(
    events: Iterable[Recorded],
    patient: str,
    account_of: Callable[[str], Account | None],
    broken: Callable[[str, datetime], bool],
) -> list[Look]:
    """The events about ``patient`` (our id) as looks, newest first.

    Equal steps of one seer within ten minutes are one look: a page reads in several. ``broken`` says whether
    an account (its id) had broken the glass for this person at a moment.
    """
    found: list[Look] = []
    open_now: dict[tuple[object, ...], int] = {}
    for event in sorted(events, key=lambda event: event.position):
        if event.patient != patient:
            continue
        look = _look(event, patient, account_of, broken)
        if look is None:
            continue
        key = (event.actor, look.done, look.purpose, look.glass)
        place = open_now.get(key)
        if place is not None and look.first - found[place].last <= _TOGETHER:
            found[place] = _joined(found[place], look)
        else:
            open_now[key] = len(found)
            found.append(look)
    return sorted(found, key=lambda look: (look.last, look.first), reverse=True)


def _joined(one: Look, more: Look) -> Look:
    return replace(one, last=more.last, times=one.times + more.times)


def _look(
    event: Recorded,
    patient: str,
    account_of: Callable[[str], Account | None],
    broken: Callable[[str, datetime], bool],
) -> Look | None:
    done = _DONE.get(event.action)
    if done is None:
        return None
    sort, _, key = event.actor.partition(":")
    account = account_of(key) if sort == "account" else None
    seer: Seer = "staff" if account else {"client": "system", "link": "you"}.get(sort, "clinic")  # type: ignore[assignment]  # words of Seer
    if account and account.role == "patient" and account.patient == patient:
        seer = "you"
    glass = seer == "staff" and (event.detail.get("basis") == "glass" or broken(key, event.at))
    if done == "team" and event.detail.get("basis") == "glass":
        done = "glass"
    return Look(
        event.at,
        event.at,
        seer,
        account.role if account else "",
        account.profession if account else "",
        done,
        event.purpose,
        glass,
        1,
        event.actor,
    )


def glass_of(events: Iterable[Recorded]) -> dict[str, list[tuple[datetime, datetime | None]]]:
    """From when to when each account (its id) had this person's record by a broken glass, as far as is told.

    The audit says when it was broken and when it was ended by hand; that its time ran out ends it too, which
    no event tells: a look after that is refused, so that nothing is marked wrongly.
    """
    found: dict[str, list[tuple[datetime, datetime | None]]] = {}
    for event in sorted(events, key=lambda event: event.position):
        account = str(event.detail.get("account", ""))
        if event.action != "team" or not account:
            continue
        spans = found.setdefault(account, [])
        if event.detail.get("basis") == "glass":
            spans.append((event.at, None))
        elif spans and spans[-1][1] is None:  # left, or came into the care team
            spans[-1] = (spans[-1][0], event.at)
    return {account: spans for account, spans in found.items() if spans}
