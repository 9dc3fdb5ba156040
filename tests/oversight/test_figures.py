"""Alerts, decisions, the service and consent in figures, against what one counts by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from alleviate.decisions.outcomes import FollowUp
from alleviate.oversight.alerts import alert_fact, alert_figures
from alleviate.oversight.consents import consent_figures
from alleviate.oversight.decisions import DecisionFact, decision_figures
from alleviate.oversight.service import Spell, service_figures
from alleviate.progress.alerts import Alert, Step
from alleviate.progress.safety import Sign
from alleviate.records import Event

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def _alert(number: int, *, answered: float | None, resolved: bool = True, days_ago: float = 10) -> Alert:
    raised = NOW - timedelta(days=days_ago)
    sign = Sign(
        time=raised, instrument="phq9", flag="item 9", answers=(("9", 2.0),), known_at=raised, entries=("e",)
    )
    steps: tuple[Step, ...] = ()
    if answered is not None:
        at = raised + timedelta(hours=answered)
        steps = (Step("acknowledged", at, "a"),)
        steps += (Step("resolved", at + timedelta(hours=1), "a", "called"),) if resolved else ()
    return Alert(f"alert{number}", f"p{number}", sign, raised, steps)


def test_alerts_are_counted_by_what_became_of_them() -> None:
    alerts = [_alert(n, answered=1.0) for n in range(6)]
    alerts += [_alert(6, answered=5.0), _alert(7, answered=None), _alert(8, answered=1.0, resolved=False)]
    alerts += [_alert(9, answered=None, days_ago=0.01)]
    found = alert_figures([alert_fact(n, alert, NOW) for n, alert in enumerate(alerts)], 200).new
    assert (found.raised, found.people, found.resolved, found.overdue) == (10, 10, 7, 2)
    # Two hours are given: six and one in time, one late, one never; the last one's time still runs.
    assert (found.judged, found.in_time, found.answered) == (9, 7, 8)
    assert found.per_100 is not None
    assert found.per_100.estimate == 5
    assert found.hours is not None
    assert found.hours.estimate == pytest.approx(1)


def test_a_sign_that_few_people_had_is_hidden_but_an_overdue_alert_never_is() -> None:
    found = alert_figures([alert_fact(1, _alert(1, answered=None), NOW)], 50)
    assert found.new.overdue == 1
    assert [(row.hidden, row.raised, row.overdue) for row in found.by_sign] == [(True, 0, 0)]


def test_overrides_are_counted_by_their_reason_and_outcomes_are_compared_where_five_are_measured() -> None:
    def told(followed: bool, better: float) -> FollowUp:
        return FollowUp("measured", "CBT", NOW, followed, True, NOW, 15, 15 - better, better)

    facts = [
        DecisionFact(n, "A", "observed", True, aim=("PHQ-9", "points"), told=told(True, n % 3))
        for n in range(8)
    ]
    facts += [
        DecisionFact(9, "A", "overridden", False, "judgement", ("PHQ-9", "points"), told(False, 1.0)),
        DecisionFact(10, "A", "seen"),
        DecisionFact(11, "B", "overridden", False, "judgement"),
        DecisionFact(12, "B", "withdrawn"),
    ]
    found = decision_figures(facts)
    assert (found.shown, found.open, found.withdrawn, found.decided) == (12, 1, 1, 10)
    assert (found.accepted, found.overridden) == (8, 2)
    assert (found.reasons[0].code, found.reasons[0].n) == ("judgement", 2)
    assert sum(each.n for each in found.reasons) == 2
    assert [each[:3] for each in found.by_package] == [("A", 9, 8), ("B", 1, 0)]
    (compared,) = found.compared
    assert compared.found.n_followed == 8
    assert compared.found.followed is not None
    assert compared.found.otherwise is None
    assert compared.found.difference is None


def _spell(person: int, *, first: float, last: float, reason: str = "completed", site: str = "A") -> Spell:
    start = NOW - timedelta(days=120)
    end = NOW - timedelta(days=20)
    return Spell(
        person=person,
        site=site,
        treatment="CBT",
        therapist="t",
        asked=start - timedelta(days=10 + person),
        since=start,
        until=end,
        reason=reason,
        contacts=6,
        depression=((start, first), (end, last)),
        anxiety=((start, 5.0), (end, 5.0)),
    )


def test_the_service_is_counted_by_the_rules_of_talking_therapies() -> None:
    better = [_spell(n, first=18, last=5) for n in range(10)]
    barely = [_spell(n, first=11, last=9) for n in range(10, 16)]  # below the cut-off, within the error
    left = [_spell(n, first=18, last=17, reason="dropped out", site="B") for n in range(16, 24)]
    waits = [Spell(person=30 + n, site="A", asked=NOW - timedelta(days=7)) for n in range(6)]
    found = service_figures([*better, *barely, *left, *waits], NOW)
    assert (found.courses, found.people, found.uncounted) == (24, 24, 0)
    assert (found.recovered.total.n, found.recovered.total.hits) == (24, 16)
    assert (found.reliably.total.hits, found.improved.total.hits) == (10, 10)
    assert (found.dropout.total.n, found.dropout.total.hits) == (24, 8)
    assert found.waited.total.figure is not None
    assert found.waited.total.figure.estimate == pytest.approx(10 + 11.5)
    assert (found.waiting.total.n, found.waiting.total.figure.estimate) == (6, 7)  # type: ignore[union-attr]
    by_site = {part.group: (part.n, part.hits) for part in found.dropout.by[0].parts}
    assert by_site == {"A": (16, 0), "B": (8, 8)}


def test_the_first_score_is_the_last_before_treatment_and_none_counts_twice() -> None:
    spell = _spell(1, first=18, last=5)
    assert spell.since is not None
    early = (spell.since - timedelta(days=40), 21.0)
    late = (NOW, 27.0)  # long after the end
    assert spell.pair((early, *spell.depression, late)) == (18.0, 5.0)
    assert spell.pair((early, spell.depression[1])) == (21.0, 5.0)
    assert spell.pair((spell.depression[0],)) == (None, None)


def _consent(word: str, days_ago: float, code: str = "CONSENT//research") -> Event:
    at = NOW - timedelta(days=days_ago)
    return Event("p", at, at, code, None, word, "consent", f"Consent/{days_ago}")


def test_consents_are_counted_with_those_who_said_nothing_and_small_numbers_hidden() -> None:
    people = [[_consent("permit", 40)] for _ in range(20)]
    people += [[_consent("permit", 100), _consent("deny", 2)] for _ in range(6)]
    people += [[_consent("permit", 40), _consent("deny", 1, "CONSENT//research//note")] for _ in range(3)]
    people += [[] for _ in range(11)]
    found = consent_figures(people, NOW)
    research = next(each for each in found.permits if each.purpose == "research")
    # Three permit some kinds: hidden, with the smallest other number, so that it does not follow from the 40.
    assert (research.all, research.some, research.none) == (20, None, None)
    assert research.share is None
    care = next(each for each in found.permits if each.purpose == "care")
    assert (care.all, care.some, care.none) == (40, 0, 0)
    now = {each.purpose: (each.given, each.withdrawn) for each in found.changes if each.month == "2026-11"}
    assert now["research"] == (0, 6)
    assert len({each.month for each in found.changes}) == 12
    year = next(each for each in found.year if each.purpose == "research")
    assert (year.given, year.withdrawn) == (29, 6)
