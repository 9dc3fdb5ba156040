"""Learn for the target's people from another population's model: as much of it as they bear out.

Ways are weighed by how they foresee people held out (pseudo-Bayesian stacking; Yao et al., Bayesian Anal
2018): two fifths of the trust go to the source at first, and what the target's people say counts in full, so
that training afresh wins as they get many. A source whose predictions do not go with what came here, or whose
use foresees people held out worse, is refused: that is negative transfer (Rosenstein et al. 2005).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from threadpoolctl import threadpool_limits

from alleviate.models.prognosis.contract import Budget, Design, Predictor
from alleviate.models.prognosis.deep.sequences import EVENTS
from alleviate.models.prognosis.deep.tabular import Network
from alleviate.models.prognosis.losses import mean_loss
from alleviate.models.prognosis.model import Member, PrognosisModel, merged
from alleviate.models.prognosis.ordinal import ProportionalOdds
from alleviate.models.prognosis.penalised import penalised
from alleviate.models.prognosis.people import People
from alleviate.models.prognosis.selection import LearnedPrognosis, learn_prognosis
from alleviate.models.prognosis.stacking import cross_stacked, shares
from alleviate.models.prognosis.transfer.joining import joined, moved
from alleviate.models.prognosis.transfer.ways import (
    Way,
    afresh,
    as_it_is,
    deviating,
    pooled,
    recalibrated,
    tuned_on,
)
from alleviate.models.ridge import effective
from alleviate.models.trial import Floats, Ints
from alleviate.terms.errors import InputError

__all__ = ["TRANSFER", "Refusal", "Source", "Transferred", "WayFound", "learn_transferred"]

TRANSFER = "transfer"
"""The name of what was learned with a source."""

Refusal = Literal["slope", "loss"]
"""What the source foresees does not go with what came here; or people held out are foreseen worse with it."""

TRUST = {
    "source": 0.5,
    "recalibrated": 1.5,
    "deviation": 3.0,
    "weighted": 0.5,
    "fine-tuned": 0.5,
    "afresh": 9.0,
}
"""A priori, in parts of their sum."""

STEADINESS = 2.0
"""What leaving that trust costs: this times the Kullback–Leibler divergence, in units of log likelihood."""

STEEP, LEAST_SUPPORT = 0.75, -1.0
"""Refused is a source where predictions of this slope are less likely than none at all, by this log odds."""

WORSE = 0.015
"""Or where the loss of people held out exceeds that of training afresh by more than this share of it."""

LEAST_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Source:
    """Another population's model, and its people if they are at hand."""

    model: PrognosisModel
    people: People | None = None


@dataclass(frozen=True, slots=True)
class WayFound:
    """``loss``: mean over people held out; ``share``: in the mean of ways."""

    name: str
    loss: float
    share: float


@dataclass(frozen=True, slots=True)
class Transferred:
    """``learned``: as without a source, its ``model`` and ``held_out`` those of the mean of ways; the same as
    ``afresh`` where the source was refused.

    ``loss``, ``loss_afresh``: of the mean, and of training afresh, on people held out. ``support``: log odds
    that what the source foresees goes with what came, against that it has nothing to do with it. ``refused``:
    for want of which ("slope" or "loss"), if at all.
    """

    learned: LearnedPrognosis
    afresh: LearnedPrognosis
    ways: tuple[WayFound, ...]
    support: float
    loss: float
    loss_afresh: float
    refused: Refusal | None

    def to_json(self) -> dict[str, Any]:
        """Plain values of what was found, without the models."""
        return {
            "ways": [[way.name, way.loss, way.share] for way in self.ways],
            "support": self.support,
            "loss": self.loss,
            "loss_afresh": self.loss_afresh,
            "refused": self.refused,
        }


