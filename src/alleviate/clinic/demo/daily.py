"""What the staff of the demonstration did: answered alerts, asked for questionnaires, wrote notes."""

import hashlib
import tomllib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from alleviate.clinic.demo.importing import ACTOR
from alleviate.clinic.demo.staff import Cared, Staff
from alleviate.clinic.invitations import Invited, invitations, invite
from alleviate.clinic.patient.notes import NOTE
from alleviate.clinic.patient.writing import note_entry
from alleviate.progress.alerts import Alert
from alleviate.records import Entry
from alleviate.vault import NewSheet, Vault
from alleviate.vault.accounts import Account

__all__ = ["answer_alerts", "ask", "write_notes"]

_OPEN, _TAKEN = 16, 6
"""Of the newest alerts so many are not resolved, and of those the oldest so many are taken."""
_ASKED = 3
"""One in so many current patients is asked to fill in something."""
_NOTED = 7


def answer_alerts(vault: Vault, staff: Staff, people: Sequence[Cared], now: datetime) -> None:
    """Resolve the safety alerts but the newest; of these some are taken, some wait for somebody."""
    treated = {person.subject_id: person for person in people}
    with vault.access(actor=ACTOR, purpose="care") as access:
        found = access.alerts().found
    ours = sorted((alert for alert in found if alert.subject_id in treated), key=lambda each: each.raised_at)
    for place, alert in enumerate(reversed(ours)):
        if place >= _OPEN - _TAKEN:
            _answer(vault, staff.clinician_of(treated[alert.subject_id]), alert, now, place >= _OPEN)


def _answer(vault: Vault, by: Account, alert: Alert, now: datetime, resolve: bool) -> None:
    """What was begun before a cut-off is gone on with."""
    random = _random("alert", alert.subject_id, alert.raised_at.isoformat())
    taken = min(alert.raised_at + timedelta(minutes=float(random.uniform(10, 110))), now)
    closed = min(taken + timedelta(minutes=float(random.uniform(30, 1000))), now)
    with vault.access(actor=by.actor, purpose="care") as access:
        if alert.state == "raised":
            access.answer(alert.id, "acknowledged", taken)
        if resolve:
            words = _table()["resolved"]
            at = max(closed, *(step.at for step in alert.steps), taken)
            access.answer(alert.id, "resolved", at, words[int(random.integers(len(words)))])


def ask(
    vault: Vault, staff: Staff, people: Sequence[Cared], first: Sequence[Account], now: datetime
) -> Invited | None:
    """Ask some current patients to fill in what is due, and all of ``first`` (patients with an account).

    Returns the invitation of the first of these, if it is new.
    """
    own = {account.patient: account for account in first}
    shown: Invited | None = None
    for turn, person in enumerate(each for each in people if each.current):
        patient = vault.our_id(person.subject_id) or ""
        if patient not in own and turn % _ASKED:
            continue
        by = staff.clinician_of(person)
        with vault.access(actor=by.actor, purpose="care") as access:
            if invitations(access.chart(patient, kinds=(), sheets=("invitation", "draft")).sheets, now):
                continue
            due = (now + timedelta(days=turn % 6)).date()
            asked = ("phq9", "gad7") if turn % 2 else ("phq9",)
            made = invite(access, vault.accounts, by.actor, patient, instruments=asked, due=due, now=now)
        if first and patient == first[0].patient:
            shown = made
    return shown


def write_notes(vault: Vault, staff: Staff, people: Sequence[Cared], now: datetime) -> None:
    """Notes of the last days about some current patients, with tasks and mentions of a colleague."""
    told = _table()["notes"]
    for turn, person in enumerate(each for each in people if each.current and not each.waits):
        if turn % _NOTED:
            continue
        note: Mapping[str, Any] = told[turn // _NOTED % len(told)]
        by, colleague = staff.clinician_of(person), staff.psychiatrist_of(person)
        at = now - timedelta(hours=3 + 5 * (turn % 20))
        entry = _fixed(note_entry(person.subject_id, note["sort"], note["text"], at))
        sheets = [_sheet(person, "seen", {"of": NOTE, "wrote": True, "agreed": True}, entry.ref)]
        if "task" in note:
            due = (now + timedelta(days=2)).date().isoformat()
            task = {"words": note["task"], "account": colleague.id, "due": due}
            sheets.append(_sheet(person, "task", task, entry.ref))
        if note.get("mention") and colleague.id != by.id:
            sheets.append(_sheet(person, "mention", {"account": colleague.id}, entry.ref))
        with vault.access(actor=by.actor, purpose="care") as access:
            access.store(at, entries=[entry], sheets=sheets)


def _sheet(person: Cared, kind: Any, body: Mapping[str, Any], thread: str) -> NewSheet:
    return NewSheet(person.subject_id, kind, body, thread=thread, once=f"demo-{thread}")


def _fixed(entry: Entry) -> Entry:
    """Under a ref that the next start would give it too: to write it again changes nothing."""
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"demo-note-{entry.subject_id}")
    ref = f"DocumentReference/{name}"
    return replace(entry, ref=ref, events=tuple(replace(event, entry=ref) for event in entry.events))


def _random(*words: str) -> np.random.Generator:
    """The same for the same words."""
    return np.random.default_rng(list(hashlib.sha256("\n".join(words).encode()).digest()))


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "daily.toml").read_text(encoding="utf-8"))
