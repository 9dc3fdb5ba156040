"""What a background thread asks of a vault: who is followed, what is open. No data, so no audit event."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from alleviate.vault.body import from_microseconds, microseconds
from alleviate.vault.schema import ALERTS, PATIENTS, TEAM
from alleviate.vault.vault import Vault

__all__ = ["OpenAlert", "followed", "open_alerts"]


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """A safety alert that nobody has resolved: when it was raised, and its last step."""

    raised_at: datetime
    state: Literal["raised", "acknowledged"]
    at: datetime


def followed(vault: Vault, now: datetime) -> dict[str, int]:
    """Our id of everybody who is in somebody's care at ``now``, and how often they were written about."""
    moment = microseconds(now)
    standing = sa.and_(TEAM.c.since <= moment, sa.or_(TEAM.c.until.is_(None), TEAM.c.until > moment))
    cared_for = sa.select(TEAM.c.patient).where(standing, TEAM.c.basis == "team")
    query = sa.select(PATIENTS.c.patient, PATIENTS.c.revision).where(PATIENTS.c.patient.in_(cared_for))
    with vault._database.snapshot() as connection:
        return {row.patient: row.revision for row in connection.execute(query)}


def open_alerts(vault: Vault) -> list[OpenAlert]:
    """Every safety alert that is not resolved, withheld ones too: how many says nothing of anybody."""
    last = sa.select(ALERTS.c.alert, sa.func.max(ALERTS.c.step).label("step")).group_by(ALERTS.c.alert)
    ends = last.subquery()
    first, step = ALERTS.alias("first"), ALERTS.alias("step")
    joined = first.join(ends, first.c.alert == ends.c.alert).join(
        step, sa.and_(step.c.alert == ends.c.alert, step.c.step == ends.c.step)
    )
    query = (
        sa.select(first.c.at.label("raised_at"), step.c.state, step.c.at)
        .select_from(joined)
        .where(first.c.step == 0, first.c.state == "raised", step.c.state != "resolved")
    )
    with vault._database.snapshot() as connection:
        rows = connection.execute(query).all()
    return [OpenAlert(from_microseconds(row.raised_at), row.state, from_microseconds(row.at)) for row in rows]
