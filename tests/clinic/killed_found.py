"""What must be in the vault after the server was killed: all that was acknowledged, and nothing twice."""

from collections import Counter
from typing import Any

from killed_writers import Writers
from made_clinic import Made

from alleviate.clinic.recommending.ledger import kept

__all__ = ["alerts_of", "check"]


def check(made: Made, writers: Writers, before: int) -> dict[str, int]:
    """Raises AssertionError; of each kind how many writes were found. ``before``: alerts that there were."""
    made.vault.verify_audit(actor="test")
    _forms_and_alerts(made, writers, before)
    _drafts(made, writers)
    _notes_and_goals(made, writers)
    _decisions(made, writers)
    _moves(made, writers)
    return {kind: len(done) for kind, done in writers.done.items()}


def alerts_of(made: Made, patients: list[str]) -> list[Any]:
    return [alert for patient in patients for alert in _chart(made, patient).alerts]


def _forms_and_alerts(made: Made, writers: Writers, before: int) -> None:
    """Each form is there once and raised one alert, which was taken and resolved at most once."""
    events = [
        event
        for patient in writers.filing
        for event in _chart(made, patient).record.events
        if event.entry.startswith("QuestionnaireResponse/killed-")
    ]
    stored = {event.entry.removeprefix("QuestionnaireResponse/") for event in events}
    _all_and_no_other(writers, "form", stored)
    items = Counter((event.entry, event.code) for event in events if event.known_until is None)
    assert set(items.values()) == {1}, "no answer of a form is there twice, also of those sent twice"
    alerts = alerts_of(made, writers.filing)
    raised = Counter(entry for alert in alerts for entry in alert.sign.entries if "/killed-" in entry)
    assert {entry.removeprefix("QuestionnaireResponse/") for entry in raised} == stored
    assert set(raised.values()) == {1}
    assert len(alerts) == before + len(raised)
    orders: tuple[list[str], ...] = ([], ["acknowledged"], ["acknowledged", "resolved"])
    steps = {alert.id: [step.state for step in alert.steps] for alert in alerts}
    assert all(taken in orders for taken in steps.values())
    for kind, state in (("taken", "acknowledged"), ("resolved", "resolved")):
        _all_and_no_other(writers, kind, {id for id, taken in steps.items() if state in taken})
    by = {step.by for alert in alerts for step in alert.steps}
    assert by == {made.accounts["clinician"].actor}
    words = {alert.id: [step.done for step in alert.steps if step.state == "resolved"] for alert in alerts}
    assert all(words[id] == [told] for id, told in writers.done["resolved"].items())


def _drafts(made: Made, writers: Writers) -> None:
    drafts = [sheet for sheet in _chart(made, made.patients[0]).sheets if sheet.kind == "draft"]
    saved = Counter(sheet.body["once"] for sheet in drafts)
    assert set(saved.values()) == {1}
    _all_and_no_other(writers, "answer", set(saved))
    values = {sheet.body["once"]: sheet.body["value"] for sheet in drafts}
    assert all(values[once] == told["value"] for once, told in writers.done["answer"].items())


def _notes_and_goals(made: Made, writers: Writers) -> None:
    people = {"note": [made.patients[1], *writers.deciding], "goal": [made.patients[0]]}
    for kind, code in (("note", "NOTE//progress"), ("goal", "GOAL//set")):
        events = [event for id in people[kind] for event in _chart(made, id).record.events]
        told = Counter(str(event.text_value) for event in events if event.code == code)
        ours = {word for word in told if word.startswith(("Note ", "Goal "))}
        _all_and_no_other(writers, kind, ours)
        assert all(told[word] == 1 for word in ours), kind


def _decisions(made: Made, writers: Writers) -> None:
    """Each proposal that was shown is there once, with the one decision that was acknowledged, or sent."""
    found = {one.id: one for id in writers.deciding for one in kept(_chart(made, id).sheets)}
    assert writers.opened.keys() <= found.keys()
    assert all(found[id].proposal.patient == patient for id, patient in writers.opened.items())
    twice = Counter(one.key for one in found.values())
    assert set(twice.values()) == {1}, "the same advice is stored once, also where it was asked for twice"
    acts = Counter((act.move, act.note) for one in found.values() for act in one.decision.acts if act.note)
    assert set(acts.values()) == {1}, "no decision is there twice, also of those sent twice"
    for kind, move in (("accepted", "accept"), ("overridden", "override")):
        _all_and_no_other(writers, kind, {note for name, note in acts if name == move})
        for words, told in writers.done[kind].items():
            act = found[told["proposal"]].decision.decided
            assert act is not None
            assert (act.move, act.note, act.chosen) == (move, words, told["chosen"])
            assert act.by == made.accounts["clinician"].actor
            why = act.reason and (act.reason.code, act.reason.words)
            assert why == ((told["reason"], told["words"]) if move == "override" else None)


def _moves(made: Made, writers: Writers) -> None:
    sheets = [sheet for sheet in _chart(made, made.patients[3]).sheets if sheet.kind == "decision"]
    moves = [(act["note"], act["move"]) for sheet in sheets for act in sheet.body["acts"]]
    assert set(Counter(moves).values()) == {1}
    assert {(note, move) for note, move in writers.done["move"].items()} <= set(moves)
    _all_and_no_other(writers, "move", {note for note, _ in moves})


def _all_and_no_other(writers: Writers, kind: str, found: set[str]) -> None:
    """All that was acknowledged, and besides only what was sent and had no answer."""
    done, sent = writers.done[kind].keys(), writers.open[kind].keys()
    assert done <= found, f"{kind}: {len(done - found)} of {len(done)} are lost"
    assert found <= done | sent, f"{kind}: {len(found - done - sent)} were never sent"


def _chart(made: Made, patient: str) -> Any:
    with made.vault.access(actor="test", purpose="care") as access:
        return access.chart(patient)
