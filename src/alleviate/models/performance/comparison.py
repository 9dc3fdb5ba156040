"""Two sets of predictions of the same people: which is better, and by more than chance?

Two answers. Paired differences of each measure come from the people: the influences of one less those of
the other. Where a cross-validation was repeated, the folds answer too, by the t-test of Nadeau & Bengio
(2003, Mach Learn 52:239): folds share most of what they learned from, so that their variance is multiplied
by 1/J + tested/learned.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from alleviate.models.performance.influence import Measured, Spread, interval
from alleviate.models.performance.judged import Judged, same_people
from alleviate.models.performance.performance import averaged, uncertainty
from alleviate.models.trial import Floats
from alleviate.terms.errors import InputError
from alleviate.terms.estimates import Estimate

__all__ = ["FAVOURED", "Comparison", "Resampled", "compared", "resampled"]

Direction = float
FAVOURED: Mapping[str, Direction] = {
    "auc": 1.0, "c": 1.0, "r2": 1.0, "brier_scaled": 1.0,
    "brier": -1.0, "log_loss": -1.0, "rps": -1.0, "mae": -1.0, "rmse": -1.0, "ici": -1.0,
}  # fmt: skip
"""1 where more is better, −1 where less is; slopes, intercepts and ratios are best at a value of their
own."""


@dataclass(frozen=True, slots=True)
class Resampled:
    """Mean difference of a loss over folds, with its corrected interval; ``chance``: two-sided p-value."""

    difference: Estimate
    chance: float
    folds: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """``differences``: first less second, by measure. ``better``: "first", "second" or "neither", by
    measure, where

    its interval excludes 0. ``folds``: the corrected resampled t-test of the mean loss, ``None`` without
    folds.
    """

    differences: Mapping[str, Estimate]
    better: Mapping[str, str]
    folds: Resampled | None


def compared(first: Sequence[Judged], second: Sequence[Judged]) -> Comparison:
    """``first`` and ``second``: repeats of one cross-validation each, or one set each. Raises InputError."""
    same_people([*first, *second])
    design = first[0]
    one, other = averaged(first), averaged(second)
    differences = {}
    for name in one.keys() & other.keys():
        a, b = one[name], other[name]
        if isinstance(a, Measured) and isinstance(b, Measured):
            apart = _apart(a, b)
            differences[name] = interval(apart.value, uncertainty(apart, design))
    ordered = {name: differences[name] for name in one if name in differences}
    better = {name: _better(ordered[name], side) for name, side in FAVOURED.items() if name in ordered}
    split = all(judged.part is not None for judged in first) and len(first) == len(second)
    return Comparison(ordered, better, resampled(first, second) if split else None)


def _apart(first: Measured, second: Measured) -> Measured:
    """The difference; all of it hinges on what was learned."""
    value, influence = first.value - second.value, first.influence - second.influence
    return Measured(value, influence, "plain", 0.0, value, influence, first.refit)


def _better(difference: Estimate, direction: Direction) -> str:
    if not difference.excludes_zero:
        return "neither"
    return "first" if difference.estimate * direction > 0 else "second"


def resampled(first: Sequence[Judged], second: Sequence[Judged]) -> Resampled:
    """Of the squared error (the Brier score), over the folds of all repeats, at least two of them."""
    apart, shares = [], []
    for a, b in zip(first, second, strict=True):
        loss = (a.y - a.p) ** 2 - (b.y - b.p) ** 2
        part = np.unique(a.parts, return_inverse=True)[1]
        weight = np.bincount(part, a.weight)
        apart.append((np.bincount(part, a.weight * loss) / np.maximum(weight, 1e-300))[weight > 0])
        shares.append((weight / weight.sum())[weight > 0])
    differences, tested = np.concatenate(apart), np.concatenate(shares)
    if len(differences) < 2:
        raise InputError(
            "Expected two folds or more to compare over, got 1.", hint="Use the paired differences."
        )
    return _corrected(differences, float(np.mean(tested / (1 - tested))))


def _corrected(differences: Floats, ratio: float) -> Resampled:
    """``ratio``: people tested for each that was learned from."""
    count = len(differences)
    mean = float(differences.mean())
    error = float(np.sqrt((1 / count + ratio) * differences.var(ddof=1)))
    found = Spread(error, count - 1.0)
    chance = 2 * float(stdtr(count - 1, -abs(mean) / error)) if error > 0 else float(mean == 0)
    return Resampled(interval(mean, found), chance, count)
