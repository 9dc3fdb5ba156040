"""Who gets to see what: every role at every address about every person, as the OpenAPI description has them.

Each synthetic person's record holds marks that stand nowhere else. A leak is a mark of somebody in an answer
to whoever is not bound to them: in its body, its headers, or in what differs from the answer about nobody.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from made_clinic import IN_CARE, NOW, Made
from starlette.routing import BaseRoute

from alleviate.decisions.permissions import actions, may, rule
from alleviate.records import KINDS, Entry, Event

pytestmark = pytest.mark.slow

ACTORS = (
    "administrator",
    "clinician",
    "other",
    "trainee",
    "patient",
    "someone",
    "data-scientist",
    "safety-officer",
    "protection-officer",
)
NOBODY = "f" * 32
MARKED = [kind for kind in KINDS if kind not in ("person", "consent")]
HIDDEN_FROM_SCIENCE = ("person", "note")
"""Kinds whose words may name somebody: a data scientist sees the others' marks, but no name and no note."""


@dataclass(frozen=True)
class Operation:
    """One address and method of the OpenAPI description."""

    method: str
    path: str
    action: str
    parameters: tuple[str, ...]

    @property
    def of_a_person(self) -> bool:
        return "{patient}" in self.path

    def url(self, patient: str, **known: str) -> str:
        """With ``patient``, and something for every other part."""
        filled = self.path.replace("{patient}", patient)
        for name, value in known.items():
            filled = filled.replace("{" + name + "}", value)
        return re.sub(r"\{(\w+)\}", lambda part: "0" * 32, filled)


def operations(made: Made) -> list[Operation]:
    found = []
    for path, methods in made.app.openapi()["paths"].items():
        for method, told in methods.items():
            names = tuple(each["name"] for each in told.get("parameters", []) if each["in"] == "query")
            found.append(Operation(method.upper(), path, told.get("x-action", ""), names))
    return found


def routes(parts: list[BaseRoute]) -> Iterator[Any]:
    for part in parts:
        original = getattr(part, "original_router", None) or getattr(part, "router", None)
        if hasattr(part, "endpoint"):
            yield part
        elif original is not None:
            yield from routes(original.routes)


@pytest.fixture(scope="module")
def marked(shared_clinic: Made) -> Made:
    """The clinic, each person's record with a mark of every kind; and one page of each kind of workflow."""
    made = shared_clinic
    with made.vault.access(actor="test", purpose="care") as access:
        for number, subject in enumerate(made.subjects):
            access.store(made.clock(), entries=[_marked(subject, number, kind) for kind in MARKED])
            access.store(
                made.clock(),
                entries=[
                    _entry(subject, f"Consent/m{number}", "consent", "CONSENT//research", "permit"),
                ],
            )
    return made


def mark(number: int, kind: str) -> str:
    return f"mark-{number:03d}-{kind}-x7q"


def _marked(subject: str, number: int, kind: Any) -> Entry:
    codes = {
        "note": "LOINC//34109-9",
        "medication": "ATC//N06AB06",
        "condition": "ICD10//F32.1",
        "goal": "GOAL//described",
        "preference": "PREFERENCE//wish",
        "questionnaire": "LOINC//44261-6",
    }
    return _entry(
        subject, f"Marked/{kind}-{number}", kind, codes.get(kind, f"MARK//{kind}"), mark(number, kind)
    )


def _entry(subject: str, ref: str, kind: Any, code: str, text: str) -> Entry:
    moment = NOW - timedelta(days=3)
    return Entry(subject, ref, kind, (Event(subject, moment, moment, code, None, text, kind, ref),))


def bound(made: Made, who: str) -> set[int]:
    """The numbers of the people whom this account is bound to."""
    return {
        "clinician": set(range(IN_CARE)),
        "trainee": set(range(IN_CARE)),
        "other": {5},
        "patient": {0},
        "someone": {5},
    }.get(who, set())


