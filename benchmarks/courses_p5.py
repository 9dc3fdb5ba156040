"""P5: courses whose truth is known, the best that can be known of them, and the simple ways to judge them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit, log_ndtr, ndtr, ndtri
from sklearn.linear_model import RidgeCV
from sklearn.neighbors import NearestNeighbors

from alleviate.models.courses.histories import Histories

__all__ = ["CHANGE", "PEERS", "SESSIONS", "Courses", "band_alarm", "draw", "histories", "oracle"]

Floats = NDArray[np.float64]
SESSIONS = 11
"""Scores at t = 0 … 10."""
CHANGE, LOW, HIGH = 6.0, 0.0, 27.0
SD, RHO = 2.5, 0.35
TIMES = np.arange(SESSIONS, dtype=float)
LOG = np.log1p(TIMES) / np.log(SESSIONS)
SPREAD = np.array([[16.0, -0.1 * 4 * 4.5], [-0.1 * 4 * 4.5, 4.5**2]])
CURVE = np.column_stack([np.ones(SESSIONS), LOG])
COVARIANCE = CURVE @ SPREAD @ CURVE.T + SD**2 * RHO ** np.abs(TIMES[:, None] - TIMES)
NEIGHBOURS = 50
SWEEPS, WARM = 400, 50


@dataclass(frozen=True, slots=True)
class Courses:
    """``x`` (n, 2), ``scores`` (n, 11), ``stayed`` (n,): the last session that each came to."""

    x: Floats
    scores: Floats
    stayed: NDArray[np.int64]

    @property
    def unchanged(self) -> NDArray[np.bool_]:
        """(n,): no reliable change for the better at the end."""
        return self.scores[:, 0] - self.scores[:, -1] < CHANGE


def draw(n: int, rng: np.random.Generator, *, dropout: bool = False) -> Courses:
    """With ``dropout`` people leave after any session from 1 on, the more the worse they are just then."""
    x, effects = rng.normal(size=(n, 2)), rng.normal(size=(n, 2)) @ np.linalg.cholesky(SPREAD).T
    error = np.empty((n, SESSIONS))
    error[:, 0] = SD * rng.normal(size=n)
    for t in range(1, SESSIONS):
        error[:, t] = RHO * error[:, t - 1] + SD * np.sqrt(1 - RHO**2) * rng.normal(size=n)
    level, slope = 15 + effects[:, 0], -6 + effects[:, 1] + x[:, 0] + 0.7 * x[:, 1]
    scores = np.clip(level[:, None] + slope[:, None] * LOG + error, LOW, HIGH)
    leaves = rng.uniform(size=(n, SESSIONS)) < expit(-3.0 + 0.15 * (scores - 10))
    leaves[:, 0], leaves[:, -1] = False, True
    stayed = leaves.argmax(axis=1) if dropout else np.full(n, SESSIONS - 1)
    return Courses(x, scores, stayed)


def histories(courses: Courses, people: slice | NDArray[np.int64] = slice(None)) -> Histories:
    """What was seen of them."""
    x, scores, stayed = courses.x[people], courses.scores[people], courses.stayed[people]
    seen = np.arange(SESSIONS) <= stayed[:, None]
    person, session = np.nonzero(seen)
    return Histories(
        person,
        session.astype(float),
        scores[seen],
        pl.DataFrame({"x1": x[:, 0], "x2": x[:, 1]}),
        np.full(len(x), SESSIONS - 1.0),
        stayed < SESSIONS - 1,
        np.empty((len(person), 0)),
    )


def oracle(courses: Courses, session: int, rng: np.random.Generator) -> Floats:
    """(n,) P(no reliable change | truth's parameters, intake, scores to ``session``).

    A score at an end says only that the latent one lies beyond: those are drawn given all others (Gibbs)."""
    mean = 15 + LOG * (-6 + courses.x @ np.array([1.0, 0.7]))[:, None]
    seen = COVARIANCE[: session + 1, : session + 1]
    precision, across = np.linalg.inv(seen), COVARIANCE[-1, : session + 1]
    weights = precision @ across
    sd = np.sqrt(COVARIANCE[-1, -1] - across @ weights)
    scores, cut = courses.scores[:, : session + 1], courses.scores[:, 0] - CHANGE

    def unchanged(latent: Floats, people: Floats) -> Floats:
        end = mean[people, -1] + (latent - mean[people, : session + 1]) @ weights
        return np.where(cut[people] < LOW, 1.0, ndtr((end - cut[people]) / sd))

    found = unchanged(scores, np.arange(len(scores)))
    held = np.flatnonzero(((scores <= LOW) | (scores >= HIGH)).any(axis=1))
    latent, total = scores[held].copy(), np.zeros(len(held))
    for sweep in range(WARM + SWEEPS):
        for t in range(session + 1):
            off = latent - mean[held, : session + 1]
            own = latent[:, t] - (off @ precision[:, t]) / precision[t, t]
            one = 1 / np.sqrt(precision[t, t])
            below = own + one * ndtri(rng.uniform(size=len(held)) * np.exp(log_ndtr((LOW - own) / one)))
            above = own - one * ndtri(rng.uniform(size=len(held)) * np.exp(log_ndtr((own - HIGH) / one)))
            shown = scores[held, t]
            latent[:, t] = np.where(shown <= LOW, below, np.where(shown >= HIGH, above, shown))
        if sweep >= WARM:
            total += unchanged(latent, held) / SWEEPS
    found[held] = total
    return found


def _ridge(train: Floats, end: Floats, new: Floats) -> Floats:
    centre, scale = train.mean(axis=0), train.std(axis=0)
    fitted = RidgeCV(np.logspace(-2, 4, 25)).fit((train - centre) / scale, end)
    return np.asarray(fitted.predict((new - centre) / scale))


def _all_scores(train: Courses, new: Courses, s: int) -> Floats:
    return _ridge(train.scores[:, : s + 1], _change(train), new.scores[:, : s + 1])


def _all_and_intake(train: Courses, new: Courses, s: int) -> Floats:
    sides = (np.column_stack([one.scores[:, : s + 1], one.x]) for one in (train, new))
    own, other = sides
    return _ridge(own, _change(train), other)


def _first_current(train: Courses, new: Courses, s: int) -> Floats:
    return _ridge(train.scores[:, [0, s]], _change(train), new.scores[:, [0, s]])


def _change_score(train: Courses, new: Courses, s: int) -> Floats:
    return np.asarray(new.scores[:, s] - new.scores[:, 0])


def _neighbours(train: Courses, new: Courses, s: int) -> Floats:
    index = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(train.scores[:, : s + 1])
    return np.asarray(_change(train)[index.kneighbors(new.scores[:, : s + 1])[1]].mean(axis=1))


def _strata(train: Courses, new: Courses, s: int) -> Floats:
    """SDs above the mean course of those as severe at the start (fifths; Finch 2001)."""
    cuts = np.quantile(train.scores[:, 0], np.arange(1, 5) / 5)
    own, other = (np.searchsorted(cuts, one.scores[:, 0], side="right") for one in (train, new))
    mean = np.array([train.scores[own == k, s].mean() for k in range(5)])
    sd = np.array([train.scores[own == k, s].std(ddof=1) for k in range(5)])
    return np.asarray((new.scores[:, s] - mean[other]) / sd[other])


def band_alarm(train: Courses, new: Courses, s: int) -> NDArray[np.bool_]:
    """The band method's alarm: one SD above the expected course."""
    return _strata(train, new, s) > 1.0


def _change(courses: Courses) -> Floats:
    return np.asarray(courses.scores[:, -1] - courses.scores[:, 0])


PEERS: dict[str, Callable[[Courses, Courses, int], Floats]] = {
    "ridge on all scores": _all_scores,
    "ridge on all scores and intake": _all_and_intake,
    "first and current score": _first_current,
    "change score": _change_score,
    "nearest neighbours": _neighbours,
    "severity bands": _strata,
}
"""Name → (train, new, session) → (n,) how likely each new person ends unchanged, on any scale."""
