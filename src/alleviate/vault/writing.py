"""Puts entries into a vault: what is new, what is known already, and what corrects.

An entry is known by its ref. Content equal to that of the standing version, or of an older one unless the
source changed it back later, changes nothing; nor does what the source changed before the standing version.
Anything else is a correction: the standing version is known until that moment, the new one from it.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from alleviate.progress.safety import watched
from alleviate.records import Entry, Event
from alleviate.terms.errors import DataError
from alleviate.vault.body import (
    body_of,
    fingerprint,
    microseconds,
    microseconds_or_none,
    open_body,
    seal_body,
)
from alleviate.vault.bulk import among, put_rows, rows_with
from alleviate.vault.cipher import blind_index, seal
from alleviate.vault.keystore import KeyStore
from alleviate.vault.naming import names_of
from alleviate.vault.schema import ENTRIES, ERASURES, NAMES, PATIENTS

__all__ = ["Change", "Tally", "Writer", "put_entries"]


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of entries: ``superseded`` corrections were stored, ``unchanged`` were known already.

    ``erased``: refs of entries about people who were erased; they are not stored. ``alerts`` were raised.
    """

    stored: int = 0
    unchanged: int = 0
    superseded: int = 0
    erased: tuple[str, ...] = ()
    alerts: int = 0


@dataclass(slots=True)
class Change:
    """What one patient's part of a batch changed, for the audit."""

    stored: int = 0
    superseded: int = 0
    digest: Any = field(default_factory=sha256)


@dataclass(slots=True)
class _Version:
    """One row of ``entries``; ``row`` where it is of this batch, ``id`` where it stands in the database."""

    version: int
    patient: str
    kind: str
    changed_at: int | None
    fingerprint: bytes
    since: int | None = None
    id: int | None = None
    row: dict[str, Any] | None = None


