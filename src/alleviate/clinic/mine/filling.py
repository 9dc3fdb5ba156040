"""Filling in a questionnaire over the vault: open an invitation, save answers one by one, send them once.

Each save is a sheet "draft" of the invitation's thread. What shows danger goes into the record in the same
transaction (`alleviate.clinic.mine.answered`), also from a form that was never sent, or came too late. To
send is one transaction: the filled-in forms as entries, with the alerts that they raise, and the invitation
spent; it holds only if no answer came in since the answers were read, else they are read again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alleviate.clinic.gate import Visit
from alleviate.clinic.invitations import Invitation, invitation_of, spent
from alleviate.clinic.mine.answered import entry_of, ref_of, shows_danger, urgent_entry
from alleviate.clinic.mine.drafts import Save, answers_of, save_of
from alleviate.clinic.mine.forms import Form, Section, form_of
from alleviate.records import Entry
from alleviate.terms.errors import ConflictError, DataError, RefusedError
from alleviate.vault import Chart, NewSheet
from alleviate.vault.consent import permitted

__all__ = ["Outcome", "Sheet", "opened", "save", "send", "told"]

_TRIES = 3


@dataclass(frozen=True, slots=True)
class Sheet:
    """One invitation as it stands: what it asks, and the answers so far."""

    chart: Chart
    invitation: Invitation
    form: Form
    saves: tuple[Save, ...]

    @property
    def answers(self) -> dict[str, float]:
        return answers_of(self.saves)

    @property
    def danger(self) -> bool:
        """Whether an answer that stands asks for help at once."""
        return any(shows_danger(section, section.answers(self.answers)) for section in self.form.sections)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a save or of sending. ``danger``: an answer of this step asks for help at once.

    ``told``: an alert about it stands, the person lets their care team see it, and there is a care team.
    ``kept``: whether the answers were taken; False where the invitation is no longer open.
    """

    sheet: Sheet
    danger: bool
    told: bool
    kept: bool = True


def opened(visit: Visit, id: str, language: str) -> Sheet:
    """The invitation of this id, of whom is asking. Raises RefusedError where it is not theirs to open."""
    if visit.who.only and visit.who.only != id:
        raise RefusedError("This is not open to you.")
    chart = visit.access.chart(
        visit.patient, kinds=("questionnaire", "consent"), sheets=("invitation", "draft")
    )
    found = invitation_of(chart.sheets, id, visit.now)
    if found is None:
        raise RefusedError("There is no such questionnaire for you.", hint="Look at what is due.")
    saves = (save_of(s.body) for s in chart.sheets if s.kind == "draft" and s.thread == id)
    return Sheet(chart, found, form_of(found.instruments, language), tuple(saves))


def save(visit: Visit, sheet: Sheet, saves: Sequence[Save]) -> Outcome:
    """Store these answers, and at once in the record what shows danger. Raises DataError for an impossible
    one.

    Idempotent: what was stored already changes nothing. Of an invitation that is not open any more only what
    shows danger is taken, as a form of its own.
    """
    for each in saves:
        sheet.form.check(each.key, each.value)
    known = {each.once for each in sheet.saves}
    new = [each for each in {each.once: each for each in saves}.values() if each.once not in known]
    late = not sheet.invitation.is_open()
    after = Sheet(sheet.chart, sheet.invitation, sheet.form, (*sheet.saves, *new))
    touched = [section for section in after.form.sections if _touches(section, saves)]
    urgent = [entry for section in touched if (entry := _urgent(visit, after, section, late))]
    danger = bool(urgent)
    urgent = [entry for entry in urgent if not _stands(sheet.chart, entry)]
    if late and not danger:
        return Outcome(sheet, False, False, kept=False)
    drafts = [
        NewSheet(
            visit.patient,
            "draft",
            each.to_dict(),
            thread=sheet.invitation.id,
            once=each.once,
            kinds=("questionnaire",),
        )
        for each in new
    ]
    raised = 0
    if drafts or urgent:
        raised = visit.access.store(visit.now, entries=urgent, sheets=drafts).tally.alerts
    refs = {ref_of(sheet.invitation.id, section, late=late) for section in touched}
    return Outcome(after, danger, danger and _told(visit, sheet.chart, refs, raised), kept=not late)


