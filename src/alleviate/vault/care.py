"""What is done about one person or one caseload: charts, sheets, alerts, courses, and who cares for whom."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from alleviate.records import Entry, Kind
from alleviate.terms.errors import ConsentError, VaultError
from alleviate.terms.times import check_utc
from alleviate.vault.alerts import raise_alerts
from alleviate.vault.audit import AuditEvent
from alleviate.vault.caseload import (
    Glance,
    Glances,
    NewGlance,
    Unseen,
    check_caseload_purpose,
    derived,
    put_glances,
    read_glances,
    unseen,
    version_of,
)
from alleviate.vault.charts import Chart, Charts, check_chart_purpose
from alleviate.vault.persons import ours, refuse_ours
from alleviate.vault.reading import fetch
from alleviate.vault.revisions import revisions, touch
from alleviate.vault.sheets import NewSheet, Sheet, SheetKind, put_sheets, read_sheets, served_sheets
from alleviate.vault.steps import Found, batches, this_moment
from alleviate.vault.team import Member, TeamBasis, check_member, join, leave
from alleviate.vault.watch import Watch
from alleviate.vault.writing import Tally, put_entries

__all__ = ["Care", "Stored"]

_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of the entries, and the id of each sheet, in the order given."""

    tally: Tally
    sheets: tuple[str, ...]


