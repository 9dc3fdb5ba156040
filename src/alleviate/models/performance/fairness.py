"""Who is picked at a threshold, who is missed, in each group; and what it would cost to make groups alike.

No model can be alike in all of it where the outcome is not as common in each group (Chouldechova 2017, Big
Data 5:153): what is shown is each gap, and the price of closing one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from alleviate.models.performance.benefit import net_benefit
from alleviate.models.performance.comparison import compared
from alleviate.models.performance.groups import members, too_small
from alleviate.models.performance.influence import Measured, interval
from alleviate.models.performance.judged import Judged, same_people
from alleviate.models.performance.performance import uncertainty
from alleviate.models.performance.recalibration import FOLDS, fitted
from alleviate.models.trial import Bools, Floats, Ints
from alleviate.terms.errors import InputError
from alleviate.terms.estimates import Estimate

__all__ = ["EqualHits", "Fairness", "GroupRates", "fairness"]


@dataclass(frozen=True, slots=True)
class GroupRates:
    """At the threshold: ``selected`` share, ``hits`` (true positive rate), ``false_alarms`` (false positive
    rate),

    ``precision`` (events among the selected), ``observed`` and ``expected`` share of events. Those that
    nobody could enter are left out.
    """

    name: str
    n: int
    rates: Mapping[str, Estimate]
    unjudged: str


@dataclass(frozen=True, slots=True)
class EqualHits:
    """Thresholds by group that give all of them the hits of ``hits``, and what that changes for all people:

    ``net_benefit`` and ``selected`` (share), new less old. The thresholds are taken as given.
    """

    thresholds: Mapping[str, float]
    hits: float
    net_benefit: Estimate
    selected: Estimate


@dataclass(frozen=True, slots=True)
class Fairness:
    """``groups``: fewest hits first, those too small to judge last. ``gaps``: rate → largest less smallest,
    among

    groups large enough to judge (two or more). ``equal_hits``: ``None`` where there are no two such groups.
    ``brier_gained``: by recalibrating level and slope in each such group, for people of other folds.
    """

    threshold: float
    groups: tuple[GroupRates, ...]
    gaps: Mapping[str, Estimate]
    equal_hits: EqualHits | None
    brier_gained: Estimate | None


def fairness(repeats: Sequence[Judged], groups: Sequence[str], threshold: float, seed: int = 1) -> Fairness:
    """``groups``: (n,) of each person; ``threshold``: the risk, above 0 and below 1, from which one acts."""
    same_people(repeats)
    design = repeats[0]
    if not design.of_risk or not 0 < threshold < 1:
        raise InputError(
            f"Expected risks and a threshold between 0 and 1, got {threshold:g} for a {design.kind} outcome.",
            hint="Name the risk from which one would act, such as 0.2.",
        )
    by_name = members(groups, len(design))
    picked = np.mean([judged.p >= threshold for judged in repeats], axis=0)
    foreseen = np.mean([judged.p for judged in repeats], axis=0)
    rates, small = {}, {}
    for name, rows in by_name.items():
        inside = np.zeros(len(design), dtype=bool)
        inside[rows] = True
        rates[name] = _rates(design, picked, foreseen, inside)
        small[name] = too_small(design.take(rows), {}) if design.weight[rows].any() else "nobody counts"
    shown = [
        GroupRates(
            name,
            int((design.weight[rows] > 0).sum()),
            {
                rate: interval(one.value, uncertainty(one, design), "share")
                for rate, one in rates[name].items()
            },
            small[name],
        )
        for name, rows in by_name.items()
    ]
    judged_groups = {name: rows for name, rows in by_name.items() if not small[name]}
    several = len(judged_groups) > 1
    return Fairness(
        threshold,
        tuple(sorted(shown, key=_rank)),
        _gaps([rates[name] for name in judged_groups], design) if several else {},
        _equal_hits(repeats, judged_groups, threshold, picked) if several else None,
        _recalibrated(repeats, judged_groups, seed) if several else None,
    )


def _rank(group: GroupRates) -> tuple[bool, float, str]:
    hits = group.rates.get("hits")
    return bool(group.unjudged), np.inf if hits is None else hits.estimate, group.name


def _rates(design: Judged, picked: Floats, foreseen: Floats, inside: Bools) -> dict[str, Measured]:
    y = design.y
    asked = {
        "selected": (picked, np.ones(len(y))),
        "hits": (picked * y, y),
        "false_alarms": (picked * (1 - y), 1 - y),
        "precision": (picked * y, picked),
        "observed": (y, np.ones(len(y))),
        "expected": (foreseen, np.ones(len(y))),
    }
    found = {}
    for name, (top, bottom) in asked.items():
        total = float((design.weight * inside) @ bottom)
        if total > 0:
            found[name] = _ratio(top, bottom, design.weight * inside, total)
    return found


def _ratio(top: Floats, bottom: Floats, weight: Floats, total: float) -> Measured:
    """A share in a domain; at 0 and 1 with the "rule of three" for the effective number of people asked."""
    value = min(1.0, max(0.0, float(weight @ top / total)))
    asked = total**2 / float((weight**2) @ bottom)
    least = 1.5 / asked if value in (0.0, 1.0) else 0.0
    return Measured(value, weight * (top - value * bottom) / total, "share", least)


def _gaps(rates: Sequence[Mapping[str, Measured]], design: Judged) -> dict[str, Estimate]:
    """Largest less smallest, whose interval takes those two groups as given."""
    gaps = {}
    for name in rates[0]:
        known = sorted((one[name] for one in rates if name in one), key=lambda one: one.value)
        if len(known) == len(rates):
            low, high = known[0], known[-1]
            apart = Measured(
                high.value - low.value, high.influence - low.influence, "plain", low.least + high.least
            )
            gaps[name] = interval(apart.value, uncertainty(apart, design))
    return gaps


def _equal_hits(
    repeats: Sequence[Judged], groups: Mapping[str, Ints], threshold: float, picked: Floats
) -> EqualHits:
    """Each group's threshold is the quantile of risk among its events that leaves it the hits of all
    groups."""
    design = repeats[0]
    foreseen = np.mean([judged.p for judged in repeats], axis=0)
    rows = np.concatenate(list(groups.values()))
    events = design.weight[rows] * design.y[rows]
    hits = float(events @ picked[rows] / events.sum())
    thresholds = {name: _threshold(design, foreseen, own, hits) for name, own in groups.items()}
    equal = picked.copy()
    for name, own in groups.items():
        equal[own] = foreseen[own] >= thresholds[name]
    changed = net_benefit(design.y, equal, threshold) - net_benefit(design.y, picked, threshold)
    return EqualHits(thresholds, hits, _mean(changed, design), _mean(equal - picked, design))


def _threshold(design: Judged, foreseen: Floats, rows: Ints, hits: float) -> float:
    """The risk at or above which a share of the group's events lies that is nearest to ``hits``."""
    own = rows[(design.y[rows] == 1) & (design.weight[rows] > 0)]
    levels, of = np.unique(foreseen[own], return_inverse=True)
    above = np.cumsum(np.bincount(of, design.weight[own])[::-1])[::-1] / design.weight[own].sum()
    return float(levels[np.argmin(np.abs(above - hits))])


def _mean(values: Floats, design: Judged) -> Estimate:
    share = design.weight / design.weight.sum()
    found = Measured(float(share @ values), share * (values - share @ values))
    return interval(found.value, uncertainty(found, design))


def _recalibrated(repeats: Sequence[Judged], groups: Mapping[str, Ints], seed: int) -> Estimate:
    """Brier score before less after, in all people, each judged by recalibrations that have not seen them."""
    fold = np.random.default_rng(seed).permutation(len(repeats[0])) % FOLDS
    after = []
    for judged in repeats:
        p = judged.p.copy()
        for rows in groups.values():
            for f in range(FOLDS):
                rest, own = rows[fold[rows] != f], rows[fold[rows] == f]
                p[own] = fitted(judged.take(rest), "slope").apply(judged.p[own])
        after.append(judged.foreseen(p))
    before = [judged.foreseen(judged.p) for judged in repeats]
    return compared(before, after).differences["brier"]
