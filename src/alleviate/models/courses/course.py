"""Where a person is heading: next score, end score, chances of change and of leaving, after every visit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from alleviate.models.courses.bands import Adaptive, Bands, fit_bands
from alleviate.models.courses.direct import Direct, course_features, fit_direct
from alleviate.models.courses.dropout import Dropout, fit_dropout, staying_weights
from alleviate.models.courses.growth import Foreseen, Growth
from alleviate.models.courses.growth_fit import fit_growth
from alleviate.models.courses.histories import Histories
from alleviate.models.courses.scale import Scale
from alleviate.models.courses.stacking import Mixture, Stack, fit_stack
from alleviate.models.courses.workload import Workload, fit_workload
from alleviate.models.encoding import Encoder
from alleviate.models.trial import Bools, Floats, Ints
from alleviate.terms.errors import NotEnoughDataError

__all__ = ["CourseModel", "Forecasts", "fit_courses"]

FOLDS = 5
FEWEST = 60
"""People with a known end at a stage, below which its rows are pooled with those of the stage before."""

MOST_STAGES = 30
ROWS = 100_000
"""Rows are forecast so many at a time, to bound memory."""


@dataclass(frozen=True, slots=True)
class Forecasts:
    """One entry per visit (N,), from the scores up to it.

    ``next``: the score expected one typical gap on, at the planned end at the latest, with its band; ``end``:
    that at the planned end, with its band; chances of reliable improvement, no reliable change and worsening
    from the first score to the end (they sum to 1), and of leaving before it.
    """

    next: Floats
    next_low: Floats
    next_high: Floats
    end: Floats
    low: Floats
    high: Floats
    p_improve: Floats
    p_no_change: Floats
    p_worse: Floats
    p_dropout: Floats

    @classmethod
    def joined(cls, parts: "list[Forecasts]") -> "Forecasts":
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))


@dataclass(frozen=True, slots=True)
class CourseModel:
    """``encoder`` of intake; ``horizon``: the usual planned end; ``workload``: alerts to be had."""

    scale: Scale
    encoder: Encoder
    horizon: float
    growth: Growth
    direct: Direct
    dropout: Dropout
    stack: Stack
    end_bands: Bands
    next_bands: Bands
    workload: Workload

    @property
    def stages(self) -> int:
        return len(self.direct.level)

    def stage(self, histories: Histories) -> Ints:
        """(N,) from 0: scores so far less one, the last stage for all beyond."""
        return np.asarray(np.minimum(histories.stage, self.stages) - 1)

    def forecast(
        self, histories: Histories, *, share: float = 0.9, adaptive: Adaptive | None = None
    ) -> Forecasts:
        """For every visit, from the scores up to it. Bands hold ``share``, or what ``adaptive`` says."""
        if adaptive is not None:
            share = 1.0 - adaptive.miss
        if len(histories.score) <= ROWS:
            return self._forecast(histories, share)
        cuts = np.flatnonzero(np.diff(histories.first // ROWS, prepend=-1))
        people = np.split(np.arange(len(histories)), cuts[1:])
        return Forecasts.joined([self._forecast(histories.take(some), share) for some in people])

    def _forecast(self, histories: Histories, share: float) -> Forecasts:
        x, scale, stage = self.encoder.transform(histories.features).x, self.scale, self.stage(histories)
        coming, mixture, columns = _foresee(self.growth, self.direct, self.stack, histories, x, stage)
        start, horizon = (
            histories.score[histories.first][histories.person],
            histories.horizon[histories.person],
        )
        better, worse = self.stack.chances(stage, *mixture.change(scale, start))
        latent = mixture.moments()
        around = self.end_bands.at(stage, start, share) * latent.sd
        near = self.next_bands.at(stage, start, share) * coming.sd
        return Forecasts(
            scale.clip(coming.mean),
            scale.clip(coming.mean - near),
            scale.clip(coming.mean + near),
            scale.clip(latent.mean),
            scale.clip(latent.mean - around),
            scale.clip(latent.mean + around),
            better,
            1.0 - better - worse,
            worse,
            self.dropout.before_the_end(columns, histories.time, horizon),
        )

    def to_json(self) -> dict[str, Any]:
        return {"horizon": self.horizon} | {name: getattr(self, name).to_json() for name in PARTS}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "CourseModel":
        parts = {name: kind.from_json(data[name]) for name, kind in PARTS.items()}
        return cls(horizon=float(data["horizon"]), **parts)


PARTS: dict[str, Any] = {
    "scale": Scale,
    "encoder": Encoder,
    "growth": Growth,
    "direct": Direct,
    "dropout": Dropout,
    "stack": Stack,
    "end_bands": Bands,
    "next_bands": Bands,
    "workload": Workload,
}


def _moments(histories: Histories, gap: float) -> tuple[Floats, Floats]:
    """(N,) when the next score is expected, and when the end: both at the visit itself once that is past."""
    end = np.maximum(histories.horizon[histories.person], histories.time)
    return np.minimum(histories.time + gap, end), end


def _foresee(
    growth: Growth, direct: Direct, stack: Stack, histories: Histories, x: Floats, stage: Ints
) -> tuple[Foreseen, Mixture, Floats]:
    """The next score, the end, and the columns that the direct regression sees."""
    coming, end = growth.foresee(histories, x, *_moments(histories, growth.basis.gap))
    columns = np.column_stack([course_features(histories, growth.basis.gap), x[histories.person]])
    mixture = stack.mixture(stage, histories.remaining, end, direct.foresee(stage, columns))
    return coming, mixture, columns


def fit_courses(histories: Histories, scale: Scale, *, seed: int, earliest: int = 2) -> CourseModel:
    """Learn from people whose courses are over or under way; no alert before the ``earliest``-th score.

    Raises ``NotEnoughDataError`` where too few ends are known.
    """
    end, stage = histories.end, histories.stage - 1
    ahead = histories.remaining > 0
    known = ahead & np.isfinite(end)[histories.person]
    people = np.bincount(stage[known], minlength=MOST_STAGES)[:MOST_STAGES]
    stages = int(np.append(people < FEWEST, True).argmax())
    if stages == 0:
        raise NotEnoughDataError(
            f"The end score is known of {int(np.isfinite(end).sum())} people with an earlier one; "
            f"{FEWEST} are needed to learn courses."
        )
    stage = np.minimum(stage, stages - 1)
    encoder = Encoder.fit(histories.features)
    x = encoder.transform(histories.features).x
    growth = fit_growth(histories, x)
    gap = growth.basis.gap
    columns = np.column_stack([course_features(histories, gap), x[histories.person]])
    dropout = fit_dropout(histories, columns, gap)
    hazard = dropout.hazard(columns, histories.time, histories.horizon[histories.person])
    weight = staying_weights(histories, hazard)
    ends, start = end[histories.person], histories.score[histories.first][histories.person]

    def direct_of(rows: Bools) -> Direct:
        return fit_direct(stage[rows], columns[rows], ends[rows], weight[rows], stages)

    coming, grown, straight = _held_out(histories, x, growth, columns, stage, direct_of, known, seed)
    stack = fit_stack(
        scale,
        stage[known],
        _at(grown, known),
        _at(straight, known),
        start[known],
        ends[known],
        weight[known],
        stages,
    )
    mixture = stack.mixture(stage, histories.remaining, grown, straight)
    latent, followed = mixture.moments(), np.flatnonzero(np.diff(histories.person) == 0)
    cuts = np.quantile(histories.score[histories.first], [1 / 3, 2 / 3])
    off = 1.0 - stack.chances(stage, *mixture.change(scale, start))[0]
    rows = np.flatnonzero(ahead)
    return CourseModel(
        scale,
        encoder,
        float(np.median(histories.horizon)),
        growth,
        direct_of(known),
        dropout,
        stack,
        fit_bands(
            stage[known],
            start[known],
            scale.distance(latent.mean, latent.sd, ends)[known],
            weight[known],
            cuts,
            stages,
        ),
        fit_bands(
            stage[followed],
            start[followed],
            scale.distance(coming.mean[followed], coming.sd[followed], histories.score[followed + 1]),
            1.0 / (1.0 - hazard[followed]),
            cuts,
            stages,
        ),
        fit_workload(
            histories.person[rows],
            stage[rows],
            off[rows],
            scale.improved(start, ends)[rows],
            weight[rows],
            stages,
            earliest - 1,
        ),
    )


def _at(part: Foreseen, rows: Bools) -> Foreseen:
    return Foreseen(part.mean[rows], part.sd[rows])


def _held_out(
    histories: Histories,
    x: Floats,
    growth: Growth,
    columns: Floats,
    stage: Ints,
    direct_of: Any,
    known: Bools,
    seed: int,
) -> tuple[Foreseen, Foreseen, Foreseen]:
    """For every visit, from models of other people: the next score, when it came, and the end twice."""
    n, rows = len(histories), len(histories.score)
    fold = np.random.default_rng(seed).permutation(n) % FOLDS
    found = np.empty((6, rows))
    later = np.append(histories.time[1:], 0.0)
    _, end = _moments(histories, growth.basis.gap)
    later = np.where(later > histories.time, later, end)
    for part in range(FOLDS):
        train, test = np.flatnonzero(fold != part), np.flatnonzero(fold == part)
        own = fit_growth(histories.take(train), x[train], growth)
        here = np.flatnonzero((fold == part)[histories.person])
        coming, grown = own.foresee(histories.take(test), x[test], later[here], end[here])
        straight = direct_of(known & (fold != part)[histories.person]).foresee(stage[here], columns[here])
        for i, one in enumerate((coming, grown, straight)):
            found[2 * i, here], found[2 * i + 1, here] = one.mean, one.sd
    return Foreseen(found[0], found[1]), Foreseen(found[2], found[3]), Foreseen(found[4], found[5])
