"""The rules of the caseload, as data: signs.toml, or a clinic's own file."""

from functools import cache
from importlib import resources

import msgspec
from msgspec import Struct

from alleviate.instruments import INSTRUMENTS
from alleviate.terms.errors import DataError

__all__ = ["CaseloadRules", "default_rules"]


class _DroppingOut(Struct, frozen=True, forbid_unknown_fields=True):
    missed_in_a_row: int
    missed_least: int
    missed_of_last: int
    silent_days: int
    falling_by: float
    falling_window: int


class _Due(Struct, frozen=True, forbid_unknown_fields=True):
    measures: tuple[str, ...]
    every_days: int
    overdue_after_days: int


class _Course(Struct, frozen=True, forbid_unknown_fields=True):
    stale_days: int
    answered_days: int


class CaseloadRules(Struct, frozen=True, forbid_unknown_fields=True):
    """When somebody drops out, is due, or is followed no longer. Raises DataError for a senseless rule."""

    source: str
    dropping_out: _DroppingOut
    due: _Due
    course: _Course

    def __post_init__(self) -> None:
        out, due = self.dropping_out, self.due
        counts = [out.missed_in_a_row, out.missed_least, out.silent_days, out.falling_window]
        counts += [due.every_days, self.course.stale_days, self.course.answered_days]
        _expect(all(count > 0 for count in counts), "a number of days or sessions is not above 0")
        _expect(out.missed_of_last >= out.missed_least, "missed_of_last is below missed_least")
        _expect(0 < out.falling_by <= 1, "falling_by is no share above 0")
        _expect(due.overdue_after_days >= due.every_days, "overdue_after_days is below every_days")
        unknown = sorted(set(due.measures) - set(INSTRUMENTS))
        _expect(not unknown, f"there is no instrument {', '.join(unknown)}")
        _expect(bool(self.source.strip()), "the source is missing")


@cache
def default_rules() -> CaseloadRules:
    """The rules that ship."""
    return _parsed((resources.files("alleviate.clinic.caseload") / "signs.toml").read_text(encoding="utf-8"))


def _parsed(text: str) -> CaseloadRules:
    return msgspec.toml.decode(text, type=CaseloadRules)


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise DataError(f"In the rules of the caseload {otherwise}.", hint="See clinic/caseload/signs.toml.")
