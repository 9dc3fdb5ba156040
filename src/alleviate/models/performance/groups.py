"""Each measure in each group or site, worst first, and whether groups differ by more than chance.

Groups differ in a measure by Wald's test over groups, whose influences know clusters that reach across
groups; over all measures and groupings by Holm (1979, Scand J Stat 6:65).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import fdtrc

from alleviate.models.performance.influence import Measured, interval, spread, totals
from alleviate.models.performance.judged import Judged, same_people
from alleviate.models.performance.performance import averaged, uncertainty
from alleviate.models.trial import Floats, Ints
from alleviate.terms.errors import InputError
from alleviate.terms.estimates import Estimate

__all__ = ["FEWEST", "WIDEST", "ByGroup", "Chance", "Group", "by_groups", "holm", "members", "too_small"]

FEWEST = 10
"""Events, and people without, that a group needs to be judged; of other outcomes, twice as many people."""

WIDEST = 0.3
"""Width of the interval of the AUC (ordinal: c) beyond which a group is not judged."""

RANKED = {"binary": "auc", "time-to-event": "auc", "ordinal": "c", "numeric": "r2"}
"""The measure by which groups are put in order: it does not change with how common the outcome is."""


@dataclass(frozen=True, slots=True)
class Group:
    """``events``: people with the event, ``None`` where there is none to have.

    ``unjudged``: why the group is too small to judge, else "".
    """

    name: str
    n: int
    events: int | None
    measures: Mapping[str, Estimate]
    unjudged: str


@dataclass(frozen=True, slots=True)
class Chance:
    """p-value of groups differing so much when they are all alike, alone and ``adjusted`` for all that was
    tested."""

    alone: float
    adjusted: float

    @property
    def shown(self) -> bool:
        return self.adjusted < 0.05


@dataclass(frozen=True, slots=True)
class ByGroup:
    """``groups``: worst first, those too small to judge last. ``differ``: measure → chance."""

    groups: tuple[Group, ...]
    differ: Mapping[str, Chance]


@dataclass(frozen=True, slots=True)
class _Found:
    group: Group
    measured: Mapping[str, Measured]
    errors: Mapping[str, float]


def by_groups(
    repeats: Sequence[Judged], groupings: Mapping[str, Sequence[str]], *, fewest: int = FEWEST
) -> dict[str, ByGroup]:
    """``groupings``: name → (n,) the group of each person. Raises InputError."""
    same_people(repeats)
    found = {name: _each(repeats, values, fewest) for name, values in groupings.items()}
    alone = {
        (name, measure): chance
        for name, groups in found.items()
        for measure, chance in _tested(groups, repeats[0]).items()
    }
    adjusted = dict(zip(alone, holm(list(alone.values())), strict=True))
    return {
        name: ByGroup(
            _ordered([one.group for one in groups], RANKED[repeats[0].kind]),
            {
                measure: Chance(chance, adjusted[of, measure])
                for (of, measure), chance in alone.items()
                if of == name
            },
        )
        for name, groups in found.items()
    }


def members(values: Sequence[str], n: int) -> dict[str, Ints]:
    """Rows of each group, by name. Raises InputError unless there is a group for each of ``n`` people."""
    if len(values) != n:
        raise InputError(
            f"Expected a group for each of {n} people, got {len(values)}.", hint="Give one each."
        )
    names, of = np.unique(np.asarray(values, dtype=str), return_inverse=True)
    return {str(name): np.flatnonzero(of == i) for i, name in enumerate(names)}


def too_small(judged: Judged, found: Mapping[str, Estimate], fewest: int = FEWEST) -> str:
    """Why these people are too few to judge, or ""."""
    counted = judged.weight > 0
    n = int(counted.sum())
    if judged.of_risk:
        events = int(judged.y[counted].sum())
        if min(events, n - events) < fewest:
            return f"{events} with the event and {n - events} without; at least {fewest} of each are needed"
    elif n < 2 * fewest:
        return f"{n} people; at least {2 * fewest} are needed"
    wide = found.get("auc", found.get("c"))
    if wide is not None and wide.high - wide.low > WIDEST:
        return f"discrimination lies between {wide.low:.2f} and {wide.high:.2f}: too wide to judge"
    return ""


def holm(chances: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order given."""
    given = np.asarray(chances, dtype=float)
    order = np.argsort(given, kind="stable")
    adjusted = np.minimum(np.maximum.accumulate(given[order] * np.arange(len(given), 0, -1)), 1.0)
    back = np.empty(len(given))
    back[order] = adjusted
    return [float(chance) for chance in back]


def _each(repeats: Sequence[Judged], values: Sequence[str], fewest: int) -> list[_Found]:
    design = repeats[0]
    found = []
    for name, rows in members(values, len(design)).items():
        own = [judged.take(rows) for judged in repeats if judged.weight[rows].sum() > 0]
        if not own:
            continue
        measured, errors, shown = {}, {}, {}
        for measure, one in averaged(own).items():
            if isinstance(one, str):
                continue
            whole = replace(
                one,
                influence=_among(one.influence, rows, len(design)),
                gain=None if one.gain is None else _among(one.gain, rows, len(design)),
            )
            doubt = uncertainty(whole, design)
            measured[measure], errors[measure] = whole, doubt.error
            shown[measure] = interval(one.value, doubt, one.scale)
        counted = own[0].weight > 0
        events = int(own[0].y[counted].sum()) if own[0].of_risk else None
        group = Group(name, int(counted.sum()), events, shown, too_small(own[0], shown, fewest))
        found.append(_Found(group, measured, errors))
    return found


def _among(influence: Floats, rows: Ints, n: int) -> Floats:
    """(n,) with 0 for everybody outside the group: how many clusters were drawn is part of the design."""
    whole = np.zeros(n)
    whole[rows] = influence
    return whole


def _tested(found: Sequence[_Found], design: Judged) -> dict[str, float]:
    """Measure → chance that groups differ so much in it. Of groups large enough, two or more."""
    judged = [one for one in found if not one.group.unjudged]
    chances = {}
    for measure in judged[0].measured if len(judged) > 1 else ():
        if not all(measure in one.measured and one.errors[measure] > 0 for one in judged):
            continue
        values = np.array([one.measured[measure].value for one in judged])
        influence = np.stack([one.measured[measure].influence for one in judged], axis=1)
        drawn, freedom = totals(influence, design.clusters, design.strata)
        plain = np.sqrt((drawn**2).sum(axis=0))
        wider = np.array([one.errors[measure] for one in judged]) / np.where(plain > 0, plain, 1.0)
        if design.clusters is None:
            freedom = min(spread(column).freedom for column in influence.T)
        chances[measure] = _wald(values, (drawn.T @ drawn) * np.outer(wider, wider), freedom)
    return chances


def _wald(values: Floats, covariance: Floats, freedom: float) -> float:
    """Chance that ``values`` (G,) differ so much when they are one, by F with G − 1 and the freedom left."""
    contrast = np.diff(np.eye(len(values)), axis=0)
    apart = contrast @ values
    q = len(apart)
    statistic = float(apart @ np.linalg.lstsq(contrast @ covariance @ contrast.T, apart, rcond=None)[0]) / q
    left = max(freedom - q + 1, 1.0)
    return float(fdtrc(q, left, statistic * left / max(freedom, left)))


def _ordered(groups: Sequence[Group], measure: str) -> tuple[Group, ...]:
    def rank(group: Group) -> tuple[bool, float, str]:
        known = group.measures.get(measure)
        return (bool(group.unjudged), np.inf if known is None else known.estimate, group.name)

    return tuple(sorted(groups, key=rank))
