"""Whatever is done to the log behind its back is found, and the first broken link is named."""

import hashlib
import os
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from chain import NOW, Chain, Row, edited

from alleviate.terms.errors import AuditError
from alleviate.vault.audit import AuditEvent
from alleviate.vault.checkpoints import START

SIZE = 47
MARKS = (12, 24, 30, 42, SIZE)
"""After how many events the log was signed."""


@dataclass(frozen=True)
class Tampering:
    """What then stands in the table, and the events one of which is to be named."""

    rows: Sequence[Row]
    first: range


Way = Callable[[list[Row], random.Random], Tampering]
WAYS: dict[str, Way] = {}


def way(make: Way) -> Way:
    WAYS[make.__name__] = make
    return make


def link(previous: bytes, raw: bytes) -> bytes:
    return hashlib.sha256(previous + len(raw).to_bytes(8, "big") + raw).digest()


def at(k: int) -> range:
    return range(k, k + 1)


def chosen(rows: Sequence[Row], dice: random.Random) -> int:
    return dice.randint(1, len(rows))


def numbered(rows: Sequence[Row]) -> list[Row]:
    return [(i, raw, stored) for i, (_, raw, stored) in enumerate(rows, 1)]


def rehashed(rows: Sequence[Row]) -> list[Row]:
    previous, done = START, []
    for i, (_, raw, _) in enumerate(rows, 1):
        previous = link(previous, raw)
        done.append((i, raw, previous))
    return done


def changed(rows: list[Row], k: int, raw: bytes | None = None, stored: bytes | None = None) -> list[Row]:
    position, old_raw, old_stored = rows[k - 1]
    return [*rows[: k - 1], (position, raw or old_raw, stored or old_stored), *rows[k:]]


@way
def one_byte_of_the_json(rows: list[Row], dice: random.Random) -> Tampering:
    k = chosen(rows, dice)
    raw = bytearray(rows[k - 1][1])
    i = dice.randrange(len(raw))
    raw[i] = dice.choice([byte for byte in range(1, 128) if byte != raw[i]])
    return Tampering(changed(rows, k, raw=bytes(raw)), at(k))


@way
def one_byte_of_the_hash(rows: list[Row], dice: random.Random) -> Tampering:
    k = chosen(rows, dice)
    stored = bytearray(rows[k - 1][2])
    stored[dice.randrange(32)] ^= dice.randrange(1, 256)
    return Tampering(changed(rows, k, stored=bytes(stored)), at(k))


@way
def a_hash_cut_or_extended(rows: list[Row], dice: random.Random) -> Tampering:
    k, stored = chosen(rows, dice), rows[0][2]
    return Tampering(changed(rows, k, stored=dice.choice([stored[:-1], stored + b"\0", b"\0"])), at(k))


@way
def another_value(rows: list[Row], dice: random.Random) -> Tampering:
    k = chosen(rows, dice)
    change = dice.choice(
        [{"at": "2024-05-06T09:00:00.000001Z"}, {"actor": "somebody"}, {"patient": ""}, {"detail": {}}]
    )
    return Tampering(changed(rows, k, raw=edited(rows[k - 1][1], **change)), at(k))


@way
def another_value_and_its_hash(rows: list[Row], dice: random.Random) -> Tampering:
    """The event is then whole: the link that breaks is the one from the next event."""
    k = chosen(rows, dice)
    raw = edited(rows[k - 1][1], actor="somebody")
    previous = rows[k - 2][2] if k > 1 else START
    return Tampering(changed(rows, k, raw=raw, stored=link(previous, raw)), range(k, k + 2))


@way
def all_hashes_made_anew_after_an_edit(rows: list[Row], dice: random.Random) -> Tampering:
    k = chosen(rows, dice)
    return Tampering(rehashed(changed(rows, k, raw=edited(rows[k - 1][1], actor="me"))), at(k))


@way
def all_hashes_made_anew_after_a_deletion(rows: list[Row], dice: random.Random) -> Tampering:
    k = chosen(rows, dice)
    return Tampering(
        rehashed([*rows[: k - 1], *rows[k:]]), range(k, min(mark for mark in MARKS if mark >= k) + 1)
    )


@way
def one_deleted(rows: list[Row], dice: random.Random) -> Tampering:
    k = chosen(rows, dice)
    return Tampering([*rows[: k - 1], *rows[k:]], at(k))


@way
def one_deleted_and_the_rest_numbered_anew(rows: list[Row], dice: random.Random) -> Tampering:
    k = chosen(rows, dice)
    return Tampering(numbered([*rows[: k - 1], *rows[k:]]), at(k))


