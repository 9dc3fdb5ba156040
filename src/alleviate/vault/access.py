"""The only way to the data of patients: somebody, for a purpose, with every step in the audit."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

import polars as pl
import sqlalchemy as sa

from alleviate.records import EVENTS, Entry, Kind, PatientRecord
from alleviate.terms.errors import ConsentError
from alleviate.terms.times import check_utc
from alleviate.vault.care import Care
from alleviate.vault.erasure import Erasure, erase
from alleviate.vault.persons import named
from alleviate.vault.reading import Portion, fetch, frame_of_portions, record_of
from alleviate.vault.revisions import touch
from alleviate.vault.schema import DEFINITIONS
from alleviate.vault.steps import batches, this_moment
from alleviate.vault.writing import Tally

__all__ = ["Access"]


class Access(Care):
    """What ``actor`` does for ``purpose``. Made by ``Vault.access``; a context manager.

    Ids are the source's; for research and model training ours, and names and identifiers are left out.
    Every method writes its audit before it gives anything, and raises VaultError, or AuditError where the
    audit cannot be written.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held between two steps."""

    def put(self, entries: Sequence[Entry], now: datetime) -> Tally:
        """Store what is new and what corrects, all or nothing, with the safety alerts that it raises.

        ``now`` (UTC) is the moment of the import. Raises DataError for text that is not Unicode.
        """
        check_utc(now, "The moment of an import")
        with self._step() as (connection, events):
            tally = self._put(connection, events, entries, now)
            touch(connection, {event.patient for event in events})
        return tally

    def put_definitions(self, definitions: Iterable[tuple[str, bytes]]) -> Tally:
        """Store questionnaires (ref, JSON); the latest stands."""
        latest = dict(definitions)
        with self._step() as (connection, events):
            known = _definitions(connection)
            new = [{"ref": ref, "body": body} for ref, body in latest.items() if ref not in known]
            other = [
                {"name": ref, "new": body} for ref, body in latest.items() if known.get(ref, body) != body
            ]
            if new:
                connection.execute(sa.insert(DEFINITIONS), new)
            if other:
                update = sa.update(DEFINITIONS).where(DEFINITIONS.c.ref == sa.bindparam("name"))
                connection.execute(update.values(body=sa.bindparam("new")), other)
            if new or other:
                events.append(self._event("import", definitions=len(new) + len(other)))
        return Tally(len(new), len(latest) - len(new) - len(other), len(other))

    def definitions(self) -> dict[str, bytes]:
        """The questionnaires, by ref; no patient's data."""
        with self._database.snapshot() as connection:
            return _definitions(connection)

    def ids(self) -> list[str]:
        """Everybody, as first stored; for research and model training those who permit anything."""
        found = []
        for patients in self._pages():
            with self._step() as (connection, events):
                portions = fetch(connection, self._keys, patients, self._purpose, this_moment(), kinds=())
                events.append(self._event("read", ids=len(portions)))
            found += [
                portion.subject_id for portion in portions if portion.allowed or not portion.pseudonymous
            ]
        return found

    def find(self, text: str) -> list[str]:
        """The ids of those whom ``text`` names: an id, an identifier, or "Family 1970-05-01".

        Raises ConsentError for research and model training unless ``text`` is an id of ours.
        """
        with self._step() as (connection, events):
            patients = named(connection, self._keys, self._purpose, text)
            portions = fetch(connection, self._keys, patients, self._purpose, this_moment(), kinds=())
            events += [self._event("find", portion.patient) for portion in portions] or [
                self._event("find", found=0)
            ]
        return [portion.subject_id for portion in portions]

    def permitted(self, id: str) -> frozenset[Kind]:
        """The kinds of one person's data that may be read for this purpose now."""
        return self._one(id, ()).allowed

    def record(self, id: str) -> PatientRecord:
        """One person's whole history, as far as consent permits, by the source's id or ours.

        Raises ConsentError where nothing is permitted, VaultError for somebody unknown or erased.
        """
        portion = self._one(id, None)
        if not portion.allowed:
            raise ConsentError(
                f"The patient {id!r} permits nothing for {self._purpose}; nothing was read.",
                hint="Ask the patient.",
            )
        return record_of(portion)

    def records(self, ids: Iterable[str] | None = None) -> Iterator[PatientRecord]:
        """The records of these people, or of all; without those who permit nothing. Raises VaultError."""
        return (record_of(portion) for portions in self._portions(ids, None) for portion in portions)

    def frame(self, ids: Iterable[str] | None = None, kinds: Iterable[Kind] | None = None) -> pl.DataFrame:
        """The events of these people, or of all, as one table: ``frame_of(records(ids))``, but faster."""
        chosen = None if kinds is None else tuple(kinds)
        frames = [frame_of_portions(portions) for portions in self._portions(ids, chosen)]
        return pl.concat(frames) if frames else EVENTS.to_frame()

    def erase(self, id: str, reason: str) -> Erasure:
        """Destroy a person's key and rows for good, in backups too, with proof. For the purpose ``rights``.

        ``reason`` is for the audit: a few words that name nobody. Cut off, it is completed by the next.
        """
        if self._purpose != "rights":
            raise ConsentError("An erasure is done for the purpose 'rights'.", hint="Open the access for it.")
        self._opened.clear()
        with self._database.turn() as connection:
            with connection.begin():
                patient = self._known(connection, id, interrupted=True)
            return erase(
                connection,
                self._database,
                self._keys,
                self._audit,
                self._event("erase", patient, reason="-".join(reason.split())),
            )

    def _one(self, id: str, kinds: Sequence[Kind] | None) -> Portion:
        with self._step() as (connection, events):
            patient = self._known(connection, id)
            (portion,) = fetch(connection, self._keys, [patient], self._purpose, this_moment(), kinds)
            events.append(self._read(portion))
        return portion

    def _portions(self, ids: Iterable[str] | None, kinds: Sequence[Kind] | None) -> Iterator[list[Portion]]:
        """What may be read, some patients at a time, each step in the audit."""
        for some in self._pages() if ids is None else batches(dict.fromkeys(ids)):
            with self._step() as (connection, events):
                patients = some if ids is None else [self._known(connection, id) for id in some]
                portions = fetch(connection, self._keys, patients, self._purpose, this_moment(), kinds)
                portions = [portion for portion in portions if portion.allowed]
                events += map(self._read, portions)
            yield portions


def _definitions(connection: sa.Connection) -> dict[str, bytes]:
    return {row.ref: row.body for row in connection.execute(sa.select(DEFINITIONS))}
