"""Who cares for whom: the care team, and who broke the glass. Random ids only, nothing about the person.

A row is never changed save that it ends: whoever left, or whose time ran out, was there until then.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from hashlib import blake2b
from typing import Any, Literal

import sqlalchemy as sa

from alleviate.terms.errors import DataError
from alleviate.terms.times import check_utc
from alleviate.vault.body import from_microseconds, microseconds, microseconds_or_none
from alleviate.vault.bulk import listed
from alleviate.vault.schema import PATIENTS, TEAM

__all__ = [
    "Bond",
    "Mark",
    "Member",
    "bond",
    "cared_for",
    "check_member",
    "join",
    "leave",
    "mark",
    "members",
    "pulse",
    "pulse_at",
]

Mark = tuple[int, int, int]
"""Of a caseload: how many people, the sum of their revisions, the account's last row."""

TeamBasis = Literal["team", "glass"]

_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}").fullmatch
_FUNCTION = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,39}").fullmatch


@dataclass(frozen=True, slots=True)
class Member:
    """``account`` is in the care team (``team``), or broke the glass; in which ``function`` ("psychologist").

    ``until`` None: until they leave.
    """

    account: str
    basis: TeamBasis
    function: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Bond:
    """What binds an account to a person now; ``none`` also where there is no such person.

    ``revision``: how often they were written about; None where there is no such person."""

    patient: str
    basis: Literal["team", "glass", "none"]
    until: datetime | None = None
    revision: int | None = field(default=None, compare=False)


_ACCOUNT_ID = sa.bindparam("account", type_=TEAM.c.account.type)
_STANDING = sa.or_(TEAM.c.until.is_(None), TEAM.c.until > sa.bindparam("now", type_=sa.BigInteger))
_CARE = sa.and_(TEAM.c.account == _ACCOUNT_ID, TEAM.c.basis == "team", _STANDING)
"""That ``account`` is in the care team now. A broken glass is no caseload."""
_ENDING = sa.update(TEAM).where(_STANDING).values(until=sa.bindparam("now", type_=sa.BigInteger))
_CARED = TEAM.join(PATIENTS, TEAM.c.patient == PATIENTS.c.patient)
_CARED_FOR = (
    sa.select(PATIENTS.c.patient, PATIENTS.c.revision)
    .select_from(_CARED)
    .where(_CARE)
    .order_by(PATIENTS.c.id)
)
_MARK = (
    sa.select(
        sa.func.count().label("people"),
        sa.func.coalesce(sa.func.sum(PATIENTS.c.revision), 0).label("written"),
        sa.select(sa.func.max(TEAM.c.id))
        .where(TEAM.c.account == _ACCOUNT_ID)
        .scalar_subquery()
        .label("last"),
    )
    .select_from(_CARED)
    .where(_CARE)
)
_BONDS = (
    sa.select(PATIENTS.c.revision, TEAM.c.basis, TEAM.c.until)
    .select_from(
        PATIENTS.outerjoin(
            TEAM, sa.and_(TEAM.c.patient == PATIENTS.c.patient, TEAM.c.account == _ACCOUNT_ID, _STANDING)
        )
    )
    .where(PATIENTS.c.patient == sa.bindparam("id", type_=PATIENTS.c.patient.type))
)


def check_member(account: str, function: str, basis: str, now: datetime, until: datetime | None) -> None:
    """Raises DataError for what is no account, no function, no basis, or a time that has passed."""
    if not _ACCOUNT(account):
        raise DataError("A member of a care team is an account, by its id.", hint="Give the account's id.")
    if not _FUNCTION(function):
        raise DataError(
            "A function in a care team is one word of letters, digits and -, at most 40.",
            hint='Like "psychologist".',
        )
    if basis not in ("team", "glass"):
        raise DataError(f"A member's basis is team or glass, got {basis!r}.", hint="Choose one.")
    if until is None:
        if basis == "glass":
            raise DataError("Who breaks the glass says until when.", hint="Give a moment within hours.")
        return
    check_utc(until, "The end of a membership")
    if until <= now:
        raise DataError(f"A membership cannot end at {until}, before it begins.", hint="Check the clock.")


