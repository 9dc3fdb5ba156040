"""How a number is written: rounded no finer than its interval allows, with its sign and in its unit."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import floor, log10

from alleviate.packages.findings import Findings
from alleviate.terms.estimates import Estimate

__all__ = ["Scale", "Shown", "count", "decimals_for", "number", "p_value", "share", "shown"]

MINUS = "\N{MINUS SIGN}"
FINEST = 6
"""No number is written with more decimals than this."""


def decimals_for(widths: Iterable[float]) -> int:
    """Decimals that give the median interval two significant digits; 2 where no interval has a width."""
    known = sorted(width for width in widths if width > 0)
    if not known:
        return 2
    return min(FINEST, max(0, 1 - floor(log10(known[len(known) // 2]))))


def number(x: float, decimals: int, *, signed: bool = False) -> str:
    """``x`` with a true minus sign, thousands separated; never "−0.00"."""
    text = f"{abs(x):,.{decimals}f}"
    if not any(digit in text for digit in "123456789"):
        return text
    return (MINUS if x < 0 else "+" if signed else "") + text


def count(n: float) -> str:
    """A whole number: ``12,345``."""
    return number(n, 0)


def share(x: float) -> str:
    """A share as a whole percentage; a few are never written as none, nor most as all."""
    if 0 < x < 0.01:
        return "under 1%"
    if 0.99 < x < 1:
        return "over 99%"
    return f"{x:.0%}"


def p_value(p: float) -> str:
    """``< 0.001``, ``= 0.004``, ``= 0.21``: two digits, three where they decide."""
    if p < 0.001:
        return "< 0.001"
    return f"= {p:.3f}" if p < 0.1 else f"= {p:.2f}"


@dataclass(frozen=True, slots=True)
class Shown:
    """An estimate as written. ``exact``: it has no width, since it holds by construction."""

    point: str
    low: str
    high: str
    exact: bool
    sign: int

    @property
    def interval(self) -> str:
        return f"{self.low} to {self.high}"

    @property
    def size(self) -> str:
        """The point without its sign, for a sentence that says "better" or "worse"."""
        return self.point.lstrip("+" + MINUS)


@dataclass(frozen=True, slots=True)
class Scale:
    """The outcome's scale. A binary outcome is written in percent, its differences in percentage points."""

    label: str
    unit: str
    better: str
    important: float
    binary: bool

    @classmethod
    def of(cls, findings: Findings) -> "Scale":
        outcome = findings.outcome
        return cls(
            label=str(outcome.get("label") or outcome["name"]),
            unit=str(outcome.get("unit") or ""),
            better=str(outcome["better"]),
            important=float(str(outcome["important"])),
            binary=bool(outcome["binary"]),
        )

    @property
    def factor(self) -> float:
        """From outcome units to what is written."""
        return 100.0 if self.binary else 1.0

    def decimals(self, estimates: Iterable[Estimate]) -> int:
        """Decimals that a table shares: up to two more where an interval only just excludes 0."""
        every = list(estimates)
        digits = decimals_for(self.factor * (e.high - e.low) for e in every)
        nearest = min(
            (self.factor * min(abs(e.low), abs(e.high)) for e in every if e.excludes_zero), default=1.0
        )
        return next((d for d in (digits, digits + 1) if round(nearest, d)), digits + 2)

    def value(self, e: Estimate, decimals: int | None = None) -> Shown:
        """A mean or a risk: ``1.74 (1.70 to 1.78)``, ``34% (30% to 38%)``."""
        return self._show(e, decimals, signed=False, suffix="%" if self.binary else "")

    def gain(self, e: Estimate, decimals: int | None = None) -> Shown:
        """A difference, positive is better: ``+0.12 (+0.03 to +0.21)``."""
        return self._show(e, decimals, signed=True, suffix="")

    def difference(self, x: float) -> str:
        """A size without an interval, such as the smallest important difference, to two or three digits."""
        x = self.factor * x
        decimals = decimals_for([abs(x)])
        text = number(x, decimals)
        return text.rstrip("0").rstrip(".") if "." in text else text

    def _show(self, e: Estimate, decimals: int | None, *, signed: bool, suffix: str) -> Shown:
        digits = self.decimals([e]) if decimals is None else decimals
        return shown(e, digits, factor=self.factor, signed=signed, suffix=suffix)


def shown(
    e: Estimate, decimals: int, *, factor: float = 1.0, signed: bool = False, suffix: str = ""
) -> Shown:
    """An estimate as written, ``factor`` times its size; more decimals where they show a sign to be sure."""
    low, high, point = (factor * x for x in (e.low, e.high, e.estimate))
    if signed and e.excludes_zero:  # rounding must not hide that the interval excludes 0
        nearest = min(abs(low), abs(high))
        while decimals < FINEST and round(nearest, decimals) == 0:
            decimals += 1
    low_text, high_text, text = (number(x, decimals, signed=signed) + suffix for x in (low, high, point))
    return Shown(text, low_text, high_text, e.low == e.high, (e.estimate > 0) - (e.estimate < 0))
