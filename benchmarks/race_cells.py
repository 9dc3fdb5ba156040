"""The cells of the race: each problem at each size, how often, and the new people who judge a rule."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

from problems import P1_EFFECTS, Draw, p1, p2
from problems_acic import SEEDS, acic, acic_new
from problems_own import dropout, level, routine, sites, strong

__all__ = ["CELLS", "TRUTH_SEED", "Cell", "new_people"]

MANY = 20_000
TRUTH_SEED = 987_654_321


@dataclass(frozen=True, slots=True)
class Cell:
    """``seeds`` trials of ``n`` people each; ``drawn`` (n, seed) draws one."""

    problem: str
    n: int
    drawn: Callable[[int, int], Draw]
    seeds: int = 20

    @property
    def name(self) -> str:
        return f"{self.problem}, n={self.n:,}"

    def draw(self, seed: int) -> Draw:
        return self.drawn(self.n, seed)

    def new(self, seed: int) -> Draw:
        """20,000 new people, the same for every seed; in ACIC 2016 those who were not learned from."""
        return acic_new(self.n, seed) if self.problem == "ACIC 2016" else new_people(self.drawn)


@lru_cache(maxsize=16)
def new_people(drawn: Callable[[int, int], Draw]) -> Draw:
    return drawn(MANY, TRUTH_SEED)


P1 = {effect: partial(p1, effect) for effect in P1_EFFECTS}

CELLS: tuple[Cell, ...] = (
    *(Cell(f"P1 {effect}", n, drawn) for effect, drawn in P1.items() for n in (200, 500, 1000)),
    *(Cell("P2", n, p2) for n in (1000, 2000)),
    Cell("ACIC 2016", 1000, acic, SEEDS),
    Cell("sites", 600, sites),
    Cell("routine care", 1000, routine),
    Cell("dropout", 600, dropout),
    Cell("strong", 2000, strong),
    Cell("level", 500, level),
)