def names(made: Made, number: int) -> list[str]:
    """What says who somebody is: what the source calls them, and their family name."""
    with made.vault.access(actor="test", purpose="care") as access:
        record = access.record(made.subjects[number])
    family = [e.text_value for e in record.events if e.code == "PERSON//family" and e.text_value]
    return [made.subjects[number], *family]


@pytest.fixture(scope="module")
def telling(marked: Made) -> dict[int, list[str]]:
    """Of each person what must not be read by others."""
    return {
        number: [*names(marked, number), *(mark(number, kind) for kind in MARKED)]
        for number in range(len(marked.subjects))
    }


def test_every_route_stands_in_the_description_and_has_a_rule_or_says_why_not(marked: Made) -> None:
    described = {
        (path, method.upper()): told
        for path, methods in marked.app.openapi()["paths"].items()
        for method, told in methods.items()
    }
    assert len(described) > 100
    for (path, method), told in described.items():
        action, why = told.get("x-action"), told.get("x-open")
        assert (action is None) != (why is None), f"{method} {path} has no rule"
        if action is not None:
            assert action in actions(), f"{method} {path}: {action}"
        else:
            assert len(why) > 20, f"{method} {path} does not say why it is open"
            assert "{patient}" not in path
    for route in routes(marked.app.routes):
        for method in (route.methods or set()) - {"HEAD", "OPTIONS"}:
            assert (route.path, method) in described, f"{method} {route.path} is not described"


def test_every_action_of_the_table_opens_something(marked: Made) -> None:
    used = {each.action for each in operations(marked)}
    assert set(actions()) - used == set()


@pytest.mark.parametrize("who", ACTORS)
def test_no_answer_holds_anything_of_whom_nobody_bound_the_reader_to(
    who: str, marked: Made, telling: dict[int, list[str]]
) -> None:
    client = marked.signed_in(who)
    mine = bound(marked, who)
    own = {word for number in mine for word in telling[number]}
    other = next(number for number in range(len(marked.subjects)) if number not in mine)
    seen, leaks = 0, []
    for operation in operations(marked):
        if operation.method != "GET" or not operation.action:
            continue
        for number in {min(mine, default=0), other}:
            url = operation.url(marked.patients[number], type="Observation")
            answer = client.get(url, params=_asking(operation, marked, number))
            seen += 1
            text = answer.text + str(dict(answer.headers))
            assert answer.status_code < 500, f"{operation} answered {answer.status_code}"
            for whose, words in telling.items():
                if whose in mine:
                    continue
                told = [
                    word for word in words if word in text and word not in own and not _science(who, word)
                ]
                leaks += [(operation.method, operation.path, word) for word in told]
    assert seen > 50
    assert leaks == []


def _science(who: str, word: str) -> bool:
    """A data scientist reads what is in the records of those who consent, but nothing that names somebody."""
    kinds = [kind for kind in MARKED if kind not in HIDDEN_FROM_SCIENCE]
    return who == "data-scientist" and any(word.endswith(f"-{kind}-x7q") for kind in kinds)


def _asking(operation: Operation, made: Made, number: int) -> dict[str, str]:
    given = {"patient": made.patients[number], "q": "Synthetic", "search": "Synthetic", "name": "Synthetic"}
    return {name: given[name] for name in operation.parameters if name in given}


@pytest.mark.parametrize("who", ACTORS)
def test_somebody_who_is_not_open_to_the_reader_is_answered_as_nobody_is(who: str, marked: Made) -> None:
    client = marked.signed_in(who)
    mine = bound(marked, who)
    other = next(number for number in reversed(range(len(marked.subjects))) if number not in mine)
    compared = 0
    for operation in operations(marked):
        if not operation.of_a_person or may(marked.accounts[who].role, operation.action, "none"):
            continue
        answers = []
        for patient in (marked.patients[other], NOBODY):
            form = {"csrf": marked.csrf(who)} if operation.method == "POST" else None
            headers = {"x-csrf-token": marked.csrf(who), "if-none-match": "*"}
            answer = client.request(operation.method, operation.url(patient), data=form, headers=headers)
            answers.append((answer.status_code, answer.text.replace(patient, "<patient>"), _told(answer)))
        assert answers[0] == answers[1], operation
        assert answers[0][0] == 404, operation
        compared += 1
    assert compared > 20


