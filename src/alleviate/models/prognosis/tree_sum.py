"""A sum of trees, kept as LightGBM's text: how forests and boosted trees foresee, and why (TreeSHAP)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import lightgbm as lgb
import numpy as np

from alleviate.models.trial import Floats

__all__ = ["QUIET", "TreeSum", "parts_of", "plain_text", "wide"]

QUIET: dict[str, Any] = {
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "feature_pre_filter": False,
    "verbosity": -1,
}
"""What every LightGBM here is told: the same bytes on any machine, and no word."""


NEEDLESS = (
    "tree_sizes=",
    "average_output",
    "split_gain=",
    "leaf_weight=",
    "internal_value=",
    "internal_weight=",
    "is_linear=0",
)


SPLITS = "split_feature="


def wide(x: Floats) -> Floats:
    """At least one column, a constant: LightGBM fails on none."""
    return x if x.shape[1] else np.zeros((len(x), 1))


def parts_of(booster: lgb.Booster) -> tuple[str, list[str]]:
    """LightGBM's text: what stands before the trees, and each tree from its number on."""
    head, *trees = booster.model_to_string().split("end of trees")[0].split("\nTree=")
    return head, trees


def plain_text(head: str, trees: Iterable[str]) -> str:
    """LightGBM's text of its ``trees``, each from its number on, without what prediction does not need."""
    parts = [head, *(f"\nTree={tree}" for tree in trees)]
    lines = (line for part in parts for line in part.splitlines() if not line.startswith(NEEDLESS))
    return "\n".join([*lines, "", "end of trees", ""])


@dataclass(frozen=True)
class TreeSum:
    """``level`` plus what each tree's leaf says; ``text`` is LightGBM's.

    ``complexity``: effective parameters, as its candidate counts them."""

    text: str
    level: float
    complexity: float

    @cached_property
    def booster(self) -> lgb.Booster:
        return lgb.Booster(model_str=self.text)

    def linear(self, x: Floats) -> Floats:
        if not len(x):
            return np.zeros(0)
        said = self.booster.predict(wide(x), raw_score=True, num_threads=1)
        return self.level + np.asarray(said, dtype=float)

    def contributions(self, x: Floats) -> tuple[float, Floats]:
        """Exact path-dependent TreeSHAP (Lundberg et al. 2020); LightGBM's last column is the average."""
        asked = wide(x) if len(x) else np.zeros((1, max(x.shape[1], 1)))
        parts = np.asarray(self.booster.predict(asked, pred_contrib=True, num_threads=1), dtype=float)
        return self.level + float(parts[0, -1]), parts[: len(x), : x.shape[1]]

    def used(self) -> tuple[int, ...]:
        splits = (line for line in self.text.splitlines() if line.startswith(SPLITS))
        return tuple(sorted({int(j) for line in splits for j in line.removeprefix(SPLITS).split()}))

    def to_json(self) -> dict[str, Any]:
        return {"lightgbm": self.text, "level": self.level, "complexity": self.complexity}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "TreeSum":
        return cls(data["lightgbm"], float(data["level"]), float(data["complexity"]))
