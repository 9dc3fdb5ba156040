"""The demonstration's packages: studies of its own vault, and a shipped one, learned beside all else."""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from importlib.resources import as_file, files
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from alleviate.intake.tables import table_of
from alleviate.records import PatientRecord
from alleviate.studies.courses.asking import Asked
from alleviate.studies.courses.learning import learn_courses
from alleviate.studies.courses.sweeping import long_of_records
from alleviate.studies.learning import learn
from alleviate.studies.loading import load
from alleviate.terms.errors import AlleviateError, NotEnoughDataError
from alleviate.vault import Vault
from alleviate.vault.whereabouts import acting

__all__ = ["COURSES", "SHIPPED", "STUDIES", "Learner", "learner"]

STUDIES = ("treatment", "recovery", "dropout")
"""Files beside this one; each package is named clinic-… ."""
COURSES = "clinic-phq9-courses"
SHIPPED = ("jobs2",)

_MOST_FOLLOWED = 1500
"""People whose courses are learned from, the first in the vault: more took longer and showed no better."""
_MEASURE = "phq9"


class Learner:
    """Learns in processes of its own. What was learned before and still verifies is left as it is."""

    def __init__(self, pool: ProcessPoolExecutor, packages: Path, vault: Path) -> None:
        self._pool = pool
        self._packages = packages
        self._vault = vault
        self._under_way: dict[str, Future[str]] = {}

    def shipped(self, names: Iterable[str]) -> None:
        """Begin those that need no vault."""
        for name in names:
            self._begin(name, _shipped, name)

    def own(self, now: datetime) -> None:
        """Begin those of the vault, which holds everybody by now; the longest first."""
        self._begin(COURSES, _courses, str(self._vault), now)
        for name in STUDIES:
            self._begin(f"clinic-{name}", _study, name, str(self._vault))

    def wait(self) -> dict[str, str]:
        """What could not be learned, by name, and why, once all have ended."""
        found = {name: future.result() for name, future in self._under_way.items()}
        return {name: reason for name, reason in found.items() if reason}

    def _begin(self, name: str, work: Callable[..., None], *arguments: object) -> None:
        out = self._packages / name
        if not _whole(out):
            self._under_way[name] = self._pool.submit(_told, work, *arguments, str(out))


@contextmanager
def learner(packages: Path, vault: Path, key: Path, processes: int) -> Iterator[Learner]:
    """Ends its processes when left, also where that is by an error."""
    environment = {"ALLEVIATE_KEY_FILE": str(key)}
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _settle, (environment,))
    try:
        yield Learner(pool, packages, vault)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _settle(environment: Mapping[str, str]) -> None:
    """In the new process: it opens this vault with this key, and computes with one thread."""
    os.environ.pop("ALLEVIATE_KEY", None)
    os.environ.update(environment)
    os.environ["OMP_NUM_THREADS"] = "1"


def _told(work: Callable[..., None], *arguments: object) -> str:
    """What cannot be learned is no reason to stop: the demonstration then lacks that package, and says so."""
    try:
        work(*arguments)
    except AlleviateError as error:
        return error.message
    except Exception as error:  # of few people some arrive at what no matrix can be inverted for
        return f"It could not be learned ({type(error).__name__})."
    return ""


def _study(name: str, vault: str, out: str) -> None:
    os.environ["ALLEVIATE_VAULT"] = vault
    with as_file(files(__package__) / f"{name}.toml") as path:
        learn(path, out=out, workers=1)


def _courses(vault: str, now: datetime, out: str) -> None:
    asked = Asked(_MEASURE)
    with Vault.open(vault) as opened, opened.access(actor=acting(), purpose="model-training") as access:
        records: list[PatientRecord] = list(islice(access.records(), _MOST_FOLLOWED))
    long = long_of_records(records, asked.following("weeks").instrument)
    if long.is_empty():
        raise NotEnoughDataError("Nobody permits model training.", hint="Make a larger demonstration.")
    # Other questionnaires of the same day take five times as long to learn from, and foretell no better here.
    table = table_of(long.select("id", "time", "score", "age", "sex"), "the vault")
    learn_courses(table, asked, out=Path(out), now=now, workers=1)


def _shipped(name: str, out: str) -> None:
    """The one that `alleviate learn` left in ``runs/``, else learned now."""
    made = Path("runs") / name
    if not _whole(made):
        learn(name, out=out, workers=1)
        return
    place, draft = Path(out), Path(out).with_name(f".{name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(made, draft)
    shutil.rmtree(place, ignore_errors=True)  # one that cannot be read any more
    draft.rename(place)


def _whole(package: Path) -> bool:
    """Whether it verifies, and this version can read it."""
    try:
        load(package)
    except AlleviateError:
        return False
    return True
