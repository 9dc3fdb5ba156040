"""Sheets: sealed, never changed, stored once, with their events, or not at all; gone with the person."""

import threading

import pytest
import sqlalchemy as sa
from clinic_made import MINUTE, NOW, item_9, note, people, told
from entries_made import consent, pulse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alleviate.terms.errors import AuditError, ConflictError, ConsentError, DataError, VaultError
from alleviate.vault import SHEET_KINDS, NewSheet, Vault
from alleviate.vault.keys import make_key_file


@pytest.fixture
def vault(location: str):
    with Vault.create(location) as vault:
        vault.access(actor="import", purpose="care").put(people(2), NOW)
        yield vault


@pytest.fixture
def access(vault):
    return vault.access(actor="account:anna", purpose="care")


def thread_of(access, subject="p0"):
    return [(sheet.thread, sheet.kind, sheet.body) for sheet in access.chart(subject).sheets]


def test_a_sheet_is_stored_as_it_was_written(vault, access) -> None:
    body = {"words": "Ruft an, 9 Uhr", "n": [1, 2.5, None, {"deep": True}], "emoji": "🌱"}
    (id,) = access.store(NOW, sheets=[NewSheet("p0", "task", body)]).sheets
    (sheet,) = access.chart("p0").sheets
    assert (sheet.id, sheet.thread, sheet.kind, sheet.body) == (id, id, "task", body)
    assert (sheet.subject_id, sheet.patient, sheet.at, sheet.by) == (
        *("p0", vault.our_id("p0"), NOW, "account:anna"),
    )
    assert access.chart("p1").sheets == ()
    answer = access.store(NOW + MINUTE, sheets=[note(vault.our_id("p0"), "done", thread=id, kind="seen")])
    assert thread_of(access) == [(id, "task", body), (id, "seen", {"words": "done"})]
    assert len(answer.sheets[0]) == 32


def test_a_thread_about_an_entry_is_named_by_its_ref_and_belongs_to_one_person(access) -> None:
    access.store(NOW, sheets=[note("p0", thread="Observation/0"), note("p1", thread="Observation/0")])
    assert [sheet.thread for sheet in access.chart("p0").sheets] == ["Observation/0"]
    access.store(NOW, sheets=[note("p0", thread="Observation/0", after=1)])
    with pytest.raises(ConflictError):
        access.store(NOW, sheets=[note("p1", thread="Observation/0", after=2)])


def test_who_did_not_see_the_last_sheet_is_told_and_nothing_is_stored(access) -> None:
    (first,) = access.store(NOW, sheets=[note("p0", after=0)]).sheets
    access.store(NOW, sheets=[note("p0", "mine", thread=first, after=1)])
    before = access.chart("p0")
    with pytest.raises(ConflictError, match=r"1 sheets were seen, 2 are there; nothing was stored"):
        access.store(
            NOW,
            entries=[pulse(99, "p0", 70.0)],
            sheets=[note("p1", "first of two"), note("p0", "late", thread=first, after=1)],
        )
    after = access.chart("p0")
    assert (after.record, after.sheets, after.revision) == (before.record, before.sheets, before.revision)
    assert access.chart("p1").sheets == ()


def test_the_same_word_stores_one_sheet_and_gives_its_id_again(access) -> None:
    asked = note("p0", once="form-7f3a", after=0)
    first = access.store(NOW, sheets=[asked])
    assert access.store(NOW, sheets=[asked]).sheets == first.sheets, "after is no matter the second time"
    assert access.store(NOW, sheets=[asked, asked]).sheets == first.sheets * 2
    assert len(access.chart("p0").sheets) == 1
    access.store(NOW, sheets=[note("p0", once="form-7f3a", kind="mention"), note("p1", once="form-7f3a")])
    assert [len(access.chart(subject).sheets) for subject in ("p0", "p1")] == [2, 1]


def test_entries_alerts_and_sheets_come_in_one_transaction(vault, access) -> None:
    before = access.chart("p0").revision
    stored = access.store(
        NOW,
        entries=[item_9(1, "p0")],
        sheets=[NewSheet("p0", "decision", {"option": "sertraline"}), note("p0")],
    )
    assert (stored.tally.stored, stored.tally.alerts, len(stored.sheets)) == (1, 1, 2)
    chart = access.chart("p0")
    assert (len(chart.alerts), len(chart.sheets), chart.revision) == (1, 2, before + 1)
    (decided,), (written,) = told(vault, "decide"), told(vault, "write")
    assert decided.detail == {"kind": "decision", "sheet": stored.sheets[0]}
    assert written.detail == {"kind": "task", "sheet": stored.sheets[1]}
    assert {event.patient for event in (decided, written)} == {vault.our_id("p0")}
    assert {event.actor for event in (decided, written)} == {"account:anna"}


