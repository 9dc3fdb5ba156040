"""The vault swept: everybody with new scores, once; what then for who is off track."""

from datetime import UTC, datetime, timedelta

import pytest
from made_courses import NOW

from alleviate.instruments import INSTRUMENTS
from alleviate.records import Entry, Event
from alleviate.studies.courses.sweeping import refuse_rule, sweep_vault
from alleviate.studies.learning import learn
from alleviate.studies.rules import load
from alleviate.terms.errors import ConsentError, PackageError
from alleviate.vault import Vault
from alleviate.vault.keys import make_key_file

PHQ9 = INSTRUMENTS["phq9"]
START = NOW - timedelta(weeks=10)


def form(subject: str, week: float, total: int, *, item_9: int = 0) -> Entry:
    """A PHQ-9 with this total, all but item 9 alike."""
    at, ref = START + timedelta(weeks=week), f"Form/{subject}-{week}"
    left, answers = total - item_9, []
    for _ in range(8):
        answers.append(min(3, left))
        left -= answers[-1]
    events = tuple(
        Event(subject, at, at, item.code, float(value), kind="questionnaire", entry=ref)
        for item, value in zip(PHQ9.items, [*answers, item_9], strict=True)
    )
    given = Event(subject, at, at, PHQ9.total_code, float(total), kind="questionnaire", entry=ref)
    return Entry(subject, ref, "questionnaire", (*events, given))


def session(subject: str, week: float, state: str) -> Entry:
    at, ref = START + timedelta(weeks=week), f"Encounter/{subject}-{week}"
    return Entry(
        subject, ref, "session", (Event(subject, at, at, f"SESSION//{state}", kind="session", entry=ref),)
    )


def person(subject: str) -> Entry:
    born, ref = datetime(1980, 1, 1, tzinfo=UTC), f"Patient/{subject}"
    said = (("MEDS_BIRTH", None), ("PERSON//sex", "female"))
    events = tuple(Event(subject, born, born, code, None, text, "person", ref) for code, text in said)
    return Entry(subject, ref, "person", events)


@pytest.fixture
def access(tmp_path, monkeypatch):
    monkeypatch.delenv("ALLEVIATE_KEY", raising=False)
    key = make_key_file(tmp_path / "vault.key")
    with Vault.create(tmp_path / "clinic.vault", key_file=key) as vault:
        access = vault.access(actor="os:anna", purpose="care")
        entries = [person("well"), person("ill"), person("none")]
        entries += [form("well", week, total) for week, total in enumerate((18, 13, 9))]
        entries += [form("ill", week, total) for week, total in enumerate((15, 19, 22))]
        entries += [session("ill", week, "missed") for week in (0.5, 1.5)]
        access.put(entries, now=NOW)
        yield access


def test_everybody_with_scores_is_judged_once_and_again_only_with_new_ones(access, followed) -> None:
    first = sweep_vault(followed.loaded, access, NOW)
    assert {one.subject_id for one in first.results} == {"well", "ill"}
    assert len(first.results) == 6
    assert sweep_vault(followed.loaded, access, NOW).results == ()
    access.put([form("well", 3, 8)], now=NOW)
    again = sweep_vault(followed.loaded, access, NOW)
    assert [(one.subject_id, one.result.told["score"]) for one in again.results] == [("well", 8.0)]
    assert len(access.courses().found) == 7


def test_results_are_those_of_a_table(access, followed) -> None:
    sweep_vault(followed.loaded, access, NOW)
    told = [one.result.told for one in access.courses().found if one.subject_id == "ill"]
    assert [row["score"] for row in told] == [15, 19, 22]
    assert [row["alert"] for row in told] == [False, True, False]
    assert told[2]["reasons"]


def test_for_who_is_off_track_it_says_what_then(access, followed) -> None:
    told = sweep_vault(followed.loaded, access, NOW).to_json("courses")
    (person,) = told["alerts"]
    assert person["id"] == "ill"
    then = person["then"]
    assert any("2 of 2 planned sessions were missed" in words for words in then["stands_out"])
    assert {each["domain"] for each in then["ask"]} >= {"alliance", "motivation"}
    assert told["scored"] == 6
    assert "change_or_wait" not in then


def test_an_old_course_off_track_is_kept_but_raises_nobody_now(access, followed) -> None:
    later = NOW + timedelta(days=400)
    told = sweep_vault(followed.loaded, access, later).to_json("courses")
    assert told["alerts"] == []
    assert told["scored"] == 6


