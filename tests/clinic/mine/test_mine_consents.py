"""Consent: what is said last holds, and nothing that was said is lost."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alleviate.clinic.mine.consents import ASKED, entry_of, history, standing
from alleviate.intake.fhir.consents import write
from alleviate.records import KINDS, Event
from alleviate.terms.errors import DataError

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)

said = st.lists(
    st.tuples(st.sampled_from(ASKED), st.none() | st.sampled_from(KINDS), st.booleans()), max_size=8
)


def events_of(statements: list[tuple[str, str | None, bool]]) -> list[Event]:
    return [
        event
        for n, (purpose, kind, permits) in enumerate(statements)
        for event in entry_of("p", f"Consent/{n}", purpose, kind, permits, NOW + timedelta(minutes=n)).events
    ]


@given(said)
def test_everything_that_was_said_is_in_the_history(statements: list[tuple[str, str | None, bool]]) -> None:
    found = history(events_of(statements))
    assert [(each.purpose, each.kind, each.permits) for each in reversed(found)] == statements
    assert all(each.standing for each in found)


@given(said, st.sampled_from(ASKED))
def test_a_withdrawal_of_everything_ends_every_permission_of_that_purpose(
    statements: list[tuple[str, str | None, bool]], purpose: str
) -> None:
    events = events_of([*statements, (purpose, None, False)])
    after = {each.purpose: each for each in standing(events, NOW + timedelta(days=1))}
    assert after[purpose].degree == "none"
    untouched = {each.purpose: each for each in standing(events_of(statements), NOW + timedelta(days=1))}
    assert all(after[other].allowed == untouched[other].allowed for other in ASKED if other != purpose)


@given(said, st.sampled_from(ASKED), st.sampled_from(KINDS))
def test_a_kind_that_is_permitted_last_may_be_read(
    statements: list[tuple[str, str | None, bool]], purpose: str, kind: str
) -> None:
    events = events_of([*statements, (purpose, None, False), (purpose, kind, True)])
    (found,) = (each for each in standing(events, NOW + timedelta(days=1)) if each.purpose == purpose)
    assert found.allowed == {kind}


def test_withdrawn_and_permitted_again_both_stay_in_the_history() -> None:
    events = events_of([("care", None, False), ("care", None, True)])
    assert [each.permits for each in history(events)] == [True, False]
    assert standing(events, NOW + timedelta(days=1))[0].degree == "all"


def test_without_a_word_care_is_permitted_and_nothing_else() -> None:
    assert [(each.purpose, each.degree, each.since) for each in standing([], NOW)] == [
        ("care", "all", None),
        ("research", "none", None),
        ("model-training", "none", None),
    ]


def test_it_goes_out_as_a_fhir_consent() -> None:
    resource = write(events_of([("research", "note", True)]))
    (rule,) = resource["provision"]["provision"]
    assert (rule["type"], rule["class"]) == ("permit", [{"system": "urn:alleviate:kind", "code": "note"}])


@pytest.mark.parametrize(("purpose", "kind"), [("rights", None), ("care", "nothing"), ("", None)])
def test_what_there_is_no_consent_for_is_refused(purpose: str, kind: str | None) -> None:
    with pytest.raises(DataError):
        entry_of("p", "Consent/1", purpose, kind, True, NOW)
