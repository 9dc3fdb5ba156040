"""A chart is one person in one step: what consent opens, one event, and never an older state than served."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from clinic_made import MINUTE, NOW, item_9, note, people, told
from dying_sweep import PACKAGE, judge
from entries_made import consent, pulse

from alleviate.terms.errors import AuditError, ConsentError, DataError, VaultError
from alleviate.vault import Vault


@pytest.fixture
def vault(location: str):
    with Vault.create(location) as vault:
        access = vault.access(actor="import", purpose="care")
        access.put([*people(3), item_9(1, "p0"), item_9(2, "p1")], NOW)
        yield vault


@pytest.fixture
def access(vault):
    return vault.access(actor="account:anna", purpose="care")


def test_everything_about_one_person_and_nothing_of_another(vault, access) -> None:
    access.sweep(PACKAGE, judge, NOW)
    access.store(NOW, sheets=[note("p0"), note("p1")])
    access.join("p0", "anna", "psychologist")
    chart = access.chart("p0")
    assert chart.patient == vault.our_id("p0")
    assert chart.record == access.record("p0")
    assert chart.allowed == access.permitted("p0")
    assert chart.alerts == tuple(a for a in access.alerts().found if a.subject_id == "p0")
    assert chart.courses == tuple(c for c in access.courses().found if c.subject_id == "p0")
    assert (len(chart.alerts), len(chart.courses), len(chart.sheets)) == (1, 2, 1)
    assert [member.account for member in chart.team] == ["anna"]
    assert access.chart(chart.patient) == chart, "by our id too"


def test_one_person_read_is_one_event(vault, access) -> None:
    access.chart("p0")
    access.chart("p0")
    read = [event for event in told(vault, "read") if event.actor == "account:anna"]
    assert [event.patient for event in read] == [vault.our_id("p0")] * 2
    vault.verify_audit(actor="test")


def test_kinds_and_sheets_are_chosen(access) -> None:
    access.store(NOW, sheets=[note("p0"), note("p0", kind="seen")])
    chart = access.chart("p0", kinds=["questionnaire"], sheets=["seen"])
    assert {event.kind for event in chart.record.events} == {"questionnaire"}
    assert [sheet.kind for sheet in chart.sheets] == ["seen"]
    assert len(chart.alerts) == 1, "an alert is no matter of choice"
    assert access.chart("p0", kinds=[], sheets=[]).record.events == ()


def test_resolved_alerts_are_there_and_withheld_ones_are_counted(access) -> None:
    (alert,) = access.chart("p0").alerts
    access.answer(alert.id, "acknowledged", NOW + MINUTE)
    access.answer(alert.id, "resolved", NOW + 2 * MINUTE, "Saw her.")
    assert [alert.state for alert in access.chart("p0").alerts] == ["resolved"]
    access.put([consent(1, "p0", "deny", "care", "questionnaire")], NOW)
    chart = access.chart("p0")
    assert (chart.alerts, chart.withheld_alerts) == ((), 1)
    assert "questionnaire" not in chart.allowed
    assert {event.kind for event in chart.record.events} == {"measurement", "person", "consent"}


def test_withdrawn_consent_refuses_the_next_chart_and_the_audit_says_so(vault, access) -> None:
    access.chart("p0")
    access.store(NOW, entries=[consent(1, "p0", "deny", "care")])
    with pytest.raises(ConsentError, match="permits nothing for care") as refused:
        access.chart("p0")
    assert vault.our_id("p0") not in str(refused.value)
    (denied,) = told(vault, "deny")
    assert (denied.patient, denied.detail) == (vault.our_id("p0"), {"asked": "chart"})
    assert len([event for event in told(vault, "read") if event.actor == "account:anna"]) == 1
    assert vault.access(actor="account:p0", purpose="rights").chart("p0").record.events


def test_for_research_there_are_no_charts(vault) -> None:
    for purpose in ("research", "model-training"):
        with pytest.raises(ConsentError, match="A chart is not for"):
            vault.access(actor="account:dora", purpose=purpose).chart("p0")


def test_nobody_and_who_was_erased(vault, access) -> None:
    with pytest.raises(VaultError, match="no patient 'p9'"):
        access.chart("p9")
    vault.access(actor="test", purpose="rights").erase("p0", "asked-by-the-person")
    with pytest.raises(VaultError, match="was erased"):
        access.chart("p0")


def test_what_could_not_be_told_to_the_audit_is_not_served(vault, access, monkeypatch) -> None:
    def full(*_):
        raise AuditError("The audit cannot be written.", hint="Make room.")

    for broken in ("append", "seal"):
        with monkeypatch.context() as patch:
            patch.setattr(vault._audit, broken, full)
            with pytest.raises(AuditError, match="cannot be written"):
                access.chart("p0")
    assert access.chart("p0").record.events, "and the next one is served"


@pytest.mark.parametrize(
    "change",
    [
        lambda vault, access: access.put([pulse(77, "p0", 90.0)], NOW),
        lambda vault, access: access.put([pulse(0, "p0", 91.0, changed=NOW)], NOW),
        lambda vault, access: access.put([item_9(77, "p0")], NOW),
        lambda vault, access: access.store(NOW, sheets=[note("p0")]),
        lambda vault, access: access.join("p0", "bela", "nurse"),
        lambda vault, access: access.leave("p0", "anna"),
        lambda vault, access: access.answer(access.chart("p0").alerts[0].id, "acknowledged", NOW),
        lambda vault, access: access.sweep(PACKAGE, judge, NOW, ids=["p0"]),
    ],
    ids=["entry", "correction", "alert", "sheet", "join", "leave", "step", "sweep"],
)
def test_whatever_is_written_about_a_person_is_one_revision_more(vault, access, change) -> None:
    access.join("p0", "anna", "nurse")
    before, other = access.chart("p0").revision, access.chart("p1").revision
    change(vault, access)
    assert access.chart("p0").revision == before + 1
    assert access.chart("p1").revision == other


def test_what_changes_nothing_is_no_revision(access) -> None:
    before = access.chart("p0").revision
    access.put(people(3), NOW)
    access.raise_alerts(NOW)
    access.sweep(PACKAGE, lambda records: [[] for _ in records], NOW, ids=[])
    access.leave("p0", "nobody")
    access.chart("p0")
    assert access.chart("p0").revision == before


def test_a_sweep_of_some_people_reads_no_others(vault, access) -> None:
    ours = vault.our_id("p1")
    assert {one.subject_id for one in access.sweep(PACKAGE, judge, NOW, ids=["p0", ours])} == {"p0", "p1"}
    read = {event.patient for event in told(vault, "read") if event.actor == "account:anna"}
    assert read == {vault.our_id("p0"), ours}
    assert len(access.sweep(PACKAGE, judge, NOW)) == 2, "p2 is left to the next"
    with pytest.raises(VaultError, match="no patient"):
        access.sweep(PACKAGE, judge, NOW, ids=["p77"])


def test_a_reading_overtaken_by_a_withdrawal_is_read_again_and_refused(vault, access, monkeypatch) -> None:
    """Between the snapshot and its event the person withdraws: nothing is served, no "read" is told."""
    record = vault._readlog.record
    withdraw = [lambda: vault.access(actor="account:p0", purpose="rights").put([deny], NOW)]
    deny = consent(1, "p0", "deny", "care")

    def overtaken(events, seen):
        if withdraw:
            withdraw.pop()()
        return record(events, seen)

    monkeypatch.setattr(vault._readlog, "record", overtaken)
    with pytest.raises(ConsentError, match="permits nothing"):
        access.chart("p0")
    assert [event for event in told(vault, "read") if event.actor == "account:anna"] == []
    assert len(told(vault, "deny")) == 1


def test_a_reading_overtaken_by_an_erasure_is_not_served(vault, access, monkeypatch) -> None:
    record = vault._readlog.record

    def overtaken(events, seen):
        vault.access(actor="t", purpose="rights").erase("p0", "asked-by-the-person")
        return record(events, seen)

    monkeypatch.setattr(vault._readlog, "record", overtaken)
    with pytest.raises(VaultError, match="was erased"):
        access.chart("p0")


def test_who_is_written_about_all_the_time_is_read_in_the_end(vault, access, monkeypatch) -> None:
    record = vault._readlog.record
    numbers = iter(range(500, 600))

    def overtaken(events, seen):
        vault.access(actor="t", purpose="care").put([pulse(next(numbers), "p0", 60.0)], NOW)
        return record(events, seen)

    monkeypatch.setattr(vault._readlog, "record", overtaken)
    values = [event.entry for event in access.chart("p0").record.events if event.kind == "measurement"]
    assert len(values) == 2 + 3, "what was written last is there"
    assert len([event for event in told(vault, "read") if event.actor == "account:anna"]) == 1


def test_a_refusal_is_one_event_that_names_only_whom_we_know(vault, access) -> None:
    access.denied("p0", "patient.see")
    access.denied(vault.our_id("p1"), "patient.see")
    access.denied("Anna Muster", "patient.see")
    access.denied("", "caseload.see")
    assert [(event.patient, event.detail["asked"]) for event in told(vault, "deny")] == [
        (vault.our_id("p0"), "patient.see"),
        (vault.our_id("p1"), "patient.see"),
        ("", "patient.see"),
        ("", "caseload.see"),
    ]


def test_an_off_track_alert_is_acknowledged_and_resolved_as_a_safety_alert_is(vault, access) -> None:
    first, second = access.sweep(PACKAGE, judge, NOW, ids=["p0"])
    assert {one.state for one in access.chart("p0").courses} == {"raised"}
    with pytest.raises(DataError, match="Nobody has acknowledged"):
        access.answer_course(first.id, "resolved", NOW + MINUTE, "called")
    assert access.answer_course(first.id, "acknowledged", NOW + MINUTE).state == "acknowledged"
    with pytest.raises(DataError, match="says what was done"):
        access.answer_course(first.id, "resolved", NOW + 2 * MINUTE)
    closed = access.answer_course(first.id, "resolved", NOW + 2 * MINUTE, "Dose changed.")
    assert [(step.state, step.by, step.done) for step in closed.steps] == [
        ("acknowledged", "account:anna", ""),
        ("resolved", "account:anna", "Dose changed."),
    ]
    with pytest.raises(DataError, match="is resolved"):
        access.answer_course(first.id, "acknowledged", NOW + 3 * MINUTE)
    states = {one.id: one.state for one in access.chart("p0").courses}
    assert states == {first.id: "resolved", second.id: "raised"}
    assert {one.id: one.state for one in access.courses().found} == states
    assert closed in access.courses().found
    assert len(access.chart("p0").alerts) == 1, "the safety alert is another"
    assert len(access.alerts(resolved=True).found) == 2
    answered = [e.detail for e in told(vault, "alert") if e.detail.get("course") == first.id]
    assert [detail["state"] for detail in answered] == ["raised", "acknowledged", "resolved"]


def test_what_is_no_off_track_alert_is_not_answered(vault, access) -> None:
    def calm(records):
        return [
            [type(one)(one.scores, one.kinds, one.told, False) for one in results]
            for results in judge(records)
        ]

    (quiet, *_) = access.sweep("c" * 32, calm, NOW, ids=["p0"])
    assert quiet.state is None
    with pytest.raises(DataError, match="raised no alert"):
        access.answer_course(quiet.id, "acknowledged", NOW)
    with pytest.raises(VaultError, match="no result"):
        access.answer_course("0" * 32, "acknowledged", NOW)
    (alert,) = access.chart("p0").alerts
    with pytest.raises(VaultError, match="no result"):
        access.answer_course(alert.id, "acknowledged", NOW)
    (loud, *_) = access.sweep(PACKAGE, judge, NOW, ids=["p0"])
    with pytest.raises(VaultError, match="no alert"):
        access.answer(loud.id, "acknowledged", NOW)
    access.answer_course(loud.id, "acknowledged", NOW)
    with pytest.raises(VaultError, match="no alert"):
        access.answer(loud.id, "acknowledged", NOW)
    access.put([consent(1, "p0", "deny", "care", "measurement")], NOW)
    with pytest.raises(ConsentError, match="withholds"):
        access.answer_course(loud.id, "acknowledged", NOW)
    with pytest.raises(ConsentError, match="not for rights"):
        vault.access(actor="account:p0", purpose="rights").answer_course(loud.id, "acknowledged", NOW)


def test_steps_about_a_course_are_sealed_and_gone_with_the_person(vault, access) -> None:
    (one, *_) = access.sweep(PACKAGE, judge, NOW, ids=["p0"])
    access.answer_course(one.id, "acknowledged", NOW, "a planted word")
    with vault._database.snapshot() as connection:
        rows = connection.execute(sa.text("SELECT * FROM alerts WHERE alert = :id"), {"id": one.id}).all()
    assert [(row.step, row.state) for row in rows] == [(1, "acknowledged")]
    assert b"planted" not in rows[0].body
    vault.access(actor="t", purpose="rights").erase("p0", "asked-by-the-person")
    with vault._database.snapshot() as connection:
        left = connection.execute(sa.text("SELECT count(*) FROM alerts WHERE alert = :id"), {"id": one.id})
        assert left.scalar_one() == 0


def test_a_moment_ahead_of_the_clock_is_no_matter(access) -> None:
    later = datetime.now(UTC) + timedelta(days=400)
    access.store(later, sheets=[note("p0")])
    assert len(access.chart("p0").sheets) == 1
