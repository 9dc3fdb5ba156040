"""Weekly screens as a small table, and the outcomes read off them."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_ctn0094 import made_tables

from alleviate.studies.ctn0094 import TRIALS, randomised, weekly_screens
from alleviate.studies.ctn0094.outcomes import (
    PHASE_ONE,
    phase_one_success,
    phase_two_success,
    relapse,
    retention,
    shares,
)

SIGNS = {"+": "positive", "-": "negative", "o": "missing"}


def screens(*words: str) -> pl.DataFrame:
    """A person a word, a week a letter: + positive, - negative, o missing."""
    return pl.DataFrame(
        [(who, week, SIGNS[sign]) for who, word in enumerate(words) for week, sign in enumerate(word, 1)],
        ["who", "week", "screen"],
        orient="row",
    )


@pytest.mark.parametrize(
    ("word", "relapsed", "week", "completed"),
    [
        ("------------------------", 0, 24, 1),
        ("++++--------------------", 0, 24, 1),  # before the third week: no relapse yet
        ("+++++-------------------", 0, 24, 1),
        ("++++++------------------", 1, 3, 1),
        ("oooooo------------------", 1, 3, 0),
        ("-----+o+o---------------", 1, 6, 1),  # a screen that is missing counts as positive
        ("-----+o+-o+o------------", 0, 24, 1),
        ("--------------------++++", 1, 21, 1),
        ("---------------------+++", 0, 24, 1),
        ("----oooo----------------", 1, 5, 0),
        ("oo++----------oooo------", 1, 15, 0),
    ],
)
def test_four_weeks_in_a_row_make_a_relapse_and_without_any_screen_a_dropout(word, relapsed, week, completed):
    assert relapse(screens(word)).rows() == [(0, relapsed, week)]
    assert retention(screens(word)).rows() == [(0, completed)]


@given(st.lists(st.text("+-o", min_size=1, max_size=26), min_size=1, max_size=5))
def test_runs_are_those_that_a_search_in_the_word_finds(words):
    found = relapse(screens(*words)).sort("who").rows()
    stayed = retention(screens(*words)).sort("who").rows()
    for (who, relapsed, week), (same, completed) in zip(found, stayed, strict=True):
        word = words[who].replace("o", "+")
        place = word.find("++++", 2)
        assert who == same
        assert (relapsed, week) == ((1, place + 1) if place >= 0 else (0, len(word)))
        assert completed == ("oooo" not in words[who])


def test_shares_count_a_missing_screen_as_none_or_not_at_all():
    found = shares(screens("--+o", "oooo")).sort("who").rows()
    assert found == [(0, 0.5, pytest.approx(1 / 3)), (1, 0.0, None)]


def test_a_week_is_positive_by_one_screen_negative_by_visits_only_else_missing():
    tables = dict(made_tables(people=1))
    tables["uds"] = pl.DataFrame(
        {"who": [1, 1, 1, 1], "what": ["Opioid", "Thc", "Methadone", "Opioid"], "when": [9, 17, 161, 170]}
    )
    tables["visit"] = pl.DataFrame(
        {
            "who": [1] * 6,
            "visit": [f"WK{week}" for week in range(6)],
            "what": ["visit", "visit", "visit", "no visit", "MISSING", "final"],
            "when": [3, 10, 17, 24, None, 38],
        }
    )
    people = pl.DataFrame({"who": [1], "day": [3]})  # week 1: days 3 to 9
    word = "".join(
        {"positive": "+", "negative": "-", "missing": "o"}[screen]
        for screen in weekly_screens(tables, people)["screen"]
    )
    assert word == "+--oo-" + "o" * 16 + "+o"
    assert len(word) == (168 - 3) // 7 + 1


@pytest.mark.parametrize("name", TRIALS)
def test_each_week_stands_once_whatever_was_recorded(name):
    tables = made_tables()
    people = randomised(tables, name).drop("arm")
    found = weekly_screens(tables, people)
    assert not found.select("who", "week").is_duplicated().any()
    assert found["screen"].is_in(list(SIGNS.values())).all()
    assert set(found["who"]) == set(people["who"])


def visits(labels: tuple[str, ...], days: list[int]) -> pl.DataFrame:
    return pl.DataFrame({"who": 1, "visit": labels, "what": "visit", "when": days})


DAYS_ONE = [6, 13, 20, 27, 41, 55, 69, 84]
WEEKS_TWO = ("P2Wk9", "P2Wk10", "P2Wk11", "P2Wk12")
DAYS_TWO = [163, 170, 177, 184]


def used(*days: int, what: str = "Heroin") -> pl.DataFrame:
    return pl.DataFrame(
        {"who": [1] * len(days), "what": [what] * len(days), "when": list(days)}, strict=False
    )


def urine(*days: int, what: str = "Opioid") -> pl.DataFrame:
    return used(*days, what=what)


NOTHING = used(0).clear()


@pytest.mark.parametrize(
    ("kept", "positive", "use", "success"),
    [
        (range(8), NOTHING, NOTHING, 1),
        ([0, 1, 2, 3, 4, 6, 7], NOTHING, NOTHING, 1),  # one screen missed
        ([0, 1, 2, 3, 4, 7], NOTHING, NOTHING, 0),  # two
        (range(7), NOTHING, NOTHING, 0),  # week 12 not reached
        (range(8), urine(20, 41, 69), NOTHING, 1),
        (range(8), urine(20, 27), NOTHING, 0),  # two in a row
        (range(8), urine(20, 27, what="Buprenorphine"), NOTHING, 1),  # the study's own drug
        (range(8), NOTHING, used(1, 2, 3, 4, 30, 31, 32, 33), 1),
        (range(8), NOTHING, used(1, 2, 3, 4, 5), 0),  # five days in a month
        (range(8), NOTHING, used(1, 2, 3, 4, 5, what="Alcohol"), 1),
        (range(8), NOTHING, used(84, 85, 86, 87, 88), 1),  # after the 12 weeks
    ],
)
def test_success_in_phase_one_is_that_of_the_paper(kept, positive, use, success):
    kept = list(kept)
    tables = {
        "visit": visits(tuple(PHASE_ONE[i] for i in kept), [DAYS_ONE[i] for i in kept]),
        "uds": positive,
        "tlfb": use,
    }
    people = pl.DataFrame({"who": [1], "day": [0]})
    assert phase_one_success(tables, people).rows() == [(1, success)]


@pytest.mark.parametrize(("day", "success"), [(70, 0), (80, 1)])
def test_the_final_visit_stands_for_week_twelve_if_it_was_then(day, success):
    tables = {
        "visit": visits((*PHASE_ONE[:-1], "P1Finl"), [*DAYS_ONE[:-1], day]),
        "uds": NOTHING,
        "tlfb": NOTHING,
    }
    people = pl.DataFrame({"who": [1], "day": [0]})
    assert phase_one_success(tables, people).rows() == [(1, success)]


@pytest.mark.parametrize(
    ("kept", "positive", "use", "success"),
    [
        (range(4), NOTHING, NOTHING, 1),
        (range(4), urine(163), NOTHING, 1),  # one of the three weeks before the last
        (range(4), urine(163, 170), NOTHING, 0),
        (range(4), urine(184), NOTHING, 0),  # the last week
        (range(3), NOTHING, NOTHING, 0),
        ([0, 1, 3], NOTHING, NOTHING, 1),
        ([0, 3], NOTHING, NOTHING, 0),
        (range(4), NOTHING, used(178), 0),
        (range(4), NOTHING, used(150, 184), 1),  # reported of days that no such week covers
        (range(4), NOTHING, used(178, what="Alcohol"), 1),
    ],
)
def test_success_in_phase_two_is_that_of_the_paper(kept, positive, use, success):
    kept = list(kept)
    tables = {
        "visit": visits(tuple(WEEKS_TWO[i] for i in kept), [DAYS_TWO[i] for i in kept]),
        "uds": positive,
        "tlfb": use,
    }
    people = pl.DataFrame({"who": [1], "day": [100]})
    assert phase_two_success(tables, people).rows() == [(1, success)]
