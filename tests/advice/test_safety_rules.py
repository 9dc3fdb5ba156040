"""Hard rules about medicines: what calls each, what does not, and what is said where they cannot be asked."""

import tomllib
from datetime import UTC, datetime, timedelta
from importlib.resources import files

import pytest

from alleviate.advice.safety import check, digest, find, treatments, unchecked
from alleviate.records import KINDS, Event, PatientRecord

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
RULES = tomllib.loads((files("alleviate.advice.safety") / "rules.toml").read_text(encoding="utf-8"))


def record(*events: Event, age: float | None = 40, sex: str = "female") -> PatientRecord:
    own = [] if age is None else [of("MEDS_BIRTH", "person", days=365.25 * age)]
    return PatientRecord("p", [*own, of("PERSON//sex", "person", text=sex, days=365.25 * 20), *events])


def of(code, kind, *, text=None, number=None, days=30.0, entry="") -> Event:
    at = NOW - days * DAY
    return Event("p", at, at, code, number, text, kind, entry or f"X/{code}")


def called(treatment: str, *events: Event, **told) -> dict[str, str]:
    found = check(record(*events, **told), NOW, find(treatment), treatment)
    return {concern.rule: concern.level for concern in found}


def caller(rule) -> tuple[Event, ...]:
    """What a record holds that calls a rule."""
    if "taking" in rule:
        return (of(RULES["medicines"][rule["taking"]]["codes"][0].replace("*", ""), "medication", text="It"),)
    if "has" in rule:
        return (of(RULES["conditions"][rule["has"]]["codes"][0].replace("*", ""), "condition", text="It"),)
    if "measured" in rule:
        return (of(rule["measured"], "measurement", number=rule["below"] - 1.0),)
    if "found" in rule:
        return (of(rule["found"], "genetic", text=rule["words"][0]),)
    return ()


@pytest.mark.parametrize("rule", RULES["rules"], ids=lambda rule: rule["id"])
def test_each_rule_is_called_by_what_it_names_and_by_nothing_else(rule) -> None:
    about = [
        t.id
        for t in treatments()
        if t.id in rule.get("treatments", ()) or t.family in rule.get("classes", ())
    ]
    assert about
    age = 40.0
    if "age" in rule:
        age = rule["age"].get("below", rule["age"].get("from", 0) + 2) - 1
    for treatment in about:
        assert called(treatment, *caller(rule), age=age).get(rule["id"]) == rule["level"]
        assert rule["id"] not in called(treatment)
    for other in {t.id for t in treatments() if t.kind == "medicine"} - set(about):
        assert rule["id"] not in called(other, *caller(rule), age=age)


def test_talking_needs_no_rule_and_an_unknown_treatment_is_never_suggested() -> None:
    assert called("cbt", age=15) == {}
    (unknown,) = check(record(), NOW, find("Wonder pill"), "Wonder pill")
    assert (unknown.rule, unknown.level, unknown.about) == ("unknown", "veto", "Wonder pill")


def test_every_medicine_has_vetoes_without_which_it_would_not_be_suggested() -> None:
    for treatment in treatments():
        if treatment.kind == "medicine":
            assert "veto" in called(treatment.id, age=15).values(), treatment.id


def test_without_a_date_of_birth_no_medicine_is_suggested() -> None:
    assert called("sertraline", age=None) == {"under-18": "veto"}


@pytest.mark.parametrize("kind", ["medication", "condition", "person"])
def test_what_may_not_be_read_counts_as_if_the_rule_held(kind) -> None:
    found = check(record(), NOW, find("sertraline"), "", [k for k in KINDS if k != kind])
    assert found[0].rule == "not-permitted"
    assert found[0].level == "veto"


def test_a_medicine_that_was_stopped_counts_for_as_long_as_its_rule_says() -> None:
    begun = of("RxNorm//8123", "medication", text="Phenelzine", days=90, entry="M/1")
    for days, counts in ((3, True), (13, True), (20, False)):
        ended = of("RxNorm//8123//end", "medication", days=days, entry="M/1")
        assert ("maoi" in called("sertraline", begun, ended)) == counts
    status = of("MEDICATION//status", "medication", text="stopped", days=20, entry="M/1")
    assert "maoi" not in called("sertraline", begun, status)


def test_words_call_a_rule_where_codes_do_not_and_only_whole_words() -> None:
    assert "maoi" in called("sertraline", of("LOCAL//1", "medication", text="Phenelzine 15 mg tablets"))
    assert "two-antidepressants" not in called(
        "sertraline", of("LOCAL//1", "medication", text="Nonsertralinelike")
    )


def test_a_further_coding_counts_as_the_code_itself() -> None:
    local, coded = (of(c, "medication", entry="M/1") for c in ("LOCAL//1", "CODING//ATC//N06AF03"))
    assert "maoi" in called("mirtazapine", local, coded)


def test_what_was_ruled_out_or_has_ended_does_not_count() -> None:
    ruled_out = of("CONDITION//refuted", "condition", text="Bipolar", entry="C/1")
    coding = of("CODING//ICD10//F31.9", "condition", entry="C/1")
    assert called("sertraline", ruled_out, coding) == {}
    begun = of("ICD10//F30.1", "condition", text="Mania", days=400, entry="C/2")
    assert "mania" in called("sertraline", begun)
    assert "mania" not in called(
        "sertraline", begun, of("ICD10//F30.1//end", "condition", days=200, entry="C/2")
    )


def test_a_medicine_that_runs_is_no_interaction_with_itself() -> None:
    assert called("sertraline", of("RxNorm//36437", "medication", text="Sertraline")) == {}
    assert "two-antidepressants" in called(
        "mirtazapine", of("RxNorm//36437", "medication", text="Sertraline")
    )


def test_it_says_what_somebody_has_to_ask() -> None:
    told = " ".join(unchecked(record(), NOW))
    assert "Allergies" in told
    assert "No medicine is recorded" in told
    assert "pregnancy" in told
    assert "pregnancy" not in " ".join(unchecked(record(sex="male"), NOW))
    assert "pregnancy" not in " ".join(unchecked(record(age=70), NOW))
    assert "Amlodipine" in " ".join(
        unchecked(record(of("RxNorm//17767", "medication", text="Amlodipine")), NOW)
    )


def test_every_rule_has_its_source_and_the_digest_names_the_version() -> None:
    assert all(rule["source"] for rule in RULES["rules"])
    assert len(digest()) == 64
