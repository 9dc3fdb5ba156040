"""Who looked at my record, from the audit."""

from datetime import UTC, datetime, timedelta

from alleviate.clinic.mine.looked import by_day, glass_of, looks_of
from alleviate.clinic.mine.seers import Seers
from alleviate.clinic.who import COUNTER, KEEPER
from alleviate.vault.accounts import Account, Client
from alleviate.vault.audit import Recorded

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
ME = "a" * 32
ACCOUNTS = {
    account.id: account
    for account in (
        Account(id="nurse0000001", login="nurse", name="N", role="clinician", profession="nurse"),
        Account(id="myself000001", login="me", name="M", role="patient", patient=ME),
        Account(id="other0000001", login="other", name="O", role="patient", patient="b" * 32),
    )
}


def event(
    position: int, actor: str, action: str, minutes: float = 0, patient: str = ME, **detail: str
) -> Recorded:
    return Recorded(
        position=position, at=NOW + timedelta(minutes=minutes), actor=actor, action=action, purpose="care",
        patient=patient, detail=dict(detail),
    )  # fmt: skip


def looks(*events: Recorded) -> list[tuple[str, str, str, bool, int]]:
    broken = glass_of(events)

    def used(account: str, at: datetime) -> bool:
        return any(a <= at and (b is None or at < b) for a, b in broken.get(account, ()))

    return [
        (look.seer, look.profession, look.done, look.glass, look.times)
        for look in looks_of(events, ME, ACCOUNTS.get, used)
    ]


def test_who_and_what_newest_first_without_names() -> None:
    assert looks(
        event(1, "client:lab", "import"),
        event(2, "account:nurse0000001", "read", 1),
        event(3, "account:myself000001", "read", 2),
        event(4, "keeper", "alert", 3),
        event(5, "account:nurse0000001", "deny", 4),
    ) == [
        ("staff", "nurse", "refused", False, 1),
        ("clinic", "", "changed", False, 1),
        ("you", "", "read", False, 1),
        ("staff", "nurse", "read", False, 1),
        ("system", "", "changed", False, 1),
    ]


def test_what_is_about_others_or_about_nobody_is_not_mine() -> None:
    assert (
        looks(event(1, "account:nurse0000001", "read", patient="b" * 32), event(2, "x", "open", patient=""))
        == []
    )


def test_another_patients_account_is_not_me() -> None:
    assert looks(event(1, "account:other0000001", "read"))[0][0] == "staff"


def test_steps_within_ten_minutes_are_one_look_and_later_ones_another() -> None:
    read = [event(n, "account:nurse0000001", "read", minutes) for n, minutes in enumerate((0, 4, 13, 24), 1)]
    assert [times for *_, times in looks(*read)] == [1, 3]


def test_what_was_seen_through_a_broken_glass_is_marked_until_it_ends() -> None:
    nurse = "account:nurse0000001"
    assert looks(
        event(1, nurse, "read"),
        event(2, nurse, "team", 20, account="nurse0000001", basis="glass", state="joined"),
        event(3, nurse, "read", 21),
        event(4, nurse, "team", 60, account="nurse0000001", state="left"),
        event(5, nurse, "read", 80),
    ) == [
        ("staff", "nurse", "read", False, 1),
        ("staff", "nurse", "team", False, 1),
        ("staff", "nurse", "read", True, 1),
        ("staff", "nurse", "glass", True, 1),
        ("staff", "nurse", "read", False, 1),
    ]


class Known:
    """As much of the vault's accounts as tells who somebody is."""

    def get(self, id: str) -> Account | None:
        return ACCOUNTS.get(id)

    def client(self, id: str) -> Client | None:
        return Client(id=id, name="Laboratory", kind="backend") if id == "lab" else None


def test_everybody_is_said_by_what_they_are() -> None:
    seers = Seers(Known(), ME)  # type: ignore[arg-type]
    assert [seers.of(actor) for actor in (
        "account:nurse0000001", "account:myself000001", "account:other0000001", "account:gone00000001",
        "client:lab", "client:old", "os:root", KEEPER, COUNTER, "something",
    )] == [
        "A nurse", "You", "Somebody with a patient's sign-in", "Somebody whose account was closed",
        "The computer system “Laboratory”", "Another computer system",
        "Somebody who runs the clinic's computers", "Our program that checks new answers",
        "Our program that counts how the clinic does", "A program of the clinic",
    ]  # fmt: skip


def test_nobodys_id_is_left_in_what_is_told() -> None:
    kept = {"by": "account:nurse0000001", "deep": [{"account": "nurse0000001", "n": 1}]}
    told = Seers(Known(), ME).told(kept)  # type: ignore[arg-type]
    assert told == {"by": "A nurse", "deep": [{"account": "A nurse", "n": 1}]}


def test_a_day_has_one_line_of_each_who_did_the_same() -> None:
    nurse = "account:nurse0000001"
    events = [event(n, nurse, "read", minutes) for n, minutes in enumerate((0, 30, 60, 24 * 60), 1)]
    events += [event(9, "client:lab", "import", 40)]
    looks = looks_of(events, ME, ACCOUNTS.get, lambda *_: False)
    days = by_day(looks, lambda moment: moment.date(), Seers(Known(), ME).of)  # type: ignore[arg-type]
    assert [day.on.day for day in days] == [21, 20]
    assert [(seen.who, seen.done, len(seen.moments)) for seen in days[1].seen] == [
        ("A nurse", "read", 3),
        ("The computer system “Laboratory”", "changed", 1),
    ]
    assert list(days[1].seen[0].moments) == sorted(days[1].seen[0].moments)
