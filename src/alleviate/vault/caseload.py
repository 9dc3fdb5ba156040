"""What a caseload shows of each person, kept ready: derived once, sealed, and derived anew after each change.

A glance holds for one revision of the person, for one version of what derives it, and until the person's
consents next change by themselves: a permission runs out without anybody writing.
"""

import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple

import sqlalchemy as sa

from alleviate.terms.errors import ConsentError
from alleviate.vault.body import microseconds
from alleviate.vault.bulk import among, put_rows, rows_with
from alleviate.vault.charts import Chart, Charts
from alleviate.vault.cipher import seal, unseal
from alleviate.vault.consent import Purpose
from alleviate.vault.keystore import KeyStore
from alleviate.vault.schema import ALERTS, GLANCES, PATIENTS
from alleviate.vault.team import Mark, cared_for, mark, pulse_at

__all__ = [
    "Glance",
    "Glances",
    "NewGlance",
    "OpenGlances",
    "Unseen",
    "check_caseload_purpose",
    "derived",
    "put_glances",
    "read_glances",
    "unseen",
    "version_of",
]

_UNTIL = struct.Struct(">q")  # microseconds since 1970
_FOR_EVER = 2**63 - 1
_PERMITS, _DENIES = b"+", b"-"
_BODY = _UNTIL.size + 1
_PORTION = 250
_OPEN_FOR = 300.0  # seconds
_MOST_OPEN = 200  # caseloads


@dataclass(frozen=True, slots=True)
class Glance:
    """What is shown of one person (our id): whatever ``derive`` made of the chart."""

    patient: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Glances:
    """Those of a caseload that hold (None: of who permits nothing), each at which revision; ``due``: whose
    glance is to be derived. ``until``: when the first of them ends by itself (microseconds since 1970).
    ``shown``: of those who permit it, in the order in which the people were first stored."""

    mark: Mark
    held: Mapping[str, Glance | None]
    revisions: Mapping[str, int]
    due: Sequence[str]
    until: int
    shown: Sequence[Glance]


@dataclass(frozen=True, slots=True)
class Unseen:
    """Of a caseload: ``people`` who permit nothing to be seen, and open safety ``alerts`` about them. Who
    they are is not said. ``pulse``: of the caseload as it was read, as of `Vault.pulse`."""

    people: int = 0
    alerts: int = 0
    pulse: int = 0


class OpenGlances:
    """The glances of the caseloads asked for last, opened, for some minutes, so that a page is quick.

    Nothing is served from here alone: a caseload holds as long as its `mark` does, and that is asked each
    time. Threads share it. ``clear`` when a key is destroyed. ``deriving`` is held by whoever makes glances,
    so that no two make the same.
    """

    def __init__(self) -> None:
        self.deriving = threading.Lock()
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], tuple[float, Glances]] = {}

    def get(self, account: str, version: str) -> Glances | None:
        """What was kept last, at whichever mark."""
        now = time.monotonic()
        with self._lock:
            asked_at, glances = self._kept.get((account, version), (0.0, None))
            if glances is None or now - asked_at >= _OPEN_FOR:
                return None
            self._kept[account, version] = (now, glances)
        return glances

    def keep(self, account: str, version: str, glances: Glances) -> None:
        now = time.monotonic()
        with self._lock:
            self._kept[account, version] = (now, glances)
            old = [key for key, (opened_at, _) in self._kept.items() if now - opened_at >= _OPEN_FOR]
            for key in old or list(self._kept)[:-_MOST_OPEN]:
                del self._kept[key]

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


@dataclass(frozen=True, slots=True)
class NewGlance:
    """A glance to be kept, sealed for one revision and one version."""

    patient: str
    revision: int
    version: str
    sealed: bytes


def check_caseload_purpose(purpose: Purpose) -> None:
    """Raises ConsentError for anything but care."""
    if purpose != "care":
        raise ConsentError(f"A caseload is not for {purpose}.", hint="Open the access for care.")


def version_of(words: str) -> str:
    """32 characters for whatever names what derives."""
    return blake2b(words.encode(), digest_size=16).hexdigest()


