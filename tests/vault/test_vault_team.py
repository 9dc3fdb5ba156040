"""Who cares for whom: joined, left, broken the glass, until when; and a pulse that misses no change."""

from datetime import UTC, datetime, timedelta

import pytest
from clinic_made import MINUTE, NOW, item_9, note, people, told
from entries_made import consent, pulse
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from alleviate.terms.errors import ConsentError, DataError, VaultError
from alleviate.vault import Bond, Vault

HOUR = timedelta(hours=1)


@pytest.fixture
def vault(location: str):
    with Vault.create(location) as vault:
        vault.access(actor="import", purpose="care").put(people(3), NOW)
        yield vault


@pytest.fixture
def access(vault):
    return vault.access(actor="account:anna", purpose="care")


def test_joined_and_left(vault, access) -> None:
    ours, now = vault.our_id("p0"), datetime.now(UTC)
    assert vault.bond("anna", ours, now) == Bond(ours, "none")
    access.join("p0", "anna", "psychologist")
    assert vault.bond("anna", ours, now) == Bond(ours, "team")
    assert vault.bond("bela", ours, now).basis == "none"
    assert vault.bond("anna", vault.our_id("p1"), now).basis == "none"
    (member,) = access.chart("p0").team
    assert (member.account, member.basis, member.function, member.until) == (
        *("anna", "team", "psychologist", None),
    )
    access.leave(ours, "anna")
    assert vault.bond("anna", ours, datetime.now(UTC)).basis == "none"
    assert access.chart("p0").team == ()
    assert [event.detail for event in told(vault, "team")] == [
        {"account": "anna", "basis": "team", "function": "psychologist", "state": "joined"},
        {"account": "anna", "state": "left"},
    ]
    assert {event.patient for event in told(vault, "team")} == {ours}


def test_the_same_again_changes_nothing_and_another_function_replaces(vault, access) -> None:
    access.join("p0", "anna", "psychologist")
    access.join("p0", "anna", "psychologist")
    assert len(told(vault, "team")) == 1
    access.join("p0", "anna", "supervisor")
    assert [member.function for member in access.chart("p0").team] == ["supervisor"]
    access.leave("p0", "nobody")
    assert len(told(vault, "team")) == 2


def test_a_broken_glass_ends_by_itself_and_makes_no_caseload(vault, access) -> None:
    ours, now = vault.our_id("p0"), datetime.now(UTC)
    access.join("p0", "anna", "duty", basis="glass", until=now + HOUR)
    assert vault.bond("anna", ours, now) == Bond(ours, "glass", now + HOUR)
    assert vault.bond("anna", ours, now + HOUR - timedelta(microseconds=1)).basis == "glass"
    assert vault.bond("anna", ours, now + HOUR).basis == "none"
    assert access.caseload("anna", lambda chart: b"", lambda glances: [g.patient for g in glances]) == []
    access.join("p0", "anna", "nurse")
    assert vault.bond("anna", ours, now) == Bond(ours, "team"), "the team goes before the glass"
    access.leave("p0", "anna")
    assert vault.bond("anna", ours, datetime.now(UTC)).basis == "none", "and both end"


def test_nobody_unknown_and_nobody_erased(vault, access) -> None:
    now = datetime.now(UTC)
    assert vault.bond("anna", "0" * 32, now) == Bond("0" * 32, "none")
    assert vault.our_id("p77") is None
    with pytest.raises(VaultError, match="no patient"):
        access.join("p77", "anna", "nurse")
    access.join("p0", "anna", "nurse")
    ours = vault.our_id("p0")
    vault.access(actor="t", purpose="rights").erase("p0", "asked-by-the-person")
    assert vault.bond("anna", ours, now).basis == "none"
    assert vault.our_id("p0") is None
    with pytest.raises(ConsentError):
        vault.access(actor="t", purpose="research").join("p1", "anna", "nurse")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"account": "Anna Muster"}, "by its id"),
        ({"function": "her mother's friend"}, "one word"),
        ({"basis": "friend"}, "team or glass"),
        ({"basis": "glass"}, "until when"),
        ({"until": NOW - timedelta(days=400), "now": NOW}, "before it begins"),
        ({"until": datetime(2030, 1, 1)}, "UTC"),  # noqa: DTZ001
    ],
)
def test_what_is_no_membership_is_refused(vault, access, wrong, words) -> None:
    with pytest.raises(DataError, match=words):
        access.join(**{"id": "p0", "account": "anna", "function": "nurse"} | wrong)
    assert told(vault, "team") == []


CHANGES = {
    "entry": lambda vault, access, n: access.put([pulse(500 + n, "p0", 60.0 + n)], NOW),
    "alert": lambda vault, access, n: access.put([item_9(500 + n, "p0")], NOW),
    "sheet": lambda vault, access, n: access.store(NOW, sheets=[note("p0", str(n))]),
    "joined": lambda vault, access, n: access.join("p1", "anna", f"nurse-{n}"),
    "left": lambda vault, access, n: access.leave("p1", "anna"),
    "colleague": lambda vault, access, n: access.join("p0", "bela", f"nurse-{n}"),
    "withdrawn": lambda vault, access, n: access.put([consent(500 + n, "p0", "deny", "care")], NOW),
    "ended": lambda vault, access, n: access.join("p1", "anna", "nurse", until=NOW + n * MINUTE, now=NOW),
}


@example(changes=["joined", "ended", "joined", "left", "withdrawn"])
@given(changes=st.lists(st.sampled_from(sorted(CHANGES)), min_size=1, max_size=6))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_change_of_a_caseload_is_without_another_pulse(tmp_path_factory, master_key, changes) -> None:
    with Vault.create(tmp_path_factory.mktemp("pulse") / "clinic.vault") as vault:
        access = vault.access(actor="account:anna", purpose="care")
        access.put(people(2, each=1), NOW)
        access.join("p0", "anna", "nurse")
        seen = {vault.pulse("anna")}
        cares_for_p1 = False
        for number, change in enumerate(changes, 1):
            if change in ("left", "ended") and not cares_for_p1:
                continue  # nobody left
            CHANGES[change](vault, access, number)
            cares_for_p1 = change == "joined" or (cares_for_p1 and change not in ("left", "ended"))
            pulse_now = vault.pulse("anna")
            assert pulse_now == vault.pulse("anna")
            assert pulse_now not in seen
            seen.add(pulse_now)


def test_what_is_written_about_others_leaves_the_pulse(vault, access) -> None:
    access.join("p0", "anna", "nurse")
    before = vault.pulse("anna")
    access.put([pulse(99, "p1", 60.0)], NOW)
    access.join("p1", "bela", "nurse")
    access.chart("p0")
    access.caseload("anna", lambda chart: b"", lambda glances: [glance.patient for glance in glances])
    assert vault.pulse("anna") == before
    assert vault.pulse("nobody") == vault.pulse("nobody")
