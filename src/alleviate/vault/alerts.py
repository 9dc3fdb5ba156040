"""Keeps safety alerts: raised in the transaction that stores what raises them, so that none can be lost.

An alert's id follows from its person and sign alone: whoever looks again finds the same ones and adds what
is missing. It is sealed with the person's own key, withheld with the kinds of data that it comes from, and
gone with the person.

Off-track alerts are raised by the results of learned courses (`alleviate.vault.courses`); what is done about
them is kept here too, as steps from 1 on under the id of the result, which stands for step 0.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa

from alleviate.progress.alerts import Alert, Step, with_step
from alleviate.progress.safety import Sign, of_a_form, signs
from alleviate.records import Event, Kind, PatientRecord
from alleviate.terms.errors import ConsentError, VaultError
from alleviate.vault.body import from_microseconds, microseconds
from alleviate.vault.bulk import listed, put_rows, rows_with
from alleviate.vault.cipher import blind_index, seal, unseal
from alleviate.vault.consent import Purpose
from alleviate.vault.keystore import KeyStore
from alleviate.vault.reading import Portion, fetch, record_of
from alleviate.vault.schema import ALERTS

__all__ = [
    "Alerts",
    "check_alert_purpose",
    "open_alerts",
    "put_step",
    "raise_alerts",
    "read_alerts",
    "served_alerts",
    "step_rows",
    "steps_of",
    "take_step",
]

_KINDS: tuple[Kind, ...] = ("questionnaire", "measurement")
_ID_DIGITS = 32
_PORTION = 250
"""Patients read in one query."""


@dataclass(frozen=True, slots=True)
class Alerts:
    """``found``, and how many were ``withheld`` because their persons deny the kinds that they come from."""

    found: tuple[Alert, ...]
    withheld: int


class _Raised(msgspec.Struct, frozen=True):
    """Step 0 of an alert. ``kinds``: of the entries that raised it."""

    sign: Sign
    kinds: tuple[Kind, ...]


class _Taken(msgspec.Struct, frozen=True):
    """A later step."""

    by: str
    done: str


def check_alert_purpose(purpose: Purpose, *, answering: bool = False) -> None:
    """Raises ConsentError unless alerts may be read, or answered, for this purpose."""
    if purpose != "care" and (answering or purpose != "rights"):
        raise ConsentError(f"Safety alerts are not for {purpose}.", hint="Open the access for care.")


def raise_alerts(
    connection: sa.Connection,
    keys: KeyStore,
    patients: Sequence[str],
    now: datetime,
    new: Mapping[str, Sequence[Event]] | None = None,
) -> list[tuple[str, str]]:
    """Store the alerts of these patients (our ids) that are not there yet: their ids, each with its patient.

    In the caller's transaction. Looked at is all that is stored, or of each patient the ``new`` events alone,
    and the rest only where a form needs it. Consent governs what is served, not what is raised.
    """
    kept: dict[str, tuple[Portion, _Raised]] = {}
    for portion, record in _looked_at(connection, keys, patients, now, new):
        kind_of = {event.entry: event.kind for event in record.events}
        for sign in signs(record):
            alert = _id_of(keys, portion.patient, sign)
            body = _Raised(sign, tuple(sorted({kind_of[entry] for entry in sign.entries})))
            kept[alert] = (portion, body)
    known = {row.alert for row in rows_with(connection, ALERTS.c.alert, list(kept))}
    added = {alert: each for alert, each in kept.items() if alert not in known}
    put_rows(
        connection,
        ALERTS,
        [_row(portion, alert, 0, "raised", now, body) for alert, (portion, body) in added.items()],
    )
    return [(alert, portion.patient) for alert, (portion, _) in added.items()]


def read_alerts(
    connection: sa.Connection, keys: KeyStore, purpose: Purpose, moment: datetime, *, resolved: bool
) -> tuple[Alerts, dict[str, int]]:
    """The alerts by the moment when they were raised, and how many of each patient are served."""
    steps = {
        alert: rows
        for alert, rows in step_rows(connection, None, resolved=resolved).items()
        if not rows[0].step  # else of a learned course
    }
    portions = _portions(connection, keys, [rows[0].patient for rows in steps.values()], purpose, moment)
    mine: defaultdict[str, dict[str, list[sa.Row[Any]]]] = defaultdict(dict)
    for alert, rows in steps.items():
        mine[rows[0].patient][alert] = rows
    found, withheld, served = [], 0, Counter[str]()
    for patient, portion in portions.items():  # without those whose erasure was cut off: the key is gone
        alerts, kept = served_alerts(portion, mine[patient])
        found += alerts
        withheld += kept
        if alerts:
            served[patient] = len(alerts)
    found.sort(key=_order)
    return Alerts(tuple(found), withheld), dict(served)


def step_rows(
    connection: sa.Connection, patients: Collection[str] | None, *, resolved: bool
) -> dict[str, list[sa.Row[Any]]]:
    """By alert the rows of its steps in their order, still sealed; of these patients (None: of all)."""
    query = _steps(connection.dialect.name, everybody=patients is None, resolved=resolved)
    steps: defaultdict[str, list[sa.Row[Any]]] = defaultdict(list)
    for row in connection.execute(query, {} if patients is None else {"values": list(patients)}):
        steps[row.alert].append(row)
    return dict(steps)


@cache
def _steps(dialect: str, *, everybody: bool, resolved: bool) -> sa.Select[Any]:
    query = sa.select(ALERTS).order_by(ALERTS.c.alert, ALERTS.c.step)
    if not everybody:
        query = query.where(listed(dialect, ALERTS.c.patient))
    if not resolved:
        closed = sa.select(ALERTS.c.alert).where(ALERTS.c.state == "resolved")
        query = query.where(ALERTS.c.alert.not_in(closed))
    return query


def open_alerts(connection: sa.Connection, keys: KeyStore, known: dict[str, Sign]) -> list[Alert]:
    """Safety alerts that are not resolved, withheld ones too, without whose they are and what was answered.

    Enough to say by when each was to be answered. ``known``: their signs of the last time, which are not
    opened again; kept up to date.
    """
    closed = sa.select(ALERTS.c.alert).where(ALERTS.c.state == "resolved")
    query = sa.select(ALERTS.c.alert, ALERTS.c.patient, ALERTS.c.step, ALERTS.c.state, ALERTS.c.at)
    steps: defaultdict[str, list[Any]] = defaultdict(list)
    for step in connection.execute(query.where(ALERTS.c.alert.not_in(closed)).order_by("alert", "step")):
        steps[step.alert].append(step)
    found = {alert: rows for alert, rows in steps.items() if not rows[0].step}  # else of a learned course
    new = {alert: rows[0].patient for alert, rows in found.items() if alert not in known}
    for alert in known.keys() - found.keys():
        del known[alert]
    portions = _portions(connection, keys, new.values(), "rights", datetime.now(UTC))
    more = (ALERTS.c.step, ALERTS.c.patient, ALERTS.c.state, ALERTS.c.body)
    for row in rows_with(connection, ALERTS.c.alert, list(new), *more):
        if not row.step and row.patient in portions:
            raised = msgspec.json.decode(_opened(portions[row.patient], row), type=_Raised)
            known[row.alert] = replace(raised.sign, answers=(), entries=())
    return [
        Alert(alert, "", known[alert], from_microseconds(rows[0].at), tuple(map(_nobodys, rows[1:])))
        for alert, rows in found.items()
        if alert in known
    ]


def _nobodys(row: sa.Row[Any]) -> Step:
    return Step(row.state, from_microseconds(row.at), "")


def served_alerts(portion: Portion, steps: Mapping[str, Sequence[sa.Row[Any]]]) -> tuple[list[Alert], int]:
    """One patient's safety alerts by the moment when they were raised, and how many are withheld."""
    opened = [_alert(portion, rows) for rows in steps.values() if not rows[0].step]
    found = [alert for alert in opened if alert is not None]
    return sorted(found, key=_order), len(opened) - len(found)


