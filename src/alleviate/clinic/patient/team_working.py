"""What the team writes around the record: notes with mentions, tasks, and who has seen and agreed.

Pages and the interface for programs share these. A note is an entry of the record; the rest are sheets, which
are withheld with the notes that they hang on.
"""

from collections.abc import Sequence
from datetime import date

from alleviate.clinic.gate import Visit
from alleviate.clinic.patient.notes import NOTE, notes_of, tasks_of
from alleviate.clinic.patient.reading import nothing_here
from alleviate.clinic.patient.writing import note_entry, sentence
from alleviate.records import Kind
from alleviate.terms.errors import DataError
from alleviate.vault.accounts import Account
from alleviate.vault.charts import Chart
from alleviate.vault.sheets import NewSheet

__all__ = ["finish_task", "give_task", "say_seen", "team_accounts", "write_note"]

_NOTES: tuple[Kind, ...] = ("note",)
MOST_WORDS = 500


def team_accounts(visit: Visit, chart: Chart) -> list[Account]:
    """The accounts of the care team, in the order in which they came."""
    found = [visit.services.accounts.get(m.account) for m in chart.team if m.basis == "team"]
    return [account for account in found if account is not None and not account.disabled]


def write_note(visit: Visit, chart: Chart, sort: str, text: str, mention: Sequence[str] = ()) -> str:
    """Write a note that the writer has seen and agrees with; returns its ref.

    ``mention``: accounts of the care team. Raises DataError.
    """
    named = [_member(visit, chart, account) for account in dict.fromkeys(mention)]
    entry = note_entry(chart.subject_id, sort, text, visit.now)
    wrote = {"of": NOTE, "agreed": True, "wrote": True}
    sheets = [NewSheet(chart.patient, "seen", wrote, thread=entry.ref, kinds=_NOTES)]
    sheets += [
        NewSheet(chart.patient, "mention", {"account": account}, thread=entry.ref, kinds=_NOTES)
        for account in named
    ]
    visit.access.store(visit.now, entries=[entry], sheets=sheets)
    return entry.ref


def say_seen(visit: Visit, chart: Chart, ref: str, *, agreed: bool) -> None:
    """That who visits has read the note, or agrees with it. Raises RefusedError where there is none."""
    note = next((note for note in notes_of(chart.record, chart.sheets) if note.ref == ref), None)
    if note is None:
        raise nothing_here()
    before = note.seen_by(visit.who.actor)
    if before is not None and (before.agreed or not agreed):
        return
    body = {"of": NOTE, "agreed": agreed}
    sheet = NewSheet(chart.patient, "seen", body, thread=ref, kinds=_NOTES)
    visit.access.store(visit.now, sheets=[sheet])


def give_task(visit: Visit, chart: Chart, words: str, account: str, due: date | None, note: str = "") -> str:
    """Give an account of the care team something to do; returns the task's id.

    ``note``: the ref of the note that it hangs on, or "". Raises DataError.
    """
    if note and not any(one.ref == note for one in notes_of(chart.record, chart.sheets)):
        raise nothing_here()
    if due is not None and due < visit.now.date():
        raise DataError("The day of the task has passed.", hint="Choose today or a later day.")
    body = {
        "words": sentence(words, "The task", MOST_WORDS),
        "account": _member(visit, chart, account),
        "due": due.isoformat() if due else "",
    }
    sheet = NewSheet(chart.patient, "task", body, thread=note, kinds=_NOTES)
    (id,) = visit.access.store(visit.now, sheets=[sheet]).sheets
    return id


def finish_task(visit: Visit, chart: Chart, task: str) -> None:
    """Say that a task is done; once is enough. Raises RefusedError for one that is not there."""
    found = next((one for one in tasks_of(chart.sheets) if one.id == task), None)
    if found is None:
        raise nothing_here()
    if found.open:
        sheet = NewSheet(
            chart.patient,
            "task",
            {"done": task},
            thread=found.thread,
            once=f"done-{task}",
            kinds=_NOTES,
        )
        visit.access.store(visit.now, sheets=[sheet])


def _member(visit: Visit, chart: Chart, account: str) -> str:
    if account not in {one.id for one in team_accounts(visit, chart)}:
        raise DataError("This is nobody of the care team.", hint="Choose somebody of the care team.")
    return account
