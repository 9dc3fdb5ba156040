"""What oversight asks of a vault: everybody's charts in one pass, and events of the audit by what is in
them.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

import msgspec
import sqlalchemy as sa

from alleviate.records import Kind
from alleviate.terms.errors import AuditError, InputError
from alleviate.vault.access import Access
from alleviate.vault.audit import ACTIONS, Recorded
from alleviate.vault.charts import Chart, Charts, check_chart_purpose
from alleviate.vault.schema import AUDIT
from alleviate.vault.sheets import SheetKind
from alleviate.vault.steps import Found, this_moment
from alleviate.vault.vault import Vault

__all__ = ["Page", "charts_of_all", "search_audit"]

MOST = 500
"""Events of a page."""

_UNSAFE = frozenset('"\\%_')
"""What would say something else within a pattern or a JSON text."""


def charts_of_all(
    access: Access, *, kinds: Collection[Kind] | None = None, sheets: Collection[SheetKind] | None = None
) -> Iterator[Chart]:
    """The chart of everybody who permits something, some people at a time: one event "read" a person.

    ``kinds`` of the record and of ``sheets``: None is all. For care, or the law's and the person's own
    rights. Raises ConsentError for another purpose.
    """
    check_chart_purpose(access._purpose)

    def read(patients: list[str], connection: sa.Connection) -> Found[list[Chart]]:
        charts = Charts(connection, access._keys, patients, access._purpose, this_moment(), kinds, sheets)
        allowed = [portion for portion in charts.portions.values() if portion.allowed]
        seen = {portion.patient: charts.revisions[portion.patient] for portion in allowed}
        opened = [charts.chart(portion.patient) for portion in allowed]
        return Found(opened, [access._read(portion) for portion in allowed], seen)

    for patients in access._pages():
        yield from access._served(partial(read, patients))


@dataclass(frozen=True, slots=True)
class Page:
    """Events, newest first. ``older``: the position before which there are more, or None."""

    events: tuple[Recorded, ...]
    older: int | None


def search_audit(
    vault: Vault,
    *,
    actor: str,
    by: str = "",
    action: str = "",
    patient: str = "",
    day: date | None = None,
    before: int | None = None,
    most: int = 50,
) -> Page:
    """Events of the audit: those ``by`` an actor, of an ``action``, about a ``patient`` (our id), of a
    ``day`` (UTC), ``before`` a position. The search itself is an event ("inspect") by ``actor``.

    Raises InputError for a word that no event could have, AuditError for an event that was changed.
    """
    if action and action not in ACTIONS:
        raise InputError(f"There is no action {action!r} in the audit.", hint="Choose one of the list.")
    if not 1 <= most <= MOST:
        raise InputError(f"A page has 1 to {MOST} events, got {most}.", hint="Ask for fewer.")
    for word in (by, patient):
        if len(word) > 200 or _UNSAFE & (set(word) - {"_"}) or not word.isprintable():
            raise InputError("The audit knows no such word.", hint="Letters, digits and _.:/@+=|- only.")
    vault._note(actor, "inspect", patient if vault.knows(patient) else "")
    text = AUDIT.c.json
    query = sa.select(AUDIT.c.position, text).order_by(AUDIT.c.position.desc()).limit(most + 1)
    # An event is canonical JSON: its keys stand in the order of the alphabet, "action" and "actor" first.
    if action:
        query = query.where(text.like(f'{{"action":"{action}",%'))
    if by:
        query = query.where(text.like(f'{{"action":"%","actor":"{_plain(by)}","at":"%', escape="!"))
    if patient:
        query = query.where(text.like(f'%}},"patient":"{_plain(patient)}","position":%', escape="!"))
    if before is not None:
        query = query.where(AUDIT.c.position < before)
    if day is not None:
        first, last = _places(vault, day)
        query = query.where(AUDIT.c.position >= first, AUDIT.c.position < last)
    with vault._database.snapshot() as connection:
        rows = connection.execute(query).all()
    try:
        events = tuple(msgspec.json.decode(row.json, type=Recorded) for row in rows[:most])
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError):
        raise AuditError("An event of the audit cannot be read: it was changed.", hint="Verify it.") from None
    return Page(events, events[-1].position if len(rows) > most else None)


def _plain(word: str) -> str:
    return word.replace("!", "!!").replace("_", "!_").replace("%", "!%")


def _places(vault: Vault, day: date) -> tuple[int, int]:
    """The positions of the day's first event and of the first after it: the log grows with the clock."""
    with vault._database.snapshot() as connection:

        def at(position: int) -> datetime:
            text = connection.execute(
                sa.select(AUDIT.c.json).where(AUDIT.c.position == position)
            ).scalar_one()
            return msgspec.json.decode(text, type=Recorded).at

        size = vault._audit.size(connection)

        def first_from(moment: date) -> int:
            low, high = 1, size + 1
            while low < high:
                middle = (low + high) // 2
                if at(middle).date() < moment:
                    low = middle + 1
                else:
                    high = middle
            return low

        return first_from(day), first_from(day + timedelta(days=1))
