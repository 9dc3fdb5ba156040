"""Learn a screen, and judge it by people whom it has not seen."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import expit
from threadpoolctl import threadpool_limits

from alleviate.models.performance.judged import Judged
from alleviate.models.screening.joint import Joint, fit_joint
from alleviate.models.screening.scale import Scale
from alleviate.models.screening.screen import Bends, Screen, Target, log_odds_of, unbent
from alleviate.models.trial import Bools, Floats, Ints
from alleviate.terms.errors import NotEnoughDataError

__all__ = ["LEAST_EVENTS", "LEAST_PEOPLE", "LearnedScreen", "Panel", "learn_screen"]

LEAST_PEOPLE = 50
LEAST_EVENTS = 15
"""Fewer people with an instrument, cases, or people who are none: nothing is said of it."""

FOLDS = 5
DRAWS = 30


@dataclass(frozen=True, slots=True)
class Panel:
    """What was known at n moments of people: ``x`` (n, p), NaN where nothing is.

    ``people`` (n,): whose moment; ``asked`` (n, targets): where the total was asked at that very moment, so
    that all else was known by then. ``targets`` may be more than can be learned.
    """

    x: Floats
    people: Ints
    asked: Bools
    targets: tuple[Target, ...]

    @property
    def weight(self) -> Floats:
        """(n,) each person counts once, however often seen."""
        _, member, times = np.unique(self.people, return_inverse=True, return_counts=True)
        return np.asarray(1.0 / times[member], dtype=float)


@dataclass(frozen=True, slots=True)
class LearnedScreen:
    """``judged``: target → predictions for people held out beside what came; ``left_out``: target → why."""

    screen: Screen
    judged: Mapping[str, Judged]
    left_out: Mapping[str, str]


def learn_screen(panel: Panel, seed: int) -> LearnedScreen:
    """The same panel and seed give the same screen. Raises ``NotEnoughDataError`` where no target is left."""
    with threadpool_limits(1):
        return _learned(panel, seed)


def _learned(panel: Panel, seed: int) -> LearnedScreen:
    left_out = {t.name: why for i, t in enumerate(panel.targets) if (why := _too_few(panel, i))}
    kept = [i for i, target in enumerate(panel.targets) if target.name not in left_out]
    targets = tuple(panel.targets[i] for i in kept)
    if not targets:
        raise NotEnoughDataError(
            "No instrument was filled in by enough people: "
            + ("; ".join(f"{name}: {why}" for name, why in left_out.items()) or "none was found")
            + ".",
            hint="Gather more, or check that people have consented to model training.",
        )
    rng = np.random.default_rng([seed, 23])
    persons, member = np.unique(panel.people, return_inverse=True)
    folds = (rng.permutation(len(persons)) % FOLDS)[member]
    linear, begun = _held_out(panel, targets, folds, rng)
    truth = [target.is_case(panel.x) for target in targets]
    weight = panel.weight
    judged = {}
    for i, target in enumerate(targets):
        seen = np.flatnonzero(panel.asked[:, kept[i]] & np.isfinite(truth[i]))
        y, of, w = truth[i][seen], folds[seen], weight[seen]
        p = np.empty(len(seen))
        for fold in range(FOLDS):  # bent by what the other folds need
            a, b = unbent(linear[seen, i][of != fold], y[of != fold], w[of != fold])
            p[of == fold] = expit(a + b * linear[seen, i][of == fold])
        judged[target.name] = Judged(y, p, w, part=of, clusters=panel.people[seen])
    asked = panel.asked[:, kept]
    bends = _bends(linear, begun, truth, weight, asked)
    scales, joint, z = _fitted(panel.x, weight)
    draws = []
    for _ in range(DRAWS):  # each person counts by chance (Xu et al. 2020, Am Stat 74:345)
        chance = rng.exponential(size=len(persons))[member] * weight
        draws.append((fit_joint(z, chance, joint), _bends(linear, begun, truth, chance, asked)))
    return LearnedScreen(Screen(scales, joint, targets, bends, tuple(draws)), judged, left_out)


def _too_few(panel: Panel, i: int) -> str:
    """Why target ``i`` cannot be learned; empty where it can."""
    truth = np.where(panel.asked[:, i], panel.targets[i].is_case(panel.x), np.nan)
    people = len(np.unique(panel.people[np.isfinite(truth)]))
    cases, others = (len(np.unique(panel.people[truth == value])) for value in (1.0, 0.0))
    if people >= LEAST_PEOPLE and min(cases, others) >= LEAST_EVENTS:
        return ""
    return (
        f"not enough data: {people} people, {cases} of them cases and {others} not; at least {LEAST_PEOPLE} "
        f"people and {LEAST_EVENTS} of each are needed"
    )


def _fitted(x: Floats, weight: Floats) -> tuple[tuple[Scale, ...], Joint, Floats]:
    scales = tuple(Scale.fit(x[:, j], weight) for j in range(x.shape[1]))
    z = np.column_stack([scale.place(x[:, j]) for j, scale in enumerate(scales)])
    return scales, fit_joint(z, weight), z


def _held_out(
    panel: Panel, targets: tuple[Target, ...], folds: Ints, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """(n, targets) log odds, twice, from models that have not seen the person.

    Hidden from each are the total and its answers, and of every other instrument, by the toss of a coin,
    the same: as people come with few answers or many. The second leaves its answers in; NaN where none is.
    """
    weight = panel.weight
    linear, begun = (np.full((len(panel.x), len(targets)), np.nan) for _ in range(2))
    hidden = {other.column: [other.column, *other.items] for other in panel.targets}
    tosses = {column: rng.random((len(panel.x), len(targets))) < 0.5 for column in hidden}
    for fold in range(FOLDS):
        test = np.flatnonzero(folds == fold)
        scales, joint, _ = _fitted(panel.x[folds != fold], weight[folds != fold])
        place = np.column_stack([scale.place(panel.x[test, j]) for j, scale in enumerate(scales)])
        for i, target in enumerate(targets):
            z = place.copy()
            for column, all_of_it in hidden.items():
                z[np.ix_(tosses[column][test, i], all_of_it)] = np.nan
            z[:, target.column] = np.nan
            own = list(target.items)
            started = z.copy()
            started[:, own] = place[:, own]
            z[:, own] = np.nan
            cuts = np.array([scales[target.column].cut(t) for t in target.threshold_of(panel.x[test])])
            linear[test, i] = _rowwise(joint, scales, target, z, cuts)
            some = np.isfinite(started[:, own]).any(axis=1)
            begun[test[some], i] = _rowwise(joint, scales, target, started[some], cuts[some])
    return linear, begun


def _rowwise(joint: Joint, scales: tuple[Scale, ...], target: Target, z: Floats, cuts: Floats) -> Floats:
    """(n,) log odds of rows whatever is known of each."""
    found = np.empty(len(z))
    patterns, of = np.unique(np.isfinite(z), axis=0, return_inverse=True)
    for k, known in enumerate(patterns):
        rows = np.flatnonzero(of.ravel() == k)
        found[rows] = log_odds_of(joint.told(z[rows], known), scales, target, cuts[rows])
    return found


def _bends(
    linear: Floats, begun: Floats, truth: list[Floats], weight: Floats, asked: Bools
) -> tuple[Bends, ...]:
    found = []
    for i, y in enumerate(truth):
        pair = []
        for log_odds in (linear[:, i], begun[:, i]):
            seen = asked[:, i] & np.isfinite(y) & np.isfinite(log_odds)
            pair.append(unbent(log_odds[seen], y[seen], weight[seen]))
        found.append((pair[0], pair[1]))
    return tuple(found)
