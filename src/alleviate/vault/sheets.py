"""Sheets: the workflow around a record (who proposed, decided, said, asked), sealed and never changed.

What is clinical data is an entry of the record; a sheet is what people do with it. A sheet belongs to a
thread: that of its first sheet, or one about an entry, named by the entry's ref. Whoever writes may say how
much of the thread they saw (``after``), and is told where somebody was faster.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal, get_args

import msgspec
import sqlalchemy as sa

from alleviate.records import KINDS, Kind
from alleviate.terms.errors import ConflictError, DataError
from alleviate.vault.body import from_microseconds, microseconds
from alleviate.vault.bulk import listed, put_rows, rows_with
from alleviate.vault.cipher import blind_index, seal, unseal
from alleviate.vault.keystore import KeyStore
from alleviate.vault.reading import Portion
from alleviate.vault.schema import SHEETS

__all__ = [
    "SHEET_KINDS",
    "NewSheet",
    "Sheet",
    "SheetKind",
    "put_sheets",
    "read_sheets",
    "served_sheets",
    "thread_mark",
]

SheetKind = Literal[
    "proposal", "decision", "agreement", "task", "mention", "seen",
    "invitation", "draft", "correction", "document", "content", "break-glass", "review",
]  # fmt: skip
SHEET_KINDS: tuple[SheetKind, ...] = get_args(SheetKind)

_LONGEST_NAME = 200
_MOST_BYTES = 8_000_000


@dataclass(frozen=True, slots=True)
class NewSheet:
    """A sheet to be stored. ``subject_id``: the source's id or ours; ``body``: JSON, at most 8 MB.

    ``thread``: the id of its first sheet, or an entry's ref; "" begins one. ``once``: a word by which the
    same person's sheet of this kind is stored one time only. ``after``: how many sheets of the thread the
    writer saw. ``kinds``: of the data that it speaks of; where the person withholds one, the sheet is too.
    Raises DataError.
    """

    subject_id: str
    kind: SheetKind
    body: Mapping[str, Any]
    thread: str = ""
    once: str = ""
    after: int | None = None
    kinds: tuple[Kind, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in SHEET_KINDS:
            raise DataError(f"There is no sheet {self.kind!r}.", hint=f"Use one of {', '.join(SHEET_KINDS)}.")
        if not isinstance(self.subject_id, str) or not self.subject_id:
            raise DataError("A sheet is about a person, by their id.", hint="Give subject_id.")
        for name, value in (("thread", self.thread), ("once", self.once)):
            if not isinstance(value, str) or len(value) > _LONGEST_NAME:
                raise DataError(f"A sheet's {name} has at most {_LONGEST_NAME} letters.", hint="Shorten it.")
        if self.after is not None and (not isinstance(self.after, int) or self.after < 0):
            raise DataError("A sheet's after is a number of sheets.", hint="Count those that were shown.")
        if unknown := set(self.kinds) - set(KINDS):
            raise DataError(f"A sheet speaks of unknown kinds: {sorted(unknown)}.", hint=", ".join(KINDS))
        object.__setattr__(self, "kinds", tuple(self.kinds))
        _encoded([self.subject_id, self.thread, self.once])
        _encoded(dict(self.body))


@dataclass(frozen=True, slots=True)
class Sheet:
    """A stored sheet. ``thread``: its own id where it began one; ``by``: the actor, as in the audit."""

    id: str
    subject_id: str
    patient: str
    kind: SheetKind
    thread: str
    at: datetime
    by: str
    body: dict[str, Any]


class _Body(msgspec.Struct, array_like=True, frozen=True):
    thread: str
    by: str
    body: dict[str, Any]
    kinds: tuple[Kind, ...] = ()


_decode = msgspec.json.Decoder(_Body).decode


def put_sheets(
    connection: sa.Connection,
    keys: KeyStore,
    patients: Mapping[str, str],
    sheets: Sequence[NewSheet],
    by: str,
    now: datetime,
) -> tuple[list[str], list[tuple[str, NewSheet]]]:
    """Store the sheets in the caller's transaction: the id of each, and those that are new with theirs.

    ``patients``: our id by ``subject_id``. Raises ConflictError where somebody wrote into a thread first.
    """
    key_of = keys.get(set(patients.values()))
    index = keys.index_key
    words = [_once(index, patients[sheet.subject_id], sheet) for sheet in sheets]
    ids = {
        row.once: row.sheet for row in rows_with(connection, SHEETS.c.once, {*words} - {None}, SHEETS.c.sheet)
    }
    found: list[str] = []
    new: list[tuple[str, NewSheet]] = []
    rows: list[dict[str, Any]] = []
    for sheet, once in zip(sheets, words, strict=True):
        if once is not None and once in ids:
            found.append(ids[once])
            continue
        id, patient = uuid.uuid4().hex, patients[sheet.subject_id]
        thread = thread_mark(index, patient, sheet.thread or id)
        _refuse_late(connection, sheet, thread)
        body = _Body(sheet.thread or id, by, dict(sheet.body), sheet.kinds)
        sealed = seal(key_of[patient], patient, _column(id, sheet.kind), _encoded(body))
        row = {"sheet": id, "patient": patient, "kind": sheet.kind, "thread": thread, "once": once}
        rows.append({**row, "at": microseconds(now), "body": sealed})
        found.append(id)
        new.append((id, sheet))
        if once is not None:
            ids[once] = id
    put_rows(connection, SHEETS, rows)
    return found, new


def read_sheets(
    connection: sa.Connection,
    patients: Collection[str] | None,
    kinds: Collection[SheetKind] | None,
    since: datetime | None = None,
    thread: bytes | None = None,
) -> dict[str, list[sa.Row[Any]]]:
    """The rows of each patient in the order of writing, still sealed; None: of everybody, of every kind.

    ``thread``: of one alone, as `thread_mark` has it.
    """
    if kinds is not None and not kinds:
        return {}
    given: dict[str, Any] = {} if patients is None else {"values": list(patients)}
    if kinds is not None:
        given["kinds"] = sorted(kinds)
    if since is not None:
        given["since"] = microseconds(since)
    if thread is not None:
        given["thread"] = thread
    rows: defaultdict[str, list[sa.Row[Any]]] = defaultdict(list)
    for row in connection.execute(_written(connection.dialect.name, frozenset(given)), given):
        rows[row.patient].append(row)
    return dict(rows)


@cache
def _written(dialect: str, given: frozenset[str]) -> sa.Select[Any]:
    query = sa.select(SHEETS).order_by(SHEETS.c.id)
    kind: sa.ColumnElement[Any] = SHEETS.c.kind
    if "values" in given:
        query = query.where(listed(dialect, SHEETS.c.patient))
        kind = kind + ""  # an expression: looked for by the index of patients, not through all of a kind
    if "kinds" in given:
        query = query.where(listed(dialect, kind, "kinds"))
    if "since" in given:
        query = query.where(SHEETS.c.at >= sa.bindparam("since"))
    if "thread" in given:
        query = query.where(SHEETS.c.thread == sa.bindparam("thread"))
    return query


def served_sheets(portion: Portion, rows: Iterable[sa.Row[Any]]) -> tuple[list[Sheet], int]:
    """The sheets of one patient as far as consent permits, and how many are withheld."""
    found, withheld = [], 0
    for row in rows:
        plain = unseal(portion.key, portion.patient, _column(row.sheet, row.kind), row.body)
        body = _decode(plain)
        if not portion.allowed.issuperset(body.kinds):
            withheld += 1
            continue
        at = from_microseconds(row.at)
        named = portion.subject_id, portion.patient, row.kind, body.thread
        found.append(Sheet(row.sheet, *named, at, body.by, body.body))
    return found, withheld


def _refuse_late(connection: sa.Connection, sheet: NewSheet, thread: bytes) -> None:
    if sheet.after is None:
        return
    query = sa.select(sa.func.count()).select_from(SHEETS).where(SHEETS.c.thread == thread)
    there = connection.execute(query).scalar_one()
    if there != sheet.after:
        raise ConflictError(
            f"Somebody was faster: {sheet.after} sheets were seen, {there} are there; nothing was stored.",
            hint="Look again, then decide.",
        )


def _once(index: bytes, patient: str, sheet: NewSheet) -> bytes | None:
    if not sheet.once:
        return None
    said = msgspec.json.encode((patient, sheet.kind, sheet.once)).decode()
    return blind_index(index, "once", said, exact=True)


def thread_mark(index: bytes, patient: str, thread: str) -> bytes:
    """A ref may say who it is: the database sees a keyed hash, another for each person."""
    return blind_index(index, "thread", msgspec.json.encode((patient, thread)).decode(), exact=True)


def _column(id: str, kind: str) -> str:
    """What a sheet is sealed for: it opens nowhere else."""
    return f"sheets.{id}.{kind}"


def _encoded(body: object) -> bytes:
    try:
        plain = msgspec.json.encode(body)
        msgspec.json.decode(plain)
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        raise DataError("A sheet is plain JSON.", hint="Text, numbers, lists and objects.") from None
    if len(plain) > _MOST_BYTES:
        raise DataError(f"A sheet's body has at most {_MOST_BYTES:,} bytes.", hint="Split or shrink it.")
    return plain
