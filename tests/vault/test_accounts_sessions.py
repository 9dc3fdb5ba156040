"""Sessions, lockout, and what holds one time only: with a clock of the test's own."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from alleviate.terms.errors import ConflictError, DataError, VaultError
from alleviate.vault import Vault
from alleviate.vault.accounts import Account, Client, Credentials
from alleviate.vault.accounts.locks import _ADDRESS, _RULE

BY = "account:test00000000"
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
IDLE, WHOLE = timedelta(minutes=15), timedelta(hours=12)


@pytest.fixture
def vault(location: str) -> Iterator[Vault]:
    with Vault.create(location) as made:
        yield made


@pytest.fixture
def anna(vault: Vault) -> Account:
    return vault.accounts.add(BY, Account(login="anna", name="Anna", role="clinician"), Credentials())


def opened(vault: Vault, account: Account, **more: str) -> str:
    return vault.accounts.open_session(account.id, NOW, idle=IDLE, absolute=WHOLE, **more)  # type: ignore[arg-type]


def test_a_token_says_whose_it_is_and_the_database_holds_only_its_hash(vault: Vault, anna: Account) -> None:
    token = opened(vault, anna, method="password+totp", device="Firefox, Windows", only="i1", kind="link")
    found = vault.accounts.session(token, NOW)
    assert found is not None
    assert (found.account, found.kind, found.method) == (anna, "link", "password+totp")
    assert (found.device, found.only, found.ends) == ("Firefox, Windows", "i1", NOW + WHOLE)
    assert vault.accounts.session(token + "x", NOW) is None
    assert vault.accounts.session("", NOW) is None
    with vault._database.snapshot() as connection:
        rows = connection.execute(sa.text("SELECT session, body FROM sessions")).all()
    assert len(rows) == 1
    assert token.encode() not in b"".join(bytes(each) for each in rows[0])


def test_unused_it_ends_after_its_idle_time(vault: Vault, anna: Account) -> None:
    token = opened(vault, anna)
    assert vault.accounts.session(token, NOW + IDLE) is None
    assert vault.accounts.session(token, NOW + IDLE - timedelta(seconds=1)) is not None
    assert vault.accounts.session(token, NOW + IDLE + timedelta(minutes=10)) is not None, "use prolongs it"


def test_however_busy_it_ends_after_its_absolute_time(vault: Vault, anna: Account) -> None:
    token, moment = opened(vault, anna), NOW
    while moment < NOW + WHOLE:
        assert vault.accounts.session(token, moment) is not None
        moment += timedelta(minutes=10)
    assert vault.accounts.session(token, NOW + WHOLE - timedelta(seconds=1)) is not None
    assert vault.accounts.session(token, NOW + WHOLE) is None


def test_use_is_written_at_most_once_a_minute(vault: Vault, anna: Account) -> None:
    token = opened(vault, anna)
    for seconds, seen in ((30, 0), (61, 61), (100, 61), (121, 121)):
        vault.accounts.session(token, NOW + timedelta(seconds=seconds))
        (found,) = vault.accounts.sessions(anna.id, NOW + timedelta(seconds=seconds))
        assert found.seen == NOW + timedelta(seconds=seen)


def test_a_session_of_no_length_is_refused(vault: Vault, anna: Account) -> None:
    with pytest.raises(DataError, match="A session ends"):
        vault.accounts.open_session(anna.id, NOW, idle=WHOLE, absolute=IDLE)


def test_who_is_disabled_is_out_at_once_and_cannot_come_in(vault: Vault, anna: Account) -> None:
    token = opened(vault, anna)
    vault.accounts.change(BY, msgspec.structs.replace(anna, disabled=True))
    assert vault.accounts.session(token, NOW) is None
    with pytest.raises(VaultError, match="There is no account"):
        opened(vault, anna)
    vault.accounts.change(BY, anna)
    assert vault.accounts.session(token, NOW) is None, "opened again, the old token stays dead"


@pytest.mark.parametrize("change", [{"role": "safety-officer"}, {"site": "South"}])
def test_who_may_do_other_things_signs_in_again(vault: Vault, anna: Account, change: dict[str, str]) -> None:
    token = opened(vault, anna)
    vault.accounts.change(BY, msgspec.structs.replace(anna, language="de"))
    assert vault.accounts.session(token, NOW) is not None
    vault.accounts.change(BY, msgspec.structs.replace(anna, **change))
    assert vault.accounts.session(token, NOW) is None


def test_one_is_ended_the_others_stay_then_all_are(vault: Vault, anna: Account) -> None:
    here, there, third = (opened(vault, anna) for _ in range(3))
    name = next(
        s.id for s in vault.accounts.sessions(anna.id, NOW) if s == vault.accounts.session(there, NOW)
    )
    assert vault.accounts.close_one(anna.id, name)
    assert not vault.accounts.close_one(anna.id, name)
    assert not vault.accounts.close_one("other0000000", name), "nobody ends another's"
    assert vault.accounts.session(there, NOW) is None
    vault.accounts.close_session(here)
    assert vault.accounts.session(here, NOW) is None
    assert vault.accounts.close_all(anna.id) == 1
    assert vault.accounts.session(third, NOW) is None


def test_a_new_session_ends_the_one_it_replaces(vault: Vault, anna: Account) -> None:
    old = opened(vault, anna)
    new = opened(vault, anna, instead_of=old)
    assert new != old
    assert vault.accounts.session(old, NOW) is None
    assert vault.accounts.session(new, NOW) is not None


def test_sign_in_and_out_are_in_the_audit(vault: Vault, anna: Account) -> None:
    vault.accounts.close_session(opened(vault, anna, method="passkey"))
    vault.accounts.close_session("unknown")
    events = [each for each in vault.show_audit(actor="test") if each.action.startswith("sign-")]
    assert [(each.action, each.actor) for each in reversed(events)] == [
        ("sign-in", anna.actor),
        ("sign-out", anna.actor),
    ]
    assert events[1].detail == {"kind": "web", "method": "passkey"}


def test_after_four_free_tries_the_wait_doubles_up_to_a_quarter_of_an_hour(vault: Vault) -> None:
    moment, waits = NOW, []
    for _ in range(13):
        assert vault.accounts.tried(["login:anna"], moment) is None
        lock = vault.accounts.lock("login:anna", moment)
        waits.append(int(lock.wait(moment).total_seconds()))
        if lock.holds(moment):
            held = vault.accounts.tried(["login:anna"], lock.until - timedelta(seconds=1))
            assert held == lock, "while it holds, nothing is counted"
        moment = lock.until
    assert waits == [0, 0, 0, 0, 15, 30, 60, 120, 240, 480, 900, 900, 900]


def test_a_right_sign_in_clears_the_login_and_gives_the_address_one_try_back(vault: Vault) -> None:
    keys = ["login:anna", "address:192.0.2.1"]
    for _ in range(3):
        vault.accounts.tried(keys, NOW)
    vault.accounts.cleared(*keys)
    assert vault.accounts.lock(keys[0], NOW).failures == 0
    assert vault.accounts.lock(keys[1], NOW).failures == 2, "an own account is no way to guess on for ever"


def test_failures_are_forgotten_after_a_day(vault: Vault) -> None:
    for _ in range(6):
        vault.accounts.failed("login:anna", NOW)
    assert vault.accounts.lock("login:anna", NOW).holds(NOW)
    assert vault.accounts.lock("login:anna", NOW + timedelta(days=1)).failures == 0


def test_many_at_once_get_no_more_tries_than_one_after_the_other(vault: Vault) -> None:
    with ThreadPoolExecutor(8) as pool:
        judged = list(pool.map(lambda _: vault.accounts.tried(["login:anna"], NOW), range(24)))
    assert sum(lock is None for lock in judged) == 5, "four free ones, and the one that locks"


def test_the_database_does_not_tell_who_was_tried(vault: Vault) -> None:
    vault.accounts.failed("login:anna", NOW)
    with vault._database.snapshot() as connection:
        (row,) = connection.execute(sa.text("SELECT key FROM locks")).all()
    assert b"anna" not in bytes(row[0])


@given(failures=st.integers(0, 10_000))
def test_a_wait_never_shrinks_and_never_passes_its_limit(failures: int) -> None:
    for rule in (_RULE, _ADDRESS):
        assert timedelta(0) <= rule.wait(failures) <= rule.wait(failures + 1) <= rule.most


def test_what_is_spent_holds_once_per_kind(vault: Vault) -> None:
    until = NOW + timedelta(minutes=5)
    assert vault.accounts.spend("jti", "a", until, NOW)
    assert not vault.accounts.spend("jti", "a", until, NOW)
    assert vault.accounts.spend("totp", "a", until, NOW)
    assert vault.accounts.spend("jti", "A", until, NOW)
    assert vault.accounts.spend("jti", "a", until + timedelta(hours=1), until + timedelta(seconds=1))


def test_of_many_who_spend_the_same_at_once_one_does(vault: Vault) -> None:
    until = NOW + timedelta(minutes=5)
    with ThreadPoolExecutor(8) as pool:
        spent = list(pool.map(lambda _: vault.accounts.spend("jti", "x", until, NOW), range(16)))
    assert spent.count(True) == 1


def test_what_is_kept_is_taken_once_by_its_token_for_its_kind_in_time(vault: Vault) -> None:
    kept = vault.accounts.keep("oidc", {"nonce": "n", "at": NOW}, NOW, NOW + timedelta(minutes=5))
    look, take = vault.accounts.look, vault.accounts.take
    assert look("oidc", kept, dict, NOW) == {"nonce": "n", "at": "2026-11-23T08:00:00Z"}
    assert take("totp", kept, dict, NOW) is None
    assert take("oidc", kept + "x", dict, NOW) is None
    assert (take("oidc", kept, dict, NOW) or {})["nonce"] == "n"
    assert take("oidc", kept, dict, NOW) is None
    late = vault.accounts.keep("oidc", {}, NOW, NOW + timedelta(minutes=5))
    assert look("oidc", late, dict, NOW + timedelta(minutes=5)) is None


def test_systems_are_found_by_id_and_issuer(vault: Vault) -> None:
    cds = Client(
        id="ehr-1",
        name="The EHR",
        kind="cds",
        issuer="https://ehr.example",
        jwks={"keys": [{"kty": "EC"}]},
        scopes=frozenset({"system/Patient.rs"}),
        redirect_uris=("https://ehr.example/back",),
        secret_hash="h",
    )
    vault.accounts.add_client(BY, cds)
    vault.accounts.add_client(BY, Client(id="app-1", name="App", kind="app"))
    assert vault.accounts.client("ehr-1") == cds
    assert vault.accounts.client_of("https://ehr.example") == cds
    assert vault.accounts.client_of("https://ehr.example/") is None
    assert vault.accounts.client_of("") is None, "a system without an issuer is not that of the empty one"
    for taken in (cds, msgspec.structs.replace(cds, id="ehr-2")):
        with pytest.raises(ConflictError, match="id or issuer"):
            vault.accounts.add_client(BY, taken)
    vault.accounts.change_client(BY, msgspec.structs.replace(cds, disabled=True))
    assert [(each.id, each.disabled) for each in vault.accounts.clients()] == [
        ("app-1", False),
        ("ehr-1", True),
    ]
    with pytest.raises(VaultError, match="There is no system"):
        vault.accounts.change_client(BY, msgspec.structs.replace(cds, id="ehr-3", issuer=""))


@pytest.mark.parametrize(
    "wrong", [{"id": "../x"}, {"id": ""}, {"name": ""}, {"kind": "robot"}, {"scopes": ["a b"]}]
)
def test_what_no_system_can_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(DataError):
        Client(**{"id": "ehr", "name": "EHR", "kind": "cds", **wrong})  # type: ignore[arg-type]


def test_notices_come_in_their_order_and_only_new_ones_where_asked(vault: Vault) -> None:
    first = vault.accounts.notice(BY, "package", "jobs2", {"live": False})
    vault.accounts.notice(BY, "other", "x", {})
    second = vault.accounts.notice(BY, "package", "jobs2", {"live": True})
    assert vault.accounts.notices("package") == [first, second]
    assert vault.accounts.notices("package", after=first.number) == [second]