def steps_of(portion: Portion, rows: Sequence[sa.Row[Any]]) -> tuple[Step, ...]:
    """The steps that these rows hold; of a safety alert without its row 0."""
    return tuple(_step(portion, row) for row in rows if row.step)


def put_step(connection: sa.Connection, portion: Portion, alert: str, number: int, step: Step) -> None:
    """Store the step; ``number`` 1 is the first after the alert was raised."""
    row = _row(portion, alert, number, step.state, step.at, _Taken(step.by, step.done))
    put_rows(connection, ALERTS, [row])


def take_step(
    connection: sa.Connection, keys: KeyStore, purpose: Purpose, alert: str, step: Step
) -> tuple[str, Alert]:
    """Store the step and return the patient (our id) and the alert after it."""
    rows = connection.execute(sa.select(ALERTS).where(ALERTS.c.alert == alert).order_by(ALERTS.c.step)).all()
    portions = _portions(connection, keys, [row.patient for row in rows[:1]], purpose, step.at)
    if not portions or rows[0].step:
        raise VaultError(f"The vault has no alert {alert!r}.", hint="Read the alerts first.")
    (portion,) = portions.values()
    standing = _alert(portion, rows)
    if standing is None:
        raise ConsentError(
            "The patient withholds what this alert comes from; nothing was changed.", hint="Ask the patient."
        )
    answered = with_step(standing, step)
    put_step(connection, portion, alert, len(rows), step)
    return portion.patient, answered


