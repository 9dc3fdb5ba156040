"""The audit: events that say nothing about patients, a chain that only grows, and what it is written in."""

import hashlib
import json
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from chain import NOW, Chain
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from alleviate.terms.errors import AuditError, DataError
from alleviate.vault.audit import ACTIONS, REASONS, AuditEvent, AuditLog, audit_table, protect
from alleviate.vault.canonical import LARGEST, canonical
from alleviate.vault.checkpoints import START, Head

READ = AuditEvent("os:dr.smith", "read", "care", "p1", {"entries": 3})


@pytest.fixture
def chain(location: str, tmp_path: Path) -> Chain:
    return Chain.begun(location, tmp_path / "checkpoints")


def test_what_was_done_is_shown_newest_first(chain: Chain) -> None:
    chain.add(READ, AuditEvent("os:dr.smith", "find", "care"))
    chain.add(AuditEvent("os:admin", "erase", "rights", "p1", {"reason": "asked-by-the-person"}))
    with chain.reading() as connection:
        shown = chain.log.show(connection)
        assert [(each.position, each.action) for each in shown] == [(3, "erase"), (2, "find"), (1, "read")]
        assert (shown[2].actor, shown[2].purpose, shown[2].patient) == ("os:dr.smith", "care", "p1")
        assert (shown[2].detail, shown[2].at) == ({"entries": 3}, NOW)
        assert chain.log.show(connection, last=1) == shown[:1]
        assert chain.log.show(connection, "p1") == [shown[0], shown[2]]
        assert chain.log.show(connection, "p1", 1) == [shown[0]]
        assert chain.log.size(connection) == 3


def test_a_patients_events_are_not_taken_for_anothers(chain: Chain) -> None:
    tricks = {"patient": "p1", "position": 5, "purpose": "p1"}
    chain.add(AuditEvent("p1", "read", "p1", "P1", tricks), AuditEvent("p1", "read", "care", "p11"), READ)
    with chain.reading() as connection:
        assert [each.position for each in chain.log.show(connection, "p1")] == [3]
        assert chain.log.show(connection, "p_") == []


def test_each_hash_is_that_of_the_hash_before_the_length_and_the_json(chain: Chain) -> None:
    chain.add(READ, READ)
    previous = hashlib.sha256(b"alleviate audit 1").digest()
    assert previous == START
    for position, text, stored in chain.rows():
        expected = {
            "action": "read",
            "actor": "os:dr.smith",
            "at": "2024-05-06T09:00:00.000000Z",
            "detail": {"entries": 3},
            "patient": "p1",
            "position": position,
            "purpose": "care",
        }
        assert text.decode() == json.dumps(expected, separators=(",", ":"))
        previous = hashlib.sha256(previous + len(text).to_bytes(8, "big") + text).digest()
        assert stored == previous


def test_a_whole_log_is_verified_against_its_checkpoints(chain: Chain) -> None:
    for _ in range(5):
        chain.add(*[READ] * 6)
    verified = chain.verify()
    assert (verified.size, verified.head) == (30, chain.rows()[-1][2].hex())
    assert verified.checkpoints == 4, "after 12, 24 and 30 events in the history, and the last state"
    assert verified.seconds >= 0


def test_the_empty_log_is_whole(chain: Chain) -> None:
    verified = chain.verify()
    assert (verified.size, verified.head, verified.checkpoints) == (0, START.hex(), 1)


def test_adding_nothing_changes_nothing(chain: Chain) -> None:
    chain.add(READ)
    before = chain.rows()
    assert chain.add() == Head(1, before[0][2], NOW)
    assert chain.rows() == before


def test_an_event_goes_when_its_transaction_is_rolled_back(chain: Chain) -> None:
    chain.add(READ)
    with chain.engine.connect() as connection, connection.begin() as transaction:
        chain.log.append(connection, [READ], NOW)
        transaction.rollback()
    chain.add(READ)
    assert chain.verify().size == 2


def test_without_a_beginning_nothing_is_written(location: str, tmp_path: Path) -> None:
    chain = Chain.made(location, tmp_path / "checkpoints")
    with pytest.raises(AuditError, match=r"head\.json cannot be read"):
        chain.add(READ)
    assert chain.rows() == []