def test_without_audit_neither_entry_nor_sheet_is_stored(vault, access, monkeypatch) -> None:
    before = access.chart("p0")

    def full(*_):
        raise AuditError("The audit cannot be written.")

    with monkeypatch.context() as patch:
        patch.setattr(vault._audit, "append", full)
        with pytest.raises(AuditError):
            access.store(NOW, entries=[pulse(99, "p0", 70.0)], sheets=[note("p0")])
    assert access.chart("p0") == before


def test_about_somebody_new_in_the_same_step_and_about_nobody(access) -> None:
    stored = access.store(NOW, entries=[pulse(99, "p9", 70.0)], sheets=[note("p9")])
    assert len(access.chart("p9").sheets) == len(stored.sheets) == 1
    with pytest.raises(VaultError, match="no patient 'p77'"):
        access.store(NOW, entries=[pulse(100, "p8", 70.0)], sheets=[note("p77")])
    assert "p8" not in access.ids()


def test_an_entry_under_an_id_of_ours_makes_no_second_person(vault, access) -> None:
    with pytest.raises(DataError, match="vault's own ids"):
        access.store(NOW, entries=[pulse(99, vault.our_id("p0"), 70.0)])
    assert access.ids() == ["p0", "p1"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"kind": "poem"}, "no sheet 'poem'"),
        ({"subject_id": ""}, "about a person"),
        ({"thread": "x" * 201}, "at most 200"),
        ({"once": 7}, "at most 200"),
        ({"after": -1}, "number of sheets"),
        ({"after": 1.5}, "number of sheets"),
        ({"kinds": ("horoscope",)}, "unknown kinds"),
        ({"body": {"x": object()}}, "plain JSON"),
        ({"body": {"x": "\ud800"}}, "plain JSON"),
        ({"once": "\ud800"}, "plain JSON"),
        ({"body": {"x": "a" * 8_000_001}}, "at most 8,000,000 bytes"),
    ],
)
def test_a_wrong_sheet_is_refused_at_birth(wrong, words) -> None:
    with pytest.raises(DataError, match=words):
        NewSheet(**{"subject_id": "p0", "kind": "task", "body": {}} | wrong)


def test_what_speaks_of_withheld_data_is_withheld(vault, access) -> None:
    access.store(NOW, sheets=[note("p0", "score 20", kinds=("questionnaire",)), note("p0", "hello")])
    access.put([consent(1, "p0", "deny", "care", "questionnaire")], NOW)
    chart = access.chart("p0")
    assert ([sheet.body["words"] for sheet in chart.sheets], chart.withheld_sheets) == (["hello"], 1)
    rights = vault.access(actor="account:p0", purpose="rights").chart("p0")
    assert (len(rights.sheets), rights.withheld_sheets) == (2, 0)


def test_sheets_of_everybody_who_permits_with_one_event_a_person(vault, access) -> None:
    access.store(NOW, sheets=[note("p0"), note("p0", "again"), note("p1"), note("p1", kind="seen")])
    access.store(NOW + 5 * MINUTE, sheets=[note("p1", "later")])
    officer = vault.access(actor="account:olga", purpose="care")
    assert [sheet.subject_id for sheet in officer.sheets(["task"])] == ["p0", "p0", "p1", "p1"]
    read = [event for event in told(vault, "read") if event.actor == "account:olga"]
    assert sorted((event.patient, event.detail["sheets"]) for event in read) == sorted(
        (vault.our_id(subject), 2) for subject in ("p0", "p1")
    )
    assert [sheet.body["words"] for sheet in officer.sheets(["task"], since=NOW + MINUTE)] == ["later"]
    access.put([consent(1, "p0", "deny", "care")], NOW)
    assert {sheet.subject_id for sheet in officer.sheets(SHEET_KINDS)} == {"p1"}
    for purpose in ("research", "model-training"):
        hidden = vault.access(actor="account:dora", purpose=purpose)
        with pytest.raises(ConsentError, match="not for"):
            hidden.sheets(["task"])
        with pytest.raises(ConsentError, match="not for"):
            hidden.store(NOW, sheets=[note("p1")])


