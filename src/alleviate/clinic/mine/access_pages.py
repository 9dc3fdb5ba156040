"""Who looked at my record: the audit about me, in words."""

from datetime import datetime

from fastapi.responses import Response

from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.clinic.looks.formats import zone_of
from alleviate.clinic.mine.looked import Day, Look, by_day, glass_of, looks_of
from alleviate.clinic.mine.seers import Seers

__all__ = ["days", "door", "looked"]

door = Door("mine", prefix="/mine")

_PAGE = 50


@door.page("/access", action="mine.access")
def access(visit: VisitOf, page: int = 1, others: bool = True) -> Response:
    """Who looked or changed something, when and what for, the newest first; ``others``: without myself."""
    found = [look for look in looked(visit) if not (others and look.seer == "you")]
    last = max(1, -(-len(found) // _PAGE))
    page = min(max(page, 1), last)
    return visit.page(
        "mine/access.html",
        days=days(visit, found[(page - 1) * _PAGE : page * _PAGE]),
        number=page,
        last=last,
        others=others,
        glass=any(look.glass for look in found),
    )


def days(visit: Visit, looks: list[Look]) -> list[Day]:
    """These looks by day, as the clinic's clock has it."""
    zone = zone_of(visit.services.settings.country)
    seers = Seers(visit.services.accounts, visit.patient, visit._)
    return by_day(looks, lambda moment: moment.astimezone(zone).date(), seers.of)


def looked(visit: Visit) -> list[Look]:
    """Every look at the record of whom is asking, the newest first; this one is in the next."""
    vault, accounts = visit.services.vault, visit.services.accounts
    events = vault.show_audit(actor=visit.who.actor, patient=visit.patient)
    broken = glass_of(events)

    def used(account: str, at: datetime) -> bool:
        return any(since <= at and (until is None or at < until) for since, until in broken.get(account, ()))

    return looks_of(events, visit.patient, accounts.get, used)