def test_when_the_database_refuses_nothing_is_done(chain: Chain) -> None:
    with chain.writing() as connection:
        connection.exec_driver_sql("DROP TABLE audit")
    with pytest.raises(AuditError, match="The audit cannot be written") as caught:
        chain.add(READ)
    assert "\n" not in caught.value.message


def test_a_moment_without_utc_is_refused(chain: Chain) -> None:
    berlin = datetime(2024, 5, 6, tzinfo=timezone(timedelta(hours=2)))
    with pytest.raises(DataError, match="must be a datetime in UTC"), chain.writing() as connection:
        chain.log.append(connection, [READ], berlin)


@pytest.mark.parametrize(
    "command",
    [
        "UPDATE audit SET json = json WHERE position = 1",
        "UPDATE audit SET position = 9 WHERE position = 2",
        "DELETE FROM audit WHERE position = 2",
        "DELETE FROM audit",
    ],
)
def test_the_database_itself_refuses_to_change_an_event(chain: Chain, command: str) -> None:
    chain.add(READ, READ)
    with pytest.raises(DBAPIError, match="the audit only grows"), chain.writing() as connection:
        connection.exec_driver_sql(command)
    assert chain.verify().size == 2


def test_neither_replacing_nor_emptying_goes_round_the_triggers(chain: Chain) -> None:
    chain.add(READ, READ)
    commands = {
        "sqlite": ["REPLACE INTO audit VALUES (1, '', x'00')", "INSERT INTO audit VALUES (9, '', x'00')"],
        "postgresql": ["TRUNCATE audit"],
    }[chain.engine.dialect.name]
    for command in commands:
        with pytest.raises(DBAPIError, match="the audit only grows"), chain.writing() as connection:
            connection.exec_driver_sql(command)


def test_a_migration_can_protect_a_table_in_a_schema(database: str) -> None:
    engine = Chain.engine_for(database)
    table = audit_table(sa.MetaData(schema="clinic"))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA clinic")
        connection.exec_driver_sql("CREATE TABLE clinic.audit (position bigint PRIMARY KEY)")
        protect(connection, table)
    with pytest.raises(DBAPIError, match="the audit only grows"), engine.begin() as connection:
        connection.exec_driver_sql("TRUNCATE clinic.audit")
    engine.dispose()


@pytest.mark.slow
def test_32_writers_at_once_make_one_chain(chain: Chain) -> None:
    def write(writer: int) -> None:
        for step in range(4):
            chain.add(AuditEvent(f"w{writer}", "read", "care", detail={"step": step}))

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(write, range(32)))
    assert chain.verify().size == 128
    with chain.reading() as connection:
        shown = chain.log.show(connection)
    own = {
        f"w{writer}": [each.detail["step"] for each in shown if each.actor == f"w{writer}"]
        for writer in range(32)
    }
    assert own == {actor: [3, 2, 1, 0] for actor in own}
    assert chain.log.checkpoints.latest().size == 128


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_each_action_can_be_told(action: str) -> None:
    assert AuditEvent("me", action, "care").action == action  # type: ignore[arg-type]


