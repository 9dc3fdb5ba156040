"""Moderators as columns: a line in a feature, a threshold on it, or two thresholds that must both hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from alleviate.models.trial import Floats, Ints

__all__ = ["ABOVE", "BELOW", "LINE", "NONE", "Terms", "base_terms"]

NONE, LINE, ABOVE, BELOW = range(4)
"""What a factor does with its feature: nothing (1), its value, whether it is above its cut, or not above."""

CUTS = 9
"""Thresholds tried on each feature, at its quantiles."""

SMALLEST_SIDE = 0.05
"""Least share of the people on each side of a threshold."""


@dataclass(frozen=True, slots=True)
class Terms:
    """m moderators, each a product of two factors (the second may be NONE).

    ``kind``, ``feature``, ``cut`` (m, 2); ``centre``, ``scale`` (m,) standardise the product over the people
    learned from; ``means`` (m, 2) are those of the factors.
    """

    kind: Ints
    feature: Ints
    cut: Floats
    centre: Floats
    scale: Floats
    means: Floats

    def __len__(self) -> int:
        return len(self.scale)

    def rows(self, index: Ints) -> "Terms":
        """The terms at ``index``."""
        return Terms(*(getattr(self, field.name)[index] for field in fields(self)))

    def standardised(self, centre: Floats, scale: Floats) -> "Terms":
        """The same terms on another scale."""
        return replace(self, centre=centre, scale=scale)

    @classmethod
    def joined(cls, lists: Sequence["Terms"]) -> "Terms":
        """All terms of ``lists``, in their order."""
        return cls(
            *(np.concatenate([getattr(terms, field.name) for terms in lists]) for field in fields(cls))
        )

    def values(self, x: Floats) -> Floats:
        """(n, p) → (n, m), standardised."""
        return (self._factor(x, 0) * self._factor(x, 1) - self.centre) / self.scale

    def _factor(self, x: Floats, side: int) -> Floats:
        kind, cut = self.kind[:, side], self.cut[:, side]
        result, used = np.ones((len(x), len(self))), np.flatnonzero(kind != NONE)
        taken = x[:, self.feature[used, side]]
        above = taken > cut[used]
        holds = np.where(kind[used] == ABOVE, above, ~above)
        result[:, used] = np.where(kind[used] == LINE, taken, holds)
        return result

    def contributions(self, x: Floats, weights: Floats) -> Floats:
        """(n, p): what each column adds to Σ_m weights_m·values_m, ``weights`` (n, m): Shapley values, exact.

        Of two factors a·b with one known a product is worth a·E[b] or E[a]·b, with none E[ab].
        """
        result = np.zeros_like(x)
        alone = np.flatnonzero(self.kind[:, 1] == NONE)
        single, weight = self.rows(alone), weights[:, alone]
        moved = weight * ((single._factor(x, 0) - single.centre) / single.scale)
        result += moved @ np.eye(x.shape[1])[single.feature[:, 0]]
        pair = np.flatnonzero(self.kind[:, 1] != NONE)
        if len(pair):
            terms, half = self.rows(pair), weights[:, pair] / (2.0 * self.scale[pair])
            first, second = terms._factor(x, 0), terms._factor(x, 1)
            both = half * (first * second - terms.centre)
            turned = half * (first * terms.means[:, 1] - second * terms.means[:, 0])
            for side, own in ((0, both + turned), (1, both - turned)):
                result += own @ np.eye(x.shape[1])[terms.feature[:, side]]
        return result

    def using(self, marked: Floats) -> Floats:
        """(n, p) of 0 and 1 → (n, m): whether a term uses a feature that is marked."""
        result = np.zeros((len(marked), len(self)))
        for side in (0, 1):
            used = np.flatnonzero(self.kind[:, side] != NONE)
            result[:, used] = np.maximum(result[:, used], marked[:, self.feature[used, side]])
        return result

    def to_json(self) -> dict[str, object]:
        return {field.name: getattr(self, field.name).tolist() for field in fields(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, list[float]]) -> "Terms":
        pairs = {name: np.array(data[name], dtype=np.int64).reshape(-1, 2) for name in ("kind", "feature")}
        means = np.array(data["means"], dtype=float).reshape(-1, 2)
        return cls(
            **pairs,
            cut=np.array(data["cut"], dtype=float).reshape(-1, 2),
            centre=np.array(data["centre"], dtype=float),
            scale=np.array(data["scale"], dtype=float),
            means=means,
        )


def base_terms(x: Floats) -> tuple[Terms, Floats]:
    """The lines and thresholds of each column of ``x`` (n, p), and each one's prior share of its feature.

    Half of a feature's share is its line's. A column of two values has one threshold and no line; a constant
    one has nothing.
    """
    kind: list[int] = []
    feature: list[int] = []
    cut: list[float] = []
    share: list[float] = []
    at = np.arange(1, CUTS + 1) / (CUTS + 1)
    for j, column in enumerate(x.T):
        if column.std() <= 1e-12 * max(1.0, float(np.abs(column).max())):
            continue
        cuts = np.unique(np.quantile(column, at, method="averaged_inverted_cdf"))
        sides = (column[:, None] > cuts).mean(axis=0)
        cuts = cuts[np.minimum(sides, 1 - sides) >= SMALLEST_SIDE]
        line = not (len(cuts) == 1 and len(np.unique(column)) == 2)
        whole = 1.0 if not len(cuts) else 0.5 if line else 0.0
        kind += [LINE] * line + [ABOVE] * len(cuts)
        feature += [j] * (line + len(cuts))
        cut += [0.0] * line + cuts.tolist()
        share += [whole] * line + [(1.0 - whole) / max(len(cuts), 1)] * len(cuts)
    m = len(kind)
    none = np.zeros(m, dtype=np.int64)
    raw = Terms(
        np.column_stack([np.array(kind, dtype=np.int64), none + NONE]),
        np.column_stack([np.array(feature, dtype=np.int64), none]),
        np.column_stack([np.array(cut, dtype=float), np.zeros(m)]),
        np.zeros(m),
        np.ones(m),
        np.ones((m, 2)),
    )
    values = raw.values(x)
    means = np.column_stack([values.mean(axis=0), np.ones(m)])
    terms = replace(raw, centre=means[:, 0], scale=values.std(axis=0), means=means)
    return terms, np.array(share, dtype=float)
