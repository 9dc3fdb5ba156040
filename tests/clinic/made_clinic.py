"""A clinic of eight synthetic people, with an account of each role, as its pages and interfaces see it."""

from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from alleviate.clinic.looks.headers import headers
from alleviate.clinic.services import Services
from alleviate.clinic.settings import Settings
from alleviate.clinic.wiring import build, services
from alleviate.decisions.permissions import ROLES, Role
from alleviate.records import Entry, PatientRecord
from alleviate.records.synthetic import simulate
from alleviate.vault import Vault
from alleviate.vault.accounts import Account, Credentials

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
"""When the synthetic people's records were written. The vault goes by the real clock, so the clinic does."""

PEOPLE = 8
IN_CARE = 5
"""The first so many people are in the care of the clinician and the trainee; nobody cares for the others."""


@dataclass
class Clock:
    """The real clock, until it is put forward."""

    ahead: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def goes(self, **by: float) -> None:
        self.ahead += timedelta(**by)


@dataclass
class Made:
    """``patients``: our ids, in the order of the synthetic people; ``accounts`` by role.

    The accounts named ``other`` (a clinician) and ``someone`` (a patient: the sixth person) are bound to
    others than ``clinician`` and ``patient`` (the first person) are.
    """

    services: Services
    clock: Clock
    patients: list[str]
    subjects: list[str]
    accounts: dict[str, Account]
    app: FastAPI
    _clients: dict[str, TestClient] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    @property
    def vault(self) -> Vault:
        return self.services.vault

    def signed_in(self, who: str, *, afresh: bool = False) -> TestClient:
        """A browser in which this account is signed in; forms are sent with `send`."""
        if who not in self._clients or afresh:
            client = TestClient(self.app, base_url="http://127.0.0.1:8000", follow_redirects=False)
            token = self.services.accounts.open_session(
                self.accounts[who].id,
                self.clock(),
                idle=timedelta(minutes=30),
                absolute=timedelta(hours=12),
                method="test",
            )
            client.cookies.set("alleviate", token)
            self._clients[who] = client
        return self._clients[who]

    def guest(self) -> TestClient:
        """A browser in which nobody is signed in."""
        return TestClient(self.app, base_url="http://127.0.0.1:8000", follow_redirects=False)

    def send(self, who: str, url: str, **form: Any) -> Any:
        """Send a form as this account, with the token that its pages carry."""
        client = self.signed_in(who)
        return client.post(url, data={"csrf": self.csrf(who), **form})

    def csrf(self, who: str) -> str:
        found = self.services.of_cookie(_Asking(self.signed_in(who)), self.services)  # type: ignore[arg-type]
        assert found is not None
        return found.csrf

    def audit(self, patient: str = "") -> list[Any]:
        """The audit's events, the newest first, without the one of looking."""
        return self.vault.show_audit(actor="test", patient=patient)

    def close(self) -> None:
        self._stack.close()
        self.services.vault.close()
        if self.app.state.services is self.services:
            self.app.state.services = None
            _IDLE[_kind(self.services)].append(self.app)


def _kind(shared: Services) -> tuple[Any, ...]:
    """What of a clinic is in its app, and not in the services that the app is given."""
    return shared.settings.body_mebibytes, *headers(shared.settings).items()


_IDLE: defaultdict[tuple[Any, ...], list[FastAPI]] = defaultdict(list)
"""Apps whose clinic has closed. The next clinic of the kind takes one over: an app makes its routes anew,
and that is most of what it costs to open a clinic."""


class _Asking:
    """As much of a request as tells who asks."""

    method = "GET"

    def __init__(self, client: TestClient) -> None:
        self.cookies = dict(client.cookies)
        self.headers: dict[str, str] = {}


def entries_of(record: PatientRecord) -> list[Entry]:
    """A record as the entries that it came in."""
    kept: dict[tuple[str, str], list[Any]] = {}
    for event in record.events:
        if event.known_until is None:
            kept.setdefault((event.entry or f"Event/{len(kept)}", event.kind), []).append(event)
    return [
        Entry(record.subject_id, ref, kind, tuple(replace(event, entry=ref) for event in events))  # type: ignore[arg-type]
        for (ref, kind), events in kept.items()
    ]


def filled(vault: Vault) -> None:
    people = list(simulate(PEOPLE, 20_260_302, now=NOW).records())
    with vault.access(actor="test", purpose="care") as access:
        for record in people:
            access.put(entries_of(record), NOW)
    patients = [vault.our_id(record.subject_id) or "" for record in people]
    made = {role: _account(vault, role) for role in ROLES if role not in ("integrator", "patient")}
    made["other"] = _account(vault, "clinician", "other")
    made["patient"] = _account(vault, "patient", patient=patients[0])
    made["someone"] = _account(vault, "patient", "someone", patient=patients[5])
    with vault.access(actor="test", purpose="care") as access:
        for patient in patients[:IN_CARE]:
            access.join(patient, made["clinician"].id, "psychologist")
            access.join(patient, made["trainee"].id, "trainee")
        access.join(patients[5], made["other"].id, "nurse")


def _account(vault: Vault, role: Role, login: str = "", patient: str = "") -> Account:
    account = Account(
        login=login or role,
        name=f"The {login or role}",
        role=role,
        profession="psychologist" if role == "clinician" else "",
        patient=patient,
        created=NOW,
    )
    return vault.accounts.add("test", account, Credentials())


def opened(folder: Path, **settings: Any) -> Made:
    """The clinic whose vault lies in this folder."""
    clock = Clock()
    given = {"vault": str(folder / "clinic.vault"), "packages": folder / "packages", **settings}
    shared = services(Settings.read({}, **given), clock=clock)
    accounts = {account.login: account for account in shared.accounts.all()}
    with shared.vault.access(actor="test", purpose="care") as access:
        subjects = access.ids()
    patients = [shared.vault.our_id(subject) or "" for subject in subjects]
    idle = _IDLE[_kind(shared)]
    app = idle.pop() if idle else build(shared, keep=False)
    app.state.services = shared
    return Made(shared, clock, patients, subjects, accounts, app)
