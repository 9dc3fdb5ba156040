"""An intake: portions in transactions, progress after the disk has them, and an account of every item."""

from collections.abc import Iterator

import pytest
from entries_made import NOW, person, pulse

from alleviate.intake.reading import Caution, Definition, Item, Refusal
from alleviate.vault import Vault, take_in


@pytest.fixture
def access(location: str):
    with Vault.create(location) as vault, vault.access(actor="test", purpose="care") as access:
        yield access


def test_every_item_is_accounted_for(access) -> None:
    refused = Refusal("a.ndjson", 3, "Observation.code", "has no code")
    caution = Caution("a.ndjson", 4, "", "not ours to read")
    items: list[Item] = [
        *(Definition("Questionnaire/a", b"{}"), person("p1"), refused, caution),
        *(pulse(1, "p1", 60.0), pulse(1, "p1", 61.0), pulse(1, "p1", 61.0)),
    ]
    intake = take_in(access, items, now=NOW, files=1)
    assert (intake.files, intake.read, intake.stored, intake.unchanged, intake.superseded) == (1, 6, 3, 1, 1)
    assert (intake.rejected, intake.warnings, intake.patients) == ([refused], [caution], 1)
    assert intake.seconds > 0
    again = take_in(access, items, now=NOW)
    assert (again.read, again.stored, again.unchanged, again.superseded) == (6, 0, 5, 0)


def test_of_a_thousand_with_a_hundred_bad_the_rest_is_kept(access) -> None:
    items = [
        Refusal("a", number, "", "bad") if number % 10 == 0 else pulse(number, f"p{number % 7}", 60.0)
        for number in range(1000)
    ]
    intake = take_in(access, items, now=NOW, chunk=64)
    assert (intake.read, intake.stored, len(intake.rejected)) == (1000, 900, 100)


def test_progress_is_told_only_what_is_stored(access) -> None:
    seen: list[tuple[int, int]] = []

    def progress(done: int) -> None:
        seen.append((done, len(access.ids())))

    take_in(
        access,
        [pulse(number, f"p{number}", 60.0) for number in range(25)],
        now=NOW,
        chunk=10,
        progress=progress,
    )
    assert seen == [(10, 10), (20, 20), (25, 25)]


def test_items_are_read_as_they_are_stored_and_never_all_at_once(access) -> None:
    read = 0

    def items() -> Iterator[Item]:
        nonlocal read
        for read in range(1, 101):
            yield pulse(read, "p1", 60.0)

    ahead: list[int] = []
    take_in(access, items(), now=NOW, chunk=10, progress=lambda done: ahead.append(read - done))
    assert ahead == [0] * 11 or ahead == [0] * 10


def test_an_intake_cut_off_by_its_reader_keeps_what_was_acknowledged(access) -> None:
    def items() -> Iterator[Item]:
        for number in range(25):
            yield pulse(number, "p1", 60.0)
        raise RuntimeError("the file ends here")

    with pytest.raises(RuntimeError):
        take_in(access, items(), now=NOW, chunk=10)
    assert len(access.record("p1").events) == 20


def test_about_erased_people_nothing_is_stored_and_it_says_so(access, location: str) -> None:
    take_in(access, [pulse(1, "p1", 60.0)], now=NOW)
    with Vault.open(location) as vault:
        vault.access(actor="test", purpose="rights").erase("p1", "asked by the person")
    intake = take_in(access, [pulse(1, "p1", 60.0), pulse(2, "p2", 60.0)], now=NOW)
    assert (intake.read, intake.stored) == (2, 1)
    (refusal,) = intake.rejected
    assert (refusal.field, "erased" in refusal.reason) == ("Observation/1", True)
