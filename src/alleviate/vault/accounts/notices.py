"""What is told to everybody of the service, about no patient: a package taken out of use, say. Only grows."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from alleviate.vault.accounts.strongbox import Strongbox
from alleviate.vault.accounts.tables import NOTICES
from alleviate.vault.body import from_microseconds, microseconds

__all__ = ["Notice", "Notices"]


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """``by`` (as the audit names them) told this of ``subject``. ``number`` grows."""

    number: int
    kind: str
    at: datetime
    by: str
    subject: str
    body: dict[str, Any]


class _Body(msgspec.Struct, frozen=True):
    by: str
    subject: str
    body: dict[str, Any]


class Notices:
    """Keeps them in their order."""

    def __init__(self, box: Strongbox) -> None:
        self._box = box

    def add(self, by: str, kind: str, subject: str, body: dict[str, Any]) -> Notice:
        now = datetime.now(UTC)
        at = microseconds(now)
        said = _Body(by, subject, body)
        row = {"kind": kind, "at": at, "body": self._box.sealed(f"{kind}.{at}", "notices", said)}
        with self._box.step() as step:
            added = sa.insert(NOTICES).values(**row).returning(NOTICES.c.id)
            number = step.connection.execute(added).scalar_one()
            step.noted(by, "account", what="notice", kind=kind)
        return Notice(number=number, kind=kind, at=now, by=by, subject=subject, body=body)

    def all(self, kind: str, after: int = 0) -> list[Notice]:
        """Those of a kind, the oldest first; ``after``: with higher numbers only."""
        query = sa.select(NOTICES).where(NOTICES.c.kind == kind, NOTICES.c.id > after).order_by(NOTICES.c.id)
        with self._box.view() as connection:
            rows = connection.execute(query).all()
        found = []
        for row in rows:
            said = self._box.opened(_Body, f"{row.kind}.{row.at}", "notices", row.body)
            found.append(
                Notice(
                    number=row.id,
                    kind=row.kind,
                    at=from_microseconds(row.at),
                    by=said.by,
                    subject=said.subject,
                    body=said.body,
                )
            )
        return found
