"""Where each role may go from every page: one table; the permissions' table says who sees which line."""

from dataclasses import dataclass

from alleviate.clinic.who import Who
from alleviate.decisions.permissions import Basis, may

__all__ = ["LINKS", "Link", "links"]


@dataclass(frozen=True, slots=True)
class Link:
    """``words`` are English, translated where they are shown."""

    words: str
    href: str
    action: str
    current: bool = False


def _(words: str) -> str:
    return words  # marks them to be translated


LINKS = (
    Link(_("My caseload"), "/caseload/", "caseload.see"),
    Link(_("Home"), "/mine/", "mine.see"),
    Link(_("My course"), "/mine/course", "mine.see"),
    Link(_("My goals"), "/mine/goals", "mine.goals"),
    Link(_("My options"), "/mine/options", "mine.advice"),
    Link(_("My consent"), "/mine/consent", "mine.consent"),
    Link(_("Who looked"), "/mine/access", "mine.access"),
    Link(_("My data"), "/mine/export", "mine.export"),
    Link(_("Something is wrong"), "/mine/corrections", "mine.correct"),
    Link(_("Alerts"), "/officers/alerts", "safety.see"),
    Link(_("Decisions"), "/officers/decisions", "safety.see"),
    Link(_("Emergency access"), "/officers/break-glass", "glass.review"),
    Link(_("Consent"), "/officers/consent", "consent.see"),
    Link(_("Audit"), "/officers/audit", "audit.see"),
    Link(_("Service"), "/officers/service", "service.see"),
    Link(_("Packages"), "/officers/packages", "package.see"),
    Link(_("Research"), "/research/", "research.read"),
    Link(_("Accounts"), "/admin/accounts", "account.manage"),
    Link(_("Systems"), "/admin/tokens", "token.manage"),
)


def links(who: Who, path: str) -> tuple[Link, ...]:
    """Those open to ``who``; the longest that begins the ``path`` is where they are."""
    basis: Basis | None = "self" if who.role == "patient" else None
    seen = [
        link
        for link in LINKS
        if may(who.role, link.action, basis) and (who.limits is None or link.action in who.limits)
    ]
    here = max((link.href for link in seen if path.startswith(link.href)), key=len, default="")
    return tuple(Link(link.words, link.href, link.action, link.href == here) for link in seen)
