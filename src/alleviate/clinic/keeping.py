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
from alleviate.clinic.services import Services
from alleviate.packages.course import CoursePackage
from alleviate.progress.ladder import Ladder, default_ladders
from alleviate.studies.courses.loaded import LoadedCourses
from alleviate.studies.courses.sweeping import refuse_rule, sweep_people
from alleviate.studies.rules import LearnedRule
from alleviate.terms.errors import PackageError, VaultError
from alleviate.vault.watching import OpenAlert, followed, open_alerts

__all__ = ["EVERY", "Keeper", "overdue"]

EVERY = 5.0
"""Seconds between two rounds."""

_ACTOR = "alleviate:keeper"
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
        ALERTS_OVERDUE.set(sum(overdue(alert, now) for alert in open_alerts(self._shared.vault)))
        return self._judge(now)

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

    def _judge(self, now: datetime) -> int:
        judged = 0
        for courses in self._shared.shelf.courses():
            rule = self._rule_for(courses.what.package)
            people = followed(self._shared.vault, now)
            seen = self._seen.get(courses.seal, {})
            due = [patient for patient, revision in people.items() if seen.get(patient) != revision]
            for some in _portions(due, _AT_ONCE):
                if self._stop.is_set():
                    return judged
                judged += self._swept(courses.what, some, rule, now)
            # What the sweep itself wrote is looked at once more in the next round, and found to be nothing.
            self._seen[courses.seal] = people
        return judged

    def _swept(
        self, courses: LoadedCourses, some: Sequence[str], rule: LearnedRule | None, now: datetime
    ) -> int:
        """One portion; what cannot be judged in it is told to the log and does not hold up the others."""
        try:
            with self._shared.vault.access(actor=_ACTOR, purpose="care") as access:
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


def overdue(alert: OpenAlert, now: datetime, ladder: Ladder | None = None) -> bool:
    """Whether it passed a deadline of the ladder for most alerts: which one is its own stays sealed.

    So an alert of an old record that came in late counts too early, and none counts too late but those
    of the very urgent ladder, which pages show by their own.
    """
    if ladder is None:
        shipped = default_ladders()
        ladder = next(each for each in shipped.ladders if each.name == shipped.default)
    if now >= alert.raised_at + ladder.resolve_within:
        return True
    return alert.state == "raised" and now >= alert.raised_at + ladder.tiers[0].answer_within


def _portions(ids: Iterable[str], size: int) -> Iterator[list[str]]:
    left = iter(ids)
    while some := list(islice(left, size)):
        yield some
