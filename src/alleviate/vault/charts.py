"""A chart: everything about one person that a purpose may see, read in one step."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from alleviate.progress.alerts import Alert
from alleviate.records import Kind, PatientRecord
from alleviate.terms.errors import ConsentError
from alleviate.vault.alerts import served_alerts, step_rows
from alleviate.vault.consent import Purpose, pseudonymous
from alleviate.vault.courses import CourseResult, result_rows, served_results
from alleviate.vault.keystore import KeyStore
from alleviate.vault.reading import Portion, fetch, record_of
from alleviate.vault.sheets import Sheet, SheetKind, read_sheets, served_sheets, thread_mark
from alleviate.vault.team import Member, members

__all__ = ["Chart", "Charts", "check_chart_purpose"]


@dataclass(frozen=True, slots=True)
class Chart:
    """One person as a purpose may see them. ``patient``: our id; ``allowed``: the kinds that consent opens.

    ``alerts``: the safety alerts, resolved ones too; ``courses``: what learned courses say of each score,
    with the steps taken about it; ``team``: who is bound to the person now. ``withheld_alerts``,
    ``withheld_sheets``: how many the person withholds. ``revision`` grows with all that is written.
    """

    patient: str
    subject_id: str
    record: PatientRecord
    allowed: frozenset[Kind]
    alerts: tuple[Alert, ...]
    withheld_alerts: int
    courses: tuple[CourseResult, ...]
    sheets: tuple[Sheet, ...]
    team: tuple[Member, ...]
    revision: int
    withheld_sheets: int = 0


def check_chart_purpose(purpose: Purpose) -> None:
    """Raises ConsentError unless charts, with all that was written about a person, are for this purpose."""
    if pseudonymous(purpose):
        raise ConsentError(f"A chart is not for {purpose}.", hint="Read records: they name nobody.")


class Charts:
    """The charts of some hundred people, read in a few queries; opened one by one.

    ``portions`` has each of them who is not erased, permitted or not. ``thread``: of the sheets of one
    person those of this thread alone.
    """

    def __init__(
        self,
        connection: sa.Connection,
        keys: KeyStore,
        patients: Sequence[str],
        purpose: Purpose,
        moment: datetime,
        kinds: Collection[Kind] | None = None,
        sheets: Collection[SheetKind] | None = None,
        thread: str = "",
    ) -> None:
        self.portions: dict[str, Portion] = {
            portion.patient: portion for portion in fetch(connection, keys, patients, purpose, moment, kinds)
        }
        open_to = [patient for patient, portion in self.portions.items() if portion.allowed]
        self.revisions = {patient: portion.revision for patient, portion in self.portions.items()}
        self._steps: dict[str, dict[str, list[sa.Row[tuple[object, ...]]]]] = {p: {} for p in open_to}
        for alert, rows in step_rows(connection, open_to, resolved=True).items():
            self._steps[rows[0].patient][alert] = rows
        self._results = result_rows(connection, open_to)
        mark = thread_mark(keys.index_key, patients[0], thread) if thread else None
        self._sheets = read_sheets(connection, open_to, sheets, thread=mark)
        self._team = members(connection, open_to, moment)

    def chart(self, patient: str) -> Chart:
        """The chart of one who permits something."""
        portion, steps = self.portions[patient], self._steps[patient]
        alerts, withheld = served_alerts(portion, steps)
        courses, _ = served_results(portion, self._results.get(patient, ()), steps)
        sheets, kept = served_sheets(portion, self._sheets.get(patient, ()))
        return Chart(
            patient,
            portion.subject_id,
            record_of(portion),
            portion.allowed,
            tuple(alerts),
            withheld,
            tuple(courses),
            tuple(sheets),
            self._team[patient],
            self.revisions[patient],
            kept,
        )
