"""What courses say of a score is stored once, sealed, told to the audit, and never lost."""

import os
import random
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from dying_sweep import PACKAGE, judge
from entries_made import FIRST, NOW, consent, pulse

from alleviate.terms.errors import AuditError, ConsentError
from alleviate.vault import Vault, steps
from alleviate.vault.watching import unswept

KILLS = int(os.environ.get("ALLEVIATE_KILLS", "2"))
PEOPLE, EACH = 60, 8


def pulses(people: int = 3, each: int = 4) -> list:
    return [
        pulse(p * each + i, f"p{p}", 60.0 + i, at=FIRST + i * timedelta(days=7))
        for p in range(people)
        for i in range(each)
    ]


@pytest.fixture
def vault(location: str):
    with Vault.create(location) as vault:
        yield vault


@pytest.fixture
def access(vault):
    access = vault.access(actor="os:anna", purpose="care")
    access.put(pulses(), NOW)
    return access


def told(vault, action: str, key: str) -> list:
    return [e.detail[key] for e in vault.show_audit(actor="t") if e.action == action and key in e.detail]


def test_a_score_is_stored_once_however_often_it_is_swept(vault, access) -> None:
    assert len(access.sweep(PACKAGE, judge, NOW)) == 12
    assert access.sweep(PACKAGE, judge, NOW) == []
    found = access.courses(PACKAGE)
    assert [one.result.told["pulse"] for one in found.found] == [60.0, 61.0, 62.0, 63.0] * 3
    assert len(told(vault, "alert", "course")) == 12
    assert access.courses("b" * 32).found == ()


def test_only_who_has_new_entries_is_read(vault, access) -> None:
    access.sweep(PACKAGE, judge, NOW)
    access.put([pulse(99, "p1", 70.0, at=FIRST + timedelta(days=90))], NOW)
    read: list[str] = []

    def looking(records):
        read.extend(record.subject_id for record in records)
        return judge(records)

    (new,) = access.sweep(PACKAGE, looking, NOW)
    assert (read, new.subject_id, new.result.told) == (["p1"], "p1", {"pulse": 70.0})
    assert access.sweep(PACKAGE, looking, NOW) == []
    assert read == ["p1"]


def test_only_of_whom_other_results_stand_something_was_written(vault, access) -> None:
    """Else who is judged in the background, and has no score, would be judged again for ever."""
    people = [vault.our_id(f"p{n}") for n in range(3)]
    before = [vault.revision(one) for one in people]
    access.sweep(PACKAGE, lambda records: [[] for _ in records], NOW)
    assert [vault.revision(one) for one in people] == before
    assert unswept(vault, PACKAGE, people) == people
    access.sweep(PACKAGE, judge, NOW)
    swept = [vault.revision(one) for one in people]
    assert all(now > then for now, then in zip(swept, before, strict=True))
    assert unswept(vault, PACKAGE, people) == []
    access.put([pulse(99, "p1", 70.0, at=FIRST + timedelta(days=90))], NOW)
    assert unswept(vault, PACKAGE, people) == [people[1]]


def test_two_packages_do_not_know_each_other(access) -> None:
    access.sweep(PACKAGE, judge, NOW)
    assert len(access.sweep("b" * 32, judge, NOW)) == 12
    assert len(access.courses().found) == 24


def test_what_a_person_withholds_is_neither_judged_nor_served(vault, access) -> None:
    access.sweep(PACKAGE, judge, NOW)
    access.put([consent(1, "p1", "deny", "care", "measurement")], NOW)
    served = access.courses()
    assert ({one.subject_id for one in served.found}, served.withheld) == ({"p0", "p2"}, 4)
    assert len(vault.access(actor="os:anna", purpose="rights").courses().found) == 12
    for purpose in ("research", "model-training"):
        with pytest.raises(ConsentError, match="not followed for"):
            vault.access(actor="os:anna", purpose=purpose).courses()
    with pytest.raises(ConsentError, match="not followed for rights"):
        vault.access(actor="os:anna", purpose="rights").sweep(PACKAGE, judge, NOW)


def test_without_audit_nothing_is_stored(vault, access, monkeypatch) -> None:
    def full(*_):
        raise AuditError("The audit cannot be written.")

    with monkeypatch.context() as patch:
        patch.setattr(vault._audit, "append", full)
        with pytest.raises(AuditError):
            access.sweep(PACKAGE, judge, NOW)
    assert access.courses().found == ()
    assert len(access.sweep(PACKAGE, judge, NOW)) == 12


def test_sealed_erased_with_the_person_and_restored_with_the_rest(vault, access, elsewhere, tmp_path) -> None:
    access.sweep(PACKAGE, judge, NOW)
    with vault._database.snapshot() as connection:
        rows = connection.execute(sa.text("SELECT * FROM courses")).all()
    assert b"pulse" not in b"".join(row.body for row in rows)
    vault.backup(tmp_path / "rows", actor="t")
    vault.backup_keys(tmp_path / "keys", actor="t")
    kept = access.courses()
    Vault.restore(tmp_path / "rows", elsewhere, actor="t", keys=tmp_path / "keys")
    with Vault.open(elsewhere) as again:
        restored = again.access(actor="t", purpose="care")
        assert restored.courses() == kept
        restored.put([pulse(99, "p0", 70.0, at=FIRST + timedelta(days=90))], NOW)
        assert len(restored.sweep(PACKAGE, judge, NOW)) == 1
    vault.access(actor="os:anna", purpose="rights").erase("p1", "asked-by-the-person")
    assert {one.subject_id for one in access.courses().found} == {"p0", "p2"}


@pytest.mark.slow
def test_killed_at_any_moment_nothing_is_lost_or_doubled(location: str, monkeypatch) -> None:
    monkeypatch.setattr(steps, "PORTION", 10)
    script = Path(__file__).parent / "dying_sweep.py"
    moments = random.Random(20250103)
    with Vault.create(location) as vault:
        vault.access(actor="t", purpose="care").put(pulses(PEOPLE, EACH), NOW)
    for _ in range(KILLS):
        process = subprocess.Popen([sys.executable, str(script), location], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "open"
        time.sleep(moments.uniform(0, 0.1))
        process.kill()
        process.communicate()
        with Vault.open(location) as vault:
            stored = vault.access(actor="t", purpose="care").courses().found
            events = told(vault, "alert", "course")
            assert sorted(one.id for one in stored) == sorted(events), "result and alert come together"
    with Vault.open(location) as vault:
        access = vault.access(actor="t", purpose="care")
        access.sweep(PACKAGE, judge, NOW)
        assert len(access.courses().found) == PEOPLE * EACH
        assert len(told(vault, "alert", "course")) == PEOPLE * EACH
        vault.verify_audit(actor="t")