def _looked_at(
    connection: sa.Connection,
    keys: KeyStore,
    patients: Sequence[str],
    now: datetime,
    new: Mapping[str, Sequence[Event]] | None,
) -> Iterator[tuple[Portion, PatientRecord]]:
    """Of each patient what may raise a sign."""
    parts = {of: events for of, events in (new or {}).items() if not of_a_form(events)}
    whole = [patient for patient in patients if patient not in parts]
    for portion in fetch(connection, keys, whole, "rights", now, _KINDS):
        yield portion, record_of(portion)
    for portion in fetch(connection, keys, list(parts), "rights", now, kinds=()):
        yield portion, PatientRecord(portion.subject_id, parts[portion.patient])


def _portions(
    connection: sa.Connection, keys: KeyStore, patients: Iterable[str], purpose: Purpose, moment: datetime
) -> dict[str, Portion]:
    """Whom the alerts are about: name, key, and what they permit."""
    all_of_them = list(dict.fromkeys(patients))
    return {
        portion.patient: portion
        for start in range(0, len(all_of_them), _PORTION)
        for portion in fetch(
            connection, keys, all_of_them[start : start + _PORTION], purpose, moment, kinds=()
        )
    }


def _id_of(keys: KeyStore, patient: str, sign: Sign) -> str:
    said = msgspec.json.encode((patient, sign.rule, microseconds(sign.time), sign.answers)).decode()
    return blind_index(keys.index_key, "alert", said, exact=True).hex()[:_ID_DIGITS]


def _row(
    portion: Portion, alert: str, step: int, state: str, at: datetime, body: _Raised | _Taken
) -> dict[str, str | int | bytes]:
    sealed = seal(portion.key, portion.patient, _column(alert, step, state), msgspec.json.encode(body))
    return {
        "alert": alert,
        "step": step,
        "patient": portion.patient,
        "state": state,
        "at": microseconds(at),
        "body": sealed,
    }


def _alert(portion: Portion, rows: Sequence[sa.Row[Any]]) -> Alert | None:
    """The alert that these rows are the steps of; None where it is withheld."""

    raised = msgspec.json.decode(_opened(portion, rows[0]), type=_Raised)
    if not portion.allowed.issuperset(raised.kinds):
        return None
    alert = Alert(rows[0].alert, portion.subject_id, raised.sign, from_microseconds(rows[0].at))
    for row in rows[1:]:
        alert = with_step(alert, _step(portion, row))
    return alert


def _step(portion: Portion, row: sa.Row[Any]) -> Step:
    taken = msgspec.json.decode(_opened(portion, row), type=_Taken)
    return Step(row.state, from_microseconds(row.at), taken.by, taken.done)


def _opened(portion: Portion, row: sa.Row[Any]) -> bytes:
    return unseal(portion.key, portion.patient, _column(row.alert, row.step, row.state), row.body)


def _order(alert: Alert) -> tuple[datetime, str]:
    return alert.raised_at, alert.id


def _column(alert: str, step: int, state: str) -> str:
    """What a step is sealed for: it opens nowhere else."""
    return f"alerts.{alert}.{step}.{state}"
