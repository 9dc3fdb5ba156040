"""Predictions beside what came: the one input of every measure of how good predictions are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alleviate.models.prognosis.people import Kind
from alleviate.models.trial import Floats, Ints
from alleviate.terms.errors import InputError

__all__ = ["EDGE", "Judged", "log_odds", "same_people"]

EDGE = 1e-6
"""Risks are read as no nearer to 0 and 1 than this where their logarithm is taken: a sure prediction that
fails costs much (13.8), not everything."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What was foreseen for n people by models that had not seen them, and what came.

    ``y`` (n,): 0/1 for ``binary`` and ``time-to-event`` (event by the horizon), the number, or the level
    from 0. ``p`` (n,): risk, number, or expected level; ``probabilities`` (n, L): of each level. ``weight``
    (n,) ≥ 0: of a survey, of censoring, or both. ``part`` (n,): which model foresaw each person (the
    held-out fold or site), ``None`` for one model. ``clusters``, ``strata`` (n,): whole numbers; clusters
    are told apart within strata. Raises InputError.
    """

    y: Floats
    p: Floats
    weight: Floats
    part: Ints | None = None
    clusters: Ints | None = None
    strata: Ints | None = None
    kind: Kind = "binary"
    probabilities: Floats | None = None

    def __post_init__(self) -> None:
        n = len(self.y)
        given = {"p": self.p, "weight": self.weight, "part": self.part, "clusters": self.clusters}
        given |= {"strata": self.strata, "probabilities": self.probabilities}
        for name, values in given.items():
            if values is not None and len(values) != n:
                _refuse(f"as many {name} as outcomes ({n}), got {len(values)}", "Give one for each person.")
        if not (np.isfinite(self.weight).all() and (self.weight >= 0).all() and self.weight.sum() > 0):
            _refuse("weights that are 0 or more, not all 0", "Leave out people whose weight is not known.")
        if not (np.isfinite(self.y).all() and np.isfinite(self.p).all()):
            _refuse("finite outcomes and predictions", "Leave out people whose outcome is not known.")
        if self.of_risk and not np.isin(self.y, (0.0, 1.0)).all():
            _refuse("outcomes of 0 and 1", "Say which value counts as the event.")
        if self.of_risk and not ((self.p >= 0) & (self.p <= 1)).all():
            _refuse("risks between 0 and 1", "Give probabilities, not scores or log odds.")

    def __len__(self) -> int:
        return len(self.y)

    @property
    def of_risk(self) -> bool:
        """Whether what is foreseen is the risk of an event."""
        return self.kind in ("binary", "time-to-event")

    @property
    def parts(self) -> Ints:
        """(n,) the part of each person: all 0 where one model foresaw everybody."""
        return np.zeros(len(self), dtype=np.int64) if self.part is None else np.asarray(self.part)

    @property
    def refitted(self) -> bool:
        """Whether several models foresaw the people, a part each."""
        return self.part is not None and len(self.part) > 0 and bool((self.part != self.part[0]).any())

    def take(self, rows: Ints) -> "Judged":
        """These people, in this order."""
        return Judged(
            self.y[rows],
            self.p[rows],
            self.weight[rows],
            None if self.part is None else self.part[rows],
            None if self.clusters is None else self.clusters[rows],
            None if self.strata is None else self.strata[rows],
            self.kind,
            None if self.probabilities is None else self.probabilities[rows],
        )

    def foreseen(self, p: Floats) -> "Judged":
        """The same people with other predictions ``p`` (n,); the levels' probabilities are then unknown."""
        return Judged(self.y, p, self.weight, self.part, self.clusters, self.strata, self.kind)


def same_people(repeats: Sequence[Judged]) -> None:
    """Raises InputError unless all of ``repeats`` (one or more) are of the same people in the same order."""
    if not repeats:
        _refuse("one set of predictions or more, got none", "Hand over one for each repeat.")
    first = repeats[0]
    for other in repeats[1:]:
        if len(other) != len(first) or other.kind != first.kind or not np.array_equal(other.y, first.y):
            _refuse("predictions of the same people in the same order", "Sort all by the same id.")


def log_odds(p: Floats) -> Floats:
    """(n,) of risks, finite even at 0 and 1 (see ``EDGE``)."""
    held = np.clip(p, EDGE, 1 - EDGE)
    return np.asarray(np.log(held) - np.log1p(-held), dtype=float)


def _refuse(expected: str, hint: str) -> None:
    raise InputError(f"Expected {expected}.", hint=hint)