def test_words_threads_and_actors_are_sealed_and_open_nowhere_else(vault, access) -> None:
    access.store(NOW, sheets=[note("p0", "a planted word", thread="Patient/planted", once="planted")])
    access.store(NOW, sheets=[note("p0", "other")])
    with vault._database.snapshot() as connection:
        rows = connection.execute(sa.text("SELECT * FROM sheets ORDER BY id")).all()
    raw = b"".join(
        value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row
    )
    assert b"planted" not in raw
    assert b"anna" not in raw
    with vault._database.turn() as connection, connection.begin():
        connection.execute(
            sa.text("UPDATE sheets SET body = :body WHERE id = :id"), {"body": rows[0].body, "id": rows[1].id}
        )
    with pytest.raises(VaultError, match="does not open"):
        access.chart("p0")


def test_erased_with_the_person_restored_with_the_rest_and_read_after_a_rotation(
    vault, access, elsewhere, tmp_path
) -> None:
    access.store(NOW, sheets=[note("p0"), note("p1", once="one")])
    access.join("p0", "anna", "nurse")
    access.join("p1", "anna", "nurse")
    kept = access.chart("p1")
    vault.backup(tmp_path / "rows", actor="test")
    vault.backup_keys(tmp_path / "keys", actor="test")
    Vault.restore(tmp_path / "rows", elsewhere, actor="test", keys=tmp_path / "keys")
    with Vault.open(elsewhere) as again:
        restored = again.access(actor="account:anna", purpose="care")
        assert restored.chart("p1") == kept
        assert restored.store(NOW, sheets=[note("p1", once="one")]).sheets == (kept.sheets[0].id,)
    vault.access(actor="test", purpose="rights").erase("p0", "asked-by-the-person")
    with vault._database.snapshot() as connection:
        for table in ("sheets", "team", "glances"):
            left = connection.execute(
                sa.text(f"SELECT count(*) FROM {table} WHERE patient <> :p1"), {"p1": kept.patient}
            )
            assert left.scalar_one() == 0, table
    with pytest.raises(VaultError, match="was erased"):
        access.chart("p0")
    vault.rotate(make_key_file(tmp_path / "new.key"), actor="test")
    assert access.chart("p1") == kept


def test_who_was_erased_since_the_backup_stays_so_with_all_sheets(vault, access, elsewhere, tmp_path) -> None:
    access.store(NOW, sheets=[note("p0"), note("p1")])
    access.join("p0", "anna", "nurse")
    vault.backup(tmp_path / "rows", actor="test")
    vault.access(actor="test", purpose="rights").erase("p0", "asked-by-the-person")
    vault.backup_keys(tmp_path / "keys", actor="test")
    assert Vault.restore(tmp_path / "rows", elsewhere, actor="test", keys=tmp_path / "keys").erased == 1
    with Vault.open(elsewhere) as again:
        assert [s.subject_id for s in again.access(actor="t", purpose="care").sheets(["task"])] == ["p1"]
        with again._database.snapshot() as connection:
            assert connection.execute(sa.text("SELECT count(*) FROM team")).scalar_one() == 0


def test_of_many_who_saw_the_same_one_is_first(access) -> None:
    (first,) = access.store(NOW, sheets=[note("p0")]).sheets
    outcomes: list[str] = []
    start = threading.Barrier(8)

    def write(number: int) -> None:
        start.wait()
        try:
            access.store(NOW, sheets=[note("p0", str(number), thread=first, after=1)])
            outcomes.append("stored")
        except ConflictError:
            outcomes.append("late")

    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(outcomes) == ["late"] * 7 + ["stored"]
    assert len(access.chart("p0").sheets) == 2


WRITES = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from(["", "a", "b"]), st.none() | st.integers(0, 4)), max_size=12
)


@given(writes=WRITES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_threads_grow_as_a_list_would(tmp_path_factory, master_key, writes) -> None:
    """Against the plain model: a word is stored once, a wrong count stores nothing."""
    folder = tmp_path_factory.mktemp("sheets")
    with Vault.create(folder / "clinic.vault") as vault:
        access = vault.access(actor="account:anna", purpose="care")
        access.put(people(2, each=1), NOW)
        threads: dict[int, list[str]] = {0: [], 1: []}
        known: dict[tuple[int, str], str] = {}
        for person, once, after in writes:
            sheet = note(f"p{person}", thread="Observation/0", once=once, after=after)
            if once and (person, once) in known:
                assert access.store(NOW, sheets=[sheet]).sheets == (known[person, once],)
            elif after is not None and after != len(threads[person]):
                with pytest.raises(ConflictError):
                    access.store(NOW, sheets=[sheet])
            else:
                (id,) = access.store(NOW, sheets=[sheet]).sheets
                threads[person].append(id)
                known[person, once] = id
        for person, ids in threads.items():
            assert [sheet.id for sheet in access.chart(f"p{person}").sheets] == ids
