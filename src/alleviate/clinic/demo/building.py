"""Makes the demonstration, step by step: what was cut off is gone on with, what is made is left as it is."""

import os
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from alleviate.clinic.demo.daily import answer_alerts, ask, write_notes
from alleviate.clinic.demo.importing import ACTOR, take_in_past, take_in_recent
from alleviate.clinic.demo.learning import COURSES, SHIPPED, Learner, learner
from alleviate.clinic.demo.past_advice import advised_before, decide
from alleviate.clinic.demo.people import SEED, Everybody, choose
from alleviate.clinic.demo.staff import Cared, Staff, cared, join_teams, make_accounts, make_patients
from alleviate.clinic.demo.state import Size, State, begin, done, read_state
from alleviate.clinic.demo.truth import judged, store_judged, store_truth
from alleviate.clinic.looks import Looks
from alleviate.clinic.services import Identify, Services
from alleviate.clinic.settings import Settings
from alleviate.clinic.shelf import Shelf
from alleviate.packages.durable import locked
from alleviate.studies.courses.sweeping import sweep_people
from alleviate.studies.loading import load_courses
from alleviate.terms.errors import PackageError, VaultError
from alleviate.vault import Vault
from alleviate.vault.keys import make_key_file

__all__ = ["Ready", "Size", "prepare"]

