"""Over- and underfitting of what was learned, and what more people or features would bring."""

import numpy as np

from alleviate.models.prognosis.contract import Budget
from alleviate.models.prognosis.fitting import (
    Needed,
    cox_snell,
    features_path,
    fit_gap,
    for_number,
    for_risk,
    for_time,
    learning_curve,
    more_features,
    more_people,
    of_candidate,
    penalty_path,
)
from alleviate.models.prognosis.fitting.gap import Gap
from alleviate.models.prognosis.model import PrognosisModel
from alleviate.models.prognosis.people import People, target
from alleviate.models.prognosis.shelf import CANDIDATES
from alleviate.models.trial import Floats, Ints
from alleviate.packages.prognosis_findings import FittingFindings

__all__ = ["fitting_findings"]

MOST_PEOPLE = 5_000
"""Of more, a random share shows the same curves at a fraction of the time."""


def fitting_findings(
    people: People, model: PrognosisModel, held_out: Floats, part: Ints, seed: int, budget: Budget
) -> FittingFindings:
    """``held_out`` (n,): what models that had not seen ``people`` foresaw, ``part`` (n,) which of them.

    The curve is that of the largest member of ``model`` (of ridge, where nothing is foreseen), with settings
    found once for all people.
    """
    x, aim = model.encode(people.features).x, target(people)
    gap = fit_gap(aim.y, aim.weight, model.linear(x), held_out, people.loss)
    rows = np.arange(len(people))
    if len(people) > MOST_PEOPLE:
        rows = np.sort(np.random.default_rng([seed, 5]).permutation(len(people))[:MOST_PEOPLE])
    design = model.design(people).take(rows)
    folds = np.unique(part[rows], return_inverse=True)[1]
    largest = max(model.members, key=lambda member: member.weight).name
    candidate = CANDIDATES["ridge" if largest == "none" else largest]
    settings = candidate.tune(design, folds, seed, budget).settings
    foresee = of_candidate(candidate, design, settings, seed)
    curve = learning_curve(foresee, design.y, design.weight, design.loss, folds, seed, budget)
    features = features_path(design, folds, budget)
    needed = _needed(people, model, gap)
    return FittingFindings(
        of=candidate.words,
        curve=curve,
        gap=gap,
        verdict=gap.words,
        penalty=penalty_path(design, folds, budget),
        features=features,
        needed=needed,
        more_people=more_people(len(people), needed, curve),
        more_features=more_features(features),
    )


def _needed(people: People, model: PrognosisModel, gap: Gap) -> Needed | None:
    """By what was found to be foreseeable; ``None`` where that is nothing."""
    parameters = max(1, len(model.encoder.columns))
    aim = target(people)
    known = aim.weight > 0
    if gap.held_out >= gap.without:
        return None
    if people.loss == "numeric":
        explained = 1.0 - gap.held_out / gap.without
        return for_number(parameters, explained, float(aim.y.mean()), float(aim.y.std()))
    explained = cox_snell(gap.without, gap.held_out)
    if people.kind == "time-to-event":
        assert people.time is not None
        assert people.horizon is not None
        followed = np.minimum(people.time, people.horizon)
        came = (people.y == 1) & (people.time <= people.horizon)
        return for_time(
            parameters, float(came.sum() / followed.sum()), float(followed.mean()), people.horizon, explained
        )
    return for_risk(parameters, float(np.average(aim.y[known], weights=aim.weight[known])), explained)
