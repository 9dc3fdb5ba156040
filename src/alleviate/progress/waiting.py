"""To change treatment now, or to wait: what a course's forecast and a rule's benefit amount to together."""

from dataclasses import dataclass
from math import hypot, isfinite

from alleviate.terms.errors import DataError

__all__ = ["Range", "Waiting", "change_or_wait"]


@dataclass(frozen=True, slots=True)
class Range:
    """An estimate with its interval (95 % where it is one of the mean)."""

    estimate: float
    low: float
    high: float

    def __post_init__(self) -> None:
        numbers = (self.estimate, self.low, self.high)
        if not (all(map(isfinite, numbers)) and self.low <= self.estimate <= self.high):
            raise DataError(
                f"An interval must hold its estimate, got {self.estimate:g} ({self.low:g} to {self.high:g}).",
                hint="Give low, estimate and high in order.",
            )


@dataclass(frozen=True, slots=True)
class Waiting:
    """In points of the outcome. ``gain`` of changing now over staying, positive is better, with interval.

    ``staying`` and ``changing``: the end to expect. ``lost_by_waiting``: the part of the gain that is gone if
    the change comes only at the next look. ``shown``: the interval of the gain excludes 0.
    """

    staying: Range
    changing: Range
    gain: Range
    lost_by_waiting: Range
    shown: bool
    assumptions: tuple[str, ...]


def change_or_wait(
    end: Range, benefit: Range, *, lower_is_better: bool, share_left: float, share_at_next: float
) -> Waiting:
    """Put together ``end`` (a course's forecast and band) and ``benefit`` (a rule's, positive is better).

    The benefit was learned from the start of treatment. ``share_left`` of the usual course (0 to 1) lies
    ahead, ``share_at_next`` if the change comes at the next look; a benefit is taken to grow in proportion
    to the time under the new treatment. The interval of ``changing`` adds both errors as independent.
    Raises DataError for shares out of order.
    """
    if not 0 <= share_at_next <= share_left <= 1:
        raise DataError(
            f"The shares left must be 1 ≥ now ≥ next ≥ 0, got {share_left:g} and {share_at_next:g}.",
            hint="Give the time left over the usual length of a course.",
        )
    gain = _times(benefit, share_left)
    sign = -1.0 if lower_is_better else 1.0
    middle = end.estimate + sign * gain.estimate
    toward_low = gain.high - gain.estimate if lower_is_better else gain.estimate - gain.low
    toward_high = gain.estimate - gain.low if lower_is_better else gain.high - gain.estimate
    low = hypot(end.estimate - end.low, toward_low)
    high = hypot(end.high - end.estimate, toward_high)
    return Waiting(
        staying=end,
        changing=Range(middle, middle - low, middle + high),
        gain=gain,
        lost_by_waiting=_times(benefit, share_left - share_at_next),
        shown=gain.low > 0 or gain.high < 0,
        assumptions=ASSUMPTIONS,
    )


ASSUMPTIONS = (
    "the rule's benefit, learned from the start of treatment, holds for a change under way",
    "it grows in proportion to the time under the new treatment",
    "the errors of the course and of the rule are independent",
    "the present course goes on as forecast if nothing is changed",
)


def _times(of: Range, share: float) -> Range:
    return Range(of.estimate * share, of.low * share, of.high * share)
