"""Signs of danger in what a client sent, of which the clinic knows nothing: nobody here was told of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from alleviate.clinic.cds.prefetch import Sent
from alleviate.progress.alerts import Alert
from alleviate.progress.ladder import default_ladders
from alleviate.progress.safety import Sign, signs
from alleviate.records import Entry, Kind, PatientRecord

__all__ = ["Danger", "danger"]


@dataclass(frozen=True, slots=True)
class Danger:
    """``signs``: the newest first; ``withheld``: how many more are of kinds that the person withholds."""

    signs: tuple[Sign, ...] = ()
    withheld: int = 0

    def __bool__(self) -> bool:
        return bool(self.signs or self.withheld)


def danger(
    sent: Sent, now: datetime, *, alerts: Iterable[Alert] = (), allowed: frozenset[Kind] | None = None
) -> Danger:
    """What stands in ``sent``, drafts too, but for what an alert of the clinic was raised by already.

    ``allowed``: the kinds that the person permits (None: all). An answer so old that an alert of it would be
    a look back is left out: it would be told at every order.
    """
    raised = {_what(alert.sign) for alert in alerts}
    oldest = now - timedelta(days=default_ladders().history_after_days)
    found: dict[bool, list[Sign]] = {True: [], False: []}
    for permitted in found:
        entries = [one for one in sent.entries if (allowed is None or one.kind in allowed) is permitted]
        found[permitted] = [
            sign for sign in _signs(entries) if sign.time >= oldest and _what(sign) not in raised
        ]
    return Danger(tuple(reversed(found[True])), len(found[False]))


def _signs(entries: Iterable[Entry]) -> list[Sign]:
    events = [event for entry in entries for event in entry.events]
    return signs(PatientRecord(events[0].subject_id, events)) if events else []


def _what(sign: Sign) -> tuple[object, ...]:
    """The same answer is the same sign, whichever way it came."""
    return sign.rule, sign.time, sign.answers
