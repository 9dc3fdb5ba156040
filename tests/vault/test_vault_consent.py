"""Who may see what for which purpose: the decision table, a plain second way, and no way round it."""

from datetime import UTC, datetime, timedelta

import pytest
from entries_made import NOW, consent, day, entry, person, pulse
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alleviate.records import KINDS, Entry, Event, PatientRecord, frame_of
from alleviate.terms.errors import AuditError, ConsentError
from alleviate.vault import PURPOSES, Vault, permitted

ALL, NONE = frozenset(KINDS), frozenset()
NOTE = frozenset({"note"})


def allowed(purpose: str, *consents: Entry, at: datetime = NOW) -> frozenset[str]:
    return permitted([event for each in consents for event in each.events], purpose, at)


# fmt: off
TABLE = [
    # purpose           what was said, as (answer, kind, day given, last day)                  kinds permitted
    ("care",           [],                                                                       ALL),
    ("research",       [],                                                                       NONE),
    ("model-training", [],                                                                       NONE),
    ("rights",         [("deny", "", 1, None)],                                                  ALL),
    ("care",           [("deny", "", 1, None)],                                                  NONE),
    ("care",           [("deny", "note", 1, None)],                                              ALL - NOTE),
    ("research",       [("permit", "", 1, None)],                                                ALL),
    ("research",       [("permit", "note", 1, None)],                                            NOTE),
    ("research",       [("permit", "", 1, None), ("deny", "note", 1, None)],                     ALL - NOTE),
    ("research",       [("deny", "note", 1, None), ("permit", "", 2, None)],                     ALL - NOTE),
    ("research",       [("permit", "note", 1, None), ("deny", "", 2, None)],                     NONE),
    ("research",       [("deny", "", 1, None), ("permit", "note", 2, None)],                     NOTE),
    ("research",       [("permit", "", 1, None), ("deny", "", 2, None)],                         NONE),
    ("research",       [("deny", "", 1, None), ("permit", "", 2, None)],                         ALL),
    ("research",       [("permit", "", 1, None), ("deny", "", 1, None)],                         NONE),
    ("research",       [("permit", "", 1, 5)],                                                   NONE),
    ("research",       [("permit", "", 1, 375)],                                                 ALL),
    ("research",       [("permit", "", 1, None), ("permit", "", 2, 5)],                          NONE),
    ("research",       [("permit", "", 1, None), ("deny", "", 2, 5)],                            ALL),
    ("care",           [("deny", "", 1, None), ("permit", "", 2, 5)],                            NONE),
    ("care",           [("deny", "", 1, 5)],                                                     ALL),
    ("care",           [("maybe", "", 1, None)],                                                 NONE),
    ("research",       [("permit", "thoughts", 1, None)],                                        NONE),
    ("care",           [("deny", "thoughts", 1, None)],                                          NONE),
]
# fmt: on


@pytest.mark.parametrize(("purpose", "said", "expected"), TABLE)
def test_the_decision_table(purpose: str, said: list, expected: frozenset[str]) -> None:
    consents = [
        consent(number, "p", answer, purpose, kind, given=given, until=until)
        for number, (answer, kind, given, until) in enumerate(said)
    ]
    assert allowed(purpose, *consents) == expected
    assert allowed(purpose, *reversed(consents)) == expected


def test_a_consent_lasts_until_the_end_of_its_last_day() -> None:
    until_the_fifth = consent(1, "p", "permit", "research", until=5)
    assert allowed("research", until_the_fifth, at=day(6) - timedelta(microseconds=1)) == ALL
    assert allowed("research", until_the_fifth, at=day(6)) == NONE


def test_a_consent_says_nothing_before_it_is_given_and_nothing_once_it_is_replaced() -> None:
    given = consent(1, "p", "permit", "research", given=5)
    assert allowed("research", given, at=day(4)) == NONE
    event = given.events[0]
    replaced = Event("p", day(5), day(5), event.code, None, "permit", "consent", event.entry, day(7))
    assert permitted([replaced], "research", day(6)) == ALL
    assert permitted([replaced], "research", day(7)) == NONE


def test_a_consent_to_one_purpose_is_none_to_another() -> None:
    assert allowed("model-training", consent(1, "p", "permit", "research")) == NONE
    assert allowed("research", consent(1, "p", "permit", "marketing")) == NONE


SAID = st.tuples(
    st.sampled_from(["permit", "deny"]),
    st.sampled_from(["", "note", "measurement"]),
    st.integers(1, 4),
    st.none() | st.integers(3, 12),
)


@given(st.lists(SAID, max_size=6), st.integers(1, 14), st.sampled_from(["care", "research"]))
@example([("permit", "", 1, 3), ("permit", "", 1, None)], 4, "research")
@example([("permit", "", 1, None), ("permit", "", 1, 3)], 4, "research")
@settings(max_examples=200, deadline=None)
def test_it_decides_as_the_rules_read_one_by_one(said: list, today: int, purpose: str) -> None:
    consents = [
        consent(number, "p", answer, purpose, kind, given=given, until=until)
        for number, (answer, kind, given, until) in enumerate(said)
    ]
    found = allowed(purpose, *consents, at=day(today))
    for kind in ("note", "measurement", "sensor"):
        assert (kind in found) == plain(said, kind, today, purpose)


