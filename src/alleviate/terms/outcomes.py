"""What a study measures, and which way is better."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Better", "Harm", "Measure", "Missing", "Outcome", "OutcomeKind"]

Better = Literal["lower", "higher"]

OutcomeKind = Literal["numeric", "binary", "count", "time-to-event"]

Measure = Literal["restricted-mean", "event-free"]
"""Of an event in time: mean time without it up to the horizon, or the chance of none by then."""

Missing = Literal["weight", "leave-out"]
"""What becomes of people whose outcome is unknown: others like them count for more, or they are left out."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a study.

    ``important`` is the smallest difference worth having, in outcome units (> 0); ``None`` until the
    data are seen (then 0.2 SD). ``binary`` outcomes are 0/1 and their values are risks; ``None``
    until the data are seen. ``label`` is how a sentence names it; ``unit`` follows a number.

    ``kind`` is ``None`` until the data are seen. For "time-to-event" ``name`` is the column of the time
    followed, ``event`` that of whether the event came then (0/1), and ``measure`` by ``horizon`` counts.
    """

    name: str
    better: Better
    important: float | None = None
    binary: bool | None = None
    label: str = ""
    unit: str = ""
    kind: OutcomeKind | None = None
    event: str | None = None
    horizon: float | None = None
    measure: Measure = "restricted-mean"
    missing: Missing = "weight"

    @property
    def sign(self) -> int:
        """+1 where higher is better, -1 where lower is: ``sign * y`` is always larger-is-better."""
        return 1 if self.better == "higher" else -1

    @property
    def words(self) -> str:
        return self.label or self.name


@dataclass(frozen=True, slots=True)
class Harm:
    """Another outcome that counts, such as dropout or a side effect. One of ``weight`` and ``limit`` or both.

    ``weight``: how much of the main outcome, in its units, one unit of this is worth avoiding (> 0).
    ``limit``: the most of it that may be expected under any treatment advised, in its own units; never
    traded away. ``better`` says which way is better for the person ("lower" for harms proper).
    """

    name: str
    weight: float | None = None
    limit: float | None = None
    better: Better = "lower"
    label: str = ""
    unit: str = ""

    @property
    def sign(self) -> int:
        """+1 where lower is better, -1 where higher is: ``sign * h`` is always larger-is-worse."""
        return 1 if self.better == "lower" else -1

    @property
    def words(self) -> str:
        return self.label or self.name
