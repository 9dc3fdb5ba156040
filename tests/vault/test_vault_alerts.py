"""A safety alert is stored with the answer that raises it, sealed, told to the audit, and never lost."""

import os
import random
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from dying_answers import ITEM_9, PEOPLE, answers
from entries_made import NOW, consent, day, entry

from alleviate.instruments import INSTRUMENTS
from alleviate.progress.alerts import due
from alleviate.progress.safety import signs
from alleviate.terms.errors import AuditError, ConsentError, DataError, VaultError
from alleviate.vault import Vault, take_in
from alleviate.vault.alerts import Alerts

KILLS = int(os.environ.get("ALLEVIATE_KILLS", "2"))
MANY = 300
MINUTE = timedelta(minutes=1)


def item_9(number, subject, value, **more):
    return entry(f"Form/{number}", subject, (ITEM_9, value, None), **{"kind": "questionnaire"} | more)


@pytest.fixture
def vault(location: str):
    with Vault.create(location) as vault:
        yield vault


@pytest.fixture
def access(vault):
    return vault.access(actor="os:anna", purpose="care")


def told(vault):
    return [event.detail["state"] for event in vault.show_audit(actor="test") if event.action == "alert"]


def test_an_answer_and_its_alert_are_stored_together_and_nothing_is_raised_by_a_0(vault, access) -> None:
    tally = access.put([item_9(1, "p1", 2.0), item_9(2, "p2", 0.0)], NOW)
    assert (tally.stored, tally.alerts) == (2, 1)
    (alert,) = access.alerts().found
    assert (alert.subject_id, alert.sign.rule, alert.state) == ("p1", "phq9//item 9", "raised")
    assert (alert.raised_at, alert.sign.answers) == (NOW, (("9", 2.0),))
    assert told(vault) == ["raised"]


def test_the_same_again_raises_nothing_new_and_a_correction_to_worse_does(vault, access) -> None:
    access.put([item_9(1, "p1", 1.0)], NOW)
    assert access.put([item_9(1, "p1", 1.0)], NOW).alerts == 0
    assert access.raise_alerts(NOW) == 0
    assert access.put([item_9(1, "p1", 3.0, changed=day(9))], NOW).alerts == 1
    assert access.put([item_9(1, "p1", 0.0, changed=day(10))], NOW).alerts == 0
    raised = sorted(alert.sign.answers[0][1] for alert in access.alerts().found)
    assert raised == [1.0, 3.0], "what was raised stays until somebody resolves it"


def test_what_an_older_version_stored_is_found_by_a_second_look(vault, access) -> None:
    access.put([item_9(1, "p1", 2.0), item_9(2, "p2", 1.0)], NOW)
    before = access.alerts()
    with vault._database.turn() as connection, connection.begin():
        connection.execute(sa.text("DELETE FROM alerts"))
    assert access.alerts() == Alerts((), 0)
    assert access.raise_alerts(NOW) == 2
    assert access.alerts() == before, "the same alerts, under the same ids"


def test_from_raised_to_resolved_with_who_when_and_what(vault, access) -> None:
    access.put([item_9(1, "p1", 2.0)], NOW)
    (alert,) = access.alerts().found
    with pytest.raises(DataError, match="Nobody has acknowledged"):
        access.answer(alert.id, "resolved", NOW + MINUTE, "called")
    assert access.answer(alert.id, "acknowledged", NOW + MINUTE).state == "acknowledged"
    other = vault.access(actor="os:bela", purpose="care")
    other.answer(alert.id, "acknowledged", NOW + 2 * MINUTE)
    (standing,) = due(other.alerts().found, NOW + 3 * MINUTE)
    assert standing.owner == "os:bela"
    other.answer(alert.id, "resolved", NOW + 9 * MINUTE, "Saw her; safety plan made.")
    assert access.alerts().found == ()
    (closed,) = access.alerts(resolved=True).found
    assert [(step.state, step.by, step.done) for step in closed.steps] == [
        ("acknowledged", "os:anna", ""),
        ("acknowledged", "os:bela", ""),
        ("resolved", "os:bela", "Saw her; safety plan made."),
    ]
    assert [step.at for step in closed.steps] == [NOW + n * MINUTE for n in (1, 2, 9)]
    assert told(vault) == ["resolved", "acknowledged", "acknowledged", "raised"]
    with pytest.raises(DataError, match="is resolved"):
        access.answer(alert.id, "acknowledged", NOW + 10 * MINUTE)
    with pytest.raises(VaultError, match="no alert"):
        access.answer("nothing", "acknowledged", NOW)


def test_consent_withholds_the_alert_and_says_how_many(vault, access) -> None:
    access.put([item_9(1, "p1", 2.0), item_9(2, "p2", 2.0)], NOW)
    (mine,) = [alert for alert in access.alerts().found if alert.subject_id == "p1"]
    access.put([consent(1, "p1", "deny", "care", "questionnaire")], NOW)
    served = access.alerts()
    assert ([alert.subject_id for alert in served.found], served.withheld) == (["p2"], 1)
    with pytest.raises(ConsentError, match="withholds"):
        access.answer(mine.id, "acknowledged", NOW)
    rights = vault.access(actor="os:anna", purpose="rights")
    assert len(rights.alerts().found) == 2
    with pytest.raises(ConsentError, match="not for rights"):
        rights.answer(mine.id, "acknowledged", NOW)
    with pytest.raises(ConsentError, match="not for research"):
        vault.access(actor="os:anna", purpose="research").alerts()


