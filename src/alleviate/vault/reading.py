"""Takes what may be read out of a vault: as records, or straight as one table.

`fetch` runs in the transaction that also writes the audit; what it gives is opened after that.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import polars as pl
import sqlalchemy as sa

from alleviate.records import EVENTS, KINDS, Event, Kind, PatientRecord
from alleviate.vault.body import Body, events_of, open_body
from alleviate.vault.bulk import listed, rows_with
from alleviate.vault.cipher import unseal
from alleviate.vault.consent import Purpose, holds_until, permitted, pseudonymous, shows_who
from alleviate.vault.keystore import KeyStore
from alleviate.vault.schema import ENTRIES, PATIENTS

__all__ = ["Portion", "fetch", "frame_of_portions", "record_of"]

_REF_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Portion:
    """What one purpose may see of one patient, still sealed. ``rows``: ref, kind, known until, body.

    ``revision``: of the patient; ``holds_until``: when what is allowed may change by itself; None: never.
    """

    patient: str
    subject_id: str
    key: bytes
    allowed: frozenset[Kind]
    rows: Sequence[tuple[bytes, Kind, int | None, bytes]]
    pseudonymous: bool
    revision: int
    holds_until: datetime | None = None

    def entry(self, ref: bytes, name: str) -> str:
        """What names the entry: the source's ref, which may say who it is, or a random-looking one."""
        return ref.hex()[:_REF_DIGITS] if self.pseudonymous else name


def fetch(
    connection: sa.Connection,
    keys: KeyStore,
    patients: Sequence[str],
    purpose: Purpose,
    moment: datetime,
    kinds: Iterable[Kind] | None = None,
) -> list[Portion]:
    """The portions of some hundred patients, in their order; without those who are unknown or erased.

    Kinds that consent withholds are not read at all.
    """
    key_of = keys.get(patients)
    consents = _consents(connection, key_of, purpose)
    allowed = {patient: permitted(consents[patient], purpose, moment) for patient in key_of}
    wanted = frozenset(KINDS if kinds is None else kinds)
    asked = frozenset[Kind]().union(*allowed.values()) & wanted
    rows = defaultdict(list)
    if asked:
        given = {"values": list(key_of), "kinds": sorted(asked)}
        for patient, *row in connection.execute(_entries(connection.dialect.name), given):
            if row[1] in allowed[patient] and row[1] in wanted:
                rows[patient].append(tuple(row))
    hidden = pseudonymous(purpose)
    who = rows_with(connection, PATIENTS.c.patient, key_of, PATIENTS.c.subject, PATIENTS.c.revision)
    row_of = {row.patient: row for row in who}
    return [
        Portion(
            patient,
            patient
            if hidden
            else unseal(key_of[patient], patient, "patients.subject", row_of[patient].subject).decode(),
            key_of[patient],
            allowed[patient],
            rows[patient],
            hidden,
            row_of[patient].revision,
            holds_until(consents[patient], moment),
        )
        for patient in patients
        if patient in row_of
    ]


def _consents(
    connection: sa.Connection, key_of: dict[str, bytes], purpose: Purpose
) -> defaultdict[str, list[Event]]:
    """Each patient's consents; none where no consent is asked."""
    consents = defaultdict[str, list[Event]](list)
    if purpose != "rights":
        given = {"values": list(key_of), "kinds": ["consent"]}
        for patient, _ref, _kind, until, sealed in connection.execute(
            _entries(connection.dialect.name), given
        ):
            body = open_body(key_of[patient], patient, "consent", sealed)
            consents[patient] += events_of(body, patient, "consent", until, body.ref)
    return consents


@cache
def _entries(dialect: str) -> sa.Select[Any]:
    """Of some people and kinds, in the order of writing."""
    columns = ENTRIES.c.patient, ENTRIES.c.ref, ENTRIES.c.kind, ENTRIES.c.known_until, ENTRIES.c.body
    some = listed(dialect, ENTRIES.c.patient), listed(dialect, ENTRIES.c.kind, "kinds")
    return sa.select(*columns).where(*some).order_by(ENTRIES.c.id)


def record_of(portion: Portion) -> PatientRecord:
    """The whole history, without what identifies where the purpose hides it."""
    events = [
        event
        for ref, kind, until, sealed in portion.rows
        for body in [open_body(portion.key, portion.patient, kind, sealed)]
        for event in events_of(body, portion.subject_id, kind, until, portion.entry(ref, body.ref))
    ]
    if portion.pseudonymous:
        events = [event for event in events if event.kind != "person" or not shows_who(event.code)]
    return PatientRecord(portion.subject_id, events)


def frame_of_portions(portions: Iterable[Portion]) -> pl.DataFrame:
    """The same as ``frame_of(map(record_of, portions))``, without making an object an event."""
    persons: list[str] = []
    entries: list[tuple[int, Kind, str, int | None, int]] = []  # place, kind, name, until, how many events
    flat = _Flat()
    hidden = False
    for place, portion in enumerate(portions):
        persons.append(portion.subject_id)
        hidden |= portion.pseudonymous
        for ref, kind, until, sealed in portion.rows:
            body = open_body(portion.key, portion.patient, kind, sealed)
            entries.append((place, kind, portion.entry(ref, body.ref), until, len(body.times)))
            flat.add(body)
    schema: dict[str, Any] = {
        "place": pl.Int64,
        "kind": EVENTS["kind"],
        "entry": pl.String,
        "until": pl.Int64,
        "count": pl.Int64,
    }
    each = pl.DataFrame(entries, schema=schema, orient="row")
    lines = each.select(pl.exclude("count").repeat_by("count").explode(empty_as_null=False))
    lines = lines.hstack(flat.columns())
    who = pl.DataFrame({"subject_id": persons}, schema={"subject_id": pl.String}).with_row_index("place")
    lines = lines.with_columns(
        who["subject_id"].gather(lines["place"]),
        pl.min_horizontal("until", "own_until").alias("known_until"),
    )
    if hidden:
        identifying = [code for code in lines["code"].unique() if shows_who(code)]
        lines = lines.remove((pl.col("kind") == "person") & pl.col("code").is_in(identifying))
    order = ("place", "known_at", "time", "code", "numeric_value", "text_value", "entry")
    lines = lines.sort(*order, pl.coalesce("known_until", "known_at"), nulls_last=False, maintain_order=True)
    moments = pl.col("time", "known_at", "known_until").cast(EVENTS["time"])
    return lines.with_columns(moments).select(EVENTS.names())


class _Flat:
    """The columns of many bodies, one after the other."""

    def __init__(self) -> None:
        self._times: list[int] = []
        self._known: list[int] = []
        self._codes: list[str] = []
        self._numbers: list[float | None] = []
        self._texts: list[str | None] = []
        self._until: list[int | None] = []

    def add(self, body: Body) -> None:
        self._times += body.times
        self._known += body.known
        self._codes += body.codes
        self._numbers += body.numbers
        self._texts += body.texts
        self._until += body.until or [None] * len(body.times)

    def columns(self) -> list[pl.Series]:
        return [
            pl.Series("time", self._times, pl.Int64),
            pl.Series("known_at", self._known, pl.Int64),
            pl.Series("code", self._codes, pl.String),
            pl.Series("numeric_value", self._numbers, pl.Float64),
            pl.Series("text_value", self._texts, pl.String),
            pl.Series("own_until", self._until, pl.Int64),
        ]