def test_an_event_cannot_be_changed_by_its_maker() -> None:
    detail: dict[str, str | int | bool] = {"entries": 3}
    event = AuditEvent("me", "read", "care", "p1", detail)
    detail["entries"] = 4
    assert event.detail == {"entries": 3}
    with pytest.raises(FrozenInstanceError):
        event.actor = "you"  # type: ignore[misc]


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_a_reason_is_one_of_a_few(reason: str) -> None:
    assert AuditEvent("me", "erase", "rights", "p1", {"reason": reason}).detail["reason"] == reason


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ({"action": "peek"}, "action is one of account, .*, write, got 'peek'"),
        ({"actor": ""}, "The actor of an audit event is one word"),
        ({"actor": "Dr Smith"}, "The actor of an audit event is one word"),
        ({"purpose": "care and more"}, "The purpose"),
        ({"patient": "Anna Miller"}, "The patient"),
        ({"patient": "p" * 201}, "The patient"),
        ({"patient": 'p"1'}, "The patient"),
        ({"patient": "p1\n"}, "The patient"),
        ({"detail": {"kind": "Anna slept badly"}}, "The detail 'kind'"),
        ({"detail": {"kind": ""}}, "The detail 'kind'"),
        ({"detail": {"Kind of": 1}}, "The name of a detail"),
        ({"detail": {"reason": "Anna asked"}}, "A reason in the audit is one of asked-by-the-person"),
        ({"detail": {"reason": 3}}, "A reason in the audit is one of"),
        ({"detail": {"share": 0.5}}, "got float"),
        ({"detail": {"kind": None}}, "got NoneType"),
        ({"detail": {"n": 2**53}}, "within ±"),
        ({"detail": {f"n{i}": i for i in range(21)}}, "at most 20 details, got 21"),
    ],
)
def test_what_could_speak_of_a_patient_is_refused(event: dict[str, object], problem: str) -> None:
    with pytest.raises(AuditError, match=problem) as caught:
        AuditEvent(**{"actor": "me", "action": "read", "purpose": "care", **event})  # type: ignore[arg-type]
    assert "Anna" not in str(caught.value), "nor does the error repeat it"
    assert caught.value.hint


# RFC 8785, section 3.2.3: the order of keys, and 3.2.2.2: escapes.
SORTED = {
    "\u20ac": "Euro Sign",
    "\r": "Carriage Return",
    "\ufb33": "Hebrew Letter Dalet With Dagesh",
    "1": "One",
    "\U0001f600": "Emoji: Grinning Face",
    "\u0080": "Control",
    "\u00f6": "Latin Small Letter O With Diaeresis",
}


def test_keys_stand_in_the_order_of_their_utf_16_units() -> None:
    assert [*json.loads(canonical(SORTED)).values()] == [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]


def test_text_is_escaped_only_where_it_must_be() -> None:
    text = "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/\b\t\f\r\u007f\u2028"
    assert canonical(text).decode() == '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/\\b\\t\\f\\r\u007f\u2028"'


def test_the_other_rules_of_canonical_json() -> None:
    assert canonical({"b": {"d": True, "c": False}, "a": -0}) == b'{"a":0,"b":{"c":false,"d":true}}'
    assert canonical({"a": LARGEST, "b": -LARGEST}) == b'{"a":9007199254740991,"b":-9007199254740991}'
    assert canonical({}) == b"{}"


@pytest.mark.parametrize("number", [2**53, -(2**53)])
def test_a_number_that_a_double_does_not_hold_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="lies within"):
        canonical({"n": number})


@pytest.mark.parametrize("value", [0.5, math.nan, None, [1], b"x"])
def test_what_the_audit_never_holds_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="Expected text, a whole number"):
        canonical({"x": value})  # type: ignore[dict-item]


@pytest.mark.parametrize("value", [{"x": "\ud800"}, {"\udfff": 1}])
def test_half_a_character_is_refused(value: dict[str, str | int]) -> None:
    with pytest.raises(UnicodeEncodeError):
        canonical(value)


values = st.recursive(
    st.text() | st.integers(-LARGEST, LARGEST) | st.booleans(),
    lambda inner: st.dictionaries(st.text(), inner),
)


@given(values)
@settings(max_examples=40, deadline=None)
def test_canonical_json_reads_back_and_does_not_depend_on_order(value: object) -> None:
    def reversed_order(each: object) -> object:
        if isinstance(each, dict):
            return {key: reversed_order(inner) for key, inner in reversed(each.items())}
        return each

    raw = canonical(value)  # type: ignore[arg-type]
    assert json.loads(raw) == value
    assert canonical(reversed_order(value)) == raw  # type: ignore[arg-type]


def test_a_log_can_be_read_by_another_that_knows_table_and_folder(chain: Chain) -> None:
    chain.add(READ)
    other = AuditLog(audit_table(sa.MetaData()), chain.log.checkpoints)
    with chain.reading() as connection:
        assert other.verify(connection).size == 1


def test_the_moment_is_kept_to_the_microsecond(chain: Chain) -> None:
    moment = datetime(2024, 5, 6, 9, 0, 0, 1, tzinfo=UTC)
    with chain.writing() as connection:
        chain.log.append(connection, [READ], moment)
        assert chain.log.show(connection)[0].at == moment