def read_glances(
    connection: sa.Connection,
    keys: KeyStore,
    account: str,
    version: str,
    now: datetime,
    opened: Glances | None = None,
) -> Glances:
    """Whom ``account`` cares for now, with the glances that still hold; those in ``opened`` are not read."""
    moment = microseconds(now)
    standing = mark(connection, account, now)
    if opened and opened.until <= moment:
        opened = None
    if opened and opened.mark == standing and not opened.due:
        return opened
    rows = cared_for(connection, account, now)
    known = opened.revisions if opened else {}
    missing = [patient for patient, revision in rows if known.get(patient) != revision]
    read = _opened(connection, keys, missing, version)
    held: dict[str, Glance | None] = {}
    revisions: dict[str, int] = {}
    due: list[str] = []
    first_end = opened.until if opened else _FOR_EVER
    for patient, revision in rows:
        if opened and known.get(patient) == revision and patient in opened.held:
            held[patient] = opened.held[patient]
        elif patient in read and read[patient].revision == revision and read[patient].until > moment:
            first_end = min(first_end, read[patient].until)
            held[patient] = read[patient].glance
        else:
            due.append(patient)
            continue
        revisions[patient] = revision
    shown = tuple(glance for glance in held.values() if glance is not None)
    return Glances(standing, held, revisions, _with_keys(keys, due), first_end, shown)


def unseen(connection: sa.Connection, glances: Glances) -> Unseen:
    """Of those of a caseload who permit nothing: who withdraws hides what alerts say, not that they are."""
    people = [patient for patient, glance in glances.held.items() if glance is None]
    if not people:
        return Unseen(pulse=pulse_at(glances.mark))
    resolved = sa.select(ALERTS.c.alert).where(ALERTS.c.state == "resolved")
    about = among(connection, ALERTS.c.patient, people)
    raised = about, ALERTS.c.step == 0, ALERTS.c.state == "raised", ALERTS.c.alert.not_in(resolved)
    query = sa.select(sa.func.count()).select_from(ALERTS).where(*raised)
    return Unseen(len(people), connection.execute(query).scalar_one(), pulse_at(glances.mark))


def derived(charts: Charts, derive: Callable[[Chart], bytes], version: str) -> list[NewGlance]:
    """The glances of these people. Of who permits nothing it is kept that they are not shown."""
    found = []
    for patient, portion in charts.portions.items():
        body = _PERMITS + derive(charts.chart(patient)) if portion.allowed else _DENIES
        until = microseconds(portion.holds_until) if portion.holds_until else _FOR_EVER
        revision = charts.revisions[patient]
        sealed = seal(portion.key, patient, _column(revision, version), _UNTIL.pack(until) + body)
        found.append(NewGlance(patient, revision, version, sealed))
    return found


class _Read(NamedTuple):
    revision: int
    until: int
    glance: Glance | None


def _opened(
    connection: sa.Connection, keys: KeyStore, patients: Sequence[str], version: str
) -> dict[str, _Read]:
    """The glances kept of these people, of this version, whatever their revision."""
    key_of = keys.get(patients)
    found = {}
    columns = GLANCES.c.revision, GLANCES.c.version, GLANCES.c.body
    for row in rows_with(connection, GLANCES.c.patient, key_of, *columns):
        patient, revision, of, sealed = tuple(row)
        if of == version:
            plain = unseal(key_of[patient], patient, _column(revision, version), sealed)
            (until,) = _UNTIL.unpack_from(plain)
            shown = plain[_UNTIL.size : _BODY] == _PERMITS
            found[patient] = _Read(revision, until, Glance(patient, plain[_BODY:]) if shown else None)
    return found


def _with_keys(keys: KeyStore, patients: Sequence[str]) -> list[str]:
    """Without those whose erasure was cut off."""
    key_of = keys.get(patients)
    return [patient for patient in patients if patient in key_of]


def put_glances(connection: sa.Connection, glances: Sequence[NewGlance]) -> None:
    """Keep them in the caller's transaction, save those of people who are gone by now."""
    ids = [glance.patient for glance in glances]
    there = {row.patient for row in rows_with(connection, PATIENTS.c.patient, ids)}
    for start in range(0, len(ids), _PORTION):
        some = among(connection, GLANCES.c.patient, ids[start : start + _PORTION])
        connection.execute(sa.delete(GLANCES).where(some))
    rows = [
        {
            "patient": glance.patient,
            "revision": glance.revision,
            "version": glance.version,
            "body": glance.sealed,
        }
        for glance in glances
        if glance.patient in there
    ]
    put_rows(connection, GLANCES, rows)


def _column(revision: int, version: str) -> str:
    """What a glance is sealed for: an older one, or another version's, opens nowhere."""
    return f"glances.{revision}.{version}"