@way
def the_end_cut_off(rows: list[Row], dice: random.Random) -> Tampering:
    k = chosen(rows, dice)
    return Tampering(rows[: k - 1], at(k))


@way
def the_beginning_cut_off(rows: list[Row], dice: random.Random) -> Tampering:
    kept = rows[chosen(rows, dice) :]
    return Tampering(dice.choice([kept, numbered(kept)]), at(1))


@way
def two_exchanged(rows: list[Row], dice: random.Random) -> Tampering:
    a, b = sorted(dice.sample(range(1, len(rows) + 1), 2))
    exchanged = [*rows]
    exchanged[a - 1], exchanged[b - 1] = rows[b - 1], rows[a - 1]
    return Tampering(numbered(exchanged), at(a))


@way
def all_in_another_order(rows: list[Row], dice: random.Random) -> Tampering:
    shuffled = [*rows]
    dice.shuffle(shuffled)
    first = next((i for i, (row, old) in enumerate(zip(shuffled, rows, strict=True), 1) if row != old), 0)
    return Tampering(numbered(shuffled), at(first))


@way
def one_twice(rows: list[Row], dice: random.Random) -> Tampering:
    k, after = chosen(rows, dice), chosen(rows, dice)
    twice = numbered([*rows[:after], rows[k - 1], *rows[after:]])
    return Tampering(twice, at(after + 2 if k == after + 1 else after + 1))


@way
def one_invented(rows: list[Row], dice: random.Random) -> Tampering:
    """With a right hash it is whole: the link that breaks is the one from the event after it."""
    k = dice.randint(1, len(rows) - 1)
    raw = edited(rows[k][1], actor="somebody", position=k + 1)
    stored = dice.choice([link(rows[k - 1][2], raw), os.urandom(32)])
    return Tampering(numbered([*rows[:k], (0, raw, stored), *rows[k:]]), range(k + 1, k + 3))


@way
def another_position(rows: list[Row], dice: random.Random) -> Tampering:
    k = chosen(rows, dice)
    place = dice.choice([0, -dice.randint(1, 99), SIZE + dice.randint(2, 99)])
    moved = [*rows[: k - 1], (place, *rows[k - 1][1:]), *rows[k:]]
    return Tampering(moved, at(k if place > 0 else 1))


@way
def nothing_left(rows: list[Row], dice: random.Random) -> Tampering:
    return Tampering([], at(1))


@pytest.fixture
def chain(location: str, tmp_path: Path) -> Chain:
    chain = Chain.begun(location, tmp_path / "checkpoints")
    for start in range(0, SIZE, 6):
        chain.add(
            *[
                AuditEvent(f"os:{i % 3}", "read", "care", f"p{i % 7}", {"entries": i, "kind": "note"})
                for i in range(start, min(start + 6, SIZE))
            ]
        )
    return chain


def problem(chain: Chain, rows: Sequence[Row]) -> AuditError:
    with chain.engine.connect() as connection, connection.begin() as transaction:
        chain.unprotect(connection)
        chain.put(connection, rows)
        with pytest.raises(AuditError) as caught:
            chain.log.verify(connection)
        transaction.rollback()
    return caught.value


