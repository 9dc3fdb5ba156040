"""My course in words: what a change is, and what is never said."""

from datetime import UTC, datetime, timedelta

import pytest

from alleviate.clinic.mine.course import figure_of, next_appointment, stories
from alleviate.records import Event, PatientRecord

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def scores(*totals: float, code: str = "LOINC//44261-6", start: datetime = START) -> list[Event]:
    return [
        Event(
            "p", at, at, code, total, kind="questionnaire", entry=f"QuestionnaireResponse/{code[-5:]}-{at:%j}"
        )
        for week, total in enumerate(totals)
        if (at := start + timedelta(weeks=week))
    ]


def episode(at: datetime) -> Event:
    return Event("p", at, at, "EPISODE//start", None, "CBT", kind="episode", entry="EpisodeOfCare/1")


@pytest.mark.parametrize(
    ("totals", "said", "change"),
    [
        ((15,), "one score", None),
        ((15, 9), "better", 6),
        ((15, 12, 9), "better", 6),
        ((15, 10), "no clear change", 5),
        ((9, 15), "worse", -6),
    ],
)
def test_the_first_against_the_last_by_the_reliable_change_of_the_phq_9(
    totals: tuple[float, ...], said: str, change: float | None
) -> None:
    (story,) = stories(PatientRecord("p", scores(*totals)))
    assert (story.said, story.change, story.reliable) == (said, change, 6)


def test_where_no_reliable_change_is_published_nothing_is_said_of_it() -> None:
    (story,) = stories(PatientRecord("p", scores(9, 2, code="LOINC//70272-0")))
    assert (story.instrument.id, story.said) == ("phq4", "not known")


def test_a_course_begins_with_its_episode_and_the_score_before_it() -> None:
    events = [
        *scores(20, 19, 18),
        episode(START + timedelta(weeks=2, days=1)),
        *scores(11, start=START + timedelta(weeks=6)),
    ]
    (story,) = stories(PatientRecord("p", events))
    assert [point.total for point in story.points] == [18, 11]


def test_scores_of_an_old_course_alone_are_still_shown() -> None:
    events = [*scores(20, 19), episode(START + timedelta(weeks=40))]
    (story,) = stories(PatientRecord("p", events))
    assert [point.total for point in story.points] == [20, 19]


def test_the_figure_shows_every_score_on_the_whole_scale() -> None:
    (story,) = stories(PatientRecord("p", scores(15, 9)))
    figure = figure_of(story, title="PHQ-9", day="Day")
    assert [each["score"] for each in figure["data"]["values"]] == [15, 9]
    assert figure["encoding"]["y"]["scale"]["domain"] == [0, 27]


def planned(day: datetime, number: int, until: datetime | None = None) -> Event:
    return Event(
        "p", START, START, "SESSION//planned", (day - datetime(1970, 1, 1, tzinfo=UTC)).days, None,
        kind="session", entry=f"Appointment/{number}", known_until=until,
    )  # fmt: skip


def test_the_next_appointment_is_the_first_that_stands_from_today_on() -> None:
    now = START + timedelta(weeks=1)
    today = now.replace(hour=0)
    events = [
        planned(today - timedelta(days=1), 1),
        planned(today + timedelta(days=2), 2, until=now),
        planned(today + timedelta(days=9), 3),
        planned(today + timedelta(days=20), 4),
    ]
    found = next_appointment(PatientRecord("p", events), now)
    assert found is not None
    assert found.on == today + timedelta(days=9)
    assert next_appointment(PatientRecord("p", [planned(today, 5), *events]), now).on == today  # type: ignore[union-attr]
    assert next_appointment(PatientRecord("p", events[:2]), now) is None
