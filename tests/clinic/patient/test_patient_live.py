"""What keeps an open page as it is, and what does not."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from made_clinic import Made

from alleviate.clinic.gate import Visit
from alleviate.clinic.patient.live import end_of_day, mark_of, pulse_of, still_holds
from alleviate.clinic.shelf import Shelf
from alleviate.clinic.who import Who


def test_a_package_taken_out_of_use_changes_what_an_open_page_shows(
    shared_clinic: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = shared_clinic.accounts["clinician"]
    who = Who(account.actor, account.role, account)
    visit = Visit(None, shared_clinic.services, who, "caseload.see", shared_clinic.clock())  # type: ignore[arg-type]
    on_the_shelf = [SimpleNamespace(seal="a" * 64)]
    monkeypatch.setattr(Shelf, "courses", lambda _: on_the_shelf)
    mark = mark_of(pulse_of(visit), end_of_day(visit.now))
    assert still_holds(visit, mark)
    on_the_shelf.clear()
    assert not still_holds(visit, mark)
    assert not still_holds(visit, mark_of(pulse_of(visit), visit.now + timedelta(days=2)))
    assert not still_holds(visit, "made up")
