"""Who is in the demonstration: the current and the past patients of two sites of the synthetic clinic."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from alleviate.records import PatientRecord
from alleviate.records.synthetic import Clinic, simulate
from alleviate.terms.errors import DataError

__all__ = ["SEED", "SITES", "Everybody", "choose", "is_current"]

SITES = ("Harbour", "Northgate")
"""The two of the synthetic clinic's sites that differ most: in need, in waiting and in staff."""

SEED = 2026

_COURSE = timedelta(weeks=16)
_LATE = timedelta(weeks=4)
_RECENT = timedelta(weeks=26)
_PEOPLE_A_CURRENT = 60
_PEOPLE_A_PAST = 2.6


@dataclass(frozen=True, slots=True)
class Everybody:
    """The people of the demonstration as they stand at ``clinic.now``: numbers in ``clinic``.

    ``current`` wait or are in treatment; ``recent`` ended within half a year; ``past`` before that. Each the
    newest first.
    """

    clinic: Clinic
    current: tuple[int, ...]
    recent: tuple[int, ...]
    past: tuple[int, ...]

    def truth(self) -> pl.DataFrame:
        """What is true of each: see docs/synthetic.md."""
        return self.clinic.truth((*self.current, *self.recent, *self.past))


def choose(current: int, recent: int, past: int, *, seed: int, now: datetime) -> Everybody:
    """So many people of `SITES`; the same arguments choose the same ones.

    Raises DataError where the synthetic clinic is too small to hold them.
    """
    clinic = simulate(_size(current, recent + past), seed, now=now)
    here = clinic.arrivals().filter(pl.col("site").is_in(SITES)).sort("start", descending=True)
    ended = pl.col("start") < now - _COURSE - _LATE
    maybe = here.filter(~ended & (pl.col("assessed") <= now))["number"]
    found = _spread([number for number in maybe if is_current(clinic.record(number))], current)
    gone = here.filter(ended)
    begun = pl.col("start") < now - _COURSE - _LATE - _RECENT
    lately = _spread(gone.filter(~begun)["number"].to_list(), recent)
    before = gone.filter(begun)["number"].to_list()[:past]
    if (len(found), len(lately), len(before)) != (current, recent, past):
        raise DataError(
            f"Expected {current} current, {recent} recent and {past} past patients; the clinic has "
            f"{len(found)}, {len(lately)} and {len(before)}.",
            hint="Ask for fewer, or choose another seed.",
        )
    return Everybody(clinic, tuple(found), tuple(lately), tuple(before))


def is_current(record: PatientRecord) -> bool:
    """Whether this person was assessed and their course of treatment has not ended."""
    codes = {event.code for event in record.events}
    return "NOTE//assessment" in codes and "EPISODE//end" not in codes


def _spread(numbers: list[int], wanted: int) -> list[int]:
    """So many of them at even distances; all, where there are fewer."""
    if len(numbers) <= wanted:
        return numbers
    return [numbers[place * len(numbers) // wanted] for place in range(wanted)]


def _size(current: int, past: int) -> int:
    """People to simulate so that the two sites have enough: about 1 in 50 is a current patient there."""
    return max(_PEOPLE_A_CURRENT * current, round(_PEOPLE_A_PAST * (past + current))) + 300
