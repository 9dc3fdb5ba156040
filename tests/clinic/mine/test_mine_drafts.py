"""Answers that were saved in any order, twice or late are the same answers."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alleviate.clinic.mine.drafts import Save, answers_of, save_of
from alleviate.terms.errors import DataError

KEYS = ("phq9-1", "phq9-2", "phq9-9")

saves = st.lists(
    st.builds(
        Save,
        key=st.sampled_from(KEYS),
        value=st.none() | st.sampled_from([0.0, 1.0, 2.0, 3.0]),
        made=st.integers(0, 5),  # few, so that two are often made at once
        once=st.uuids().map(str),
    ),
    max_size=12,
)


@given(saves, st.randoms(use_true_random=False))
def test_the_order_of_arrival_and_doubles_change_nothing(made: list[Save], chance: random.Random) -> None:
    arrived = made + chance.choices(made, k=len(made)) if made else []
    chance.shuffle(arrived)
    assert answers_of(arrived) == answers_of(made)


@given(saves)
def test_the_latest_choice_of_each_question_stands(made: list[Save]) -> None:
    answers = answers_of(made)
    for key in KEYS:
        mine = [each for each in made if each.key == key]
        last = max(mine, key=lambda each: (each.made, each.once), default=None)
        assert answers.get(key) == (last.value if last else None)


@given(saves)
def test_a_save_reads_back_as_it_was_stored(made: list[Save]) -> None:
    assert [save_of(each.to_dict()) for each in made] == made


def test_an_answer_can_be_taken_back() -> None:
    first = Save("phq9-1", 3.0, 1, "a" * 8)
    assert answers_of([first, Save("phq9-1", None, 2, "b" * 8)]) == {}


@pytest.mark.parametrize(
    ("key", "made", "once"),
    [
        ("", 1, "a" * 8),
        ("phq9 9", 1, "a" * 8),
        ("phq9-9", -1, "a" * 8),
        ("phq9-9", 1, "short"),
        ("phq9-9", 1, "<b>" * 5),
    ],
)
def test_a_malformed_save_is_refused(key: str, made: int, once: str) -> None:
    with pytest.raises(DataError):
        Save(key, 1.0, made, once)
