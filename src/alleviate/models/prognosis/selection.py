"""From people to a model: nothing, a mean of simple candidates, or of all, whatever people held out bear out.

Few people cannot tell which of several good candidates is the best one, and a mean of them does better than
whichever did best. So the mean of the simple candidates, which is one curve a column, stands for "simple"; a
single one that seemed far better (by three standard errors) on 40 … 100 people was most often mere luck.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from threadpoolctl import threadpool_limits

from alleviate.models.encoding import Encoder
from alleviate.models.prognosis.contract import Budget, Design, Predictor, Tuned
from alleviate.models.prognosis.deep.reading import encoded_with_events, with_summary
from alleviate.models.prognosis.deep.sequences import Vocabulary
from alleviate.models.prognosis.folds import inner_folds
from alleviate.models.prognosis.losses import losses, mean_loss
from alleviate.models.prognosis.model import Member, PrognosisModel, merged
from alleviate.models.prognosis.ordinal import ProportionalOdds
from alleviate.models.prognosis.people import People, target
from alleviate.models.prognosis.shelf import CANDIDATES
from alleviate.models.prognosis.signal import signal_test
from alleviate.models.prognosis.stacking import cross_stacked, recalibrated, shares
from alleviate.models.ridge import effective
from alleviate.models.trial import Floats, Ints
from alleviate.terms.errors import InputError, NotEnoughDataError

__all__ = ["LEAST_EVENTS", "LEAST_PEOPLE", "LearnedPrognosis", "Tried", "learn_prognosis"]

LEAST_EVENTS = 8
"""Fewer events, or people without one, cannot be learned from."""

LEAST_PEOPLE = 20

SIGNAL_P = 0.06
"""There is signal where the test of all columns has a p of no more than this: "none" is chosen in 94 of 100
studies of pure noise. Asking people held out as well, where p is a little more, found noise and no signal."""

TRUST = 0.65
"""Share of the simple ones a priori where trees and networks join in; in equal parts, as is the rest."""

LEAST_SHARE = 0.02
"""A candidate with less of a share is left out."""

BLEND, STACK = "blend", "stack"
"""The mean of the simple candidates, itself a sum of curves; the mean of all."""


@dataclass(frozen=True, slots=True)
class Tried:
    """``loss``: mean over people held out (log loss, or squared error). ``difference``: that less the best

    simple candidate's, with its standard error over people. ``parameters``: effective, ``None`` where the
    final fit was not made."""

    name: str
    loss: float
    difference: float
    standard_error: float
    seconds: float
    share: float = 0.0
    parameters: float | None = None


@dataclass(frozen=True, slots=True)
class LearnedPrognosis:
    """``chosen``: a candidate's name, "blend" (of the simple ones) or "stack" (of all).

    ``held_out`` (n,): what the chosen foresees, recalibrated, on the linear scale, for people whom its parts
    did not see; ``folds`` (n,) theirs. ``signal_p``: that the columns
    have nothing to do with the outcome. ``stability``: feature → share of half samples that selected it.
    ``shares``: of each candidate in the mean. ``cut``: whether time ran out before all was tried."""

    model: PrognosisModel
    chosen: str
    tried: tuple[Tried, ...]
    held_out: Floats
    folds: Ints
    signal_p: float
    stability: Mapping[str, float]
    shares: Mapping[str, float]
    cut: bool


def learn_prognosis(
    people: People,
    names: Sequence[str],
    seed: int,
    budget: Budget | None = None,
    encoder: Encoder | None = None,
) -> LearnedPrognosis:
    """Learn to foresee ``people``'s outcome with candidates ``names``; the same seed gives the same model.

    ``encoder``: one that is there already, else one is fitted.

    "none" and, if nothing else is named, "ridge" are always tried. Raises ``NotEnoughDataError`` where people
    or events are too few, ``InputError`` for a candidate that does not exist.
    """
    with threadpool_limits(1):
        return _learned(people, _ordered(names), seed, budget or Budget(), encoder)


def _learned(
    people: People,
    order: tuple[str, ...],
    seed: int,
    budget: Budget,
    encoder: Encoder | None,
) -> LearnedPrognosis:
    aim = target(people)
    _check(people, aim.y, aim.weight)
    vocabulary: Vocabulary | None = None
    if encoder is None:
        encoder, vocabulary = encoded_with_events(people.features)
    design = PrognosisModel(people.kind, encoder, (), vocabulary=vocabulary).design(people)
    folds = inner_folds(aim.y, aim.weight, people.loss == "binary", people.clusters, seed)
    p = signal_test(with_summary(design), people.clusters, seed)
    if p > SIGNAL_P:
        order = tuple(name for name in order if CANDIDATES[name].simple)
    tuned, seconds = _tuned(order, design, folds, seed, budget)
    chosen, share, held_out = _chosen(tuned, p, design, folds)
    calibration = recalibrated(held_out, design.y, effective(design.weight), design.loss)
    predictors = {name: CANDIDATES[name].fit(design, tuned[name].settings, seed) for name in share}
    members = merged(tuple(Member(name, share[name], predictors[name]) for name in share))
    held_out = calibration[0] + calibration[1] * held_out
    link = None
    if people.kind == "ordinal":
        link = ProportionalOdds.fit(held_out, people.y, effective(people.weight), people.levels)
    model = PrognosisModel(people.kind, encoder, members, *calibration, link, vocabulary)
    tried = _tried(tuned, seconds, share, predictors, design)
    return LearnedPrognosis(
        model, chosen, tried, held_out, folds, p, _stability(tuned, design), share, budget.cut
    )


def _ordered(names: Sequence[str]) -> tuple[str, ...]:
    for name in names:
        if name not in CANDIDATES:
            raise InputError(f"There is no candidate {name}.", hint=f"Choose from {', '.join(CANDIDATES)}.")
    wanted = {"none", *(names or ("ridge",))}
    return tuple(name for name in CANDIDATES if name in wanted)


def _check(people: People, y: Floats, weight: Floats) -> None:
    if (people.weight < 0).any() or not np.isfinite(people.weight).all():
        raise InputError(
            f"Weights must be 0 or more; the least is {people.weight.min():g}.",
            hint="Look for codes of missing values in the column of weights.",
        )
    known = weight > 0
    if people.loss == "numeric":
        if known.sum() < LEAST_PEOPLE or np.ptp(y[known]) <= 0:
            raise NotEnoughDataError(
                f"{int(known.sum())} people with {len(np.unique(y[known]))} values of the outcome are not "
                f"enough to learn from: at least {LEAST_PEOPLE} people whose outcomes differ are needed.",
                hint="Gather more people, or check that the outcome's column is the right one.",
            )
        return
    events, without = int((y[known] > 0.5).sum()), int((y[known] <= 0.5).sum())
    if min(events, without) < LEAST_EVENTS or events + without < LEAST_PEOPLE:
        raise NotEnoughDataError(
            f"{events} people with the event and {without} without are not enough to learn from: at least "
            f"{LEAST_EVENTS} of each, and {LEAST_PEOPLE} in all, are needed.",
            hint="Gather more people, choose a longer horizon, or check which value counts as the event.",
        )


def _tuned(
    order: Sequence[str], design: Design, folds: Ints, seed: int, budget: Budget
) -> tuple[dict[str, Tuned], dict[str, float]]:
    """In order of simplicity, as far as time allows; the first two always."""
    tuned: dict[str, Tuned] = {}
    seconds: dict[str, float] = {}
    for name in order:
        if len(tuned) >= 2 and budget.spent():
            break
        began = perf_counter()
        tuned[name] = CANDIDATES[name].tune(design, folds, seed, budget)
        seconds[name] = perf_counter() - began
    return tuned, seconds


def _chosen(
    tuned: Mapping[str, Tuned], p: float, design: Design, folds: Ints
) -> tuple[str, dict[str, float], Floats]:
    """Its name, the shares, and what it foresees for people held out."""
    none = tuned["none"].held_out
    simple = [name for name in tuned if CANDIDATES[name].simple and name != "none"]
    if not simple or p > SIGNAL_P:
        return "none", {"none": 1.0}, none
    share, blend = _mixed(tuned, simple, design, folds)
    if news := [name for name in tuned if _is_news(name, tuned)]:
        among, stacked = _mixed(tuned, [*simple, *news], design, folds)
        if _better(stacked, blend, design):
            return STACK, among, stacked
    return BLEND if len(share) > 1 else next(iter(share)), share, blend


def _is_news(name: str, tuned: Mapping[str, Tuned]) -> bool:
    """Whether it is not simple, nor has come down to one that is: that would only count that one twice."""
    return not CANDIDATES[name].simple and not any(
        np.allclose(tuned[name].held_out, other.held_out)
        for simple, other in tuned.items()
        if CANDIDATES[simple].simple
    )


def _mixed(
    tuned: Mapping[str, Tuned], names: Sequence[str], design: Design, folds: Ints
) -> tuple[dict[str, float], Floats]:
    """Shares of ``names``, and what their mean foresees with shares found among other folds."""
    simple = np.array([CANDIDATES[name].simple for name in names])
    prior = np.where(simple, TRUST / max(simple.sum(), 1), (1.0 - TRUST) / max((~simple).sum(), 1))
    prior /= prior.sum()
    held_out, weight = np.column_stack([tuned[name].held_out for name in names]), effective(design.weight)
    found = shares(held_out, design.y, weight, design.loss, prior)
    found = np.where(found < LEAST_SHARE, 0.0, found)
    mean = cross_stacked(held_out, design.y, weight, design.loss, prior, folds)
    return {n: float(w) for n, w in zip(names, found / found.sum(), strict=True) if w > 0}, mean


def _better(linear: Floats, other: Floats, design: Design) -> bool:
    """Whether the loss of ``linear`` is lower by more than a standard error."""
    difference, error = _difference(linear, other, design)
    return difference + error < 0


def _difference(linear: Floats, other: Floats, design: Design) -> tuple[float, float]:
    """Mean loss of ``linear`` less that of ``other``, and its standard error over people."""
    weight = effective(design.weight)
    apart = losses(design.y, linear, design.loss) - losses(design.y, other, design.loss)
    mean = float(np.average(apart, weights=weight))
    return mean, float(np.sqrt((weight**2 * (apart - mean) ** 2).sum()) / weight.sum())


def _tried(
    tuned: Mapping[str, Tuned],
    seconds: Mapping[str, float],
    share: Mapping[str, float],
    predictors: Mapping[str, Predictor],
    design: Design,
) -> tuple[Tried, ...]:
    loss = {name: mean_loss(design.y, t.held_out, design.weight, design.loss) for name, t in tuned.items()}
    simple = min((name for name in tuned if CANDIDATES[name].simple), key=lambda name: loss[name])
    return tuple(
        Tried(
            name,
            loss[name],
            *_difference(t.held_out, tuned[simple].held_out, design),
            seconds[name],
            share.get(name, 0.0),
            predictors[name].complexity if name in predictors else None,
        )
        for name, t in tuned.items()
    )


def _stability(tuned: Mapping[str, Tuned], design: Design) -> dict[str, float]:
    """Of each feature the column most often selected."""
    found: dict[str, float] = {}
    for t in tuned.values():
        for j, share in enumerate(t.settings.get("frequency", ())):
            name = design.columns[j].feature
            found[name] = max(found.get(name, 0.0), float(share))
    return found
