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
        arrays: list[Floats] = []
        twin: dict[str, str] = {}
        for j, column in enumerate(self.columns):
            values = x[:, j]
            if values.std() <= 1e-12:
                continue
            standard = (values - values.mean()) / values.std()
            same = next(
                (
                    k
                    for k, other in enumerate(arrays)
                    if abs(abs(float(standard @ other)) / len(values) - 1.0) < 1e-12
                ),
                None,
            )
            if same is not None:
                twin.setdefault(column.feature, kept[same].feature)
                continue
            arrays.append(standard)
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
        n = len(frame)
        x = np.zeros((n, len(self.columns)))
        imputed = np.zeros((n, len(self.columns)), dtype=bool)
        unknown: list[list[str]] = [[] for _ in range(n)]
        absent = np.zeros((n, len(self.kinds)), dtype=bool)
        numbers: dict[str, Floats] = {}
        texts: dict[str, pl.Series] = {}
        for i, (name, kind) in enumerate(self.kinds.items()):
            if name not in frame.columns:
                absent[:, i] = True
                numbers[name] = np.full(n, np.nan)
                texts[name] = pl.Series(name, [None] * n, dtype=pl.String)
                continue
            absent[:, i] = frame[name].is_null().to_numpy()
            if kind == "category":
                text = frame[name].cast(pl.String)
                known = list(self.levels[name])
                new = text.is_not_null() & ~text.is_in(known) & bool(known)
                for row in np.flatnonzero(new.to_numpy()):
                    unknown[row].append(name)
                texts[name] = text.replace(dict.fromkeys(self.pooled[name], POOLED))
            else:
                numbers[name] = frame[name].cast(pl.Float64).to_numpy(writable=True)
        order = {name: i for i, name in enumerate(self.kinds)}
        for j, column in enumerate(self.columns):
            gone = absent[:, order[column.feature]]
            if column.role == "missing":
                x[:, j] = gone
            elif column.role == "value":
                x[:, j] = np.where(gone, self.fill[column.feature], numbers[column.feature])
                imputed[:, j] = gone
            else:
                x[:, j] = (texts[column.feature] == column.level).fill_null(False).to_numpy()
                x[gone, j] = column.mean
                imputed[:, j] = gone
        share = absent.mean(axis=1) if self.kinds else np.zeros(n)
        return Encoded(x, imputed, tuple(map(tuple, unknown)), share)

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