def test_safety_alerts_are_raised_by_rule_apart_from_the_courses(access, followed) -> None:
    access.put([form("well", 3, 4, item_9=2)], now=NOW)
    swept = sweep_vault(followed.loaded, access, NOW)
    assert [alert.subject_id for alert in access.alerts().found] == ["well"]
    assert [one.result.told["id"] for one in swept.results if one.result.alert] == ["ill"]


def test_a_correction_is_judged_anew_and_stands_in_the_place_of_the_old(access, followed) -> None:
    sweep_vault(followed.loaded, access, NOW)
    corrected = form("ill", 2, 12)
    access.put([Entry("ill", corrected.ref, corrected.kind, corrected.events, NOW)], now=NOW)
    again = sweep_vault(followed.loaded, access, NOW)
    assert [one.result.told["score"] for one in again.results] == [12]
    stands = [one.result.told["score"] for one in access.courses().found if one.subject_id == "ill"]
    assert stands == [15, 19, 12]
    back = form("ill", 2, 22)
    access.put([Entry("ill", back.ref, back.kind, back.events, NOW + timedelta(hours=1))], now=NOW)
    assert sweep_vault(followed.loaded, access, NOW).results == ()  # known, and stands again
    stands = [one.result.told["score"] for one in access.courses().found if one.subject_id == "ill"]
    assert stands == [15, 19, 22]


def test_it_is_for_care_alone_and_a_rule_must_be_of_the_same_score(access, followed, small) -> None:
    with pytest.raises(PackageError, match="is not about the PHQ-9"):
        refuse_rule(followed.loaded.package, load(small.package))
    access._purpose = "research"
    with pytest.raises(ConsentError, match="not followed for research"):
        sweep_vault(followed.loaded, access, NOW)


RULE = """
[study]
name = "therapies"
[data]
vault = true
[cohort]
start = "EPISODE//start"
outcome = { of = "phq9", take = "last", from = "6w", to = "12w" }
[treatment]
column = "therapy"
assignment = "randomised"
[treatment.arms]
"CBT" = "talk"
"Sertraline" = "tablets"
[outcome]
column = "phq9_after"
better = "lower"
[features]
phq9 = { of = "phq9" }
[learning]
candidates = ["none", "ridge"]
[validation]
folds = 2
repeats = 1
"""


def treated(number: int) -> list[Entry]:
    """Somebody in a trial two years ago, talk better by 5 points, who permits model training."""
    id, week = f"t{number:03d}", -100
    at = START + timedelta(weeks=week)
    arm = ("CBT", "Sertraline")[number % 2]
    start = Event(id, at, at, "EPISODE//start", None, arm, "episode", f"Episode/{id}")
    permit = Event(id, at, at, "CONSENT//model-training", None, "permit", "consent", f"Consent/{id}")
    after = 12 + number % 4 - (5 if arm == "CBT" else 0)
    return [
        person(id),
        form(id, week - 1, 12 + number * 7 % 15),
        Entry(id, f"Episode/{id}", "episode", (start,)),
        Entry(id, f"Consent/{id}", "consent", (permit,)),
        form(id, week + 8, after),
        form(id, week + 14, after),
    ]


@pytest.mark.slow
def test_with_a_rule_it_tells_what_changing_now_may_gain_over_waiting(
    access, followed, tmp_path, monkeypatch
) -> None:
    access.put([entry for number in range(80) for entry in treated(number)], now=NOW)
    monkeypatch.setenv("ALLEVIATE_VAULT", str(tmp_path / "clinic.vault"))
    monkeypatch.setenv("ALLEVIATE_KEY_FILE", str(tmp_path / "vault.key"))
    (tmp_path / "rule.toml").write_text(RULE)
    rule = load(learn(tmp_path / "rule.toml", out=tmp_path / "rule", workers=1).package)
    told = sweep_vault(followed.loaded, access, NOW, rule).to_json("courses")
    (person,) = told["alerts"]
    found = person["then"]["change_or_wait"]
    assert found["arm"] == "talk"
    gain = found["gain"]
    assert gain["low"] <= gain["estimate"] <= gain["high"]
    assert 1 < gain["estimate"] < 5  # three of five weeks of a course are left of the five points
    assert 0 < found["lost_by_waiting"]["estimate"] < gain["estimate"]
    assert len(found["assumptions"]) == 4
