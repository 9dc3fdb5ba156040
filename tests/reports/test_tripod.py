"""TRIPOD+AI and PROBAST+AI: every item once, filled only with what the package knows."""

import re
from dataclasses import replace

import pytest
from report_page import Page
from sample_prognosis import PROGNOSES, STUDY, fitting, full, headline, known, later, nothing, sites

from alleviate.models.prognosis.fitting import Gap
from alleviate.reports.tripod import checklist, model_card, tripod_page
from alleviate.reports.tripod.facts import facts
from alleviate.reports.tripod.probast import RULES, answered
from alleviate.terms.prognosis_study import PredictedOutcome

PARTS = {"3": "abc", "5": "ab", "6": "abc", "8": "abc", "9": "abc", "12": "abcdefg", "18": "abcdef"} | {
    "20": "abc", "23": "ab", "27": "abc"
}  # fmt: skip
ITEMS = [f"{n}{part}" for n in range(1, 28) for part in PARTS.get(str(n), [""])]

ONLY_PEOPLE = {"3a", "3c", "6c", "8b", "8c", "9c", "17", "18a", "18b", "18d", "19"}
"""Nothing in a package can answer these."""


@pytest.mark.parametrize("sample", PROGNOSES)
def test_every_item_of_the_27_stands_once_and_in_order(sample: str) -> None:
    found = checklist(known(PROGNOSES[sample]()))
    assert [item.id for item in found.items] == ITEMS
    assert len(ITEMS) == 52
    assert sum(found.counts.values()) == 52
    page = Page(tripod_page(known(PROGNOSES[sample]()), package_name="runs/x"))
    rows = [attrs["id"] for attrs in page.all("tr") if attrs.get("id", "").startswith("item-")]
    assert rows == [f"item-{item}" for item in ITEMS]


@pytest.mark.parametrize("sample", PROGNOSES)
def test_what_only_people_know_is_left_to_people(sample: str) -> None:
    items = {item.id: item for item in checklist(known(PROGNOSES[sample]())).items}
    for name in ONLY_PEOPLE:
        assert items[name].status == "for-a-person"
        assert items[name].known == ()
        assert items[name].person


@pytest.mark.parametrize("sample", PROGNOSES)
def test_a_status_says_what_stands_there(sample: str) -> None:
    for item in checklist(known(PROGNOSES[sample]())).items:
        assert (item.status in ("filled", "not-done")) == (item.person == "")
        assert bool(item.known) or item.status == "for-a-person"
        assert not any("{" in line or "None" in line for line in item.known)


def test_no_line_is_written_of_which_a_fact_is_not_known() -> None:
    def lines(item: str, sample: str) -> tuple[str, ...]:
        found = checklist(known(PROGNOSES[sample]()))
        return next(one.known for one in found.items if one.id == item)

    assert lines("24", "full") == ("No updating was done.",)
    assert "a new level" in lines("24", "later")[0]
    assert "Leeds: a new level" in lines("12f", "sites")[0]
    assert "York: no recalibration" in lines("12f", "sites")[0]
    assert "York" not in lines("24", "sites")[0].split(";")[-1]
    assert lines("23b", "full")[0].startswith("Not looked at")
    assert "in another site 0.50 to 0.85" in lines("23b", "sites")[0]
    assert lines("14", "nothing") == ("No groups were named in the study: nothing was done.",)
    assert lines("13", "nothing") == ("The outcome has no classes.",)
    assert lines("10", "nothing") == ()
    assert "783 people are needed" in lines("10", "full")[0]
    assert any("left out in turn" in line for line in lines("12a", "sites"))
    assert not any("parts" in line for line in lines("12a", "sites"))
    assert any("600 people who came later" in line for line in lines("12a", "later"))


def test_numbers_in_the_checklist_are_those_found() -> None:
    items = {item.id: " ".join(item.known) for item in checklist(known(full())).items}
    assert "AUC 0.71 (0.66 to 0.76)" in items["23a"]
    assert "sex another: too small to judge" in items["23a"]
    assert "640 rows read, 30 without a known outcome, 600 people, 180 with the event" in items["20a"]
    assert "weeks_well" in items["9a"]
    assert "present where it is yes" in items["8a"]
    assert "signed by d8d00aed" in items["22"]


