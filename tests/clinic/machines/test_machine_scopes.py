"""What a system may read: SMART scopes, old and new, and what of them is granted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alleviate.clinic.machines.scopes import granted, permits, scope_of, scopes_of
from alleviate.terms.errors import InputError


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("system/*.read", "system/*.rs"),
        ("system/*.rs", "system/*.rs"),
        ("system/Patient.read", "system/Patient.rs"),
        ("system/Observation.write", "system/Observation.cud"),
        ("system/*.*", "system/*.cruds"),
        ("system/Patient.r", "system/Patient.r"),
    ],
)
def test_old_and_new_scopes_mean_the_same(written: str, read: str) -> None:
    assert str(scope_of(written)) == read


@pytest.mark.parametrize(
    "wrong",
    [
        "patient/*.rs", "user/Patient.read", "system/*", "system/*.sr", "system/*.rr", "system/*.x", "",
        "system/.rs", "system/patient.rs", "system/Observation.rs?category=survey", "openid", "system/*.rs\n",
    ],
)  # fmt: skip
def test_what_is_no_scope_of_a_system_is_refused(wrong: str) -> None:
    with pytest.raises(InputError):
        scope_of(wrong)


@pytest.mark.parametrize(
    ("asked", "registered", "given"),
    [
        ("system/*.rs", "system/*.rs", "system/*.rs"),
        ("system/*.cruds", "system/*.rs", "system/*.rs"),
        ("system/*.read", "system/Patient.rs", "system/Patient.rs"),
        ("system/Patient.rs system/Condition.rs", "system/*.r", "system/Condition.r system/Patient.r"),
        ("system/Patient.cud", "system/*.rs", ""),
        ("system/Patient.rs", "system/Condition.rs", ""),
        ("system/*.rs system/Patient.rs", "system/*.rs", "system/*.rs"),
    ],
)
def test_granted_is_what_both_hold(asked: str, registered: str, given: str) -> None:
    assert " ".join(map(str, granted(scopes_of(asked), scopes_of(registered)))) == given


SCOPES = st.builds(
    "system/{}.{}".format,
    st.sampled_from(["*", "Patient", "Condition"]),
    st.sampled_from(["c", "r", "s", "rs", "cud", "cruds", "read", "write", "*"]),
)
LISTS = st.lists(SCOPES, min_size=1, max_size=4)


@given(
    asked=LISTS,
    registered=LISTS,
    type=st.sampled_from(["Patient", "Condition", "Observation"]),
    right=st.sampled_from("cruds"),
)
def test_a_token_opens_what_was_asked_and_registered_and_nothing_else(
    asked: list[str], registered: list[str], type: str, right: str
) -> None:
    given_scopes = map(str, granted(map(scope_of, asked), map(scope_of, registered)))
    both = permits(asked, type, right) and permits(registered, type, right)
    assert permits(given_scopes, type, right) is both