def named(error: AuditError) -> range:
    """The events of which the error says that the first broken link is one."""
    if found := re.search(r"event ([\d,]+) of", error.message):
        return at(int(found[1].replace(",", "")))
    if found := re.search(r"the log ends at (\d+), but", error.message):
        return at(int(found[1]) + 1)
    found = re.search(r"an event from (\d+) to (\d+) was rewritten", error.message)
    assert found, error.message
    return range(int(found[1]), int(found[2]) + 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", WAYS)
def test_every_tampering_is_found_and_the_first_broken_link_is_named(chain: Chain, name: str) -> None:
    """About 600 on SQLite, a tenth on PostgreSQL; ALLEVIATE_TAMPERINGS sets another number."""
    total = int(os.environ.get("ALLEVIATE_TAMPERINGS", "600"))
    share = total // len(WAYS) + 1 if chain.engine.dialect.name == "sqlite" else total // len(WAYS) // 10 + 1
    dice, rows, tried = random.Random(name), chain.rows(), 0
    while tried < share:
        tampering = WAYS[name](rows, dice)
        if list(tampering.rows) == rows:
            continue
        tried += 1
        found = named(problem(chain, tampering.rows))
        assert set(found) & set(tampering.first), f"{found} for {tampering.first}"
        assert len(found) == 1 or found.stop - 1 in MARKS, "or those between two signed states"
    assert chain.verify().size == SIZE, "and the log as it was is whole"


@pytest.mark.slow
@pytest.mark.parametrize("k", [1, 24, SIZE])
def test_each_single_byte_of_an_event_counts(chain: Chain, k: int) -> None:
    rows = chain.rows()
    _, raw, stored = rows[k - 1]
    edits = [changed(rows, k, raw=raw[:i] + bytes([raw[i] ^ 1]) + raw[i + 1 :]) for i in range(len(raw))]
    edits += [
        changed(rows, k, stored=stored[:i] + bytes([stored[i] ^ 1]) + stored[i + 1 :]) for i in range(32)
    ]
    assert [named(problem(chain, edit)) for edit in edits] == [at(k)] * len(edits)


@pytest.mark.parametrize(
    ("tampered", "said"),
    [
        (
            lambda rows: changed(rows, 8, raw=edited(rows[7][1], actor="x")),
            "event 8 of 47 has another content than",
        ),
        (lambda rows: changed(rows, 8, stored=bytes(32)), "event 8 of 47 has another hash than it had"),
        (lambda rows: [*rows[:7], *rows[8:]], "event 8 of 46 is missing"),
        (
            lambda rows: numbered([*rows[:7], *rows[8:]]),
            "event 8 of 46 is out of order: event 9 stands in its place",
        ),
        (lambda rows: [(-3, *rows[0][1:]), *rows[1:]], "event 1 of 47 stands at position -3"),
        (
            lambda rows: rows[:-1],
            r"the log ends at 46, but the checkpoint signed on 2024-05-06T09:00:00\+00:00 saw 47",
        ),
        (
            lambda rows: rehashed(changed(rows, 20, raw=edited(rows[19][1], actor="x"))),
            "an event from 13 to 24 was rewritten with all that follow; the checkpoint signed on 2024",
        ),
    ],
)
def test_the_error_says_what_was_done(
    chain: Chain, tampered: Callable[[list[Row]], list[Row]], said: str
) -> None:
    error = problem(chain, tampered(chain.rows()))
    assert re.search(said, error.message), error.message
    assert error.exit_code == 2
    assert error.hint


@pytest.mark.parametrize("column", ["json", "hash"])
def test_a_value_of_another_type_is_found(chain: Chain, column: str) -> None:
    """SQLite takes anything in a column."""
    if chain.engine.dialect.name == "postgresql":
        values = [r"'\x6e756c6c'" if column == "hash" else "'null'"]
    else:
        values = ["x'ff00'", "'\u0161'", "7", "0.5"]
    for value in values:
        with chain.engine.connect() as connection, connection.begin() as transaction:
            chain.unprotect(connection)
            connection.exec_driver_sql(f"UPDATE audit SET {column} = {value} WHERE position = 5")
            with pytest.raises(AuditError, match="event 5 of 47"):
                chain.log.verify(connection)
            transaction.rollback()


def test_an_event_that_cannot_be_read_any_more_is_not_shown(chain: Chain) -> None:
    with chain.engine.connect() as connection, connection.begin() as transaction:
        chain.unprotect(connection)
        connection.exec_driver_sql("UPDATE audit SET json = '{' WHERE position = 5")
        with pytest.raises(AuditError, match="cannot be read: it was changed"):
            chain.log.show(connection)
        transaction.rollback()


@pytest.mark.parametrize(
    ("tampered", "said"),
    [
        (lambda rows: rows[:40], "the log ends at 40, but the checkpoint"),
        (lambda rows: [], "the log ends at 0, but the checkpoint"),
        (
            lambda rows: rehashed(changed(rows, 20, raw=edited(rows[19][1], actor="x"))),
            "saw another event 47",
        ),
    ],
)
def test_nothing_is_added_to_a_log_that_was_cut_off_or_rewritten(
    chain: Chain, tampered: Callable[[list[Row]], list[Row]], said: str
) -> None:
    rows = tampered(chain.rows())
    with chain.writing() as connection:
        chain.unprotect(connection)
        chain.put(connection, rows)
    with pytest.raises(AuditError, match=said):
        chain.add(AuditEvent("me", "read", "care"))
    assert chain.rows() == rows, "nor is what was done covered up"


def test_nor_is_one_rewritten_since_a_checkpoint_that_is_behind(chain: Chain) -> None:
    with chain.writing() as connection:  # committed, and killed before the checkpoint
        chain.log.append(connection, [AuditEvent("me", "read", "care")], NOW)
    rows = chain.rows()
    assert chain.verify().size == SIZE + 1
    with chain.writing() as connection:
        chain.unprotect(connection)
        chain.put(connection, rehashed(changed(rows, 20, raw=edited(rows[19][1], actor="x"))))
    with pytest.raises(AuditError, match="saw another event 47"):
        chain.add(AuditEvent("me", "read", "care"))
