"""What a chart becomes before any page: figures, change, history, notes and tasks, documents, entries."""

import json
from datetime import date, timedelta

import pytest
import vl_convert
from hypothesis import given
from hypothesis import strategies as st
from patient_charts import DAY, FOLLOWER, NOW, Made, ago

from alleviate.clinic.patient.contacts import contacts, episodes, next_appointment, present_episode
from alleviate.clinic.patient.documents import MOST_BYTES, TYPES, body_of
from alleviate.clinic.patient.figure import panels_of
from alleviate.clinic.patient.followed import course_alerts, courses_of
from alleviate.clinic.patient.history import goals, medicines, problems
from alleviate.clinic.patient.measures import measures
from alleviate.clinic.patient.notes import notes_of, tasks_of, unseen_mentions
from alleviate.clinic.patient.overview import overview_of
from alleviate.clinic.patient.person import age_at, person_of
from alleviate.clinic.patient.writing import goal_entry, goal_with_status, note_entry, sentence
from alleviate.progress.alerts import Step
from alleviate.records import PatientRecord
from alleviate.records.synthetic import simulate
from alleviate.terms.errors import DataError
from alleviate.vault.sheets import Sheet


def treated() -> Made:
    made = Made().episode(300, "Counselling", 200).episode(60, "CBT").form(65, 22, item_9=1).form(58, 20)
    for days, score, on_track in ((51, 19, True), (44, 21, None), (30, 18, False), (2, 19, False)):
        made.form(days, score).form(days, score // 2, "gad7").judged(days, score, on_track=on_track)
    made.sessions((58, "attended"), (51, "missed"), (2, "attended")).booked(5)
    made.add("RxNorm//36437", ago(55), text="Sertraline", kind="medication", entry="M/1")
    return made.add("MEDICATION//dose", ago(55), 50, "mg", "medication", "M/1")


def told(made: Made):
    return overview_of(made.chart(), [FOLLOWER], NOW)


def panels(made: Made):
    found = told(made)
    parts = (found.measures, found.courses, found.episodes, found.medicines, found.contacts)
    return panels_of(*parts, NOW, str)


def test_there_is_a_panel_a_measure_and_one_of_what_was_done_on_one_axis_of_time() -> None:
    found = panels(treated())
    assert [panel.measure for panel in found] == ["phq9", "gad7", ""]
    shown = [
        layer["encoding"]["x"]["scale"]["domain"]
        for panel in found
        for layer in panel.spec["layer"]
        if "scale" in layer["encoding"].get("x", {})
    ]
    assert len(shown) == 3
    assert len({tuple(domain) for domain in shown}) == 1


def test_vega_draws_every_panel() -> None:
    for panel in panels(treated()):
        picture = vl_convert.vegalite_to_svg({**panel.spec, "width": 600})
        assert picture.startswith("<svg")
        assert "NaN" not in picture


def test_the_table_tells_each_score_with_what_was_expected_of_it_the_latest_first() -> None:
    phq9 = panels(treated())[0]
    assert [row.score for row in phq9.rows] == [19, 18, 21, 19, 20, 22]
    assert phq9.rows[0].expected == (17, 13, 22)  # told at the score before
    assert [row.on_track for row in phq9.rows] == [False, False, None, True, None, None]
    assert phq9.rows[-1].flags == ("item 9",)


def test_whatever_a_figure_shows_its_table_tells() -> None:
    for panel in panels(treated()):
        drawn = json.dumps(panel.spec)
        assert all(f'"score": {value}' in drawn for value in {row.score for row in panel.rows if row.score})
        assert all(row.words in drawn for row in panel.rows if row.lasts)


def test_without_courses_scores_are_shown_without_expectation_and_without_scores_nothing() -> None:
    made = treated()
    made.courses = []
    assert all(row.expected is None for row in panels(made)[0].rows)
    assert panels(Made()) == []


@pytest.mark.parametrize("seed", [2, 7])
def test_every_synthetic_patient_can_be_drawn(seed) -> None:
    for record in simulate(8, seed, now=NOW).records():
        treatment, came = episodes(record), contacts(record)
        found = panels_of(measures(record), [], treatment, medicines(record), came, NOW, str)
        assert found
        assert json.dumps([panel.spec for panel in found])


def test_the_change_counts_from_the_beginning_of_the_present_treatment() -> None:
    made = Made().episode(60).form(65, 22).form(58, 20).form(2, 13)
    (phq9,) = measures(made.chart().record, ago(60))
    assert (phq9.change.first, phq9.change.last, phq9.change.reliable) == (20, 13, "improved")
    (whole,) = measures(made.chart().record)
    assert whole.change.first == 22


def test_the_treatment_under_way_goes_before_one_that_began_later_and_has_ended() -> None:
    made = Made().episode(60, "CBT").episode(40, "Group", 20)
    found = episodes(made.chart().record)
    assert present_episode(found, NOW).treatment == "CBT"
    assert not present_episode(found, NOW).ended
    assert present_episode(found[1:], NOW).treatment == "Group"
    assert present_episode([], NOW) is None


def test_the_next_appointment_is_the_first_from_today_on() -> None:
    came = contacts(Made().booked(5).booked(0).booked(9).chart().record)
    assert next_appointment(came, NOW.date()) == NOW.date()
    assert next_appointment(came, NOW.date() + DAY) == (NOW + 5 * DAY).date()
    assert next_appointment([], NOW.date()) is None


@given(st.dates(date(1900, 1, 1), date(2026, 3, 16)))
def test_an_age_grows_on_the_birthday(born) -> None:
    years = age_at(born.isoformat(), NOW.date())
    assert years is not None
    assert 0 <= NOW.year - born.year - years <= 1


def test_an_age_is_not_guessed_from_a_year() -> None:
    assert age_at("1970", NOW.date()) is None


def test_who_it_is_with_several_given_names_and_what_was_corrected_left_out() -> None:
    made = Made().add("PERSON//given", ago(900), text="Kim", kind="person", entry="Patient/p1")
    assert person_of(made.chart().record, "p").name == "Muster, Alex Kim"


def test_problems_and_medicines_that_stand_go_first_and_what_was_ruled_out_is_none() -> None:
    made = Made()
    made.add("ICD10//F32.1", ago(300), text="Depression", kind="condition", entry="C/1")
    made.add("ICD10//F41.1", ago(100), text="Anxiety", kind="condition", entry="C/2")
    made.add("ICD10//F41.1//end", ago(50), kind="condition", entry="C/2")
    made.add("CONDITION//refuted", ago(10), text="ICD10//F31", kind="condition", entry="C/3")
    made.add("RxNorm//1", ago(20), text="Old", kind="medication", entry="M/1")
    made.add("MEDICATION//status", ago(9), text="stopped", kind="medication", entry="M/1")
    made.add("RxNorm//2", ago(90), text="New", kind="medication", entry="M/2")
    record = made.chart().record
    assert [(line.words, line.ended) for line in problems(record)] == [
        ("Depression", False),
        ("Anxiety", True),
    ]
    assert [(line.words, line.ended) for line in medicines(record)] == [("New", False), ("Old", True)]


def test_a_goal_is_written_as_the_record_says_and_changed_by_a_correction() -> None:
    entry = goal_entry("p1", " Walk again ", ago(3))
    record = PatientRecord("p1", entry.events)
    (goal,) = goals(record)
    assert (goal.words, goal.active) == ("Walk again", True)
    changed = goal_with_status(record, goal.ref, "completed", NOW)
    assert changed.ref == entry.ref
    (after,) = goals(PatientRecord("p1", changed.events))
    assert (after.words, after.status, after.since) == ("Walk again", "completed", ago(3))
    with pytest.raises(DataError, match="no such goal"):
        goal_with_status(record, "Goal/other", "completed", NOW)


@pytest.mark.parametrize("text", ["", "  \n", "a\x00b", "x" * 501])
def test_words_that_cannot_be_kept_are_refused_without_being_repeated(text) -> None:
    with pytest.raises(DataError) as error:
        sentence(text, "The goal")
    assert text.strip() == "" or text[:20] not in str(error.value)


def sheet(id, kind, thread, days, by, **body) -> Sheet:
    return Sheet(id, "p1", "1" * 32, kind, thread, ago(days), by, body)


def test_a_note_tells_who_wrote_it_who_has_seen_it_and_who_agrees() -> None:
    entry = note_entry("p1", "progress", "Slept better.", ago(5))
    sheets = [
        sheet("1", "seen", entry.ref, 5, "account:ann", of="note", agreed=True, wrote=True),
        sheet("2", "seen", entry.ref, 4, "account:bob", of="note", agreed=False),
        sheet("3", "mention", entry.ref, 5, "account:ann", account="bob"),
        sheet("4", "mention", entry.ref, 5, "account:ann", account="cy"),
        sheet("5", "seen", entry.ref, 3, "account:bob", of="note", agreed=True),
    ]
    (note,) = notes_of(PatientRecord("p1", entry.events), sheets)
    assert note.by == "account:ann"
    assert [(s.by, s.agreed, s.wrote) for s in note.seen] == [
        ("account:ann", True, True),
        ("account:bob", True, False),
    ]
    assert note.mentions == ("bob", "cy")
    assert [account for account, _ in unseen_mentions(sheets)] == ["cy"]


def test_tasks_are_ordered_by_their_day_and_done_once() -> None:
    sheets = [
        sheet("1", "task", "1", 5, "account:a", words="later", account="b", due="2026-05-01"),
        sheet("2", "task", "2", 5, "account:a", words="no day", account="b", due=""),
        sheet("3", "task", "3", 5, "account:a", words="soon", account="b", due="2026-04-01"),
        sheet("4", "task", "4", 5, "account:a", words="done", account="b"),
        sheet("5", "task", "4", 1, "account:b", done="4"),
    ]
    found = tasks_of(sheets)
    assert [(task.words, task.open) for task in found] == [
        ("soon", True),
        ("later", True),
        ("no day", True),
        ("done", False),
    ]
    assert found[-1].done_by == "account:b"


def test_of_courses_the_live_ones_count_and_each_alert_keeps_its_steps() -> None:
    taken = Step("acknowledged", ago(1), "account:ann")
    made = Made().judged(9, 18, on_track=True).judged(2, 20, on_track=False, alert=True, steps=[taken])
    (course,) = courses_of(made.courses, [FOLLOWER])
    assert course.last.on_track is False
    assert course.end_at == ago(9) + timedelta(weeks=FOLLOWER.horizon)
    (alert,) = course_alerts([course])
    assert (alert.state, alert.steps) == ("acknowledged", (taken,))
    assert courses_of(made.courses, []) == []


def test_safety_alerts_are_all_there_open_ones_first_and_need_no_course() -> None:
    made = Made().form(9, 12, item_9=1).form(0.01, 15, item_9=3)
    found = overview_of(made.chart(withheld=1), [], NOW)
    assert [one.standing.overdue for one in found.open_safety] == [True, False]
    assert (found.withheld_alerts, found.courses) == (1, ())


@pytest.mark.parametrize(
    ("data", "type"),
    [
        (b"%PDF-1.4 x", "application/pdf"),
        (b"\xff\xd8\xff\xe0x", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\nx", "image/png"),
        ("Grüße\n".encode(), "text/plain"),
        (b"<html></html>", "text/plain"),
    ],
)
def test_the_bytes_say_what_a_document_is(data, type) -> None:
    body = body_of("x.exe", "A letter", data)
    assert (body["type"], body["name"], body["size"]) == (type, f"x{TYPES[type]}", len(data))


@given(st.text(max_size=80))
def test_a_file_is_called_by_plain_signs_whatever_its_name_was(name) -> None:
    made = body_of(name, "", b"%PDF-1.4")["name"]
    assert made.endswith(".pdf")
    assert all(sign.isascii() and sign.isprintable() and sign not in '/\\:"<>|*?' for sign in made)


@pytest.mark.parametrize(
    "data", [b"", b"\x00\x01", b"\xff\xfe\x00", b"GIF89a\x00", b"%PDF-" + b"x" * MOST_BYTES]
)
def test_anything_else_is_refused(data) -> None:
    with pytest.raises(DataError, match="The file is"):
        body_of("x.pdf", "", data)
