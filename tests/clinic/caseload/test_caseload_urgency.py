"""Who needs somebody today, and why: safety first, then off track, dropping out, due; a table a rule."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from patient_charts import DAY, FOLLOWER, NOW, Made, ago

from alleviate.clinic.caseload.glance import glance_of
from alleviate.clinic.caseload.needs import NEEDS, needs_of
from alleviate.clinic.caseload.rules import CaseloadRules, default_rules
from alleviate.clinic.caseload.urgency import PAGE, SORTS, Asked, placed, shown, whole
from alleviate.progress.alerts import Step
from alleviate.terms.errors import DataError
from alleviate.vault.sheets import Sheet

RULES = default_rules()


def because(made: Made, now=NOW, **more) -> list[str]:
    return [need.because for need in needs_of(glance_of(made.chart(), [FOLLOWER]), now, RULES, **more)]


def in_treatment(subject: str = "p1", **more) -> Made:
    """Somebody with nothing that stands out: two scores lately, sessions attended, an appointment ahead."""
    made = Made(subject, **more).episode(30).form(28, 18).form(5, 14).form(28, 12, "gad7").form(5, 9, "gad7")
    return made.sessions((28, "attended"), (14, "attended"), (5, "attended")).booked(3)


def test_who_comes_and_fills_in_needs_nobody() -> None:
    assert because(in_treatment()) == []


def test_a_safety_alert_goes_first_with_its_deadline_and_is_overdue_once_that_has_passed() -> None:
    made = in_treatment().form(0.01, 15, item_9=2)
    (need,) = needs_of(glance_of(made.chart()), NOW, RULES)
    assert (need.kind, need.because, need.overdue) == ("safety", "sign", False)
    assert need.values["flag"] == "item 9"
    assert need.deadline == ago(0.01) + timedelta(hours=2)
    (later,) = needs_of(glance_of(made.chart()), NOW + timedelta(hours=2.5), RULES)
    assert later.overdue
    assert later.values["tier"] == 2


def test_a_resolved_alert_is_no_need_and_an_acknowledged_one_still_is() -> None:
    made = in_treatment().form(0.01, 15, item_9=1)
    taken = Step("acknowledged", NOW, "account:a")
    glance = glance_of(made.chart(steps=(taken,)))
    (need,) = needs_of(glance, NOW, RULES)
    assert (need.values["state"], need.values["owner"]) == ("acknowledged", "account:a")
    done = Step("resolved", NOW, "account:a", "called, safety plan made")
    assert needs_of(glance_of(made.chart(steps=(taken, done))), NOW, RULES) == ()


def test_that_alerts_are_withheld_is_told() -> None:
    glance = glance_of(in_treatment().chart(withheld=1))
    assert [need.because for need in needs_of(glance, NOW, RULES)] == ["withheld"]


@pytest.mark.parametrize(
    ("days", "on_track", "steps", "found"),
    [
        (5, False, (), ["course"]),
        (5, True, (), []),
        (5, None, (), []),
        (100, False, (), []),  # says nothing of now
        (5, False, (Step("acknowledged", ago(1), "account:a"),), ["course"]),
        (5, False, (Step("acknowledged", ago(2), "a:1"), Step("resolved", ago(1), "a:1", "talked")), []),
        (
            60,
            False,
            (Step("acknowledged", ago(40), "a:1"), Step("resolved", ago(39), "a:1", "x")),
            ["course"],
        ),
    ],
)
def test_off_track_by_the_last_score_until_the_team_has_answered(days, on_track, steps, found) -> None:
    made = in_treatment().judged(days, 20, on_track=on_track, alert=on_track is False, steps=steps)
    assert because(made) == found


@pytest.mark.parametrize(
    ("sessions", "found"),
    [
        ([(28, "attended"), (14, "missed"), (7, "missed")], ["missed in a row"]),
        ([(28, "attended"), (14, "missed"), (7, "attended")], []),
        ([(30, "missed"), (21, "attended"), (14, "attended"), (7, "missed")], ["missed of last"]),
        ([(28, "missed"), (24, "missed"), (21, "attended"), (14, "attended"), (7, "attended")], []),
        ([(60, "missed"), (50, "missed")], []),  # before this treatment
        (
            [(30 - 3 * n, "attended") for n in range(4)]
            + [(16, "attended"), (12, "missed"), (8, "attended"), (4, "missed")],
            ["missed of last", "falling"],
        ),
    ],
)
def test_dropping_out_by_missed_sessions_while_a_treatment_is_under_way(sessions, found) -> None:
    made = Made().episode(30).form(5, 14).form(5, 9, "gad7").booked(3).sessions(*sessions)
    assert because(made) == found


def test_silence_is_a_sign_unless_an_appointment_lies_ahead_or_the_treatment_is_over() -> None:
    quiet = Made().episode(90).form(40, 14).form(40, 9, "gad7").sessions((40, "attended"))
    assert "silent" in because(quiet)
    assert "silent" not in because(quiet.booked(3))
    over = Made().episode(90, ended=35).form(40, 14).sessions((40, "attended"))
    assert because(over) == []


def test_a_measure_is_due_by_days_and_what_was_asked_for_by_its_day() -> None:
    made = Made().episode(60).form(20, 14).form(5, 9, "gad7").sessions((5, "attended")).booked(2)
    (need,) = needs_of(glance_of(made.chart()), NOW, RULES)
    assert (need.because, need.values["days"], need.overdue) == ("not filled in", 20, False)
    body = {"instruments": ["phq9"], "due": "2026-03-14", "until": "2026-03-28T00:00:00+00:00", "typed": ""}
    made.sheets = [Sheet("i1", "p1", "1" * 32, "invitation", "i1", ago(9), "account:bob", body)]
    (need,) = needs_of(glance_of(made.chart()), NOW, RULES)
    assert (need.because, need.overdue) == ("invited", True)
    # Once the link has ended, the rule counts again.
    later = [need for need in needs_of(glance_of(made.chart()), NOW + 13 * DAY, RULES) if need.kind == "due"]
    assert [(need.values["instrument"], need.overdue) for need in later] == [("phq9", True), ("gad7", False)]
    end = Sheet("i2", "p1", "1" * 32, "invitation", "i1", ago(1), "account:p", {"state": "answered"})
    made.sheets.append(end)
    assert because(made) == ["not filled in"]


def test_a_task_and_a_mention_are_due_for_the_one_whom_they_name() -> None:
    made = in_treatment()
    task = {"words": "Call the GP", "account": "ann", "due": ago(1).date().isoformat()}
    named = ("p1", "1" * 32)
    made.sheets = [
        Sheet("t1", *named, "task", "t1", ago(3), "account:bob", task),
        Sheet("m1", *named, "mention", "DocumentReference/1", ago(2), "account:bob", {"account": "ann"}),
    ]
    assert because(made, account="ann") == ["task", "mention"]
    assert because(made, account="bob") == []
    seen = {"of": "note", "agreed": True}
    made.sheets += [
        Sheet("t2", *named, "task", "t1", ago(0), "account:ann", {"done": "t1"}),
        Sheet("s1", *named, "seen", "DocumentReference/1", ago(0), "account:ann", seen),
    ]
    assert because(made, account="ann") == []


def test_who_has_died_is_asked_for_nothing_but_their_alerts_stand() -> None:
    made = Made().episode(90).form(40, 14, item_9=1).sessions((40, "missed"), (30, "missed"))
    made.add("MEDS_DEATH", ago(3), kind="person", entry="Patient/p1")
    assert because(made) == ["sign"]


def everybody():
    urgent = in_treatment("p1", family="Ulm").form(0.01, 15, item_9=1)
    overdue = in_treatment("p2", family="Olm").form(2, 15, item_9=1)
    off = in_treatment("p3", family="Alm").judged(5, 20, on_track=False, alert=True)
    out = Made("p4", family="Elm").episode(30).form(5, 14).form(5, 9, "gad7").booked(3)
    out.sessions((14, "missed"), (7, "missed"))
    due = Made("p5", family="Ilm").episode(60).form(20, 14).form(5, 9, "gad7").booked(2)
    none = in_treatment("p6", family="Aal")
    made = [none, due, out, off, urgent, overdue]
    return placed([glance_of(each.chart(), [FOLLOWER]) for each in made], NOW, RULES)


def test_the_order_is_safety_overdue_first_then_off_track_dropping_out_due_and_the_rest_by_name() -> None:
    assert [one.glance.family for one in everybody()] == ["Olm", "Ulm", "Alm", "Elm", "Ilm", "Aal"]
    assert [one.first.kind if one.first else None for one in everybody()] == ["safety", *NEEDS, None]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (Asked(sort="name"), ["Olm", "Ulm", "Aal", "Alm", "Elm", "Ilm"]),
        (Asked(need="safety"), ["Olm", "Ulm"]),
        (Asked(need="none"), ["Aal"]),
        (Asked(name="  ulm, alex"), ["Ulm"]),
        (Asked(name="n-p3"), ["Alm"]),
        (Asked(site="Elsewhere"), []),
        (Asked(treatment="CBT", sort="appointment"), ["Olm", "Ulm", "Ilm", "Aal", "Alm", "Elm"]),
    ],
)
def test_it_is_sorted_and_filtered_and_still_counts_the_whole(asked, found) -> None:
    page = shown(whole(everybody(), NOW), asked)
    assert [one.glance.family for one in page.people] == found
    assert page.counts == {"safety": 2, "off track": 1, "dropping out": 1, "due": 1, "none": 1}
    assert (page.total, page.found, page.overdue) == (6, len(found), 1)


def test_a_page_has_so_many_and_one_that_there_is_not_is_the_last() -> None:
    many = [glance_of(in_treatment(f"p{n}", family=f"F{n:03}").chart()) for n in range(PAGE + 3)]
    page = shown(whole(placed(many, NOW, RULES), NOW), Asked(page=99))
    assert (page.page, page.pages, len(page.people)) == (2, 2, 3)
    assert shown(whole([], NOW), Asked()).pages == 1


def test_what_is_shown_holds_until_the_next_deadline_or_the_end_of_the_day() -> None:
    assert shown(whole(everybody(), NOW), Asked()).until == ago(0.01) + timedelta(hours=2)
    assert shown(whole([], NOW), Asked()).until == NOW.replace(hour=0) + DAY


@given(st.lists(st.sampled_from(range(6)), max_size=12), st.integers(0, 400))
def test_whatever_the_mix_and_the_moment_safety_comes_first_and_nobody_is_lost(which, hours) -> None:
    some = [everybody_once()[n] for n in which]
    now = NOW + timedelta(hours=hours)
    found = placed(some, now, RULES)
    assert sorted(one.glance.patient for one in found) == sorted(glance.patient for glance in some)
    with_alerts = [bool(one.glance.alerts) for one in found]
    assert with_alerts == sorted(with_alerts, reverse=True)
    late = [one.first.overdue for one in found if one.glance.alerts and one.first]
    assert late == sorted(late, reverse=True)


_KEPT: list = []


def everybody_once():
    if not _KEPT:
        _KEPT.extend(one.glance for one in everybody())
    return _KEPT


OWN_RULES = """source = "ours"
[dropping_out]
missed_in_a_row = 3
missed_least = 2
missed_of_last = 6
silent_days = 28
falling_by = 0.5
falling_window = 4
[due]
measures = ["phq9"]
every_days = 7
overdue_after_days = 14
[course]
stale_days = 60
answered_days = 14
"""


def test_rules_without_sense_are_refused() -> None:
    text = OWN_RULES
    assert msgspec.toml.decode(text, type=CaseloadRules).dropping_out.missed_in_a_row == 3
    for old, new in (
        ("every_days = 7", "every_days = 0"),
        ("phq9", "phq8"),
        ("falling_by = 0.5", "falling_by = 2.0"),
        ("missed_of_last = 6", "missed_of_last = 1"),
        ("silent_days", "silent_weeks"),
        ("overdue_after_days = 14", "overdue_after_days = 3"),
    ):
        with pytest.raises((DataError, msgspec.ValidationError)):
            msgspec.toml.decode(text.replace(old, new), type=CaseloadRules)


@pytest.mark.parametrize("sort", SORTS)
def test_whoever_has_a_safety_alert_is_on_the_first_page_in_every_order(sort) -> None:
    calm = [in_treatment(f"c{n}", family=f"A{n:03}") for n in range(PAGE)]
    danger = [in_treatment(f"d{n}", family=f"Z{n:03}").form(1, 15, item_9=1) for n in range(PAGE + 2)]
    everyone = whole(placed([glance_of(each.chart()) for each in (*calm, *danger)], NOW, RULES), NOW)
    first, second = (shown(everyone, Asked(sort=sort, page=page)) for page in (1, 2))
    assert {one.glance.family for one in first.people} == {f"Z{n:03}" for n in range(len(danger))}
    assert (first.pages, len(second.people)) == (2, PAGE)
    assert shown(everyone, Asked(sort=sort, page=9)).people == second.people
