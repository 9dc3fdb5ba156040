"""No number that is hidden among the consents follows from the others that are shown."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from alleviate.oversight.consents import MONTHS, ConsentFigures, consent_figures
from alleviate.records import Event

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
FEW = 5


def said(months: list[int]) -> list[Event]:
    """Permitted, withdrawn, permitted again …: the first of each month named, counted back from now."""
    found = []
    for turn, month in enumerate(sorted(set(months), reverse=True)):
        at = datetime(2026 - (month > 10), (10 - month) % 12 + 1, 3, tzinfo=UTC)
        word = "deny" if turn % 2 else "permit"
        found.append(Event("p", at, at, "CONSENT//research", None, word, "consent", f"Consent/{month}"))
    return found


def shown(found: ConsentFigures) -> tuple[list[int | None], list[int | None], int | None]:
    """The 24 numbers of the months, the two of the year, and how many permit research now."""
    months = [each for each in found.changes if each.purpose == "research"]
    (year,) = (each for each in found.year if each.purpose == "research")
    permits = next(each for each in found.permits if each.purpose == "research")
    now = None if permits.all is None or permits.some is None else permits.all + permits.some
    return (
        [*(each.given for each in months), *(each.withdrawn for each in months)],
        [year.given, year.withdrawn],
        now,
    )


def computable(cells: list[int | None], year: list[int | None], now: int | None) -> list[int]:
    """Places of hidden numbers for which one value alone fits all that is shown: they can be worked out."""
    rows, sums = [], []
    for half, total in enumerate(year):
        if total is not None:
            rows.append([float(n // MONTHS == half) for n in range(2 * MONTHS)])
            sums.append(total)
    if now is not None:  # nobody said anything before these months: who permits now is given less withdrawn
        rows.append([1.0 if n < MONTHS else -1.0 for n in range(2 * MONTHS)])
        sums.append(now)
    bounds = [(1, None) if cell is None else (cell, cell) for cell in cells]  # a 0 is never hidden
    found = []
    for place, cell in enumerate(cells):
        if cell is None and rows:
            aim = np.eye(2 * MONTHS)[place]
            low, high = (
                linprog(sign * aim, A_eq=np.array(rows), b_eq=sums, bounds=bounds) for sign in (1, -1)
            )
            assert low.status in (0, 3)
            if low.status == 0 == high.status and -high.fun - low.fun < 1 - 1e-6:
                found.append(place)
    return found


HISTORIES = st.lists(
    st.tuples(st.lists(st.integers(0, 11), min_size=1, max_size=3), st.integers(1, 9)), min_size=1, max_size=8
)
"""What so many people alike said when."""


@settings(max_examples=60, deadline=None)
@given(HISTORIES)
def test_no_hidden_number_follows_from_totals_and_neighbours(histories: list[tuple[list[int], int]]) -> None:
    people = [said(months) for months, alike in histories for _ in range(alike)]
    people += [[] for _ in range(30)]
    found = consent_figures(people, NOW)
    cells, year, now = shown(found)
    assert computable(cells, year, now) == []
    truth = Counter((e.time.month, e.text_value) for events in people for e in events)
    for each, (given_, withdrawn) in zip(
        [each for each in found.changes if each.purpose == "research"],
        zip(cells[:MONTHS], cells[MONTHS:], strict=True),
        strict=True,
    ):
        for number, word in ((given_, "permit"), (withdrawn, "deny")):
            right = truth[int(each.month[5:]), word]
            assert number == right or (number is None and right > 0)
            assert number is None or not 0 < number < FEW


def test_one_small_month_takes_another_with_it() -> None:
    people = [said([4])] * 20 + [said([3])] * 7 + [said([2])] * 2
    cells, year, now = shown(consent_figures([*people, *[[]] * 10], NOW))
    assert (cells[7], cells[8], cells[9]) == (20, None, None), "7 is hidden: else 2 is 29 less 27"
    assert year == [29, 0]
    assert now == 29
    assert computable(cells, year, now) == []
    assert computable([*cells[:8], 7, *cells[9:]], year, now) == [9], "the test itself can tell"


def test_what_was_withdrawn_does_not_follow_from_who_permits_now() -> None:
    people = [said([4])] * 20 + [said([3])] * 7 + [said([5, 1])] * 3
    cells, year, now = shown(consent_figures([*people, *[[]] * 10], NOW))
    assert cells[MONTHS + 10] is None
    assert now == 27
    assert year[0] is None, "else 3 were withdrawn: 30 less 27"
    assert computable(cells, year, now) == []


def test_the_day_of_now_is_in_the_last_month() -> None:
    event = Event("p", NOW, NOW, "CONSENT//research", None, "permit", "consent", "Consent/1")
    found = consent_figures([[event]] * 6 + [[]] * 6, NOW + timedelta(minutes=1))
    assert [e.given for e in found.changes if e.purpose == "research"] == [0] * 11 + [6]
