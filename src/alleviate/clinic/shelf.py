"""The packages that a clinic advises by: verified before use; one that cannot be used stops nothing."""

import hashlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from alleviate.packages import read
from alleviate.packages.manifest import Kind
from alleviate.studies.courses.loaded import LoadedCourses
from alleviate.studies.loading import load
from alleviate.studies.prognosis.prognoses import Prognosis
from alleviate.studies.rules import LearnedRule
from alleviate.studies.screening.screening import Screening
from alleviate.studies.stage_rules import LearnedStages
from alleviate.terms.errors import AlleviateError, InputError, PackageError
from alleviate.vault import Vault

__all__ = ["NOTICE", "Learned", "Shelf", "Shelved", "Unusable"]

NOTICE = "package"
"""The kind of notice that takes a package out of use, or brings it back."""

Learned = LearnedRule | LearnedStages | LoadedCourses | Prognosis | Screening
P = TypeVar("P", bound=Learned)

_LOOK_AGAIN = 2.0
"""Seconds after which folder and notices are looked at anew."""
_SEAL = "manifest.json"
_REPORT = "report.html"


@dataclass(frozen=True, slots=True)
class Shelved(Generic[P]):
    """A verified package. ``seal``: SHA-256 of its manifest, which names every byte of it.

    ``live``: whether it may be used; ``signer``: fingerprint of who signed it; ``why``: of its being out of
    use. ``report``: where its report lies; `Shelf.report` reads it verified.
    """

    name: str
    kind: Kind
    what: P
    seal: str
    path: Path
    live: bool
    signer: str
    report: Path
    why: str = ""


@dataclass(frozen=True, slots=True)
class Unusable:
    """A folder that holds no package which can be used here, and the reason in a line."""

    name: str
    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class _Found:
    """What lies in one folder: ``mark`` changes when it does."""

    mark: tuple[int, int, int]
    opened: Shelved[Any] | Unusable


