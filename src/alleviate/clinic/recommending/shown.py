"""How a proposal's numbers are shown: rounded as intervals warrant, risks as people out of 100."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor, log10

from alleviate.decisions import Proposal
from alleviate.decisions.parts import Option
from alleviate.terms.estimates import Estimate

__all__ = ["Frequency", "Row", "decimals_for", "frequency", "rows", "side_by_side"]

OF = 100


@dataclass(frozen=True, slots=True)
class Frequency:
    """So many of 100 people: the best estimate, and the ends of its 95 % interval."""

    middle: int
    low: int
    high: int

    @property
    def groups(self) -> tuple[int, int, int]:
        """Of 100: surely, perhaps, and hardly among them; adds up to 100."""
        return self.low, self.high - self.low, OF - self.high


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the range plot."""

    words: str
    estimate: float
    low: float
    high: float
    note: str = ""


def frequency(estimate: Estimate) -> Frequency:
    """A risk from 0 to 1 as people out of 100; the ends are never nearer than the estimate."""
    low, middle, high = (round(OF * min(max(end, 0.0), 1.0)) for end in _ends(estimate))
    return Frequency(middle, min(low, middle), max(high, middle))


def decimals_for(estimates: Sequence[Estimate]) -> int:
    """Decimal places so that the narrowest interval has two significant digits; none for wide ones."""
    widths = [estimate.high - estimate.low for estimate in estimates if estimate.high > estimate.low]
    return min(max(1 - floor(log10(min(widths))), 0), 3) if widths else 1


def rows(proposal: Proposal, translate: Callable[[str], str] = str) -> list[Row]:
    """Of the options that the study can speak of, in the order shown; risks in people out of 100."""
    scale = OF if proposal.aim is not None and proposal.aim.risk else 1
    return [
        Row(
            translate(option.title),
            scale * option.expected.estimate,
            scale * option.expected.low,
            scale * option.expected.high,
        )
        for option in proposal.options
        if option.expected is not None
    ]


def side_by_side(proposal: Proposal) -> list[Option]:
    """The options without their rank: by their names, for who is asked for their own view first."""
    return sorted(proposal.options, key=lambda option: option.title.casefold())


def _ends(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.low, estimate.estimate, estimate.high