class Writer:
    """One batch in the caller's transaction: ``put`` once, then read ``changes`` (by patient).

    ``patients``: our id of each subject; ``standing``: the last entry stored of each ref.
    """

    def __init__(self, connection: sa.Connection, keys: KeyStore, now: datetime) -> None:
        self._connection = connection
        self._keys = keys
        self._now = now
        self._key_of: dict[str, bytes] = {}
        self._rows: list[dict[str, Any]] = []
        self._ended: dict[int, int] = {}
        self._confirmed: dict[int, int] = {}
        self._names: dict[bytes, list[dict[str, Any]]] = {}
        self.changes: defaultdict[str, Change] = defaultdict(Change)
        self.patients: dict[str, str] = {}
        self.standing: dict[str, Entry] = {}

    def put(self, entries: Sequence[Entry]) -> Tally:
        index = self._keys.index_key
        self.patients = patients = self._patients(dict.fromkeys(entry.subject_id for entry in entries))
        refs = [blind_index(index, "ref", entry.ref, exact=True) for entry in entries]
        versions = self._versions(set(refs))
        stored = unchanged = superseded = 0
        erased = []
        for ref, entry in zip(refs, entries, strict=True):
            patient = patients.get(entry.subject_id)
            if patient is None:
                erased.append(entry.ref)
                continue
            content = fingerprint(index, entry, self._now)
            known = versions[ref]
            if known and self._is_known(known, entry, content):
                unchanged += 1
                continue
            since = self._supersede(known[-1], entry) if known else None
            self._add(known, ref, patient, entry, content, since)
            self.standing[entry.ref] = entry
            stored += since is None
            superseded += since is not None
        self._flush()
        return Tally(stored, unchanged, superseded, tuple(erased))

    def answers(self) -> dict[str, list[Event]]:
        """Of each patient what was stored of the answers that may raise a safety alert."""
        found: defaultdict[str, list[Event]] = defaultdict(list)
        for entry in self.standing.values():
            if watched(entry.events):
                found[self.patients[entry.subject_id]] += entry.events
        return dict(found)

    def _patients(self, subjects: Iterable[str]) -> dict[str, str]:
        """Our id of each subject, new where there was none; without those who were erased."""
        index = self._keys.index_key
        subject_of = {blind_index(index, "subject", subject, exact=True): subject for subject in subjects}
        known = rows_with(self._connection, PATIENTS.c.subject_index, subject_of, PATIENTS.c.patient)
        gone = rows_with(self._connection, ERASURES.c.subject_index, subject_of)
        found = {subject_of[row.subject_index]: row.patient for row in known}
        keys = self._keys.get(found.values())
        left = {row.subject_index for row in (*known, *gone)}
        new = {subject: uuid.uuid4().hex for name, subject in subject_of.items() if name not in left}
        made = self._keys.new(new.values()) if new else {}  # on the disk before any row needs it
        self._key_of = {**keys, **made}
        if new:
            rows = [
                {
                    "patient": patient,
                    "subject_index": blind_index(index, "subject", subject, exact=True),
                    "subject": seal(made[patient], patient, "patients.subject", subject.encode()),
                }
                for subject, patient in new.items()
            ]
            put_rows(self._connection, PATIENTS, rows)
        everybody = found | new
        return {subject: everybody[subject] for subject in everybody if everybody[subject] in self._key_of}

    def _versions(self, refs: set[bytes]) -> defaultdict[bytes, list[_Version]]:
        columns = ENTRIES.c["version", "patient", "kind", "changed_at", "fingerprint", "id"]
        versions = defaultdict(list)
        for row in rows_with(self._connection, ENTRIES.c.ref, refs, *columns):
            version = _Version(row.version, row.patient, row.kind, row.changed_at, row.fingerprint, id=row.id)
            versions[row.ref].append(version)
        for known in versions.values():
            known.sort(key=lambda each: each.version)
        return versions

    def _is_known(self, known: list[_Version], entry: Entry, content: bytes) -> bool:
        """Whether the entry says nothing new. The source's confirmation of the standing version is noted."""
        standing = known[-1]
        changed = microseconds_or_none(entry.changed_at)
        if content == standing.fingerprint:
            if changed is not None and (standing.changed_at is None or changed > standing.changed_at):
                self._confirm(standing, changed)
            return True
        if changed is not None and standing.changed_at is not None and changed < standing.changed_at:
            return True
        if all(content != version.fingerprint for version in known):
            return False
        last = standing.changed_at if standing.changed_at is not None else self._since(standing)
        return changed is None or changed <= last

    def _confirm(self, standing: _Version, changed: int) -> None:
        standing.changed_at = changed
        if standing.row is not None:
            standing.row["changed_at"] = changed
        elif standing.id is not None:
            self._confirmed[standing.id] = changed

    def _supersede(self, standing: _Version, entry: Entry) -> int:
        """Ends the standing version, and says when."""
        since = max(microseconds(entry.changed_at or self._now), self._since(standing) + 1)
        if standing.row is not None:
            standing.row["known_until"] = since
        elif standing.id is not None:
            self._ended[standing.id] = since
        if standing.kind == "person":
            self._names[blind_index(self._keys.index_key, "ref", entry.ref, exact=True)] = []
        return since

    def _since(self, version: _Version) -> int:
        if version.since is None:
            query = sa.select(ENTRIES.c.body).where(ENTRIES.c.id == version.id)
            sealed = self._connection.execute(query).scalar_one()
            key = self._key_of.get(version.patient) or self._keys.get([version.patient]).get(version.patient)
            body = open_body(key, version.patient, version.kind, sealed) if key else None
            version.since = body.since if body else microseconds(self._now)
        return version.since

    def _add(
        self, known: list[_Version], ref: bytes, patient: str, entry: Entry, content: bytes, since: int | None
    ) -> None:
        body = body_of(entry, since, self._now)
        sealed = seal_body(self._key_of[patient], patient, entry.kind, body)
        version = known[-1].version + 1 if known else 1
        changed = microseconds_or_none(entry.changed_at)
        row = {
            "patient": patient,
            "ref": ref,
            "version": version,
            "kind": entry.kind,
            "changed_at": changed,
            "known_until": None,
            "fingerprint": content,
            "body": sealed,
        }
        self._rows.append(row)
        if entry.kind == "person":
            index = self._keys.index_key
            self._names[ref] = [
                {"index": name, "patient": patient, "ref": ref}
                for name in sorted(names_of(index, entry.events))
            ]
        known.append(_Version(version, patient, entry.kind, changed, content, since=body.since, row=row))
        change = self.changes[patient]
        change.stored += since is None
        change.superseded += since is not None
        change.digest.update(sealed)

    def _flush(self) -> None:
        execute = self._connection.execute
        for column, moments in (
            (ENTRIES.c.known_until, self._ended),
            (ENTRIES.c.changed_at, self._confirmed),
        ):
            if moments:
                update = sa.update(ENTRIES).where(ENTRIES.c.id == sa.bindparam("row"))
                values = [{"row": id, "moment": moment} for id, moment in moments.items()]
                execute(update.values({column: sa.bindparam("moment")}), values)
        put_rows(self._connection, ENTRIES, self._rows)
        if self._names:
            execute(sa.delete(NAMES).where(among(self._connection, NAMES.c.ref, self._names)))
            put_rows(self._connection, NAMES, [name for names in self._names.values() for name in names])


def put_entries(
    connection: sa.Connection, keys: KeyStore, entries: Sequence[Entry], now: datetime
) -> tuple[Writer, Tally]:
    """One batch put. Raises DataError for text that is not Unicode."""
    writer = Writer(connection, keys, now)
    try:
        return writer, writer.put(entries)
    except UnicodeEncodeError:
        raise DataError(
            "An entry has text that is not Unicode; nothing of its batch was stored.",
            hint="Write the file in UTF-8.",
        ) from None
