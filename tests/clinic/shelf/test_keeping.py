"""The keeper judges new scores once and counts what is overdue; safety needs neither it nor any package."""

import time
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from alleviate.clinic.keeping import Keeper, overdue
from alleviate.instruments import INSTRUMENTS
from alleviate.progress.alerts import due
from alleviate.records import Entry, Event
from alleviate.vault.watching import followed, open_alerts

PHQ9 = INSTRUMENTS["phq9"]


def filled(subject: str, at, *, item_9: int) -> Entry:
    ref = f"QuestionnaireResponse/new-{at:%Y%m%d%H%M}"
    answers = [1] * 8 + [item_9]
    items = tuple(
        Event(subject, at, at, item.code, float(value), kind="questionnaire", entry=ref)
        for item, value in zip(PHQ9.items, answers, strict=True)
    )
    total = Event(subject, at, at, PHQ9.total_code, float(sum(answers)), kind="questionnaire", entry=ref)
    return Entry(subject, ref, "questionnaire", (*items, total))


def answer(clinic, item_9: int = 0) -> str:
    """The first person fills in a PHQ-9 now."""
    with clinic.vault.access(actor="test", purpose="care") as access:
        access.store(clinic.clock(), entries=[filled(clinic.subjects[0], clinic.clock(), item_9=item_9)])
    return clinic.patients[0]


@pytest.fixture
def clinic(clinic_with):
    return clinic_with()


def scores_of(clinic, patient: str) -> int:
    with clinic.vault.access(actor="test", purpose="care") as access:
        return len(access.chart(patient).courses)


def test_those_in_care_are_judged_and_nobody_else(clinic):
    assert Keeper(clinic.services).round() > 0
    in_care = [patient for patient in clinic.patients if scores_of(clinic, patient)]
    assert set(in_care) <= set(followed(clinic.vault, clinic.clock()))
    assert in_care


def test_a_new_score_is_judged_in_the_next_round_and_once(clinic):
    keeper, other = Keeper(clinic.services), Keeper(clinic.services)
    keeper.round()
    patient = clinic.patients[0]
    before = scores_of(clinic, patient)
    assert answer(clinic) == patient
    assert keeper.round() == 1
    assert scores_of(clinic, patient) == before + 1
    assert keeper.round() == other.round() == 0
    assert scores_of(clinic, patient) == before + 1


def test_a_package_out_of_use_judges_nobody(clinic, monkeypatch):
    monkeypatch.setattr("alleviate.clinic.shelf._LOOK_AGAIN", 0.0)
    shelf = clinic.services.shelf
    shelf.take_out("account:safety000001", shelf.courses()[0].seal, "Under review.")
    assert Keeper(clinic.services).round() == 0


def test_what_cannot_be_judged_holds_up_nobody(clinic, monkeypatch):
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("alleviate.clinic.keeping.sweep_people", fails)
    assert Keeper(clinic.services).round() == 0


def test_the_thread_survives_a_failing_round_and_stops_when_asked(clinic, monkeypatch):
    rounds: list[int] = []
    keeper = Keeper(clinic.services, every=0.01)

    def fails() -> int:
        rounds.append(1)
        raise OSError

    monkeypatch.setattr(keeper, "round", fails)
    keeper.start()
    until = time.monotonic() + 5
    while len(rounds) < 3 and time.monotonic() < until:
        time.sleep(0.01)
    keeper.stop()
    assert len(rounds) >= 3
    assert not keeper._thread.is_alive()


def test_without_any_package_an_answer_raises_its_alert_and_it_moves_up_the_ladder(make_clinic, tmp_path):
    clinic = make_clinic(packages=tmp_path / "none")
    before = len(open_alerts(clinic.vault))
    answer(clinic, item_9=2)
    assert len(open_alerts(clinic.vault)) == before + 1
    with clinic.vault.access(actor="test", purpose="care") as access:
        new = max(access.alerts().found, key=lambda alert: alert.raised_at)
    assert new.subject_id == clinic.subjects[0]
    tiers = [due([new], new.raised_at + timedelta(hours=hours))[0].tier for hours in (0, 2.5, 5)]
    assert tiers == [1, 2, 3]


def test_overdue_alerts_are_counted_for_the_metrics(clinic):
    def counted() -> float:
        Keeper(clinic.services).round()
        return REGISTRY.get_sample_value("alleviate_alerts_overdue")

    with clinic.vault.access(actor="test", purpose="care") as access:
        for alert in access.alerts().found:
            access.answer(alert.id, "acknowledged", clinic.clock())
            access.answer(alert.id, "resolved", clinic.clock(), "Seen.")
    answer(clinic, item_9=1)
    assert counted() == 0
    clinic.clock.goes(hours=3)
    assert counted() == 1
    with clinic.vault.access(actor="test", purpose="care") as access:
        (newest,) = access.alerts().found
        access.answer(newest.id, "acknowledged", clinic.clock())
    assert counted() == 0
    clinic.clock.goes(hours=24)
    assert counted() == 1
    with clinic.vault.access(actor="test", purpose="care") as access:
        access.answer(newest.id, "resolved", clinic.clock(), "Seen.")
    assert counted() == 0


CSSRS = INSTRUMENTS["cssrs"]


def high_risk(subject: str, at) -> Entry:
    """A C-SSRS with every question answered yes: its ladder is the very urgent one."""
    ref = f"QuestionnaireResponse/risk-{at:%Y%m%d%H%M}"
    items = tuple(
        Event(subject, at, at, item.code, 1.0, kind="questionnaire", entry=ref) for item in CSSRS.items
    )
    return Entry(subject, ref, "questionnaire", items)


def test_each_alert_is_overdue_by_its_own_ladder(make_clinic, tmp_path):
    """Very urgent after 15 minutes, urgent after 2 hours, an old answer after 7 days; as pages show it."""
    clinic = make_clinic(packages=tmp_path / "none")
    now, subject = clinic.clock(), clinic.subjects[0]
    with clinic.vault.access(actor="test", purpose="care") as access:
        before = {alert.id for alert in access.alerts().found}
        entries = [
            high_risk(subject, now),
            filled(subject, now, item_9=1),
            filled(subject, now - timedelta(days=60), item_9=1),
        ]
        access.store(now, entries=entries)
        new = [alert for alert in access.alerts().found if alert.id not in before]
    for minutes, late in ((14, 0), (16, 1), (119, 1), (121, 2), (7 * 24 * 60 - 1, 2), (7 * 24 * 60 + 1, 3)):
        moment = now + timedelta(minutes=minutes)
        shown = sum(place.overdue for place in due(new, moment))
        counted = [alert for alert in open_alerts(clinic.vault) if alert.id not in before]
        assert sum(overdue(alert, moment) for alert in counted) == shown == late, minutes


def test_what_is_counted_is_nobodys_and_opened_once(make_clinic, tmp_path, monkeypatch):
    clinic = make_clinic(packages=tmp_path / "none")
    answer(clinic, item_9=1)
    events, known = len(clinic.audit()), {}
    first = open_alerts(clinic.vault, known)
    assert first
    assert {alert.subject_id for alert in first} == {""}
    assert {(alert.sign.answers, alert.sign.entries) for alert in first} == {((), ())}
    assert known.keys() == {alert.id for alert in first}
    monkeypatch.setattr("alleviate.vault.alerts.unseal", None)
    assert open_alerts(clinic.vault, known) == first
    assert len(clinic.audit()) == events + 1, "nothing was read of anybody; to look at the audit is an event"