def join(connection: sa.Connection, patient: str, member: Member) -> bool:
    """Store the member; False where exactly that stands. One of the same basis ends as the new one begins."""
    same = TEAM.c.patient == patient, TEAM.c.account == member.account, TEAM.c.basis == member.basis
    now, until = microseconds(member.since), microseconds_or_none(member.until)
    for row in connection.execute(sa.select(TEAM).where(*same, _STANDING), {"now": now}):
        if (row.function, row.until) == (member.function, until):
            return False
    connection.execute(_ENDING.where(*same), {"now": now})
    new = {"patient": patient, "account": member.account, "basis": member.basis, "function": member.function}
    connection.execute(sa.insert(TEAM).values(**new, since=now, until=until))
    return True


def leave(connection: sa.Connection, patient: str, account: str, now: datetime) -> bool:
    """End whatever binds the account to the patient; False where nothing does."""
    mine = TEAM.c.patient == patient, TEAM.c.account == account
    return connection.execute(_ENDING.where(*mine), {"now": microseconds(now)}).rowcount > 0


def members(
    connection: sa.Connection, patients: Iterable[str], now: datetime
) -> dict[str, tuple[Member, ...]]:
    """Of each patient those bound to them now, in the order in which they came."""
    found: dict[str, tuple[Member, ...]] = dict.fromkeys(patients, ())
    given = {"values": list(found), "now": microseconds(now)}
    for row in connection.execute(_members(connection.dialect.name), given):
        found[row.patient] = (*found[row.patient], _member(row))
    return found


@cache
def _members(dialect: str) -> sa.Select[Any]:
    return sa.select(TEAM).where(listed(dialect, TEAM.c.patient), _STANDING).order_by(TEAM.c.id)


def bond(connection: sa.Connection, account: str, patient: str, now: datetime) -> Bond:
    """The care team goes before the broken glass, what lasts longer before what ends."""
    given = {"id": patient, "account": account, "now": microseconds(now)}
    rows = connection.execute(_BONDS, given).all()
    if not rows:
        return Bond(patient, "none")
    revision, bound = rows[0].revision, [row for row in rows if row.basis is not None]
    best = max(bound, key=lambda row: (row.basis == "team", row.until is None, row.until or 0), default=None)
    if best is None:
        return Bond(patient, "none", None, revision)
    until = None if best.until is None else from_microseconds(best.until)
    return Bond(patient, best.basis, until, revision)


def mark(connection: sa.Connection, account: str, now: datetime) -> Mark:
    """Another one as soon as one whom ``account`` cares for was written about, came or left.

    Revisions only grow, and a row's number is never given again: who came is seen by the last row, who left
    by the count.
    """
    found = connection.execute(_MARK, {"account": account, "now": microseconds(now)}).one()
    return int(found.people), int(found.written), found.last or 0


def cared_for(connection: sa.Connection, account: str, now: datetime) -> list[tuple[str, int]]:
    """Whom ``account`` cares for now, each with the revision, in the order in which they were stored."""
    rows = connection.execute(_CARED_FOR, {"account": account, "now": microseconds(now)})
    return [(row[0], row[1]) for row in rows]


def pulse(connection: sa.Connection, account: str, now: datetime) -> int:
    """The `mark` as one number of 63 bits."""
    return pulse_at(mark(connection, account, now))


def pulse_at(mark: Mark) -> int:
    """A `mark` as one number of 63 bits."""
    said = " ".join(map(str, mark)).encode()
    return int.from_bytes(blake2b(said, digest_size=8).digest()) >> 1


def _member(row: Any) -> Member:
    until = None if row.until is None else from_microseconds(row.until)
    return Member(row.account, row.basis, row.function, from_microseconds(row.since), until)
