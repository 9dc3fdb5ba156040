"""The figures over everybody: worked out in one pass, kept as aggregates, shown with the moment they are
of.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from alleviate.clinic.officers.spells import spells_of
from alleviate.clinic.recommending.ledger import kept
from alleviate.clinic.services import Services
from alleviate.clinic.who import COUNTER
from alleviate.decisions import follow_up
from alleviate.decisions.states import move
from alleviate.oversight.alerts import AlertFact, AlertFigures, alert_fact, alert_figures
from alleviate.oversight.consents import ConsentFigures, consent_figures
from alleviate.oversight.decisions import DecisionFact, DecisionFigures, decision_figures
from alleviate.oversight.service import ServiceFigures, Spell, service_figures
from alleviate.records import Event, Kind, records_of
from alleviate.terms.errors import AlleviateError
from alleviate.vault.charts import Chart
from alleviate.vault.everybody import charts_of_all
from alleviate.vault.sheets import SheetKind

__all__ = ["ACTOR", "OLD", "Figures", "compute", "latest", "refresh"]

ACTOR = COUNTER
"""As the audit names who reads everybody's records for these figures."""

OLD = timedelta(days=1)
"""After which they are worked out anew."""

_NOTICE = "figures"
_FORMAT = 2
_LATEST = "officers/figures"
_KINDS: tuple[Kind, ...] = (
    "person",
    "questionnaire",
    "measurement",
    "medication",
    "procedure",
    "session",
    "episode",
)
"""What courses, outcomes and sites are read from: no note, no document, no genes."""
_SHEETS: tuple[SheetKind, ...] = ("proposal", "decision", "seen", "agreement", "mention", "task")
_LOG = logging.getLogger("alleviate.officers")


@dataclass(frozen=True, slots=True)
class Figures:
    """``at``: the moment (UTC) that they are of; ``withheld``: people whose records permit care nothing."""

    at: datetime
    people: int
    withheld: int
    alerts: AlertFigures
    decisions: DecisionFigures
    service: ServiceFigures
    consents: ConsentFigures


def latest(shared: Services) -> Figures | None:
    """The newest that are kept; None where none were worked out yet. Reads nobody's record."""
    number, found = shared.kept.get(_LATEST, (0, None))
    for notice in shared.accounts.notices(_NOTICE, after=number):
        number = notice.number
        if notice.body.get("format") == _FORMAT:
            found = msgspec.convert(notice.body["figures"], Figures, strict=False)
    shared.kept[_LATEST] = (number, found)
    result: Figures | None = found
    return result


def refresh(shared: Services) -> bool:
    """Work them out anew where they are a day old, in one process alone; whether this one did."""
    now = shared.clock()
    last = latest(shared)
    if last is not None and now - last.at < OLD:
        return False
    hour = f"{_FORMAT} {now:%Y-%m-%dT%H}"  # those of an older form do not count
    if not shared.accounts.spend(_NOTICE, hour, now + timedelta(hours=2), now):
        return False  # another process has begun, or failed within this hour
    compute(shared)
    return True


def compute(shared: Services) -> Figures:
    """Read everybody once, and keep what comes of it. Raises what the vault raises."""
    now = shared.clock()
    pass_ = _Pass(now)
    with shared.vault.access(actor=ACTOR, purpose="care") as access:
        for chart in charts_of_all(access, kinds=_KINDS, sheets=_SHEETS):
            pass_.add(chart)
    # What somebody permits is counted of all, of those who deny care too: that is the law's to know.
    with shared.vault.access(actor=ACTOR, purpose="rights") as access:
        people = len(access.ids())
        consents = [record.events for record in records_of(access.frame(kinds=("consent",)))]
    silent: list[Sequence[Event]] = [()] * (people - len(consents))
    found = pass_.figures(people, [*consents, *silent])
    body: dict[str, Any] = {"format": _FORMAT, "figures": msgspec.to_builtins(found)}
    shared.accounts.notice(ACTOR, _NOTICE, "everybody", body)
    return found


class _Pass:
    """What is kept of each chart while all are read: facts without names, by the number of the person."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._people = 0
        self._withheld = 0
        self._alerts: list[AlertFact] = []
        self._decisions: list[DecisionFact] = []
        self._spells: list[Spell] = []

    def add(self, chart: Chart) -> None:
        number = self._people = self._people + 1
        self._withheld += chart.withheld_alerts
        self._alerts += [alert_fact(number, alert, self._now) for alert in chart.alerts]
        self._spells += spells_of(number, chart.record)
        self._decisions += _decided(number, chart, self._now)

    def figures(self, people: int, consents: Sequence[Sequence[Event]]) -> Figures:
        return Figures(
            at=self._now,
            people=people,
            withheld=people - self._people,
            alerts=alert_figures(self._alerts, self._people, self._withheld),
            decisions=decision_figures(self._decisions),
            service=service_figures(self._spells, self._now),
            consents=consent_figures(consents, self._now),
        )


def _decided(number: int, chart: Chart, now: datetime) -> Iterator[DecisionFact]:
    try:
        found = kept(chart.sheets)
    except AlleviateError as error:  # of an older form: one that cannot be read does not lose all others
        _LOG.warning("Advice of an earlier version could not be read: %s", type(error).__name__)
        return
    for each in found:
        decision, proposal = each.decision, each.proposal
        aim = proposal.aim
        told = None
        if aim is not None and decision.decided is not None:
            try:
                told = follow_up(chart.record, decision, aim, now)
            except AlleviateError as error:
                _LOG.warning("A decision could not be followed up: %s", type(error).__name__)
        overriding = next((act for act in reversed(decision.acts) if move(act.move).decides), None)
        yield DecisionFact(
            number,
            proposal.evidence.title if proposal.evidence else proposal.versions.package,
            decision.state,
            decision.followed,
            overriding.reason.code if decision.followed is False and overriding and overriding.reason else "",
            (aim.label, aim.unit) if aim else ("", ""),
            told,
        )
