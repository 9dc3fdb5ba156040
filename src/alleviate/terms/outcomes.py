"""What a study measures, and which way is better."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Better", "Outcome"]

Better = Literal["lower", "higher"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a study.

    ``important`` is the smallest difference worth having, in outcome units (> 0); ``None`` until the
    data are seen (then 0.2 SD). ``binary`` outcomes are 0/1 and their values are risks; ``None``
    until the data are seen. ``label`` is how a sentence names it; ``unit`` follows a number.
    """

    name: str
    better: Better
    important: float | None = None
    binary: bool | None = None
    label: str = ""
    unit: str = ""

    @property
    def sign(self) -> int:
        """+1 where higher is better, -1 where lower is: ``sign * y`` is always larger-is-better."""
        return 1 if self.better == "higher" else -1

    @property
    def words(self) -> str:
        return self.label or self.name
