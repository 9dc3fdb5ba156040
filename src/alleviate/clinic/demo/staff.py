"""The accounts of the demonstration, and who of them is in whose care team."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from alleviate.clinic.demo.importing import ACTOR
from alleviate.clinic.demo.people import SITES, Everybody, is_current
from alleviate.clinic.signing_in import passwords
from alleviate.records.synthetic.settings import TREATMENTS
from alleviate.vault import Vault
from alleviate.vault.accounts import Account, Credentials

__all__ = ["Cared", "Staff", "cared", "join_teams", "logins", "make_accounts", "make_patients"]

_TRAINEE_SEES = 2
"""A trainee follows one in so many of a clinician's patients."""
_SEVERE = 20


@dataclass(frozen=True, slots=True)
class Cared:
    """A current or recent patient: by the source's id, where, what they have or wait for, how unwell.

    ``treatment`` is the synthetic clinic's word; of who ``waits`` it lies ahead and nobody knows of it.
    ``turn`` counts those of the list.
    """

    subject_id: str
    site: str
    treatment: str
    waits: bool
    current: bool
    severe: bool
    turn: int


@dataclass(frozen=True, slots=True)
class Staff:
    """Accounts by login, and what each clinician gives."""

    accounts: Mapping[str, Account]

    def clinician_of(self, person: Cared) -> Account:
        """Who treats this person; who waits is shared among the clinicians of the site."""
        here = [each for each in _table()["accounts"] if each.get("site") == person.site and "gives" in each]
        giving = next(each for each in here if person.treatment in each["gives"])
        return self.accounts[(here[person.turn % len(here)] if person.waits else giving)["login"]]

    def psychiatrist_of(self, person: Cared) -> Account:
        """The one at their site."""
        return next(
            account
            for account in self.accounts.values()
            if account.site == person.site and account.profession == "psychiatrist"
        )

    @property
    def trainees(self) -> dict[str, Account]:
        """By the id of the clinician whom each follows."""
        return {
            self.accounts[each["follows"]].id: self.accounts[each["login"]]
            for each in _table()["accounts"]
            if "follows" in each
        }


def cared(everybody: Everybody) -> list[Cared]:
    """The current and the recent patients, as their records and the truth tell of them."""
    names = {each.name for each in TREATMENTS}
    found = []
    numbers = (*everybody.current, *everybody.recent)
    truth = everybody.clinic.truth(numbers)
    for turn, (number, row) in enumerate(zip(numbers, truth.iter_rows(named=True), strict=True)):
        assert row["assigned"] in names
        record = everybody.clinic.record(number)
        found.append(
            Cared(
                record.subject_id,
                row["site"],
                row["assigned"],
                waits=all(event.code != "EPISODE//start" for event in record.events),
                current=is_current(record),
                severe=row["baseline_phq9"] >= _SEVERE,
                turn=turn,
            )
        )
    return found


def make_accounts(vault: Vault, password: str, now: datetime) -> Staff:
    """Everybody of the staff; who is there already is left."""
    accounts = {}
    for told in _table()["accounts"]:
        own = {name: told[name] for name in ("login", "name", "role", "profession", "site") if name in told}
        accounts[told["login"]] = _made(vault, own, password, now)
    return Staff(accounts)


def make_patients(vault: Vault, people: Sequence[Cared], password: str, now: datetime) -> list[Account]:
    """Accounts of some current patients in treatment, of each site in turn."""
    told = _table()["patients"]
    by_site = [[each for each in people if each.current and not each.waits and each.site == s] for s in SITES]
    chosen = [person for pair in zip(*by_site, strict=False) for person in pair][: told["number"]]
    made = []
    for number, person in enumerate(chosen, 1):
        own = {"login": f"{told['login']}{number}", "name": f"{told['name']} {number}", "role": "patient"}
        patient = vault.our_id(person.subject_id) or ""
        made.append(_made(vault, {**own, "patient": patient, "site": person.site}, password, now))
    return made


def join_teams(vault: Vault, staff: Staff, people: Sequence[Cared]) -> None:
    """The care team of each current patient; to join again changes nothing."""
    trainees = staff.trainees
    seen = dict.fromkeys(trainees, 0)
    with vault.access(actor=ACTOR, purpose="care") as access:
        for person in people:
            if not person.current:
                continue
            clinician = staff.clinician_of(person)
            access.join(person.subject_id, clinician.id, clinician.profession)
            psychiatrist = staff.psychiatrist_of(person)
            if person.severe and psychiatrist.id != clinician.id:
                access.join(person.subject_id, psychiatrist.id, psychiatrist.profession)
            if clinician.id in trainees:
                seen[clinician.id] += 1
                if seen[clinician.id] % _TRAINEE_SEES:
                    access.join(person.subject_id, trainees[clinician.id].id, "trainee")


def logins() -> list[tuple[str, str]]:
    """Each login with the words for whose it is, in the order of the file."""
    told = _table()
    staff = [(each["login"], each["name"]) for each in told["accounts"]]
    login, number = told["patients"]["login"], told["patients"]["number"]
    return [*staff, (f"{login}1 … {login}{number}", "Patients")]


def _made(vault: Vault, own: Mapping[str, Any], password: str, now: datetime) -> Account:
    known = vault.accounts.by_login(own["login"])
    if known is not None:
        return known
    fresh = Credentials(password=passwords.hashed(password), changed=now)
    return vault.accounts.add(ACTOR, Account(created=now, **own), fresh)


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "roles.toml").read_text(encoding="utf-8"))
