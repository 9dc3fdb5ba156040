"""A sum of tables over one column or two: steps, looked up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alleviate.models.trial import Floats

__all__ = ["Table", "Tables"]


@dataclass(frozen=True, slots=True)
class Table:
    """``columns``: one or two. A value at or above ``cuts[i][k]`` is in row k + 1 of axis i of ``scores``."""

    columns: tuple[int, ...]
    cuts: tuple[Floats, ...]
    scores: Floats

    def __call__(self, x: Floats) -> Floats:
        """(n,) for encoded people (n, p)."""
        at = tuple(
            np.searchsorted(cut, x[:, column], side="right")
            for column, cut in zip(self.columns, self.cuts, strict=True)
        )
        return np.asarray(self.scores[at], dtype=float)

    @property
    def steps(self) -> float:
        """Effective number of steps, or of a pair's cells: (Σ|s|)²/Σs², k if k are alike and no other."""
        sizes = np.abs(np.diff(self.scores) if len(self.columns) == 1 else self.scores)
        square = float((sizes**2).sum())
        return float(sizes.sum()) ** 2 / square if square > 0.0 else 0.0


@dataclass(frozen=True, slots=True)
class Tables:
    """``level`` plus what each table says; tables are of mean 0 over the people learned from."""

    level: float
    tables: tuple[Table, ...]

    def linear(self, x: Floats) -> Floats:
        total = np.full(len(x), self.level)
        for table in self.tables:
            total += table(x)
        return total

    def contributions(self, x: Floats) -> tuple[float, Floats]:
        """A table of two columns is halved between them, as Shapley would of what only both know."""
        added = np.zeros(x.shape)
        for table in self.tables:
            said = table(x) / len(table.columns)
            for column in table.columns:
                added[:, column] += said
        return self.level, added

    @property
    def complexity(self) -> float:
        """Effective steps of all tables."""
        return 1.0 + sum(table.steps for table in self.tables)

    def used(self) -> tuple[int, ...]:
        return tuple(sorted({column for table in self.tables if table.steps for column in table.columns}))

    def to_json(self) -> dict[str, Any]:
        return {
            "level": self.level,
            "tables": [
                {
                    "columns": list(table.columns),
                    "cuts": [cut.tolist() for cut in table.cuts],
                    "scores": table.scores.tolist(),
                }
                for table in self.tables
            ],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Tables":
        return cls(float(data["level"]), tuple(_table(each) for each in data["tables"]))


def _table(data: Mapping[str, Any]) -> Table:
    cuts: Sequence[Sequence[float]] = data["cuts"]
    return Table(
        tuple(data["columns"]),
        tuple(np.array(cut, dtype=float) for cut in cuts),
        np.array(data["scores"], dtype=float),
    )