class Care(Watch):
    """The steps of an access that are about one person's care, or one caseload."""

    def chart(
        self,
        id: str,
        *,
        kinds: Iterable[Kind] | None = None,
        sheets: Iterable[SheetKind] | None = None,
        thread: str = "",
    ) -> Chart:
        """One person's chart, by the source's id or ours: one step, one event "read".

        ``kinds`` of the record and of ``sheets``: None is all of them. ``thread``: of sheets those of this
        one alone; "" is every thread. For care, or for the person's own
        rights. Raises ConsentError (in the audit as "deny") where nothing is permitted, VaultError for
        somebody unknown or erased.
        """
        check_chart_purpose(self._purpose)
        chosen = None if kinds is None else tuple(kinds)
        wanted = None if sheets is None else tuple(sheets)

        def read(connection: sa.Connection) -> Found[Chart | None]:
            patient = self._known(connection, id)
            now = this_moment()
            charts = Charts(connection, self._keys, [patient], self._purpose, now, chosen, wanted, thread)
            portion = charts.portions.get(patient)
            if portion is None:  # the key went in this moment
                raise VaultError("The patient was erased.", hint="Nothing is left to read.")
            if not portion.allowed:
                return Found(None, [self._event("deny", patient, asked="chart")], charts.revisions)
            return Found(charts.chart(patient), [self._read(portion)], charts.revisions)

        chart = self._served(read)
        if chart is None:
            raise ConsentError(
                f"The patient permits nothing for {self._purpose}; nothing was read.", hint="Ask the patient."
            )
        return chart

    def store(
        self, now: datetime, *, entries: Sequence[Entry] = (), sheets: Sequence[NewSheet] = ()
    ) -> Stored:
        """Store entries as `put` does, with the safety alerts that they raise, and sheets: all or nothing.

        ``now`` (UTC) is the moment of writing. A sheet whose ``once`` is stored already is not stored again;
        its id is that of the first. Raises DataError for an entry under an id of ours, ConflictError where a
        sheet comes ``after`` another number of sheets than stand in its thread, VaultError for a sheet about
        somebody unknown or erased.
        """
        check_utc(now, "The moment of writing")
        if sheets:
            check_chart_purpose(self._purpose)
        with self._step() as (connection, events):
            refuse_ours(connection, {entry.subject_id for entry in entries})
            tally = self._put(connection, events, entries, now)
            subjects = dict.fromkeys(sheet.subject_id for sheet in sheets)
            patients = {subject: self._known(connection, subject) for subject in subjects}
            ids, new = put_sheets(connection, self._keys, patients, sheets, self._actor, now)
            for id, sheet in new:
                action: Literal["decide", "write"] = "decide" if sheet.kind == "decision" else "write"
                events.append(self._event(action, patients[sheet.subject_id], kind=sheet.kind, sheet=id))
            touch(connection, {event.patient for event in events if event.patient})
        return Stored(tally, tuple(ids))

    def sheets(self, kinds: Iterable[SheetKind], *, since: datetime | None = None) -> list[Sheet]:
        """The sheets of these kinds of everybody who permits it, written ``since`` (UTC), in that order.

        One event "read" a person. For care, or for the law's and the person's own rights.
        """
        check_chart_purpose(self._purpose)
        chosen = tuple(kinds)
        if since is not None:
            check_utc(since, "The moment since which sheets are read")

        def read(connection: sa.Connection) -> Found[list[Sheet]]:
            rows = read_sheets(connection, None, chosen, since)
            found: list[Sheet] = []
            events: list[AuditEvent] = []
            for some in batches(rows):
                for portion in fetch(connection, self._keys, some, self._purpose, this_moment(), kinds=()):
                    served, _ = served_sheets(portion, rows[portion.patient] if portion.allowed else ())
                    found += served
                    events += [self._event("read", portion.patient, sheets=len(served))] if served else []
            seen = revisions(connection, {event.patient for event in events})
            found.sort(key=lambda sheet: sheet.at)
            return Found(found, events or [self._event("read", sheets=0)], seen)

        return self._served(read)

    def caseload(
        self,
        account: str,
        derive: Callable[[Chart], bytes],
        pick: Callable[[Sequence[Glance]], Sequence[str]],
        *,
        version: str = "",
        apart: Callable[[Unseen], None] | None = None,
    ) -> list[Glance]:
        """What a caseload shows of everybody of whose care team ``account`` is and who permits anything.

        ``derive`` makes a glance of a chart; what it made is kept until the person is written about again,
        a consent runs out, or ``version`` is another: the name of whatever it derives with. So it may not
        look at the clock: let it give moments, and compare them in ``pick``. ``pick`` sees all glances and
        returns our ids in the order shown: only these are served, each with one event "read". ``apart`` is
        told before how many permit nothing, and how many alerts about them are open. None of the three may
        use the vault: they may be called in a turn. For care.
        """
        check_caseload_purpose(self._purpose)
        of = version_of(version)

        def read(connection: sa.Connection) -> Found[tuple[list[Glance], Glances]]:
            glances = self._glances(connection, account, of)
            if glances.due:
                return Found(([], glances), [], {})
            if apart is not None:
                apart(unseen(connection, glances))
            picked = [glances.held[id] for id in dict.fromkeys(pick(glances.shown))]
            shown = [glance for glance in picked if glance is not None]
            events = [self._event("read", glance.patient, glance=1) for glance in shown]
            seen = {glance.patient: glances.revisions[glance.patient] for glance in shown}
            return Found((shown, glances), events or [self._event("read", glances=0)], seen)

        for _ in range(_ROUNDS):
            shown, glances = self._served(read)
            if not glances.due:
                return shown
            with self._opened.deriving:
                self._derive(account, derive, of)
        with self._step() as (connection, events):  # they are written about faster than they are derived
            for some in batches(self._glances(connection, account, of).due):
                put_glances(connection, self._derived(connection, some, derive, of))
            found = read(connection)
            events += found.events
        return found.value[0]

    def _glances(self, connection: sa.Connection, account: str, version: str) -> Glances:
        opened = self._opened.get(account, version)
        glances = read_glances(connection, self._keys, account, version, this_moment(), opened)
        if glances is not opened:
            self._opened.keep(account, version, glances)
        return glances

    def _derive(self, account: str, derive: Callable[[Chart], bytes], version: str) -> None:
        """Keep what is derived of those whose glance is old; nothing is served."""
        with self._database.snapshot() as connection:
            due = self._glances(connection, account, version).due
        for some in batches(due):
            with self._database.snapshot() as connection:
                new = self._derived(connection, some, derive, version)
            with self._step() as (connection, _):
                put_glances(connection, new)

    def _derived(
        self,
        connection: sa.Connection,
        patients: Sequence[str],
        derive: Callable[[Chart], bytes],
        version: str,
    ) -> list[NewGlance]:
        charts = Charts(connection, self._keys, patients, self._purpose, this_moment())
        return derived(charts, derive, version)

    def join(
        self,
        id: str,
        account: str,
        function: str,
        *,
        basis: TeamBasis = "team",
        until: datetime | None = None,
        now: datetime | None = None,
    ) -> None:
        """Put ``account`` into the person's care team, or let it break the glass ``until`` (UTC) a moment.

        ``function``: one word ("psychologist"); ``now`` (UTC): by the clock if not given. What stands so
        already is left as it is. Raises DataError.
        """
        check_chart_purpose(self._purpose)
        moment = now or this_moment()
        check_member(account, function, basis, moment, until)
        with self._step() as (connection, events):
            patient = self._known(connection, id)
            if join(connection, patient, Member(account, basis, function, moment, until)):
                said = {"account": account, "basis": basis, "function": function, "state": "joined"}
                events.append(self._event("team", patient, **said))
                touch(connection, [patient])

    def leave(self, id: str, account: str, *, now: datetime | None = None) -> None:
        """End whatever binds ``account`` to the person: care team and broken glass."""
        check_chart_purpose(self._purpose)
        with self._step() as (connection, events):
            patient = self._known(connection, id)
            if leave(connection, patient, account, now or this_moment()):
                events.append(self._event("team", patient, account=account, state="left"))
                touch(connection, [patient])

    def denied(self, id: str, action: str) -> None:
        """Put into the audit that ``action`` was refused; of whom, where ``id`` names somebody we know."""
        with self._database.snapshot() as connection:
            patient = (ours(connection, self._keys, id) if id else None) or ""
        self._readlog.record([self._event("deny", patient, asked=action)], {})

    def _put(
        self, connection: sa.Connection, events: list[AuditEvent], entries: Sequence[Entry], now: datetime
    ) -> Tally:
        """Store entries and raise their alerts, in the caller's step."""
        if not entries:
            return Tally()
        writer, tally = put_entries(connection, self._keys, entries, now)
        for patient, change in writer.changes.items():
            counts = {"stored": change.stored, "superseded": change.superseded}
            events.append(self._event("import", patient, **counts, digest=change.digest.hexdigest()))
        answers = writer.answers()
        raised = raise_alerts(connection, self._keys, list(answers), now, answers)
        events += [self._event("alert", of, alert=alert, state="raised") for alert, of in raised]
        return replace(tally, alerts=len(raised))