_VAULT, _KEY, _PACKAGES = "demo.vault", "vault.key", "packages"
_RULE = "clinic-treatment"
_DECIDED_RECENT, _DECIDED_CURRENT = 0.4, 0.1
"""Of the recent and of the current patients, about how many a decision on advice is kept at most."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Ready:
    """A demonstration that can be served. ``link``: the last part of one patient's invitation, or "".

    ``lacking``: packages that could not be learned, and why. ``made`` is when its clock stood still.
    """

    vault: Path
    key: Path
    packages: Path
    password: str = field(repr=False)
    link: str
    made: datetime
    lacking: tuple[str, ...] = ()


def prepare(
    folder: Path,
    *,
    size: Size | None = None,
    now: datetime | None = None,
    processes: int | None = None,
    shipped: Sequence[str] = SHIPPED,
    say: Say = lambda _: None,
) -> Ready:
    """The demonstration in ``folder``, made where there is none, completed where it was cut off.

    ``now`` (UTC) is the moment at which a new one stands, and the people it has follow from that alone.
    ``say`` is told what is being done; ``shipped``: studies to learn beside the clinic's own. Raises
    InputError for a folder of something else.
    """
    place = folder.absolute()
    (place / _PACKAGES).mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(place):
        state = read_state(place)
        if state is None:
            moment = (now or datetime.now(UTC)).replace(microsecond=0)
            state = begin(place, moment, SEED, size or Size())
        made = _Making(place, state, say, processes or os.cpu_count() or 1, tuple(shipped))
        made.complete()
        return made.ready()


@dataclass(slots=True)
class _Making:
    """The steps in their order. Each may be repeated: what it did before it was cut off is not done twice."""

    place: Path
    state: State
    say: Say
    processes: int
    shipped: tuple[str, ...]

    def complete(self) -> None:
        if "ready" in self.state.done:
            return
        size = self.state.size
        self.say(f"Choosing {size.current + size.recent + size.past:,} people who do not exist …")
        everybody = choose(size.current, size.recent, size.past, seed=self.state.seed, now=self.state.now)
        with (
            learner(self.place / _PACKAGES, self.place / _VAULT, self._key(), self.processes) as learning,
            closing(self._vault()) as vault,
        ):
            self._fill(vault, everybody, learning)

    def ready(self) -> Ready:
        return Ready(
            self.place / _VAULT,
            self.place / _KEY,
            self.place / _PACKAGES,
            self.state.password,
            self.state.link,
            self.state.now,
            self.state.lacking,
        )

    def _fill(self, vault: Vault, everybody: Everybody, learning: Learner) -> None:
        shared = self._services(vault)  # first: what it lacks is to be known before the long work
        learning.shipped(self.shipped)
        self._step("truth", lambda: store_truth(self.place, everybody))
        self.say("Taking in their records …")
        self._step("past", lambda: take_in_past(vault, everybody, lambda *_: None))
        self._step("recent", lambda: take_in_recent(vault, everybody))
        learning.own(self.state.now)
        self.say("Learning from them what helps whom …")
        people = cared(everybody)
        staff = make_accounts(vault, self.state.password, self.state.now)
        self._step("team", lambda: join_teams(vault, staff, people))
        self._step("alerts", lambda: answer_alerts(vault, staff, people, self.state.now))
        self._step("notes", lambda: write_notes(vault, staff, people, self.state.now))
        self._asked(vault, staff, people)
        lacking = tuple(f"{name}: {reason}" for name, reason in learning.wait().items())
        self.say("Following their courses, and what was advised …")
        self._step("courses", lambda: self._follow(vault, people))
        self._step("judged", lambda: self._judge(shared, staff, people))
        self._step("decisions", lambda: self._decide(shared, staff, people))
        self.state = done(self.place, self.state, "ready", lacking=lacking)

    def _step(self, name: str, work: Callable[[], None]) -> None:
        if name not in self.state.done:
            work()
            self.state = done(self.place, self.state, name)

    def _asked(self, vault: Vault, staff: Staff, people: list[Cared]) -> None:
        if "asked" in self.state.done:
            return
        patients = make_patients(vault, people, self.state.password, self.state.now)
        shown = ask(vault, staff, people, patients, self.state.now)
        self.state = done(self.place, self.state, "asked", link=shown.link if shown else "")

    def _follow(self, vault: Vault, people: list[Cared]) -> None:
        """Judge the scores of the current patients, as the clinic's own thread goes on to do."""
        with suppress(PackageError):  # too few people: the demonstration lacks it, and says so
            courses = load_courses(self.place / _PACKAGES / COURSES)
            with vault.access(actor=ACTOR, purpose="care") as access:
                current = [vault.our_id(each.subject_id) or "" for each in people if each.current]
                sweep_people(courses, access, self.state.now, current)

    def _judge(self, shared: Services, staff: Staff, people: list[Cared]) -> None:
        """How often the clinic's own rule is right about those whom it cannot have learned from."""
        rule = next((each.what for each in shared.shelf.rules() if each.name == _RULE), None)
        if rule is None:
            return
        records = advised_before(shared, staff, [each for each in people if each.current])
        advice = rule.recommend_records(records, self.state.now)
        found = judged(self.place, {each.id: each.arm for each in advice if each.arm is not None})
        if found is not None:
            store_judged(self.place, found)

    def _decide(self, shared: Services, staff: Staff, people: list[Cared]) -> None:
        """About some whose outcome is known, and some who are in treatment now."""
        for current, share in ((False, _DECIDED_RECENT), (True, _DECIDED_CURRENT)):
            some = [each for each in people if each.current == current]
            decide(shared, staff, some, self.state.now, round(len(some) * share))

    def _services(self, vault: Vault) -> Services:
        settings = Settings(
            vault=str(self.place / _VAULT), packages=self.place / _PACKAGES, demo=True, second_factor=False
        )
        nobody = cast(Identify, lambda *_: None)
        shelf = Shelf(settings.packages, vault)
        return Services(settings, vault, Looks(settings), shelf, nobody, nobody, lambda: self.state.now)

    def _key(self) -> Path:
        path = self.place / _KEY
        return path if path.exists() else make_key_file(path)

    def _vault(self) -> Vault:
        """As it stands; a creation that was cut off is completed."""
        path, key = self.place / _VAULT, self._key()
        try:
            return Vault.open(path, key_file=key)
        except VaultError:
            return Vault.create(path, key_file=key)
