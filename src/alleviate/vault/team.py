"""Who cares for whom: the care team, and who broke the glass. Random ids only, nothing about the person.

A row is never changed save that it ends: whoever left, or whose time ran out, was there until then.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, Literal

import sqlalchemy as sa

from alleviate.terms.errors import DataError
from alleviate.terms.times import check_utc
from alleviate.vault.body import from_microseconds, microseconds, microseconds_or_none
from alleviate.vault.bulk import among
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
    """What binds an account to a person now; ``none`` also where there is no such person."""

    patient: str
    basis: Literal["team", "glass", "none"]
    until: datetime | None = None


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
    for row in connection.execute(sa.select(TEAM).where(*same, _standing(now))):
        if (row.function, row.until) == (member.function, until):
            return False
    connection.execute(sa.update(TEAM).where(*same, _standing(now)).values(until=now))
    new = {"patient": patient, "account": member.account, "basis": member.basis, "function": member.function}
    connection.execute(sa.insert(TEAM).values(**new, since=now, until=until))
    return True


def leave(connection: sa.Connection, patient: str, account: str, now: datetime) -> bool:
    """End whatever binds the account to the patient; False where nothing does."""
    mine = TEAM.c.patient == patient, TEAM.c.account == account, _standing(microseconds(now))
    return connection.execute(sa.update(TEAM).where(*mine).values(until=microseconds(now))).rowcount > 0


def members(
    connection: sa.Connection, patients: Iterable[str], now: datetime
) -> dict[str, tuple[Member, ...]]:
    """Of each patient those bound to them now, in the order in which they came."""
    found: dict[str, tuple[Member, ...]] = dict.fromkeys(patients, ())
    where = among(connection, TEAM.c.patient, list(found)), _standing(microseconds(now))
    for row in connection.execute(sa.select(TEAM).where(*where).order_by(TEAM.c.id)):
        found[row.patient] = (*found[row.patient], _member(row))
    return found


def bond(connection: sa.Connection, account: str, patient: str, now: datetime) -> Bond:
    """The care team goes before the broken glass, what lasts longer before what ends."""
    query = sa.select(TEAM.c.basis, TEAM.c.until).where(
        TEAM.c.patient == patient, TEAM.c.account == account, _standing(microseconds(now))
    )
    rows = connection.execute(query).all()
    best = max(rows, key=lambda row: (row.basis == "team", row.until is None, row.until or 0), default=None)
    if best is None:
        return Bond(patient, "none")
    return Bond(patient, best.basis, None if best.until is None else from_microseconds(best.until))


def cared_for(account: str, now: datetime) -> sa.ColumnElement[bool]:
    """Of rows of ``team``: that ``account`` is in the care team now. A broken glass is no caseload."""
    return sa.and_(TEAM.c.account == account, TEAM.c.basis == "team", _standing(microseconds(now)))


def mark(connection: sa.Connection, account: str, now: datetime) -> Mark:
    """Another one as soon as one whom ``account`` cares for was written about, came or left.

    Revisions only grow, and a row's number is never given again: who came is seen by the last row, who left
    by the count.
    """
    cared = TEAM.join(PATIENTS, TEAM.c.patient == PATIENTS.c.patient)
    query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(PATIENTS.c.revision), 0))
    count, written = connection.execute(query.select_from(cared).where(cared_for(account, now))).one()
    last = connection.execute(sa.select(sa.func.max(TEAM.c.id)).where(TEAM.c.account == account)).scalar()
    return int(count), int(written), last or 0


def pulse(connection: sa.Connection, account: str, now: datetime) -> int:
    """The `mark` as one number of 63 bits."""
    said = " ".join(map(str, mark(connection, account, now))).encode()
    return int.from_bytes(blake2b(said, digest_size=8).digest()) >> 1


def _standing(now: int) -> sa.ColumnElement[bool]:
    return sa.or_(TEAM.c.until.is_(None), TEAM.c.until > now)


def _member(row: Any) -> Member:
    until = None if row.until is None else from_microseconds(row.until)
    return Member(row.account, row.basis, row.function, from_microseconds(row.since), until)
