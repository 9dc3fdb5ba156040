"""Somebody in treatment whom courses follow: what was expected, what was raised, how it is answered."""

from datetime import UTC, datetime, timedelta

import pytest
from made_clinic import Made
from patient_charts import FOLLOWER, PACKAGE

from alleviate.clinic.caseload import reading
from alleviate.clinic.patient import answering, pages
from alleviate.instruments import INSTRUMENTS
from alleviate.records import Entry, Event
from alleviate.vault.courses import Result

PHQ9 = INSTRUMENTS["phq9"]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def judge(records):
    """As sweeping does it: a result a score, the last of them off track with an alert."""
    found = []
    for record in records:
        events = sorted((e for e in record.events if e.code == PHQ9.total_code), key=lambda e: e.time)
        scores = tuple(((e.time - EPOCH) // timedelta(microseconds=1), e.numeric_value) for e in events)
        found.append([result(scores[: n + 1], n == len(scores) - 1) for n in range(len(scores))])
    return found


def result(scores, last: bool) -> Result:
    score = scores[-1][1]
    told = {
        "score": score,
        "expected": score,
        "low": max(0.0, score - 4),
        "high": score + 4,
        "end": 8.0,
        "end_low": 3.0,
        "end_high": 14.0,
        "p_improve": 0.1 if last else 0.6,
        "on_track": not last,
        "reasons": [
            "worse by 2 than the first score of this course; a reliable change takes 6",
            "a calm reason",
        ],
    }
    if last:
        told["then"] = {
            "stands_out": ["sleep: 1 then, 3 now"],
            "ask": [{"domain": "alliance", "questions": ["Q?"]}],
        }
    return Result(scores, ("questionnaire",), told, last)


@pytest.fixture
def followed(clinic: Made, monkeypatch) -> Made:
    """The first person is in treatment since five weeks, with scores that a live package has judged."""
    for room in (pages, answering, reading):
        monkeypatch.setattr(room, "followers_of", lambda shelf: (FOLLOWER,))
    subject, now = clinic.subjects[0], clinic.clock()
    at, ref = now - timedelta(weeks=5), "EpisodeOfCare/now"
    start = Event(subject, at, at, "EPISODE//start", None, "Group therapy", "episode", ref)
    entries = [Entry(subject, ref, "episode", (start,))]
    for week, total in ((5, 18), (3, 17), (1, 20)):
        at, ref = now - timedelta(weeks=week), f"QuestionnaireResponse/w{week}"
        given = Event(subject, at, at, PHQ9.total_code, float(total), None, "questionnaire", ref)
        entries.append(Entry(subject, ref, "questionnaire", (given,)))
    with clinic.vault.access(actor="test", purpose="care") as access:
        access.put(entries, now)
        access.sweep(PACKAGE, judge, now, [clinic.patients[0]])
    return clinic


def alert_of(clinic: Made) -> str:
    url = f"/api/v1/patients/{clinic.patients[0]}/alerts"
    return next(a["id"] for a in clinic.signed_in("clinician").get(url).json() if a["kind"] == "course")


def needs(clinic: Made) -> list[str]:
    people = clinic.signed_in("clinician").get("/api/v1/caseload").json()["people"]
    return [n["kind"] for p in people if p["patient"] == clinic.patients[0] for n in p["needs"]]


def test_the_page_shows_the_course_the_treatment_under_way_and_the_alert(followed: Made) -> None:
    page = followed.signed_in("clinician").get(f"/patients/{followed.patients[0]}/").text
    for words in ("Group therapy", "not on track", "End expected at 8 (3 to 14", "A calm reason"):
        assert words in page
    # 18 to 20 since the treatment began: told once, and not by the course's own beginning besides.
    assert "2 points worse" in page
    assert "first score of this course" not in page
    assert "No learned course is in use here" not in page
    summary = followed.signed_in("clinician").get(f"/patients/{followed.patients[0]}/summary").text
    assert "Group therapy" in summary
    assert "PHQ-9: not on track" in summary


def test_the_alert_of_a_course_says_what_to_ask_and_is_taken_and_resolved(followed: Made) -> None:
    url = f"/patients/{followed.patients[0]}/alerts/{alert_of(followed)}"
    page = followed.signed_in("clinician").get(url).text
    assert "sleep: 1 then, 3 now" in page
    assert "Q?" in page
    assert "off track" in needs(followed)
    assert followed.send("clinician", url, state="acknowledged").status_code == 303
    assert "off track" in needs(followed)
    assert (
        followed.send("clinician", url, state="resolved", done="Talked about the goals.").status_code == 303
    )
    assert "off track" not in needs(followed)
    assert "Talked about the goals." in followed.signed_in("clinician").get(url).text


def test_programs_take_the_same_steps(followed: Made) -> None:
    client, csrf = followed.signed_in("clinician"), followed.csrf("clinician")
    url = f"/api/v1/patients/{followed.patients[0]}/alerts/{alert_of(followed)}/steps"
    headers = {"X-CSRF-Token": csrf}
    assert client.post(url, json={"state": "resolved", "done": "x"}, headers=headers).status_code == 400
    taken = client.post(url, json={"state": "acknowledged"}, headers=headers)
    assert (taken.status_code, taken.json()["state"]) == (200, "acknowledged")
    assert client.post(url, json={"state": "closed"}, headers=headers).status_code == 422
    assert client.post(url, json={"state": "acknowledged"}).status_code == 403


def test_the_caseload_has_the_band_of_the_course(followed: Made) -> None:
    people = followed.signed_in("clinician").get("/api/v1/caseload").json()["people"]
    (mine,) = [person for person in people if person["patient"] == followed.patients[0]]
    assert mine["treatment"] == "Group therapy"
    (phq9,) = [measure for measure in mine["measures"] if measure["instrument"] == "phq9"]
    assert [point["low"] is not None for point in phq9["points"]][-2:] == [True, True]
    assert mine["courses"][0]["on_track"] is False
    page = followed.signed_in("clinician").get("/caseload/").text
    assert "End expected: 8 (3 to 14)" in page
