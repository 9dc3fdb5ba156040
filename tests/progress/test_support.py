"""For who is not on track: what stands out, what cannot be looked at, and what to ask first."""

from datetime import UTC, datetime, timedelta

import pytest

from alleviate.instruments import INSTRUMENTS
from alleviate.progress.support import default_support, outstanding, questions, read_support
from alleviate.terms.errors import DataError

PHQ9, WHO5, CORE10 = INSTRUMENTS["phq9"], INSTRUMENTS["who5"], INSTRUMENTS["core10"]
START = datetime(2024, 1, 1, tzinfo=UTC)


def sessions(*came, every=7):
    return [(START + timedelta(days=every * number), each) for number, each in enumerate(came)]


def kinds(**given):
    return [(each.what, each.size) for each in outstanding(**given)[0]]


def test_items_that_are_worse_now_the_worst_first_also_where_points_are_reversed() -> None:
    forms = [{"1": 2, "2": 1, "3": 0}, {"1": 0}, {"1": 1, "2": 2, "3": 3}]
    found, _ = outstanding(instrument=PHQ9, items=forms)
    assert [each.words for each in found] == ["sleep: 0 at the start, 3 now", "mood: 1 at the start, 2 now"]
    assert kinds(instrument=WHO5, items=[{"1": 4, "2": 1}, {"1": 2, "2": 3}]) == [("item", 2)]
    reverse = next(item.id for item in CORE10.items if item.reverse)
    assert kinds(instrument=CORE10, items=[{reverse: 4}, {reverse: 1}]) == [("item", 3)]


def test_missed_sessions_stand_out_from_a_quarter_and_two() -> None:
    assert kinds(attended=sessions(True, False, True, True)) == []
    assert kinds(attended=sessions(True, False, False, *[True] * 5)) == [("missed", 0.25), ("gap", 21)]
    assert kinds(attended=sessions(False, False, *[True] * 7)) == []


def test_a_gap_stands_out_by_what_is_usual_here() -> None:
    weekly = sessions(*[True] * 5)
    late = [*weekly, (weekly[-1][0] + timedelta(days=30), True)]
    assert kinds(attended=late) == [("gap", 30)]
    assert kinds(attended=sessions(*[True] * 5, every=28)) == []
    assert kinds(attended=[*weekly, (weekly[-1][0] + timedelta(days=20), True)]) == []


def test_a_falling_alliance() -> None:
    assert [what for what, _ in kinds(alliance=[5.0, 5.5, 5.2, 3.0])] == ["alliance"]
    assert kinds(alliance=[5.0, 5.5, 5.2, 5.1]) == []
    assert kinds(alliance=[5.0, 5.0, 5.0, 5.0]) == []
    assert [what for what, _ in kinds(alliance=[5.0, 5.0, 5.0, 4.0])] == ["alliance"]


def test_what_is_not_known_is_said() -> None:
    found, silent = outstanding(instrument=PHQ9, items=[{"1": 1}], alliance=[5.0, 1.0, 1.0])
    assert found == []
    assert len(silent) == 3
    assert "no planned session is known: it cannot be looked at" in silent


def test_every_domain_is_asked_and_what_stands_out_decides_which_first() -> None:
    domains = {each.domain for each in default_support().questions}
    assert domains == {"alliance", "motivation", "social support", "life events", "medication"}
    missed, _ = outstanding(attended=sessions(False, False, True))
    assert [each.domain for each in questions(missed)][:2] == ["alliance", "motivation"]
    worse, _ = outstanding(instrument=PHQ9, items=[{"1": 0}, {"1": 3}])
    assert [each.domain for each in questions(worse)][:2] == ["life events", "medication"]
    assert {each.domain for each in questions(worse)} == domains
    assert all(each.ask for each in questions([]))


def test_a_clinic_may_bring_its_own_and_a_wrong_file_is_refused(tmp_path) -> None:
    path = tmp_path / "own.toml"
    with pytest.raises(DataError, match="is no file of support"):
        read_support(path)
    path.write_text("source = 'x'")
    with pytest.raises(DataError, match="thresholds"):
        read_support(path)


def test_a_session_without_a_zone_is_refused() -> None:
    with pytest.raises(DataError, match="UTC"):
        outstanding(attended=[(datetime(2024, 1, 1), True)])  # noqa: DTZ001
