"""The rules of NHS Talking Therapies: a measure of depression and one of anxiety, judged together.

Source: NHS Talking Therapies manual (NHS England), "reliable improvement", "recovery", "reliable recovery".
A course counts once it is completed: ended, with at least two contacts of treatment.
"""

from dataclasses import dataclass

import polars as pl

from alleviate.instruments import INSTRUMENTS, Instrument
from alleviate.progress.change import Change, change_between
from alleviate.progress.change_frame import change_frame
from alleviate.terms.errors import DataError

__all__ = ["CONTACTS", "Outcome", "Pair", "talking_therapies", "talking_therapies_frame"]

CONTACTS = 2
"""Contacts of treatment from which on a course that has ended is a completed one."""

Pair = tuple[float | None, float | None]
"""The first and the last score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """None: it cannot be said, see ``reason``. Improvement and deterioration exclude each other.

    ``case``: caseness on either measure at the start. ``recovery``: below both cut-offs at the end; None
    for those who were no case. Who improves reliably on one measure and worsens reliably on the other has
    done neither.
    """

    counted: bool
    case: bool | None = None
    reliable_improvement: bool | None = None
    reliable_deterioration: bool | None = None
    recovery: bool | None = None
    reliable_recovery: bool | None = None
    reason: str = ""


def talking_therapies(
    depression: Pair, anxiety: Pair, *, contacts: int, ended: bool, anxiety_measure: str = "gad7"
) -> Outcome:
    """The outcome of one course of treatment, from (first, last) of the PHQ-9 and the measure of anxiety.

    ``anxiety_measure`` is the id of the instrument that the service uses for the disorder ("gad7", "pcl5").
    Raises DataError where it has no cut-off or no reliable change.
    """
    phq9, other = _measures(anxiety_measure)
    if not ended:
        return Outcome(counted=False, reason="the course has not ended")
    if contacts < CONTACTS:
        return Outcome(counted=False, reason=f"{contacts} of at least {CONTACTS} contacts of treatment")
    changes = change_between(phq9, *depression), change_between(other, *anxiety)
    if any(change.improvement is None for change in changes):
        lacking = [change.instrument for change in changes if change.improvement is None]
        return Outcome(counted=False, reason=f"a first or last score is missing: {', '.join(lacking)}")
    return _outcome(*changes)


def _outcome(*changes: Change) -> Outcome:
    verdicts = {change.reliable for change in changes}
    improved = "improved" in verdicts and "deteriorated" not in verdicts
    case = any(change.case_first for change in changes)
    recovered = not any(change.case_last for change in changes) if case else None
    return Outcome(
        counted=True,
        case=case,
        reliable_improvement=improved,
        reliable_deterioration="deteriorated" in verdicts and "improved" not in verdicts,
        recovery=recovered,
        reliable_recovery=None if recovered is None else recovered and improved,
        reason="" if case else "no case at the start: counted for improvement, not for recovery",
    )


def talking_therapies_frame(frame: pl.DataFrame, *, anxiety_measure: str = "gad7") -> pl.DataFrame:
    """Many courses at once; a test holds it equal to `talking_therapies`.

    Columns in: ``depression_first, depression_last, anxiety_first, anxiety_last, contacts, ended``; out: the
    fields of `Outcome` without the reason.
    """
    phq9, other = _measures(anxiety_measure)
    one, two = (
        change_frame(measure, frame.select(first=f"{name}_first", last=f"{name}_last"))
        for name, measure in (("depression", phq9), ("anxiety", other))
    )
    both = one.rename(lambda name: f"{name}_1").hstack(two.rename(lambda name: f"{name}_2"))
    table = frame.select("contacts", "ended").hstack(both)
    known = pl.col("improvement_1").is_not_null() & pl.col("improvement_2").is_not_null()
    better, worse = (
        (pl.col("reliable_1") == word) | (pl.col("reliable_2") == word)
        for word in ("improved", "deteriorated")
    )
    case = pl.col("case_first_1") | pl.col("case_first_2")
    recovered = pl.when(case).then(~(pl.col("case_last_1") | pl.col("case_last_2")))
    improved = better & ~worse
    counted = (known & pl.col("ended") & (pl.col("contacts") >= CONTACTS)).fill_null(False)
    said = {
        "case": case,
        "reliable_improvement": improved,
        "reliable_deterioration": worse & ~better,
        "recovery": recovered,
        "reliable_recovery": pl.when(case).then(recovered & improved),
    }
    return table.select(
        counted.alias("counted"), *(pl.when(counted).then(each).alias(name) for name, each in said.items())
    )


def _measures(anxiety_measure: str) -> tuple[Instrument, Instrument]:
    other = INSTRUMENTS.get(anxiety_measure)
    rule = other.reliable_change if other else None
    if other is None or other.caseness is None or rule is None or rule.kind != "reliable change":
        raise DataError(
            f"{anxiety_measure!r} is no measure with a cut-off and a reliable change.",
            hint='Name one such as "gad7" or "pcl5".',
        )
    return INSTRUMENTS["phq9"], other