class Shelf:
    """The packages in ``folder``, one a folder. Threads may share it.

    Looked at anew every two seconds: what was put there, and what was taken out of use. A package that cannot
    be loaded is among the `unusable` with its reason; the rest are not touched by it.
    """

    def __init__(self, folder: Path, vault: Vault) -> None:
        self._folder = folder
        self._vault = vault
        self._found: dict[str, _Found] = {}
        self._out: dict[str, str] = {}
        self._last_notice = 0
        self._looked = float("-inf")
        self._lock = threading.Lock()
        self._missing: Unusable | None = None

    def all(self) -> list[Shelved[Any]]:
        """Every package that verifies, live or not, by name. Raises VaultError."""
        return [each for each in self._now() if isinstance(each, Shelved)]

    def unusable(self) -> list[Unusable]:
        """What cannot be used, and why."""
        found = [each for each in self._now() if isinstance(each, Unusable)]
        return found if self._missing is None else [self._missing, *found]

    def rules(self) -> list[Shelved[LearnedRule]]:
        """The live ones that advise a treatment in one decision."""
        return self._live(LearnedRule)

    def stages(self) -> list[Shelved[LearnedStages]]:
        """The live ones that advise in several decisions."""
        return self._live(LearnedStages)

    def courses(self) -> list[Shelved[LoadedCourses]]:
        """The live ones that follow scores."""
        return self._live(LoadedCourses)

    def prognoses(self) -> list[Shelved[Prognosis]]:
        """The live ones that foresee an outcome."""
        return self._live(Prognosis)

    def one(self, seal: str) -> Shelved[Any] | None:
        """The one of this seal, live or not."""
        return next((each for each in self.all() if each.seal == seal), None)

    def report(self, seal: str) -> bytes | None:
        """The report's HTML as it was signed; None for an unknown seal. Raises PackageError if changed."""
        package = self.one(seal)
        if package is None:
            return None
        sealed = read(package.path)
        if _seal_of(package.path) != seal:
            raise PackageError(f"The package {package.name} was replaced.", hint="Open the page again.")
        return sealed.files.get(_REPORT)

    def take_out(self, by: str, seal: str, reason: str) -> None:
        """Out of use, in every process within seconds. Raises InputError without a reason or package."""
        self._switch(by, seal, reason, live=False)

    def bring_back(self, by: str, seal: str, reason: str) -> None:
        """Into use again. Raises InputError without a reason or package."""
        self._switch(by, seal, reason, live=True)

    def _switch(self, by: str, seal: str, reason: str, *, live: bool) -> None:
        package = self.one(seal)
        if package is None:
            raise InputError("There is no such package.", hint="Open the page again.")
        if not reason.strip():
            raise InputError("Expected a reason, got none.", hint="Say it in a sentence.")
        told = {"live": live, "reason": reason.strip(), "name": package.name}
        self._vault.accounts.notice(by, NOTICE, seal, told)
        with self._lock:
            self._looked = float("-inf")

    def _live(self, type: type[P]) -> list[Shelved[P]]:
        return [each for each in self.all() if each.live and isinstance(each.what, type)]

    def _now(self) -> list[Shelved[Any] | Unusable]:
        with self._lock:
            if time.monotonic() - self._looked >= _LOOK_AGAIN:
                self._look()
                self._looked = time.monotonic()
            return [_standing(self._found[name].opened, self._out) for name in sorted(self._found)]

    def _look(self) -> None:
        for notice in self._vault.accounts.notices(NOTICE, after=self._last_notice):
            self._last_notice = notice.number
            if notice.body["live"]:
                self._out.pop(notice.subject, None)
            else:
                self._out[notice.subject] = str(notice.body["reason"])
        found: dict[str, _Found] = {}
        for path in self._folders():
            mark, known = _mark(path), self._found.get(path.name)
            found[path.name] = known if known and known.mark == mark else _Found(mark, _opened(path))
        self._found = found

    def _folders(self) -> list[Path]:
        """What may be a package; what begins with a dot is one that is being written."""
        self._missing = None
        try:
            return [each for each in self._folder.iterdir() if each.is_dir() and each.name[0] != "."]
        except FileNotFoundError:
            return []
        except OSError as error:
            reason = f"The folder cannot be read: {error.strerror}."
            self._missing = Unusable(self._folder.name, self._folder, reason)
            return []


def _opened(path: Path) -> Shelved[Any] | Unusable:
    try:
        seal = _seal_of(path)
        what: Learned = load(path)
        if _seal_of(path) != seal:
            raise PackageError(f"{path} is being replaced.", hint="It is read again in seconds.")
    except AlleviateError as error:
        return Unusable(path.name, path, error.message)
    except Exception as error:  # whatever a damaged or strange package does, the clinic goes on without it
        return Unusable(path.name, path, f"It cannot be read ({type(error).__name__}).")
    manifest = what.manifest
    return Shelved(path.name, manifest.origin.kind, what, seal, path, True, manifest.signer, path / _REPORT)


def _standing(opened: Shelved[Any] | Unusable, out: Mapping[str, str]) -> Shelved[Any] | Unusable:
    if isinstance(opened, Unusable) or opened.seal not in out:
        return opened
    told = {name: getattr(opened, name) for name in Shelved.__slots__}
    return Shelved(**{**told, "live": False, "why": out[opened.seal]})


def _seal_of(path: Path) -> str:
    try:
        return hashlib.sha256((path / _SEAL).read_bytes()).hexdigest()
    except OSError:
        raise PackageError(f"{path} is not a package: {_SEAL} is missing.", hint="Learn it again.") from None


def _mark(path: Path) -> tuple[int, int, int]:
    """Changes with the manifest; 0 where there is none, or none that can be read."""
    try:
        about = (path / _SEAL).stat()
    except OSError:
        return (0, 0, 0)
    return (about.st_mtime_ns, about.st_ino, about.st_size)