def test_every_read_is_in_the_audit(vault, access) -> None:
    access.alerts()
    access.put([item_9(1, "p1", 2.0), item_9(2, "p1", 3.0), item_9(3, "p2", 1.0)], NOW)
    access.alerts()
    read = [event.detail for event in vault.show_audit(actor="test") if event.action == "read"]
    assert sorted(detail["alerts"] for detail in read if "alerts" in detail) == [0, 1, 2]
    vault.verify_audit(actor="test")


def test_without_audit_neither_the_answer_nor_its_alert_is_stored(vault, access, monkeypatch) -> None:
    def full(*_):
        raise AuditError("The audit cannot be written.")

    with monkeypatch.context() as patch:
        patch.setattr(vault._audit, "append", full)
        with pytest.raises(AuditError):
            access.put([item_9(1, "p1", 2.0)], NOW)
    assert access.ids() == []
    assert access.alerts().found == ()


def test_words_and_answers_are_sealed_and_a_step_opens_only_where_it_was_put(vault, access) -> None:
    access.put([item_9(1, "p1", 2.0)], NOW)
    (alert,) = access.alerts().found
    access.answer(alert.id, "acknowledged", NOW, "a planted word")
    with vault._database.snapshot() as connection:
        rows = connection.execute(sa.text("SELECT * FROM alerts")).all()
    assert len(rows) == 2
    assert b"planted" not in b"".join(row.body for row in rows)
    assert b"phq9" not in b"".join(row.body for row in rows)
    with vault._database.turn() as connection, connection.begin():
        connection.execute(sa.text("UPDATE alerts SET state = 'resolved' WHERE step = 1"))
    with pytest.raises(VaultError, match="does not open"):
        access.alerts(resolved=True)


def test_erased_with_the_person_and_restored_with_the_rest(vault, access, elsewhere, tmp_path) -> None:
    access.put([item_9(1, "p1", 2.0), item_9(2, "p2", 2.0)], NOW)
    access.answer(access.alerts().found[0].id, "acknowledged", NOW)
    kept = access.alerts()
    vault.backup(tmp_path / "rows", actor="test")
    vault.backup_keys(tmp_path / "keys", actor="test")
    Vault.restore(tmp_path / "rows", elsewhere, actor="test", keys=tmp_path / "keys")
    with Vault.open(elsewhere) as again:
        assert again.access(actor="test", purpose="care").alerts() == kept
    vault.access(actor="test", purpose="rights").erase("p1", "asked-by-the-person")
    assert [alert.subject_id for alert in access.alerts().found] == ["p2"]


def stored_and_raised(location):
    """Of every person: the signs in what is stored, and those that have an alert."""
    with Vault.open(location) as vault:
        access = vault.access(actor="test", purpose="care")
        stored = {
            (record.subject_id, sign.time, sign.rule, sign.answers)
            for record in access.records()
            for sign in signs(record)
        }
        alerts = access.alerts().found
        vault.verify_audit(actor="test")
    raised = [(a.subject_id, a.sign.time, a.sign.rule, a.sign.answers) for a in alerts]
    assert len(raised) == len(set(raised)), "no alert twice"
    return stored, set(raised)


@pytest.mark.slow
def test_killed_at_any_moment_no_stored_answer_is_without_its_alert(location: str) -> None:
    Vault.create(location).close()
    moments = random.Random(20250102)
    script = Path(__file__).parent / "dying_answers.py"
    for _ in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, str(script), location, str(MANY)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "open"
        time.sleep(moments.uniform(0, 0.3))
        process.kill()
        process.communicate()
        stored, raised = stored_and_raised(location)
        assert stored <= raised, "no alert is lost"
    with Vault.open(location) as vault:
        access = vault.access(actor="test", purpose="care")
        take_in(access, answers(MANY), now=NOW)
        assert access.raise_alerts(NOW) == 0
        assert len(access.ids()) == PEOPLE
    stored, raised = stored_and_raised(location)
    assert stored <= raised
    assert stored


def test_a_form_that_comes_in_parts_is_judged_as_one(access) -> None:
    codes = [item.code for item in INSTRUMENTS["cssrs"].items]

    def parts(subject):
        return [
            entry(f"Observation/{subject}-{number}", subject, (code, 0.0, None))
            for number, code in enumerate(codes)
        ]

    assert access.put(parts("p1"), NOW).alerts == 0
    first, rest = parts("p2")[:3], parts("p2")[3:]
    assert access.put(first, NOW).alerts == 1, "what is not known counts as yes"
    assert access.put(rest, NOW).alerts == 0
    assert [alert.sign.rule for alert in access.alerts().found] == ["cssrs//high risk"]
