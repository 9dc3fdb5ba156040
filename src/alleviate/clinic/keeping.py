"""What each worker does beside answering: judge new scores, and count what is overdue for the metrics.

No safety alert waits for it: an answer and its alert are stored together, and an alert moves on to the next
tier by the clock alone. If this thread dies, or no package can be loaded, courses are not judged and the
metrics stand still; nothing else.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice

from alleviate.clinic.metrics import ALERTS_OVERDUE, PACKAGES
from alleviate.clinic.patient.followers import follower_of
from alleviate.clinic.services import Services
from alleviate.clinic.who import KEEPER
from alleviate.packages.course import CoursePackage
from alleviate.progress.alerts import Alert, standing
from alleviate.progress.safety import Sign
from alleviate.studies.courses.loaded import LoadedCourses
from alleviate.studies.courses.sweeping import refuse_rule, sweep_people
from alleviate.studies.rules import LearnedRule
from alleviate.terms.errors import PackageError, VaultError
from alleviate.vault.watching import followed, open_alerts, unswept, written

__all__ = ["EVERY", "Keeper", "overdue"]

EVERY = 5.0
"""Seconds between two rounds."""

_AT_ONCE = 20
"""People judged in one step: others wait for the vault no longer than that takes."""
_LOG = logging.getLogger("alleviate.keeping")


class Keeper:
    """A thread of one worker. Several may run: a score is judged once, whoever comes first.

    ``after``: what else is done after each round, such as keeping figures new; it may not be what harm
    depends on.
    """

    def __init__(
        self, shared: Services, every: float = EVERY, after: Callable[[Services], object] | None = None
    ) -> None:
        self._shared = shared
        self._after = after
        self._every = every
        self._seen: dict[str, Mapping[str, int]] = {}
        self._signs: dict[str, Sign] = {}
        self._mark: object = None
        self._open: list[Alert] = []
        self._judged_at: object = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when the step under way has ended."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def round(self) -> int:
        """One round; how many scores were judged. Raises what the vault raises."""
        now = self._shared.clock()
        found = sum(1 for each in self._shared.shelf.all() if each.live)
        PACKAGES.labels("live").set(found)
        PACKAGES.labels("out").set(len(self._shared.shelf.all()) - found)
        PACKAGES.labels("unusable").set(len(self._shared.shelf.unusable()))
        mark = written(self._shared.vault)
        if mark != self._mark:
            self._open = open_alerts(self._shared.vault, self._signs)
            self._mark = mark
        ALERTS_OVERDUE.set(sum(overdue(alert, now) for alert in self._open))
        return self._judge(now, mark)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.round()
            except Exception as error:  # a thread that ends would never judge again
                # The type alone: an exception's words may hold what is about somebody.
                _LOG.error("A round of judging scores failed: %s", type(error).__name__)
            try:
                if self._after is not None:
                    self._after(self._shared)
            except Exception as error:
                _LOG.error("What follows a round failed: %s", type(error).__name__)
            self._stop.wait(self._every)

    def _judge(self, now: datetime, mark: object) -> int:
        judged, live = 0, self._shared.shelf.courses()
        standing = mark, [*(one.seal for one in live), *(rule.seal for rule in self._shared.shelf.rules())]
        if standing == self._judged_at:  # nothing about anybody was written since
            return 0
        for courses in live:
            rule = self._rule_for(courses.what.package)
            people = followed(self._shared.vault, now)
            seen = self._seen.get(courses.seal, {})
            new = [patient for patient, revision in people.items() if seen.get(patient) != revision]
            package = follower_of(courses.name, courses.what).package
            for some in _portions(unswept(self._shared.vault, package, new), _AT_ONCE):
                if self._stop.is_set():
                    return judged
                judged += self._swept(courses.what, some, rule, now)
            # What the sweep itself wrote is looked at once more in the next round, and found to be nothing.
            self._seen[courses.seal] = people
        self._judged_at = standing
        return judged

    def _swept(
        self, courses: LoadedCourses, some: Sequence[str], rule: LearnedRule | None, now: datetime
    ) -> int:
        """One portion; what cannot be judged in it is told to the log and does not hold up the others."""
        try:
            with self._shared.vault.access(actor=KEEPER, purpose="care") as access:
                return len(sweep_people(courses, access, now, some, rule).results)
        except VaultError:
            raise
        except Exception as error:
            _LOG.error("Scores of %d people could not be judged: %s", len(some), type(error).__name__)
            return 0

    def _rule_for(self, package: CoursePackage) -> LearnedRule | None:
        """The live rule whose outcome is what these courses follow, if there is one."""
        for rule in self._shared.shelf.rules():
            try:
                refuse_rule(package, rule.what)
            except PackageError:
                continue
            return rule.what
        return None


def overdue(alert: Alert, now: datetime) -> bool:
    """Whether it passed a deadline of its own ladder, as pages show it."""
    stands = standing(alert, now)
    return stands is not None and stands.overdue


def _portions(ids: Iterable[str], size: int) -> Iterator[list[str]]:
    left = iter(ids)
    while some := list(islice(left, size)):
        yield some
