"""Rules learned for real from a vault of made people, and a clinic that advises by them."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from made_people import NOW, entries_of, person

from alleviate.clinic.recommending.proposal import Person, build
from alleviate.clinic.shelf import Shelf
from alleviate.decisions import Proposal
from alleviate.records import PatientRecord
from alleviate.vault import Vault


@pytest.fixture(scope="session")
def packages(learned_packages: Path) -> Path:
    return learned_packages


@pytest.fixture(scope="session")
def shelf(packages: Path, clinic_key: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALLEVIATE_KEY", clinic_key)
        with Vault.create(tmp_path_factory.mktemp("shelf") / "clinic.vault") as vault:
            yield Shelf(packages, vault)


@pytest.fixture
def advise(shelf: Shelf) -> Callable[..., Proposal]:
    """``advise(record, question)``: the proposal for that record at NOW."""

    def advised(record: PatientRecord, question: str = "severity", **told: Any) -> Proposal:
        return build(Person("a" * 32, record, **told), shelf, NOW, question=question)

    return advised


@dataclass
class Advising:
    """A clinic with packages. ``made.accounts["clinician"]`` cares for each person that is `added`."""

    made: Any

    def added(self, name: str, **told: Any) -> str:
        """Our id of somebody new in the clinician's and the trainee's care."""
        at = self.made.clock() - timedelta(days=3)
        record = person(name, at=at.replace(microsecond=0), **told)
        with self.made.vault.access(actor="test", purpose="care") as access:
            access.put(entries_of(record), self.made.clock())
            patient: str = self.made.vault.our_id(name)
            access.join(patient, self.made.accounts["clinician"].id, "psychologist")
            access.join(patient, self.made.accounts["trainee"].id, "trainee")
        return patient

    def page(self, url: str, who: str = "clinician", status: int = 200) -> str:
        answer = self.made.signed_in(who).get(url)
        assert answer.status_code == status, answer.text[:2000]
        text: str = answer.text
        return text


@pytest.fixture(scope="module")
def advising(shared_clinic: Any, packages: Path) -> Advising:
    """One clinic for a file's tests: each adds a person of its own."""
    shutil.copytree(packages, shared_clinic.services.settings.packages)
    shared_clinic.services.shelf._looked = float("-inf")
    return Advising(shared_clinic)