def test_the_outcome_is_defined_by_its_kind() -> None:
    def told(**outcome: object) -> str:
        study = replace(STUDY, outcome=PredictedOutcome("weeks", **outcome))  # type: ignore[arg-type]
        findings = replace(full(), outcome={"name": "weeks", "kind": outcome["kind"], "label": "leaving"})
        return facts(replace(known(findings), study=study))["definition"]

    assert told(kind="binary", above=10.0) == "column weeks, present from 10 on"
    assert told(kind="ordinal", levels=("mild", "severe")).endswith("from the lowest: mild, severe")
    timed = told(kind="time-to-event", event="ended", occurred="left", competing=("referred",))
    assert timed == "time in column weeks, ending in ended = left, precluded by referred"


def test_a_fact_is_never_empty() -> None:
    for make in PROGNOSES.values():
        assert all(facts(known(make())).values())


def test_sixteen_questions_of_development_and_eighteen_of_evaluation() -> None:
    questions = checklist(known(full())).questions
    parts = [question.part for question in questions]
    assert (parts.count("development"), parts.count("evaluation")) == (16, 18)
    assert len({question.id for question in questions}) == 34
    for question in questions:
        assert bool(question.why) == (question.answer != "for a person")
        assert question.id[1] == str(
            ["Participants and data", "Predictors", "Outcome", "Analysis"].index(question.domain) + 1
        )


def test_questions_of_domains_that_need_the_clinic_are_for_people() -> None:
    ruled = {q.id for q in checklist(known(full())).questions if q.answer != "for a person"}
    assert {name[1] for name in ruled} == {"3", "4"}
    assert {name for name in ruled if name[1] == "3"} == {"D3.3", "E3.3"}


def test_rules_answer_by_what_was_found() -> None:
    def answers(findings: object, rule: str) -> str:
        return answered(rule, findings)[0]  # type: ignore[arg-type]

    assert answers(full(), "enough_to_develop") == "probably no"
    assert answers(replace(full(), n=783), "enough_to_develop") == "yes"
    assert answers(nothing(), "enough_to_develop") == "no information"
    assert answers(full(), "enough_to_evaluate") == "yes"
    few = replace(full(), validations=(replace(headline(), events=99.0),))
    assert answers(few, "enough_to_evaluate") == "probably no"
    assert answers(nothing(), "enough_to_evaluate") == "no information"
    assert answers(full(), "others_judged") == "probably yes"
    assert answers(sites(), "others_judged") == answers(later(), "others_judged") == "yes"
    assert answers(full(), "grouped") == "yes"
    assert answers(nothing(), "grouped") == "no information"
    assert answers(full(), "measured") == "yes"
    assert answers(nothing(), "measured") == "probably yes"


@pytest.mark.parametrize(
    ("fit", "answer"), [("over", "probably no"), ("unsure", "no information"), ("neither", "yes")]
)
def test_overfitting_is_answered_by_the_gap(fit: str, answer: str) -> None:
    gap = replace(fitting().gap, fit=fit)
    assert isinstance(gap, Gap)
    assert answered("fit", replace(full(), fitting=replace(fitting(), gap=gap)))[0] == answer


def test_every_rule_is_asked_and_every_asked_rule_exists() -> None:
    asked = {q.id for q in checklist(known(full())).questions if q.why}
    assert len(RULES) == 11
    assert len(asked) == 14


def test_the_json_holds_it_all() -> None:
    told = checklist(known(full())).to_json()
    assert [item["id"] for item in told["tripod"]["items"]] == ITEMS
    assert len(told["probast"]["questions"]) == 34
    assert "BMJ 2024" in told["tripod"]["source"]
    assert "BMJ 2025" in told["probast"]["source"]


def test_the_model_card_says_use_misuse_groups_and_signer() -> None:
    prose = Page(model_card(known(full()), package_name="runs/x")).prose
    assert "To foresee relapse within a year in people like the 600 studied" in prose
    assert "Choosing a treatment" in prose
    assert re.search(r"another – too small to judge 12", prose)
    assert "d8d00aed" in prose
    assert "Not to be used" in Page(model_card(known(nothing()), package_name="runs/x")).prose
