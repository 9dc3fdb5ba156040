"""What a background thread asks of a vault: who is followed, what is open. No data, so no audit event."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from alleviate.progress.alerts import Alert
from alleviate.progress.safety import Sign
from alleviate.vault import alerts
from alleviate.vault.body import microseconds
from alleviate.vault.courses import due
from alleviate.vault.schema import PATIENTS, TEAM
from alleviate.vault.vault import Vault

__all__ = ["followed", "open_alerts", "unswept", "written"]


_WRITTEN = sa.select(sa.func.count(), sa.func.max(PATIENTS.c.id), sa.func.sum(PATIENTS.c.revision))
_AT_ONCE = 1000


def written(vault: Vault) -> tuple[int | None, ...]:
    """Another one as soon as anything about anybody was written: how many people there are, the last of them,
    the sum of their revisions."""
    with vault._database.snapshot() as connection:
        return tuple(connection.execute(_WRITTEN).one())


def unswept(vault: Vault, package: str, patients: Sequence[str]) -> list[str]:
    """Those of these people (our ids) with entries that no sweep with this package has seen."""
    found: list[str] = []
    for start in range(0, len(patients), _AT_ONCE):
        with vault._database.snapshot() as connection:
            found += due(connection, patients[start : start + _AT_ONCE], package)
    return found


def followed(vault: Vault, now: datetime) -> dict[str, int]:
    """Our id of everybody who is in somebody's care at ``now``, and how often they were written about."""
    moment = microseconds(now)
    standing = sa.and_(TEAM.c.since <= moment, sa.or_(TEAM.c.until.is_(None), TEAM.c.until > moment))
    cared_for = sa.select(TEAM.c.patient).where(standing, TEAM.c.basis == "team")
    query = sa.select(PATIENTS.c.patient, PATIENTS.c.revision).where(PATIENTS.c.patient.in_(cared_for))
    with vault._database.snapshot() as connection:
        return {row.patient: row.revision for row in connection.execute(query)}


def open_alerts(vault: Vault, known: dict[str, Sign] | None = None) -> list[Alert]:
    """Every safety alert that is not resolved, withheld ones too: how many says nothing of anybody.

    Nobody's: none says whose it is, who took it, or what was answered. ``known``: a caller's own that is
    kept between calls, so that no alert is opened twice.
    """
    with vault._database.snapshot() as connection:
        return alerts.open_alerts(connection, vault._keys, {} if known is None else known)
