"""A model in another place: are its people others, or is the model wrong there? And what of the next place?

A lower AUC may only say that people elsewhere are more alike. The AUC that the model itself expects in a
case mix (model-based concordance: van Klaveren et al. 2016, Stat Med 35:4136) tells the two apart: what
changes in it is case mix, the rest is the model. How different the people are shows in the spread and mean
of the linear predictor and in how well a model tells one place's people from the other's (Debray et al.
2015, J Clin Epidemiol 68:279).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from alleviate.models.performance.discrimination import concordance
from alleviate.models.performance.groups import FEWEST, members, too_small
from alleviate.models.performance.influence import Measured, Spread, interval
from alleviate.models.performance.judged import Judged, log_odds, same_people
from alleviate.models.performance.performance import average, averaged, uncertainty
from alleviate.models.pooling import pool
from alleviate.models.trial import Floats
from alleviate.terms.errors import NotEnoughDataError
from alleviate.terms.estimates import Estimate

__all__ = ["AcrossSites", "Elsewhere", "across_sites", "elsewhere", "expected_concordance", "membership"]

FOLDS = 5


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """``mean``, ``spread``: of the linear predictor (log odds, or the number), there less here.

    ``auc_here``, ``auc_there``: as observed. ``by_case_mix``: the part of their difference that the model
    expects of its other people; ``by_model``: the rest. ``None`` for outcomes that are no risk.
    """

    mean: Estimate
    spread: Estimate
    auc_here: Estimate | None
    auc_there: Estimate | None
    by_case_mix: Estimate | None
    by_model: Estimate | None


@dataclass(frozen=True, slots=True)
class AcrossSites:
    """A measure over sites: their ``mean``; ``prediction``, where it lies in another such site, 95 times in
    100;

    each site's own, drawn towards the mean. ``i2``: share of the variance that lies between sites.
    """

    mean: Estimate
    prediction: Estimate
    sites: Mapping[str, Estimate]
    i2: float


def elsewhere(here: Sequence[Judged], there: Judged) -> Elsewhere:
    """``here``: repeats of the cross-validation where the model was learned; ``there``: other people."""
    same_people(here)

    def moved(moment: Callable[[Judged], Measured]) -> Estimate:
        ours = average([moment(judged) for judged in here])
        assert isinstance(ours, Measured)
        return _apart(ours, here[0], moment(there), there)

    mean, scatter = moved(_level), moved(_scatter)
    ours, theirs = average([concordance(judged) for judged in here]), concordance(there)
    if not there.of_risk or isinstance(ours, str) or isinstance(theirs, str):
        return Elsewhere(mean, scatter, None, None, None, None)
    mix = average([expected_concordance(judged) for judged in here]), expected_concordance(there)
    assert isinstance(mix[0], Measured)
    return Elsewhere(
        mean,
        scatter,
        interval(ours.value, uncertainty(ours, here[0]), "share"),
        interval(theirs.value, uncertainty(theirs, there), "share"),
        _apart(mix[0], here[0], mix[1], there),
        _apart(_less(ours, mix[0]), here[0], _less(theirs, mix[1]), there),
    )


def expected_concordance(judged: Judged) -> Measured:
    """The AUC among these people were each foreseen risk true: over pairs, chances of one's event and not
    the other's.

    Each person counts as an event with weight w p and as none with w (1 − p); nobody is a pair with
    themselves.
    """
    n = len(judged)
    twice = Judged(
        np.repeat([1.0, 0.0], n),
        np.tile(judged.p, 2),
        np.concatenate([judged.weight * judged.p, judged.weight * (1 - judged.p)]),
        np.tile(judged.parts, 2),
    )
    found = concordance(twice)
    if isinstance(found, str):
        return Measured(0.5, np.zeros(n))
    influence = found.influence[:n] + found.influence[n:]
    part = np.unique(judged.parts, return_inverse=True)[1]
    events, others = (np.bincount(part, each) for each in (twice.weight[:n], twice.weight[n:]))
    pairs = float(events @ others)
    itself = float(twice.weight[:n] @ twice.weight[n:])
    value = (found.value * pairs - itself / 2) / (pairs - itself) if pairs > itself else 0.5
    return Measured(value, influence, "share")


def membership(here: Floats, there: Floats, seed: int) -> Estimate:
    """How well people here (n, p) can be told from people there (m, p), by features without gaps: the AUC of

    a ridge-penalised logistic regression for people of other folds. .5: the same kind of people.
    """
    x = np.concatenate([here, there])
    y = np.repeat([0.0, 1.0], [len(here), len(there)])
    fold = np.random.default_rng(seed).permutation(len(x)) % FOLDS
    p = np.full(len(x), 0.5)
    for f in range(FOLDS):
        rest = fold != f
        if len(np.unique(y[rest])) == 2 and (~rest).any():
            model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
            p[~rest] = model.fit(x[rest], y[rest]).predict_proba(x[~rest])[:, 1]
    judged = Judged(y, p, np.ones(len(x)), fold.astype(np.int64))
    found = concordance(judged)
    if isinstance(found, str):
        raise NotEnoughDataError(
            "Too few people to tell places apart.", hint="Have some ten people or more in each place."
        )
    return interval(found.value, uncertainty(found, judged), "share")


def across_sites(
    repeats: Sequence[Judged], sites: Sequence[str], *, fewest: int = FEWEST
) -> dict[str, AcrossSites]:
    """Each measure that two sites or more can tell, pooled by random effects. Sites too small are left
    out."""
    same_people(repeats)
    values: dict[str, dict[str, tuple[float, float]]] = {}
    scales: dict[str, str] = {}
    for name, rows in members(sites, len(repeats[0])).items():
        own = [judged.take(rows) for judged in repeats if judged.weight[rows].any()]
        if not own or too_small(own[0], {}, fewest):
            continue
        for measure, one in averaged(own).items():
            if isinstance(one, str):
                continue
            scales[measure] = _scale(measure, one)
            moved, error = _onto(scales[measure], one.value, uncertainty(one, own[0]).error)
            if error > 0:
                values.setdefault(measure, {})[name] = (moved, error)
    return {measure: _pooled(found, scales[measure]) for measure, found in values.items() if len(found) > 1}


def _pooled(found: Mapping[str, tuple[float, float]], scale: str) -> AcrossSites:
    effects, errors = np.array(list(found.values())).T
    pooled = pool(effects, errors**2)
    back = BACK[scale]

    def as_was(one: Estimate) -> Estimate:
        return Estimate(back(one.estimate), back(one.low), back(one.high))

    own = dict(zip(found, map(as_was, pooled.shrunk), strict=True))
    return AcrossSites(as_was(pooled.mean), as_was(pooled.prediction), own, pooled.i2)


BACK: Mapping[str, Callable[[float], float]] = {
    "plain": float,
    "share": lambda value: float(expit(value)),
    "ratio": lambda value: float(np.exp(value)),
}


def _scale(measure: str, found: Measured) -> str:
    """On which sites are pooled: what is never below 0 by its logarithm."""
    return "ratio" if found.scale == "positive" else str(found.scale)


def _onto(scale: str, value: float, error: float) -> tuple[float, float]:
    """The value and its standard error on ``scale``; an error of 0 where it has no place there."""
    if scale == "plain":
        return value, error
    if scale == "share":
        if not 0 < value < 1:
            return 0.0, 0.0
        return float(logit(value)), error / (value * (1 - value))
    return (float(np.log(value)), error / value) if value > 0 else (0.0, 0.0)


def _linear(judged: Judged) -> Floats:
    return log_odds(judged.p) if judged.of_risk else judged.p


def _level(judged: Judged) -> Measured:
    share = judged.weight / judged.weight.sum()
    mean = float(share @ _linear(judged))
    return Measured(mean, share * (_linear(judged) - mean))


def _scatter(judged: Judged) -> Measured:
    """Standard deviation of the linear predictor."""
    share = judged.weight / judged.weight.sum()
    square = (_linear(judged) - _level(judged).value) ** 2
    sd = float(np.sqrt(share @ square))
    return Measured(sd, share * (square - sd**2) / (2 * max(sd, 1e-300)))


def _less(observed: Measured, expected: Measured) -> Measured:
    """How far the model's order falls short of what it expects: all of that hinges on what was learned."""
    value, influence = observed.value - expected.value, observed.influence - expected.influence
    return Measured(value, influence, "plain", 0.0, observed.gained, observed.gain, observed.refit)


def _apart(here: Measured, at: Judged, there: Measured, there_at: Judged) -> Estimate:
    """There less here: other people, so that variances add."""
    ours, theirs = uncertainty(here, at), uncertainty(there, there_at)
    error = float(np.hypot(ours.error, theirs.error))
    return interval(there.value - here.value, Spread(error, min(ours.freedom, theirs.freedom)))
