"""Everybody's charts in one pass, and the audit searched by what its events say: on both databases."""

from datetime import timedelta

import pytest
from clinic_made import NOW, item_9, note, people, told
from entries_made import consent

from alleviate.terms.errors import ConsentError, InputError
from alleviate.vault import Vault
from alleviate.vault.everybody import charts_of_all, search_audit


@pytest.fixture
def vault(location: str):
    with Vault.create(location) as vault:
        access = vault.access(actor="import", purpose="care")
        access.put([*people(3), item_9(1, "p0"), consent(1, "p2", "deny", "care")], NOW)
        access.store(NOW, sheets=[note("p0"), note("p1")])
        yield vault


def test_each_chart_is_as_if_it_were_read_alone_and_one_event(vault) -> None:
    access = vault.access(actor="alleviate:service", purpose="care")
    found = {chart.subject_id: chart for chart in charts_of_all(access)}
    assert set(found) == {"p0", "p1"}, "who denies care is not read"
    read = [event.patient for event in told(vault, "read") if event.actor == "alleviate:service"]
    assert sorted(read) == sorted(vault.our_id(id) for id in ("p0", "p1"))
    assert found["p0"] == access.chart("p0")
    some = {chart.subject_id: chart for chart in charts_of_all(access, kinds=(), sheets=())}
    assert (some["p0"].record.events, some["p0"].sheets, len(some["p0"].alerts)) == ((), (), 1)


def test_no_chart_is_for_research(vault) -> None:
    with pytest.raises(ConsentError):
        next(charts_of_all(vault.access(actor="a", purpose="research")))


def test_a_search_finds_what_all_that_is_asked_for_fits_and_is_an_event_itself(vault) -> None:
    patient = vault.our_id("p0")
    vault.access(actor="account:a_b", purpose="care").chart("p0")
    vault.access(actor="account:aXb", purpose="care").chart("p0")

    def found(**asked):
        return [(e.actor, e.action) for e in search_audit(vault, actor="account:officer", **asked).events]

    assert found(by="account:a_b") == [("account:a_b", "read")]
    assert found(patient=patient, action="read") == [("account:aXb", "read"), ("account:a_b", "read")]
    assert found(patient=vault.our_id("p1"), by="account:a_b") == []
    assert found()[0] == ("account:officer", "inspect")
    last = told(vault, "inspect")[-2]
    assert (last.actor, last.purpose) == ("account:officer", "rights")


def test_a_day_has_the_events_of_that_day(vault) -> None:
    today = vault.show_audit(actor="test")[0].at.date()
    size = vault.verify_audit(actor="test").size
    assert len(search_audit(vault, actor="o", day=today, most=500).events) >= size
    for other in (today - timedelta(days=1), today + timedelta(days=1)):
        assert search_audit(vault, actor="o", day=other).events == ()


def test_pages_hold_every_event_once(vault) -> None:
    every = [event.position for event in vault.show_audit(actor="test")]
    found, before = [], every[0] + 1
    while before is not None:
        page = search_audit(vault, actor="o", before=before, most=2)
        found += [event.position for event in page.events]
        before = page.older
    assert found == every


@pytest.mark.parametrize("asked", [{"by": 'x"'}, {"by": "100%"}, {"action": "steal"}, {"most": 0}])
def test_what_no_event_could_have_is_refused(vault, asked) -> None:
    with pytest.raises(InputError):
        search_audit(vault, actor="o", **asked)
