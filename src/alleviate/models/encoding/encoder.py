"""One encoder for all: numbers stay, categories become levels, missing values are imputed and marked."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from alleviate.models.trial import Floats

__all__ = ["Encoded", "EncodedColumn", "Encoder"]

RARE = 10
"""A level with fewer people than this is pooled with the other rare ones."""

MISSING_SHOWN = 5
"""A missing indicator is kept where at least this many people lack the value and this many have it."""

MANY_LEVELS = 20
"""A category with more levels than this, most people having a rare one, is an identifier or free text.

Its values are nobody's business: they are neither used nor kept.
"""

POOLED = "(rare)"


@dataclass(frozen=True, slots=True)
class EncodedColumn:
    """One column of numbers. ``role``: "value" (a number, a boolean as 0/1), "level" (0/1) or "missing"."""

    feature: str
    role: str
    level: str | None
    mean: float
    sd: float


@dataclass(frozen=True, slots=True)
class Encoded:
    """``x`` (n, p) finite. ``imputed`` (n, p): entries that stand for a missing value.

    ``unknown``: per row the features (in order) whose category was never seen. ``missing`` (n,):
    share of the features missing.
    """

    x: Floats
    imputed: np.ndarray[Any, np.dtype[np.bool_]]
    unknown: tuple[tuple[str, ...], ...]
    missing: Floats


@dataclass(frozen=True, slots=True)
class Encoder:
    """Fitted on training people. ``kinds``: feature → "number" | "category" | "boolean".

    ``fill``: what a missing number or boolean becomes. ``levels``: the categories known; ``pooled``: those
    of them that were too rare to stand alone. ``dropped``: features without use, with the reason.
    """

    kinds: Mapping[str, str]
    fill: Mapping[str, float]
    levels: Mapping[str, Sequence[str]]
    pooled: Mapping[str, Sequence[str]]
    columns: tuple[EncodedColumn, ...]
    dropped: Mapping[str, str]

    @classmethod
    def fit(cls, frame: pl.DataFrame) -> "Encoder":
        """Learn medians, levels and indicators; drop constant and duplicate columns."""
        kinds = {name: _kind(frame[name]) for name in frame.columns}
        fill: dict[str, float] = {}
        levels: dict[str, list[str]] = {}
        pooled: dict[str, list[str]] = {}
        dropped: dict[str, str] = {}
        for name, kind in kinds.items():
            column = frame[name].drop_nulls()
            if kind == "category":
                counts = Counter(column.to_list())
                rare = {level: count for level, count in counts.items() if count < RARE}
                if len(counts) > MANY_LEVELS and sum(rare.values()) > len(column) / 2:
                    dropped[name] = f"{len(counts)} values that few people share: an identifier or free text"
                    counts, rare = Counter(), {}
                levels[name], pooled[name] = sorted(counts), sorted(rare)
            else:
                fill[name] = float(column.cast(pl.Float64).median() or 0.0) if len(column) else 0.0  # type: ignore[arg-type]
            if kind == "category" and len(levels[name]) > 1 and levels[name] == pooled[name]:
                dropped[name] = f"no value that {RARE} people share"
        columns = _draft_columns(frame.drop(dropped), kinds, levels, pooled)
        draft = cls(kinds, fill, levels, pooled, columns, dropped)
        return draft._tidied(draft.transform(frame).x)

    def _tidied(self, x: Floats) -> "Encoder":
        """Keep each column that varies and is not the same as an earlier one; note means and SDs."""
        kept: list[EncodedColumn] = []
        standards = np.empty((x.shape[1], len(x)))
        twin: dict[str, str] = {}
        for j, column in enumerate(self.columns):
            values = x[:, j]
            if values.std() <= 1e-12:
                continue
            standard = (values - values.mean()) / values.std()
            alike = np.abs(np.abs(standards[: len(kept)] @ standard) / len(values) - 1.0) < 1e-12
            if alike.any():
                twin.setdefault(column.feature, kept[int(alike.argmax())].feature)
                continue
            standards[len(kept)] = standard
            kept.append(
                EncodedColumn(
                    column.feature, column.role, column.level, float(values.mean()), float(values.std())
                )
            )
        used = {column.feature for column in kept}
        dropped = {
            name: f"the same as {twin[name]}" if twin.get(name, name) != name else "the same for everybody"
            for name in self.kinds
            if name not in used
        } | dict(self.dropped)
        return Encoder(self.kinds, self.fill, self.levels, self.pooled, tuple(kept), dropped)

    def transform(self, frame: pl.DataFrame) -> Encoded:
        """Encode people. Features that ``frame`` lacks are missing for everybody."""
        n, order = len(frame), {name: i for i, name in enumerate(self.kinds)}
        found = self._queried(frame)
        absent = np.ones((n, len(self.kinds)), dtype=bool)
        unknown: list[list[str]] = [[] for _ in range(n)]
        for name, i in order.items():
            if f"gone {i}" in found:
                absent[:, i] = found[f"gone {i}"].to_numpy()
            if f"new {i}" in found:
                for row in found[f"new {i}"].arg_true():
                    unknown[row].append(name)
        x = np.zeros((n, len(self.columns)))
        imputed = np.zeros((n, len(self.columns)), dtype=bool)
        for j, column in enumerate(self.columns):
            gone = absent[:, order[column.feature]]
            if column.role == "missing":
                x[:, j] = gone
                continue
            default = self.fill[column.feature] if column.role == "value" else column.mean
            x[:, j] = found[f"column {j}"].to_numpy() if f"column {j}" in found else default
            x[gone, j] = default
            imputed[:, j] = gone
        share = absent.mean(axis=1) if self.kinds else np.zeros(n)
        return Encoded(x, imputed, tuple(map(tuple, unknown)), share)

    def _queried(self, frame: pl.DataFrame) -> dict[str, pl.Series]:
        """All that is asked of the table, in one query: many small ones are slow where there is one person.

        By the number of the feature who lacks it ("gone") and who has a level never seen ("new"); by the
        number of the column its values.
        """
        place = {name: pl.nth(i) for i, name in enumerate(frame.columns)}
        asked: dict[str, pl.Expr] = {}
        for i, name in enumerate(self.kinds):
            if name in place:
                asked[f"gone {i}"] = place[name].is_null()
                if known := list(self.levels.get(name, ())):
                    asked[f"new {i}"] = ~place[name].cast(pl.String).is_in(known)
        for j, column in enumerate(self.columns):
            if column.feature not in place or column.role == "missing":
                continue
            value = place[column.feature]
            if column.level == POOLED:
                value = value.cast(pl.String).is_in([*self.pooled[column.feature], POOLED])
            elif column.role == "level":
                value = value.cast(pl.String) == column.level
            asked[f"column {j}"] = value.cast(pl.Float64)
        return frame.select(**asked).to_dict() if asked else {}

    def to_json(self) -> dict[str, Any]:
        return {
            "kinds": dict(self.kinds),
            "fill": dict(self.fill),
            "levels": {k: list(v) for k, v in self.levels.items()},
            "pooled": {k: list(v) for k, v in self.pooled.items()},
            "columns": [asdict(column) for column in self.columns],
            "dropped": dict(self.dropped),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Encoder":
        columns = tuple(EncodedColumn(**column) for column in data["columns"])
        return cls(data["kinds"], data["fill"], data["levels"], data["pooled"], columns, data["dropped"])


def _kind(column: pl.Series) -> str:
    if column.dtype == pl.Boolean:
        return "boolean"
    return "number" if column.dtype.is_numeric() else "category"


def _draft_columns(
    frame: pl.DataFrame,
    kinds: Mapping[str, str],
    levels: Mapping[str, Sequence[str]],
    pooled: Mapping[str, Sequence[str]],
) -> tuple[EncodedColumn, ...]:
    columns: list[EncodedColumn] = []
    for name in frame.columns:
        kind = kinds[name]
        gone = frame[name].null_count()
        if kind == "category":
            shown = [level for level in levels[name] if level not in set(pooled[name])]
            if pooled[name]:
                shown.append(POOLED)
            shown = shown[1:] if len(shown) == 2 else shown
            for level in shown:
                known = frame[name].drop_nulls().replace(dict.fromkeys(pooled[name], POOLED))
                share = float((known == level).to_numpy().mean())
                columns.append(EncodedColumn(name, "level", level, share, 1.0))
        else:
            columns.append(EncodedColumn(name, "value", None, 0.0, 1.0))
        if MISSING_SHOWN <= gone <= len(frame) - MISSING_SHOWN:
            columns.append(EncodedColumn(name, "missing", None, 0.0, 1.0))
    return tuple(columns)
