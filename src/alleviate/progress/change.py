"""From the first score to the last: what may be said of a change, by the instrument's own data file.

Reliable change after Jacobson & Truax (1991), J Consult Clin Psychol 59:12-19, or the number that the
publisher gives; recovery and reliable recovery cross the instrument's cut-off. A clinically significant
change is reliable and crosses the cut-off, which is what is called reliable recovery here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from alleviate.instruments import Instrument
from alleviate.terms.errors import DataError

__all__ = ["RESPONSE", "ROUNDING", "Change", "Verdict", "change_between", "change_of"]

Verdict = Literal["improved", "no reliable change", "deteriorated"]

RESPONSE = 0.5
"""The share of the first score by which a response falls."""
ROUNDING = 1e-9
"""Points: a change of exactly the reliable change is one, also where it was summed from fractions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of somebody, on one instrument. None: it cannot be said, and ``reasons`` say why.

    ``improvement`` in points, positive is better whichever way the instrument runs. ``important``: where only
    the smallest difference that matters to patients is published, whether that was reached; it proves no
    reliability. ``recovery``: a case at the start and none at the end (None where there was no case to
    recover from); ``reliable_recovery``: also reliably improved, that is clinically significant.
    """

    instrument: str
    first: float | None
    last: float | None
    improvement: float | None = None
    reliable: Verdict | None = None
    important: Verdict | None = None
    response: bool | None = None
    remission: bool | None = None
    case_first: bool | None = None
    case_last: bool | None = None
    recovery: bool | None = None
    reliable_recovery: bool | None = None
    reasons: tuple[str, ...] = ()


def change_of(
    instrument: Instrument, scores: Sequence[float | None], *, sex: str | None = None, least: int = 2
) -> Change:
    """The change from the first to the last known of ``scores`` (totals, in the order of time).

    ``least`` known scores are needed (2 or more). Raises DataError for a total out of range.
    """
    if least < 2:
        raise DataError(f"A change needs at least 2 scores, got least={least}.", hint="Ask for 2 or more.")
    known = [score for score in scores if score is not None]
    if len(known) < least:
        reason = f"{len(known)} of at least {least} scores are known"
        first = known[0] if known else None
        _check(instrument, first)
        return Change(instrument=instrument.id, first=first, last=None, reasons=(reason,))
    return change_between(instrument, known[0], known[-1], sex=sex)


def change_between(
    instrument: Instrument, first: float | None, last: float | None, *, sex: str | None = None
) -> Change:
    """The change between two totals. Raises DataError where one is out of range."""
    _check(instrument, first)
    _check(instrument, last)
    if first is None or last is None:
        missing = "first" if first is None else "last"
        return Change(
            instrument=instrument.id, first=first, last=last, reasons=(f"the {missing} score is missing",)
        )
    down = instrument.direction == "higher is worse"
    improvement = first - last if down else last - first
    rule = instrument.reliable_change
    verdict = _verdict(improvement, rule.least) if rule else None
    reliable = verdict if rule and rule.kind == "reliable change" else None
    before, after = instrument.is_case(first, sex), instrument.is_case(last, sex)
    recovery = None if after is None or not before else not after
    lasting = None if recovery is None or reliable is None else recovery and reliable == "improved"
    remission = instrument.remission
    return Change(
        instrument=instrument.id,
        first=first,
        last=last,
        improvement=improvement,
        reliable=reliable,
        important=None if reliable else verdict,
        response=_response(instrument, first, improvement) if down else None,
        remission=None
        if remission is None
        else (last <= remission.threshold if down else last >= remission.threshold),
        case_first=before,
        case_last=after,
        recovery=recovery,
        reliable_recovery=lasting,
        reasons=_unsaid(instrument, first, before),
    )


def _check(instrument: Instrument, total: float | None) -> None:
    if instrument.total != "sum":
        raise DataError(
            f"{instrument.abbreviation} gives a {instrument.total}, not a sum: it has no change in points.",
            hint="Follow its levels one by one.",
        )
    low, high = instrument.range
    if total is not None and not (isfinite(total) and low <= total <= high):
        raise DataError(
            f"A total of {instrument.abbreviation} is from {low:g} to {high:g}, got {total:g}.",
            hint="Leave it out where it is not known.",
        )


def _verdict(improvement: float, least: float) -> Verdict:
    if improvement >= least - ROUNDING:
        return "improved"
    return "deteriorated" if -improvement >= least - ROUNDING else "no reliable change"


def _response(instrument: Instrument, first: float, improvement: float) -> bool | None:
    span = first - instrument.range[0]
    return improvement >= RESPONSE * span - ROUNDING if span > 0 else None


def _unsaid(instrument: Instrument, first: float, before: bool | None) -> tuple[str, ...]:
    """Why some of the answers are not given."""
    rule, name = instrument.reliable_change, instrument.abbreviation
    reasons = []
    if rule is None:
        reasons.append(f"no reliable change is published that we know for the {name}")
    elif rule.kind != "reliable change":
        reasons.append(f"for the {name} only an important difference is published, no reliable change")
    if instrument.remission is None:
        reasons.append(f"no score of remission is published that we know for the {name}")
    if instrument.direction == "higher is better":
        reasons.append("a response is defined where lower is better")
    elif first <= instrument.range[0]:
        reasons.append("the first score was the best there is: there is nothing to halve")
    if before is None:
        reasons.append(f"the {name} has no cut-off of caseness")
    elif not before:
        reasons.append("no case at the start: there is nothing to recover from")
    return tuple(reasons)
