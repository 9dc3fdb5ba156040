"""Counts, of each person, the transactions that wrote anything about them: what was read by then is old."""

from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from alleviate.vault.bulk import among, rows_with
from alleviate.vault.schema import PATIENTS

__all__ = ["revisions", "stale", "touch"]

_MOST = 1000


def touch(connection: sa.Connection, patients: Iterable[str]) -> None:
    """One more for each of these (our ids), in the transaction that writes about them."""
    ordered = sorted(set(patients))  # in one order, so that no two writers wait for each other
    for start in range(0, len(ordered), _MOST):
        some = among(connection, PATIENTS.c.patient, ordered[start : start + _MOST])
        connection.execute(sa.update(PATIENTS).where(some).values(revision=PATIENTS.c.revision + 1))


def revisions(connection: sa.Connection, patients: Iterable[str]) -> dict[str, int]:
    """How often each was written about; without those who are gone."""
    rows = rows_with(connection, PATIENTS.c.patient, patients, PATIENTS.c.revision)
    return {row.patient: row.revision for row in rows}


def stale(connection: sa.Connection, seen: Mapping[str, int]) -> bool:
    """Whether one of those ``seen`` at a revision was written about since, or is gone."""
    return bool(seen) and revisions(connection, seen) != seen
