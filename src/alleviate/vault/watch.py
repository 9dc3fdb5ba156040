"""What is watched: safety alerts, the results of learned courses, and what is done about either."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from alleviate.progress.alerts import Alert, Step
from alleviate.terms.times import check_utc
from alleviate.vault.alerts import Alerts, check_alert_purpose, raise_alerts, read_alerts, take_step
from alleviate.vault.courses import (
    CourseResult,
    CourseResults,
    Judge,
    answer_result,
    check_course_purpose,
    read_results,
    sweep,
)
from alleviate.vault.revisions import touch
from alleviate.vault.steps import Steps, batches, this_moment

__all__ = ["Watch"]


class Watch(Steps):
    """The steps of an access that are about alerts and courses."""

    def raise_alerts(self, now: datetime) -> int:
        """Raise the safety alerts of everything that is stored and has none; returns how many.

        `put` has raised its own: this is for what an older version stored, and as a second look.
        """
        check_utc(now, "The moment of an alert")
        count = 0
        for patients in self._pages():
            with self._step() as (connection, events):
                raised = raise_alerts(connection, self._keys, patients, now)
                touch(connection, [of for _, of in raised])
                events += [self._event("alert", of, alert=alert, state="raised") for alert, of in raised]
            count += len(raised)
        return count

    def alerts(self, *, resolved: bool = False) -> Alerts:
        """The safety alerts that nobody has resolved, or all, as far as consent permits. None is held back.

        For care, or for the person's own rights; raises ConsentError otherwise. Those of one person are in
        their `chart`.
        """
        check_alert_purpose(self._purpose)
        with self._step() as (connection, events):
            found, portions = read_alerts(
                connection, self._keys, self._purpose, this_moment(), resolved=resolved
            )
            events += [self._event("read", patient, alerts=n) for patient, n in portions.items()]
            events += [] if portions else [self._event("read", alerts=0)]
        return found

    def answer(
        self, alert: str, state: Literal["acknowledged", "resolved"], now: datetime, done: str = ""
    ) -> Alert:
        """Take an alert (``acknowledged``) or close it (``resolved``, saying what was ``done``) as the actor.

        Raises VaultError for an unknown alert, DataError for a step not open to it, ConsentError where the
        person withholds it or the purpose is not care.
        """
        check_alert_purpose(self._purpose, answering=True)
        step = Step(state, now, self._actor, done)
        with self._step() as (connection, events):
            patient, answered = take_step(connection, self._keys, self._purpose, alert, step)
            touch(connection, [patient])
            events.append(self._event("alert", patient, alert=alert, state=state))
        return answered

    def answer_course(
        self, result_id: str, state: Literal["acknowledged", "resolved"], now: datetime, done: str = ""
    ) -> CourseResult:
        """Take or close the off-track alert of a result, as `answer` does a safety alert.

        The step is kept sealed with those of safety alerts, under the id of the result; `courses` and `chart`
        give it with the result. Raises as `answer` does, DataError too where the result raised no alert.
        """
        check_alert_purpose(self._purpose, answering=True)
        step = Step(state, now, self._actor, done)
        with self._step() as (connection, events):
            patient, answered = answer_result(connection, self._keys, self._purpose, result_id, step)
            touch(connection, [patient])
            events.append(self._event("alert", patient, course=result_id, state=state))
        return answered

    def sweep(
        self, package: str, judge: Judge, now: datetime, ids: Iterable[str] | None = None
    ) -> list[CourseResult]:
        """Judge the scores of everybody, or of ``ids``, with entries that no sweep has seen; store the new.

        ``package``: 32 characters that name what judges. For care; raises ConsentError otherwise. Cut off at
        any moment, nothing is lost or doubled: the next goes on.
        """
        check_course_purpose(self._purpose, sweeping=True)
        check_utc(now, "The moment of a sweep")
        found: list[CourseResult] = []
        for some in self._pages() if ids is None else batches(dict.fromkeys(ids)):
            with self._step() as (connection, events):
                patients = some if ids is None else [self._known(connection, id) for id in some]
                read, stored, changed = sweep(connection, self._keys, patients, package, now, judge)
                touch(connection, changed)  # who was judged as before has nothing new
                events += map(self._read, read)
                whose = {portion.subject_id: portion.patient for portion in read}
                events += [
                    self._event("alert", whose[one.subject_id], course=one.id, state="raised")
                    for one in stored
                    if one.result.alert
                ]
            found += stored
        return found

    def courses(self, package: str | None = None) -> CourseResults:
        """What stands of every score judged, of one package or all, as far as consent permits.

        For care, or for the person's own rights; raises ConsentError otherwise.
        """
        check_course_purpose(self._purpose)
        with self._step() as (connection, events):
            found, served = read_results(connection, self._keys, self._purpose, this_moment(), package)
            events += [self._event("read", patient, courses=n) for patient, n in served.items()]
            events += [] if served else [self._event("read", courses=0)]
        return found
