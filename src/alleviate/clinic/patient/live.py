"""What keeps a page live: a mark under which the same request would give the same answer."""

from datetime import UTC, datetime, timedelta
from zlib import crc32

from alleviate.clinic.gate import Visit

__all__ = ["end_of_day", "mark_of", "packages_of", "pulse_of", "still_holds"]


def pulse_of(visit: Visit) -> int:
    """Changes with anything of the person whom the visit concerns, or else of the caller's caseload; and with
    the packages of courses that are in use."""
    if visit.patient:
        return (visit.revision or 0) ^ packages_of(visit)
    return visit.services.vault.pulse(visit.who.key) ^ packages_of(visit)


def packages_of(visit: Visit) -> int:
    """Changes with the packages of courses that are in use."""
    seals = "".join(each.seal for each in visit.services.shelf.courses())
    return crc32(seals.encode()) << 31


def mark_of(pulse: int, until: datetime) -> str:
    """What an ETag says: while the ``pulse`` is this and ``until`` has not come, the same request gives the
    same answer. The pulse is taken before anything is read, or with it: no change falls between.
    """
    return f"{pulse:x}.{int(until.timestamp()):x}"


def still_holds(visit: Visit, mark: str) -> bool:
    """Whether what was shown under this mark is what would be shown now. One that is made up never holds."""
    pulse, _, until = mark.strip().removeprefix("W/").strip('"').partition(".")
    try:
        ends = datetime.fromtimestamp(int(until, 16), UTC)
        known = int(pulse, 16)
    except (ValueError, OverflowError, OSError):
        return False
    soon = visit.now < ends <= visit.now + timedelta(days=1)
    return soon and known == pulse_of(visit)


def end_of_day(now: datetime) -> datetime:
    """The next midnight (UTC), from which on what is told by days is told otherwise."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