def plain(said: list, kind: str, today: int, purpose: str) -> bool:
    """The same by elimination: cross out every statement that does not count, and see what is left."""
    known = [s for s in said if s[2] <= today]

    def over(s: tuple) -> bool:
        return s[3] is not None and today > s[3]

    def left(of: str) -> list:
        own = [s for s in known if s[1] == of]
        ended = max((s[2] for s in own if s[0] == "permit" and over(s)), default=0)
        return [s for s in own if not over(s) and not (s[0] == "permit" and s[2] <= ended)]

    def newest(of: str) -> tuple | None:
        standing = left(of)
        day_ = max((s[2] for s in standing), default=None)
        last = [s for s in standing if s[2] == day_]
        return next((s for s in last if s[0] == "deny"), last[0] if last else None)

    own, general = newest(kind), newest("")
    if own and general and general[0] == "deny" and own[0] == "permit" and general[2] > own[2]:
        return False
    if own or general:
        return (own or general)[0] == "permit"
    return purpose == "care"


@given(st.lists(SAID, max_size=5))
def test_a_new_denial_of_everything_always_ends_research(said: list) -> None:
    consents = [
        consent(number, "p", answer, "research", kind, given=given, until=until)
        for number, (answer, kind, given, until) in enumerate(said)
    ]
    assert allowed("research", *consents, consent(99, "p", "deny", "research", given=9)) == NONE


@pytest.fixture
def vault(location: str):
    with Vault.create(location) as vault:
        with vault.access(actor="test", purpose="care") as access:
            access.put(
                [
                    *(
                        person("open"),
                        pulse(1, "open", 60.0),
                        entry("Note/1", "open", ("NOTE//x", None, "words"), kind="note"),
                    ),
                    *(
                        consent(1, "open", "permit", "research"),
                        consent(2, "open", "deny", "research", "note"),
                    ),
                    *(person("shy"), pulse(2, "shy", 61.0), consent(3, "shy", "deny", "care")),
                    *(person("silent"), pulse(3, "silent", 62.0)),
                ],
                NOW,
            )
        yield vault


@pytest.mark.parametrize("purpose", ["", "curiosity", None, "Care"])
def test_without_a_purpose_nothing_runs(vault: Vault, purpose: object) -> None:
    with pytest.raises(ConsentError, match="care, research, model-training, rights"):
        vault.access(actor="test", purpose=purpose)
    with pytest.raises(TypeError):
        vault.access(actor="test")


def test_without_an_actor_whom_the_audit_can_name_nothing_runs(vault: Vault) -> None:
    with pytest.raises(AuditError):
        vault.access(actor="", purpose="care")


def test_care_sees_all_but_those_who_refuse(vault: Vault) -> None:
    care = vault.access(actor="test", purpose="care")
    assert [record.subject_id for record in care.records()] == ["open", "silent"]
    assert {event.kind for event in care.record("open").events} == {
        "person",
        "measurement",
        "note",
        "consent",
    }
    with pytest.raises(ConsentError, match="'shy' permits nothing for care"):
        care.record("shy")
    assert care.permitted("shy") == NONE
    assert care.permitted("open") == ALL


def test_the_rights_of_the_person_are_not_blocked(vault: Vault) -> None:
    rights = vault.access(actor="test", purpose="rights")
    assert [record.subject_id for record in rights.records()] == ["open", "shy", "silent"]
    assert len(rights.record("shy").events) == len(person("shy").events) + 2


def test_research_sees_who_permits_it_and_not_who_they_are(vault: Vault) -> None:
    research = vault.access(actor="test", purpose="research")
    (record,) = research.records()
    assert research.ids() == [record.subject_id]
    assert len(record.subject_id) == 32
    assert {event.code for event in record.events if event.kind == "person"} == {"MEDS_BIRTH", "PERSON//sex"}
    assert {event.kind for event in record.events} == {"person", "measurement", "consent"}
    shown = repr(record)
    for who in ("open", "Muster", "Anna", "MRN", "030 1234", "Patient/", "Observation/"):
        assert who not in shown
    assert research.record(record.subject_id) == record
    assert research.find(record.subject_id) == [record.subject_id]
    assert research.frame().equals(frame_of([record]))


@pytest.mark.parametrize("purpose", ["research", "model-training"])
def test_research_finds_nobody_by_name_or_number(vault: Vault, purpose: str) -> None:
    access = vault.access(actor="test", purpose=purpose)
    for text in ("open", "MRN-open", "Muster 1970-05-01"):
        with pytest.raises(ConsentError, match="by name or number"):
            access.find(text)
    with pytest.raises(Exception, match="no patient 'open'"):
        access.record("open")


@pytest.mark.parametrize("purpose", PURPOSES)
def test_records_and_frame_agree(vault: Vault, purpose: str) -> None:
    access = vault.access(actor="test", purpose=purpose)
    assert access.frame().equals(frame_of(access.records()))


def test_a_withdrawal_holds_from_the_next_read_on(vault: Vault) -> None:
    care, research = (vault.access(actor="test", purpose=purpose) for purpose in ("care", "research"))
    assert len(research.ids()) == 1
    care.put([consent(9, "open", "deny", "research", given=20)], NOW)
    assert research.ids() == []
    assert list(research.records()) == []
    assert research.frame().is_empty()


def test_what_consent_withholds_is_withheld_from_the_past_as_well(vault: Vault) -> None:
    care = vault.access(actor="test", purpose="care")
    care.put([consent(9, "open", "deny", "care", "note", given=20)], NOW)
    assert isinstance(care.record("open"), PatientRecord)
    assert "note" not in set(care.frame(["open"])["kind"])
    assert datetime.now(UTC) > day(20)