def send(visit: Visit, sheet: Sheet, language: str) -> Outcome:
    """Send the answers: see the module. Sent twice, the second says what the first did. Raises DataError."""
    for _ in range(_TRIES):
        if sheet.invitation.state == "answered":
            return _sent(visit, sheet, 0)
        if not sheet.invitation.is_open():
            raise DataError(
                "This questionnaire is not open any more.", hint="Ask your care team for another."
            )
        if not sheet.answers:
            raise DataError("No question is answered yet.", hint="Answer at least one, then send.")
        entries = [entry for section in sheet.form.sections if (entry := _filled(visit, sheet, section))]
        try:
            stored = visit.access.store(visit.now, entries=entries, sheets=[spent(sheet.invitation)])
            return _sent(visit, sheet, stored.tally.alerts)
        except ConflictError:
            sheet = opened(visit, sheet.invitation.id, language)
    raise ConflictError("Answers kept coming in while they were sent.", hint="Send them once more.")


def told(visit: Visit, sheet: Sheet) -> bool:
    """Whether these answers raised an alert that their care team can see."""
    return _told(visit, sheet.chart, _refs(sheet), 0)


def _refs(sheet: Sheet) -> set[str]:
    """All that these answers can be called in the record."""
    id = sheet.invitation.id
    return {ref_of(id, section, late=late) for section in sheet.form.sections for late in (False, True)}


def _sent(visit: Visit, sheet: Sheet, raised: int) -> Outcome:
    refs = _refs(sheet)
    return Outcome(sheet, sheet.danger, sheet.danger and _told(visit, sheet.chart, refs, raised))


def _touches(section: Section, saves: Sequence[Save]) -> bool:
    """Whether one of these saves answers a question that can show danger by itself or with others."""
    instrument = section.instrument
    items = {flag.item for flag in instrument.flags} | {id for tier in instrument.tiers for id in tier.any}
    keys = {question.key for question in section.questions if question.item.id in items}
    return any(each.key in keys for each in saves)


def _urgent(visit: Visit, sheet: Sheet, section: Section, late: bool) -> Entry | None:
    ref = ref_of(sheet.invitation.id, section, late=late)
    return urgent_entry(
        section,
        sheet.answers,
        subject_id=sheet.chart.subject_id,
        ref=ref,
        time=_begun(sheet.chart, ref, visit.now),
        now=visit.now,
    )


def _filled(visit: Visit, sheet: Sheet, section: Section) -> Entry | None:
    if not section.answers(sheet.answers):
        return None
    ref = ref_of(sheet.invitation.id, section)
    return entry_of(
        section,
        sheet.answers,
        subject_id=sheet.chart.subject_id,
        ref=ref,
        time=_begun(sheet.chart, ref, visit.now),
        now=visit.now,
    )


def _stands(chart: Chart, entry: Entry) -> bool:
    """Whether the record holds just these answers already: a save sent twice makes no second version."""
    held = {
        e.code: e.numeric_value for e in chart.record.events if e.entry == entry.ref and not e.known_until
    }
    return held == {event.code: event.numeric_value for event in entry.events}


def _begun(chart: Chart, ref: str, now: datetime) -> datetime:
    """When the record says that this form was filled in, where it holds a part of it already; else now."""
    return next((e.time for e in chart.record.events if e.entry == ref and e.known_until is None), now)


def _told(visit: Visit, chart: Chart, refs: set[str], raised: int) -> bool:
    """Whether somebody can see it: these entries raised an alert, for a care team that may read them.

    One that is resolved by now counts: somebody has seen it.
    """
    stands = raised > 0 or any(refs & set(alert.sign.entries) for alert in chart.alerts)
    allowed = permitted(chart.record.events, "care", visit.now)
    team = any(member.until is None or member.until > visit.now for member in chart.team)
    return stands and team and "questionnaire" in allowed