def learn_transferred(
    people: People, source: Source, names: Sequence[str], seed: int, budget: Budget | None = None
) -> Transferred:
    """As ``learn_prognosis``, starting from ``source``: features are matched by name, events not read.

    Raises as that does, and ``InputError`` for a source that foresees another kind of outcome.
    """
    _check(people, source)
    people = replace(people, features=people.features.drop(EVENTS, strict=False))
    with threadpool_limits(1):
        encoder = joined(source.model.encoder, people.features)
        alone = learn_prognosis(people, names, seed, budget, encoder=encoder)
        design = alone.model.design(people)
        ways = _ways(people, source, alone, design, seed)
        held_out = np.column_stack([way.held_out for way in ways])
        share, mean = _weighed(ways, held_out, design, alone.folds)
        support = _support(held_out[:, 0], design)
        loss = [mean_loss(design.y, own, design.weight, design.loss) for own in (*held_out.T, mean)]
        refused: Refusal | None = None
        if support < LEAST_SUPPORT:
            refused = "slope"
        elif loss[-1] > (1.0 + WORSE) * loss[-2]:
            refused = "loss"
        found = tuple(
            WayFound(way.name, own, float(part)) for way, own, part in zip(ways, loss, share, strict=False)
        )
        learned = alone
        if refused is None:
            learned = replace(
                alone,
                model=_model(people, alone.model, ways, share, mean),
                chosen=TRANSFER,
                held_out=mean,
                shares={way.name: way.share for way in found if way.share},
            )
    return Transferred(learned, alone, found, support, loss[-1], loss[-2], refused)


def _check(people: People, source: Source) -> None:
    levels = 0 if source.model.link is None else len(source.model.link.thresholds) + 1
    if source.model.kind != people.kind or levels != people.levels:
        raise InputError(
            f"Expected a source that foresees a {people.kind} outcome, as here, "
            f"got one for a {source.model.kind} outcome.",
            hint="Name a package of the same outcome under [transfer].",
        )
    if source.model.vocabulary is not None:
        raise InputError(
            "Expected a source that foresees from features, got one that reads the events of records.",
            hint='Learn the source without the candidate "sequence".',
        )


def _ways(people: People, source: Source, learned: LearnedPrognosis, design: Design, seed: int) -> list[Way]:
    """Training afresh last."""
    old, folds = source.model, learned.folds

    def move(predictor: Predictor) -> Predictor:
        return moved(predictor, old.encoder, learned.model.encoder)

    parts = tuple(Member(m.name, old.slope * m.weight, move(m.predictor)) for m in old.members)
    start = as_it_is(old.intercept, parts, design)
    ways = [start, recalibrated(start, design, folds), deviating(start, design, folds)]
    networks = [m.predictor for m in old.members if isinstance(m.predictor, Network)]
    if networks:
        ways.append(tuned_on(networks[0], old.design(people), folds, seed, move))
    if source.people is not None:
        ways.append(pooled(learned.model.design(source.people), design, folds))
    return [*ways, afresh(learned)]


def _weighed(ways: Sequence[Way], held_out: Floats, design: Design, folds: Ints) -> tuple[Floats, Floats]:
    """Shares of ``ways``, and (n,) what their mean foresees with shares found among other folds."""
    prior = np.array([TRUST[way.name] for way in ways])
    prior /= prior.sum()
    weight = effective(design.weight)
    share = shares(held_out, design.y, weight, design.loss, prior, STEADINESS)
    share = np.where(share < LEAST_SHARE, 0.0, share)
    mean = cross_stacked(held_out, design.y, weight, design.loss, prior, folds, STEADINESS)
    return share / share.sum(), mean


def _support(linear: Floats, design: Design) -> float:
    """Log Bayes factor of a slope of ``STEEP`` on what the source foresees against 0, the level free."""
    nothing, weight = np.zeros((len(linear), 0)), effective(design.weight)
    steep, flat = (
        penalised(nothing, design.y, weight, np.zeros(0), design.loss, None, slope * linear).evidence
        for slope in (STEEP, 0.0)
    )
    return steep - flat


def _model(
    people: People, fresh: PrognosisModel, ways: Sequence[Way], share: Floats, held_out: Floats
) -> PrognosisModel:
    """The mean of ways as one model: a predictor that several ways use is one member."""
    members: dict[int, Member] = {}
    for way, part in zip(ways, share.tolist(), strict=True):
        for member in way.parts if part else ():
            before = members.get(id(member.predictor))
            weight = part * member.weight + (before.weight if before else 0.0)
            members[id(member.predictor)] = Member(member.name, weight, member.predictor)
    link = None
    if people.kind == "ordinal":
        link = ProportionalOdds.fit(held_out, people.y, effective(people.weight), people.levels)
    level = float(sum(part * way.level for part, way in zip(share, ways, strict=True)))
    kept = tuple(member for member in members.values() if member.weight > 0)
    return PrognosisModel(people.kind, fresh.encoder, merged(kept), level, 1.0, link)
