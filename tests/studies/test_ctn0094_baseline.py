"""Nothing known after the lot was drawn may become a feature."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_ctn0094 import made_tables
from polars.testing import assert_frame_equal

from alleviate.studies.ctn0094 import TRIALS, Tables, randomised
from alleviate.studies.ctn0094.baseline import USED, baseline, first_phase

DATED = ("detox", "pain", "tlfb", "treatment", "uds", "visit", "withdrawal")
MADE = made_tables(people=30, seed=1)
PEOPLE = {name: randomised(MADE, name).drop("arm") for name in TRIALS}


def changed_after(tables: Tables, people: pl.DataFrame, how: str, seed: int) -> Tables:
    """The tables with every row dated after the day of ``people`` (``who``, ``day``) taken out or changed."""
    rng = np.random.default_rng(seed)
    changed = dict(tables)
    for name in DATED:
        frame = tables[name].join(people.select("who", day_of_lot="day"), on="who", how="left")
        late = pl.col("when") > pl.col("day_of_lot")
        if how == "removed":
            frame = frame.filter(~late | pl.col("day_of_lot").is_null())
        elif how == "shifted":
            frame = frame.with_columns(when=pl.when(late).then(pl.col("when") + 37).otherwise("when"))
        else:  # what they say is shuffled among them, and said twice
            columns = [column for column in tables[name].columns if column not in ("who", "when")]
            frame = pl.concat([frame, frame.filter(late)])
            order = rng.permutation(len(frame))
            frame = frame.with_columns(
                pl.when(late).then(pl.col(column).gather(order)).otherwise(pl.col(column))
                for column in columns
            )
        changed[name] = frame.drop("day_of_lot").sample(fraction=1, shuffle=True, seed=seed)
    return changed


@settings(max_examples=12, deadline=None)
@given(
    st.sampled_from(["removed", "shifted", "shuffled"]), st.sampled_from(list(TRIALS)), st.integers(0, 999)
)
def test_rows_dated_after_randomisation_change_no_feature(how, name, seed):
    people = PEOPLE[name]
    assert_frame_equal(baseline(changed_after(MADE, people, how, seed), people), baseline(MADE, people))


@settings(max_examples=10, deadline=None)
@given(st.sampled_from(["removed", "shifted", "shuffled"]), st.integers(0, 999))
def test_rows_dated_after_the_second_randomisation_change_nothing_of_the_first_phase(how, seed):
    again = randomised(MADE, "ctn0030", which=2).select("who", "day")
    both = again.join(PEOPLE["ctn0030"].select("who", first="day"), on="who")
    found = first_phase(changed_after(MADE, again, how, seed), both)
    assert_frame_equal(found.sort("who"), first_phase(MADE, both).sort("who"))


def test_use_and_withdrawal_of_the_day_itself_are_left_out_and_an_interview_of_it_is_not():
    tables = dict(MADE)
    who, day = PEOPLE["ctn0051"].row(0)
    tables["tlfb"] = pl.DataFrame(
        {
            "who": [who] * 5,
            "what": ["Heroin", "Heroin", "THC", "Heroin", "Cocaine"],
            "when": [day - 1, day - 1, day - 28, day, day - 29],
        }
    )
    tables["withdrawal"] = pl.DataFrame(
        {"who": [who] * 3, "withdrawal": ["1", "2", "3"], "when": [day - 9, day - 2, day]}
    )
    tables["pain"] = pl.DataFrame({"who": [who], "pain": ["Severe Pain"], "when": [day]})
    tables["detox"] = pl.DataFrame(
        {"who": [who, who], "what": ["admission", "discharge"], "when": [day - 6, day + 3]}
    )
    (found,) = baseline(tables, PEOPLE["ctn0051"].head(1)).to_dicts()
    assert (found["heroin_days"], found["cannabis_days"], found["cocaine_days"]) == (1, 1, 0)
    assert (found["withdrawal"], found["pain"], found["detox_days"]) == (2.0, "Severe Pain", 6)


def test_who_reported_nothing_at_all_has_unknown_days_of_use():
    tables = {**MADE, "tlfb": MADE["tlfb"].clear()}
    found = baseline(tables, PEOPLE["ctn0027"])
    assert all(found[name].null_count() == len(found) for name in USED.values())


def test_days_of_use_are_those_that_a_plain_count_finds():
    people = PEOPLE["ctn0030"]
    found = baseline(MADE, people)
    rows = MADE["tlfb"].rows()
    for (who, day), heroin in zip(people.rows(), found["heroin_days"], strict=True):
        recent = [(what, when) for person, what, when in rows if person == who and day - 28 <= when < day]
        plain = len({when for what, when in recent if what == "Heroin"})
        assert heroin == (plain if recent else None)


@pytest.mark.parametrize("name", TRIALS)
def test_people_with_two_interviews_keep_one_row(name):
    doubled = {**MADE, "fagerstrom": pl.concat([MADE["fagerstrom"], MADE["fagerstrom"]])}
    assert_frame_equal(baseline(doubled, PEOPLE[name]), baseline(MADE, PEOPLE[name]))
