"""Whom a model may speak of: people like those it learned from. Of others it abstains, and says why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from alleviate.models.encoding import Encoded, EncodedColumn
from alleviate.models.prognosis.wording import WORDING
from alleviate.models.trial import Bools, Floats, Ints
from alleviate.models.uncertainty import Neighbourhoods, fit_neighbourhoods

__all__ = ["Judged", "Reach", "fit_reach"]

TOO_MUCH_MISSING = 0.5
"""Share of the features asked for that may be missing, at most."""

FEWEST = 10
"""Comparable people, at least."""

EDGE, MARGIN = 0.005, 1.0
"""A number is far outside beyond this many times the range between these quantiles, on either side of it.

Quantiles, since the extremes would be some single person's value."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Of n people: ``comparable`` (n,) ones learned from; ``distance`` (n,): beyond 1 there is no likeness;

    ``problems``: why a person cannot be judged, or ``None``."""

    comparable: Ints
    distance: Floats
    problems: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """The people learned from, in groups; nobody can be told from them.

    ``columns`` (k,) encoded, that the model heeds; ``features`` (k,) they are of; ``numbers`` (k,):
    which of them are values of a number; ``low``, ``high`` (k,): ends of what was seen, by and large.
    """

    columns: Ints
    features: tuple[str, ...]
    numbers: Bools
    low: Floats
    high: Floats
    neighbourhoods: Neighbourhoods

    def judge(self, encoded: Encoded, frame: pl.DataFrame) -> Judged:
        """Judge encoded people, of raw features ``frame``. Columns it lacks are missing for everybody."""
        x, known = encoded.x[:, self.columns], ~encoded.imputed[:, self.columns]
        group, distance = self.neighbourhoods.nearest(x, known)
        comparable = self.neighbourhoods.counts[group, 0]
        margin = MARGIN * (self.high - self.low)
        strays = known & self.numbers & ((x < self.low - margin) | (x > self.high + margin))
        # a feature of several columns is missing in all of them at once
        first = [self.features.index(name) for name in dict.fromkeys(self.features)]
        share = (~known[:, first]).sum(axis=1) / max(len(first), 1)
        problems: list[str | None] = [None] * len(x)
        doubtful = strays.any(axis=1) | (distance > 1.0) | (share > TOO_MUCH_MISSING) | (comparable < FEWEST)
        strange = np.fromiter(map(bool, encoded.unknown), dtype=bool, count=len(x))
        for i in np.flatnonzero(doubtful | strange):
            problems[i] = self._problem(
                x[i], known[i], strays[i], float(share[i]), float(distance[i]), int(comparable[i]),
                [(name, frame[name][int(i)]) for name in encoded.unknown[i] if name in self.features],
            )  # fmt: skip
        return Judged(comparable, distance, tuple(problems))

    def _problem(
        self,
        x: Floats,
        known: Bools,
        strays: Bools,
        share: float,
        distance: float,
        comparable: int,
        unknown: Sequence[tuple[str, object]],
    ) -> str | None:
        words = WORDING["reach"]
        if unknown:
            return str(words["unknown"].format(feature=unknown[0][0], value=repr(str(unknown[0][1]))))
        if share > TOO_MUCH_MISSING:
            return str(words["missing"].format(share=f"{share:.0%}"))
        if strays.any():
            away = np.abs(x - self.neighbourhoods.centre) / self.neighbourhoods.scale
            j = int(np.where(strays, away, -1.0).argmax())
            seen = {"low": f"{self.low[j]:.4g}", "high": f"{self.high[j]:.4g}"}
            return str(words["outside"].format(feature=self.features[j], value=f"{x[j]:.4g}", **seen))
        if distance > 1.0:
            away = known * np.abs(x - self.neighbourhoods.centre) / self.neighbourhoods.scale
            return str(words["unlike"].format(feature=self.features[int(away.argmax())]))
        if comparable < FEWEST:
            return str(words["few"].format(n=comparable, needed=FEWEST))
        return None

    def to_json(self) -> dict[str, Any]:
        return {
            "columns": self.columns.tolist(),
            "features": list(self.features),
            "numbers": self.numbers.tolist(),
            "low": self.low.tolist(),
            "high": self.high.tolist(),
            "neighbourhoods": self.neighbourhoods.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Reach":
        return cls(
            np.array(data["columns"], dtype=np.int64),
            tuple(data["features"]),
            np.array(data["numbers"], dtype=bool),
            np.array(data["low"], dtype=float),
            np.array(data["high"], dtype=float),
            Neighbourhoods.from_json(data["neighbourhoods"]),
        )


def fit_reach(
    encoded: Encoded,
    columns: Sequence[EncodedColumn],
    kept: Sequence[str],
    kinds: Mapping[str, str],
    seed: int,
) -> Reach:
    """Of the people learned from: ``columns`` of their encoder, and which features' ``kept`` the model heeds.

    ``kinds``: feature → "number" | "category" | "boolean". A feature nobody heeds makes no one a stranger.
    """
    heeded = [
        j for j, column in enumerate(columns) if column.feature in set(kept) and column.role != "missing"
    ]
    x = encoded.x[:, heeded]
    seen = np.where(encoded.imputed[:, heeded], np.nan, x)
    low, high = (_ends(seen, edge) for edge in (EDGE, 1.0 - EDGE))
    return Reach(
        np.array(heeded, dtype=np.int64),
        tuple(columns[j].feature for j in heeded),
        np.array([kinds[columns[j].feature] == "number" for j in heeded], dtype=bool) & (high > low),
        low,
        high,
        fit_neighbourhoods(x, np.zeros(len(x), dtype=np.int64), 1, seed),
    )


def _ends(seen: Floats, edge: float) -> Floats:
    """(k,) of the values that are known; every column has some, or its encoder had dropped it."""
    return np.asarray(np.nanquantile(seen, edge, axis=0), dtype=float)