def _told(answer: Any) -> dict[str, str]:
    return {k: v for k, v in answer.headers.items() if k not in ("date", "set-cookie", "content-length")}


@pytest.mark.parametrize("who", ACTORS)
def test_what_the_table_refuses_is_refused_whatever_is_sent(who: str, marked: Made) -> None:
    client, role = marked.signed_in(who), marked.accounts[who].role
    refused = 0
    for operation in operations(marked):
        if not operation.action or any(
            may(role, operation.action, b) for b in ("self", "team", "glass", None)
        ):
            continue
        answer = client.request(
            operation.method,
            operation.url(marked.patients[0]),
            data={"csrf": marked.csrf(who)} if operation.method == "POST" else None,
            headers={"x-csrf-token": marked.csrf(who)},
        )
        assert answer.status_code in (403, 404), (operation, answer.status_code)
        refused += 1
    assert refused > 10


def test_a_guest_gets_nothing_but_what_says_why_it_is_open(marked: Made) -> None:
    client = marked.guest()
    for operation in operations(marked):
        if operation.action:
            answer = client.request(operation.method, operation.url(marked.patients[0]))
            assert answer.status_code in (303, 401), (operation, answer.status_code)
            assert answer.headers.get("location", "/sign-in").startswith("/sign-in")


READERS = ("clinician", "trainee", "patient")
READS_NOTHING = ("/mine/help",)
"""Of somebody's own pages those that say the same to everybody."""
READS_BOTH = tuple(f"/mine/export/{name}" for name in ("everything.zip", "record.html", "others.json"))
"""Those that hold the record and the audit about it: one event of each."""


@pytest.mark.parametrize("who", READERS)
def test_every_read_of_a_person_is_exactly_one_event_of_the_audit(who: str, marked: Made) -> None:
    client = marked.signed_in(who)
    actor = marked.accounts[who].actor
    reads = 0
    for operation in operations(marked):
        own = who == "patient" and operation.path.startswith(("/mine", "/api/v1/mine"))
        if operation.method != "GET" or not (operation.of_a_person or own):
            continue
        for number in (0,) if own else (0, 6):
            patient = marked.patients[number]
            before = _events(marked, patient, actor)
            answer = client.get(operation.url(patient))
            new = _events(marked, patient, actor) - before
            wanted = 2 if operation.path in READS_BOTH else operation.path not in READS_NOTHING
            assert new == wanted, (operation, number, answer.status_code, new)
            reads += new
    assert reads > 10


def _events(made: Made, patient: str, actor: str) -> int:
    return sum(
        each.actor == actor and each.action in ("read", "deny", "inspect") for each in made.audit(patient)
    )


def test_a_caseload_is_one_event_of_each_person_shown_and_none_of_anybody_else(marked: Made) -> None:
    actor = marked.accounts["clinician"].actor
    before = [_events(marked, patient, actor) for patient in marked.patients]
    assert marked.signed_in("clinician").get("/caseload/").status_code == 200
    after = [_events(marked, patient, actor) for patient in marked.patients]
    assert [b - a for a, b in zip(before, after, strict=True)] == [1] * IN_CARE + [0] * (
        len(before) - IN_CARE
    )


def test_the_table_and_the_description_speak_of_the_same_purposes(marked: Made) -> None:
    for operation in operations(marked):
        if operation.action and operation.of_a_person:
            assert rule(operation.action).purpose, operation
