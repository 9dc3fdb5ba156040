"""Learn for the target's people from another population's model: as much of it as they bear out.

Ways are weighed by how they foresee people held out (pseudo-Bayesian stacking; Yao et al., Bayesian Anal
2018): trust starts with the recalibrated source, and what the target's people say counts in full, so that
training afresh wins as they get many. Where the mean does no better than training afresh, the source is
refused: that is negative transfer (Rosenstein et al. 2005).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from alleviate.models.prognosis.contract import Budget, Design
from alleviate.models.prognosis.folds import inner_folds
from alleviate.models.prognosis.losses import mean_loss
from alleviate.models.prognosis.model import Member, PrognosisModel, merged
from alleviate.models.prognosis.ordinal import ProportionalOdds
from alleviate.models.prognosis.people import People, target
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
)
from alleviate.models.ridge import effective
from alleviate.models.trial import Floats
from alleviate.terms.errors import InputError

__all__ = ["TRANSFER", "Source", "Transferred", "WayFound", "learn_transferred"]

TRANSFER = "transfer"
"""The name of what was learned with a source."""

TRUST = {"source": 1.0, "recalibrated": 4.0, "deviation": 3.0, "weighted": 2.0, "afresh": 2.0}
"""A priori, in parts of their sum."""

STEADINESS = 3.0
"""What leaving that trust costs: this times the Kullback–Leibler divergence, in units of log likelihood."""

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
    """``learned``: as without a source, its ``model`` and ``held_out`` those of the mean of ways; of the
    target alone where the source was refused.

    ``loss``, ``loss_afresh``: of the mean, and of training afresh, on people held out.
    """

    learned: LearnedPrognosis
    ways: tuple[WayFound, ...]
    refused: bool
    loss: float
    loss_afresh: float


def learn_transferred(
    people: People, source: Source, names: Sequence[str], seed: int, budget: Budget | None = None
) -> Transferred:
    """As ``learn_prognosis``, starting from ``source``; its features are matched by name.

    Raises as that does, and ``InputError`` for a source that foresees another kind of outcome.
    """
    _check(people, source)
    with threadpool_limits(1):
        encoder = joined(source.model.encoder, people.features)
        learned = learn_prognosis(people, names, seed, budget, encoder=encoder)
        design, folds = _design(people, learned.model), learned.folds
        ways = _ways(source, learned, design)
        weight = effective(design.weight)
        prior = np.array([TRUST[way.name] for way in ways])
        prior /= prior.sum()
        held_out = np.column_stack([way.held_out for way in ways])
        share = shares(held_out, design.y, weight, design.loss, prior, STEADINESS)
        share = np.where(share < LEAST_SHARE, 0.0, share)
        share /= share.sum()
        mean = cross_stacked(held_out, design.y, weight, design.loss, prior, folds, STEADINESS)
        loss, alone = (
            mean_loss(design.y, one, design.weight, design.loss) for one in (mean, ways[-1].held_out)
        )
        found = tuple(
            WayFound(way.name, mean_loss(design.y, way.held_out, design.weight, design.loss), float(part))
            for way, part in zip(ways, share, strict=True)
        )
        if loss >= alone:
            return Transferred(learned, found, True, loss, alone)
        model = _model(people, learned.model, ways, share, mean)
        own: Mapping[str, float] = {way.name: way.share for way in found if way.share}
    return Transferred(_as(learned, model, mean, own), found, False, loss, alone)


def _check(people: People, source: Source) -> None:
    levels = 0 if source.model.link is None else len(source.model.link.thresholds) + 1
    if source.model.kind != people.kind or levels != people.levels:
        raise InputError(
            f"Expected a source that foresees a {people.kind} outcome, as here, "
            f"got one for a {source.model.kind} outcome.",
            hint="Name a package of the same outcome under [transfer].",
        )


def _design(people: People, model: PrognosisModel) -> Design:
    aim = target(people)
    return Design(model.encode(people.features).x, model.encoder.columns, aim.y, aim.weight, people.loss)


def _ways(source: Source, learned: LearnedPrognosis, design: Design) -> list[Way]:
    """Training afresh last."""
    old, folds = source.model, learned.folds
    parts = tuple(
        Member(m.name, old.slope * m.weight, moved(m.predictor, old.encoder, learned.model.encoder))
        for m in old.members
    )
    start = as_it_is(old.intercept, parts, design)
    ways = [start, recalibrated(start, design, folds), deviating(start, design, folds)]
    if source.people is not None:
        ways.append(pooled(_design(source.people, learned.model), design, folds))
    return [*ways, afresh(learned)]


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


def _as(
    learned: LearnedPrognosis, model: PrognosisModel, held_out: Floats, share: Mapping[str, float]
) -> LearnedPrognosis:
    return LearnedPrognosis(
        model,
        TRANSFER,
        learned.tried,
        held_out,
        learned.folds,
        learned.signal_p,
        learned.stability,
        share,
        learned.cut,
    )
