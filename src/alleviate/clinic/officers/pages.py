"""The officers' pages of figures: alerts, decisions, consent, the service. They read nobody's record."""

from fastapi import Response

from alleviate.clinic.demo.truth import how_right
from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.clinic.keeping import overdue
from alleviate.clinic.officers.computing import ask_for_figures
from alleviate.clinic.officers.drawn import consents_by_month
from alleviate.clinic.officers.figures import latest
from alleviate.oversight.service import GROUPINGS
from alleviate.vault.watching import open_alerts

__all__ = ["door"]

door = Door("officers", prefix="/officers")


@door.page("/", action="package.see")
def home(visit: VisitOf) -> Response:
    """What this officer may open, and what cannot wait."""
    open_now = open_alerts(visit.services.vault) if visit.may("safety.see") else []
    return visit.page(
        "officers/home.html",
        open_now=len(open_now),
        overdue_now=sum(overdue(alert, visit.now) for alert in open_now),
    )


@door.page("/alerts", action="safety.see")
def alerts(visit: VisitOf) -> Response:
    """Safety alerts and what became of them."""
    open_now = open_alerts(visit.services.vault)
    return visit.page(
        "officers/alerts.html",
        figures=latest(visit.services),
        open_now=len(open_now),
        overdue_now=sum(overdue(alert, visit.now) for alert in open_now),
    )


@door.page("/decisions", action="safety.see")
def decisions(visit: VisitOf) -> Response:
    """Whether advice is taken, why not, and what happened then."""
    return visit.page(
        "officers/decisions.html",
        figures=latest(visit.services),
        right=how_right(visit.services.settings),
    )


@door.page("/service", action="service.see")
def service(visit: VisitOf) -> Response:
    """Waiting, dropping out, recovering; by site, treatment, step and therapist."""
    return visit.page("officers/service.html", figures=latest(visit.services), groupings=GROUPINGS)


@door.page("/consent", action="consent.see")
def consent(visit: VisitOf) -> Response:
    """How many permit what, and what changed."""
    figures = latest(visit.services)
    return visit.page(
        "officers/consent.html",
        figures=figures,
        drawn=consents_by_month(figures.consents, visit) if figures else None,
    )


@door.form("/figures", action="safety.see")
def compute_now(visit: VisitOf) -> Response:
    """Work the figures out anew."""
    return _asked(visit, "/officers/alerts")


@door.form("/consent/figures", action="consent.see")
def compute_consent_now(visit: VisitOf) -> Response:
    """Work the figures out anew."""
    return _asked(visit, "/officers/consent")


def _asked(visit: Visit, page: str) -> Response:
    _ = visit._
    there = ask_for_figures(visit.services)
    return visit.go(
        page,
        said=_("The figures are new.")
        if there
        else _("The figures are being worked out. Open this page again in a minute."),
    )
