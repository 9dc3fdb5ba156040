"""Alerts as many as the clinic can answer: which chance of no improvement raises one, and what to expect.

Everything is read off people not learned from: the threshold, how many alerts will be false, how many of
those who end without improvement will be missed. What then happened is compared with what was told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.stats import betabinom

from alleviate.models.trial import Bools, Floats, Ints
from alleviate.terms.errors import InputError

__all__ = ["AlertPlan", "Compared", "Expected", "Told", "Workload", "compare", "fit_workload"]

SHARES = np.arange(1, 100) / 100
WHAT = ("alerts", "caught", "false_alarms", "missed")


@dataclass(frozen=True, slots=True)
class Told:
    """A count foreseen, with its 95 % interval."""

    count: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Expected:
    """Per 100 patients: alerts; of them ``caught`` (end without reliable improvement) and ``false_alarms``;

    ``missed``: end without improvement and raised none. ``people``: held-out people that say so."""

    people: float
    alerts: float
    caught: float
    false_alarms: float
    missed: float

    def among(self, patients: int) -> dict[str, Told]:
        """What to expect of so many new patients; intervals hold chance and doubt (beta-binomial)."""
        return {name: _told(getattr(self, name) / 100, self.people, patients) for name in WHAT}


def _told(rate: float, people: float, patients: int) -> Told:
    found = betabinom(patients, rate * people + 0.5, (1 - rate) * people + 0.5)
    low, high = found.ppf([0.025, 0.975])
    return Told(rate * patients, float(low), float(high))


@dataclass(frozen=True, slots=True)
class AlertPlan:
    """``thresholds`` (S,): an alert where P(no reliable improvement) reaches it; infinite where none may be

    raised yet. ``stages``: what to expect at each stage; ``ever``: over a person's whole course."""

    per_100: float
    thresholds: Floats
    stages: tuple[Expected, ...]
    ever: Expected

    def alert(self, stage: Ints, off: Floats) -> Bools:
        """(N,) for people with ``stage`` + 1 scores and a chance ``off`` of no improvement."""
        return np.asarray(off >= self.thresholds[np.minimum(stage, len(self.thresholds) - 1)])


@dataclass(frozen=True, slots=True)
class Compared:
    """What was told and what happened; ``as_told``: within the interval."""

    what: str
    told: Told
    happened: float
    as_told: bool


def compare(expected: Expected, patients: int, happened: Mapping[str, float]) -> tuple[Compared, ...]:
    """``happened``: counts by the names of ``Expected`` (those known by now) among so many patients."""
    told = expected.among(patients)
    return tuple(
        Compared(name, told[name], count, told[name].low <= count <= told[name].high)
        for name, count in happened.items()
    )


@dataclass(frozen=True, slots=True)
class Workload:
    """By stage and share of people alerted (``SHARES``): ``thresholds`` (S, 99) and ``rates`` (S, 99, 4), in

    the order alerts, caught, false alarms, missed; ``ever`` (99, 4) over whole courses; ``people`` (S + 1,)
    behind them, the last behind ``ever``. Stages before ``earliest`` raise no alert."""

    earliest: int
    thresholds: Floats
    rates: Floats
    ever: Floats
    people: Floats

    def plan(self, per_100: float, per: Literal["session", "patient"] = "session") -> AlertPlan:
        """Alerts for ``per_100`` of 100 patients at each session, or over a patient's course (the first)."""
        asked = per_100 / 100
        if not 0 < asked < 1:
            raise InputError(
                f"{per_100} alerts per 100 patients cannot be.", hint="Ask for more than 0, less than 100."
            )
        share = asked
        if per == "patient":
            share = float(np.interp(asked, self.ever[:, 0], SHARES))
        thresholds = np.array([np.interp(share, SHARES, row) for row in self.thresholds])
        thresholds[: self.earliest] = np.inf
        stages = tuple(_read(self.rates[s], self.people[s], share) for s in range(len(thresholds)))
        return AlertPlan(per_100, thresholds, stages, _read(self.ever, self.people[-1], share))

    def to_json(self) -> dict[str, Any]:
        arrays = ("thresholds", "rates", "ever", "people")
        return {"earliest": self.earliest, **{name: getattr(self, name).round(6).tolist() for name in arrays}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Workload":
        arrays = (np.array(data[name], dtype=float) for name in ("thresholds", "rates", "ever", "people"))
        return cls(int(data["earliest"]), *arrays)


def _read(rates: Floats, people: float, share: float) -> Expected:
    found = [100 * float(np.interp(share, SHARES, rates[:, i])) for i in range(len(WHAT))]
    return Expected(float(people), *found)


def fit_workload(
    person: Ints, stage: Ints, off: Floats, improved: Floats, weight: Floats, stages: int, earliest: int
) -> Workload:
    """Held-out rows (R,), sorted by person: ``off`` the chance of no improvement, ``improved`` 1/0, NaN where

    not known, ``weight`` of those where it is. Shares of alerts are of all rows; what became of them is
    weighed, as if nobody had left."""
    thresholds, rates, people = np.empty((stages, len(SHARES))), [], []
    share = np.full(len(off), len(SHARES))
    for s in range(stages):
        here = np.flatnonzero(stage == s)
        thresholds[s] = np.quantile(off[here], 1 - SHARES, method="median_unbiased")
        if s >= earliest:
            share[here] = len(SHARES) - np.searchsorted(thresholds[s, ::-1], off[here], side="right")
        rates.append(_rates(share[here], improved[here], weight[here]))
        people.append(_effective(weight[here], improved[here]))
    start = np.flatnonzero(np.diff(person, prepend=-1))
    ever = _rates(np.minimum.reduceat(share, start), improved[start], weight[start])
    people.append(_effective(weight[start], improved[start]))
    return Workload(earliest, thresholds, np.stack(rates), ever, np.array(people))


def _rates(share: Ints, improved: Floats, weight: Floats) -> Floats:
    """(99, 4). ``share`` (R,): from which of ``SHARES`` on a row raises an alert, 99 for none."""

    def raised(weights: Floats) -> Floats:
        return np.asarray(np.cumsum(np.bincount(share, weights, minlength=len(SHARES) + 1))[:-1])

    known = np.isfinite(improved)
    w = np.where(known, weight, 0.0) / weight[known].sum()
    caught, good = raised(w * (improved == 0)), raised(w * (improved == 1))
    return np.column_stack([raised(np.ones(len(w))) / len(w), caught, good, w[improved == 0].sum() - caught])


def _effective(weight: Floats, improved: Floats) -> float:
    """How many people of equal weight the known ends are worth (Kish)."""
    known = weight[np.isfinite(improved)]
    return float(known.sum() ** 2 / (known**2).sum())
