"""How long until something happens: ridge Cox regression, its baseline in steps (Cox 1972; Breslow 1974).

S(t | x) = Π_{u < t} (1 - h(u))^exp(x'β): the hazard steps h(u) are Breslow's. With β = 0 this is the
Kaplan-Meier estimate.
"""

from dataclasses import dataclass

import numpy as np

from alleviate.models.trial import Bools, Floats, Ints

__all__ = ["Hazard", "choose_hazard", "fit_hazard"]

PENALTIES = (1.0, 0.1, 0.01, 0.001)
"""Grid of ridge penalties per event, on standardised features: from almost none to almost unpenalised."""

STEPS = 30
SLOPES = np.linspace(0.0, 1.5, 16)


@dataclass(frozen=True, slots=True)
class Hazard:
    """``times`` (m,) at which somebody had the event, ``log_kept`` (m,): log of the share that did not."""

    centre: Floats
    scale: Floats
    slope: Floats
    times: Floats
    log_kept: Floats

    def survival(self, x: Floats, t: Floats, *, through: bool = False) -> Floats:
        """(n,) probability that it has not happened before ``t`` (n,), ``through``: nor at ``t``."""
        steps = np.searchsorted(self.times, t, side="right" if through else "left")
        total = np.concatenate([[0.0], np.cumsum(self.log_kept)])
        survival: Floats = np.exp(self._ratio(x) * total[steps])
        return survival

    def steps(self, x: Floats, most: int) -> tuple[Floats, Floats]:
        """At most ``most`` of the times (m,), evenly many events apart, and survival (n, m) through each."""
        last = len(self.times) - 1
        chosen = np.unique(np.linspace(0, last, min(most, last + 1)).round().astype(np.int64))
        total = np.cumsum(self.log_kept)[chosen]
        return self.times[chosen], np.exp(self._ratio(x)[:, None] * total)

    def _ratio(self, x: Floats) -> Floats:
        ratio: Floats = np.exp(_signal(x, self.centre, self.scale, self.slope))
        return ratio


def _signal(x: Floats, centre: Floats, scale: Floats, slope: Floats) -> Floats:
    """Capped, so that nobody far from the rest is given a hazard beyond e³ times the average."""
    return np.clip((x - centre) / scale @ slope, -3.0, 3.0)


def _standardised(x: Floats) -> tuple[Floats, Floats]:
    scale = x.std(axis=0)
    return x.mean(axis=0), np.where(scale > 1e-12, scale, 1.0)


@dataclass(frozen=True, slots=True)
class _Order:
    """People by descending time, the event first among equals: those at risk at an event are a head of it."""

    order: Ints
    last: Ints
    events: Floats

    @classmethod
    def of(cls, time: Floats, event: Bools) -> "_Order":
        """At one time those who had the event are at risk of it; those who left otherwise no longer are."""
        order = np.lexsort((~event, -time))
        key = np.column_stack([time[order], event[order]])
        change = np.append((key[1:] != key[:-1]).any(axis=1), True)
        ends = np.flatnonzero(change)
        last = ends[np.searchsorted(ends, np.arange(len(time)))]
        return cls(order, last, event[order].astype(float))


def _log_likelihood(order: _Order, signal: Floats) -> float:
    own = signal[order.order]
    risk: Floats = np.cumsum(np.exp(own))[order.last]
    return float(order.events @ (own - np.log(risk)))


def _cox(z: Floats, order: _Order, penalty: float) -> Floats:
    """Maximise the partial log likelihood less penalty · events · |β|²/2, by Newton steps, halved at need."""
    z = z[order.order]
    events, last = order.events, order.last
    weight = penalty * max(events.sum(), 1.0)
    plain = _Order(np.arange(len(z)), last, events)
    beta = np.zeros(z.shape[1])

    def objective(b: Floats) -> float:
        return _log_likelihood(plain, z @ b) - 0.5 * float(weight * (b @ b))

    value = objective(beta)
    for _ in range(STEPS):
        raised = np.exp(z @ beta)
        risk = np.cumsum(raised)[last]
        mean = np.cumsum(raised[:, None] * z, axis=0)[last] / risk[:, None]
        gradient = events @ (z - mean) - weight * beta
        # Σ over events of Σ over those at risk, turned round: each person's share of all events they were at
        head = np.zeros(len(z))
        np.add.at(head, last, events / risk)
        share = raised * np.cumsum(head[::-1])[::-1]
        curvature = (z * share[:, None]).T @ z - (mean * events[:, None]).T @ mean
        step = np.linalg.solve(curvature + weight * np.eye(len(beta)), gradient)
        size = 1.0
        while size > 1e-4 and objective(beta + size * step) < value:
            size /= 2
        beta = beta + size * step
        before, value = value, objective(beta)
        if value - before < 1e-8 * (1.0 + abs(value)):
            break
    return beta


def fit_hazard(x: Floats, time: Floats, event: Bools, penalty: float, slope: float) -> Hazard:
    """``time`` (n,) followed, ``event`` (n,) whether it ended so; ``slope`` multiplies the signal."""
    centre, scale = _standardised(x)
    beta = np.zeros(x.shape[1])
    if slope and event.any():
        beta = slope * _cox((x - centre) / scale, _Order.of(time, event), penalty)
    raised = np.exp(_signal(x, centre, scale, beta))
    times = np.unique(time[event])
    happened = np.bincount(np.searchsorted(times, time[event]), minlength=len(times)).astype(float)
    by_time = np.argsort(-time, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(raised[by_time])])
    at_risk = total[np.searchsorted(-time[by_time], -times, side="left")]  # followed longer than each time
    own = np.bincount(np.searchsorted(times, time[event]), weights=raised[event], minlength=len(times))
    step = happened / np.maximum(at_risk + own, 1e-12)
    return Hazard(centre, scale, beta, times, np.log1p(-np.minimum(step, 1.0 - 1e-9)))


def choose_hazard(x: Floats, time: Floats, event: Bools, folds: Ints) -> tuple[float, float]:
    """Penalty, and calibration slope (0 to 1.5) of the out-of-fold signal, by cross-validated likelihood.

    A slope of 0 says that the features do not tell who has the event.
    """
    parts = [(folds != fold, folds == fold) for fold in np.unique(folds)]
    orders = [_Order.of(time[test], event[test]) for _, test in parts]
    best = (-np.inf, PENALTIES[0], 0.0)
    for penalty in PENALTIES:
        signals = []
        for train, test in parts:
            centre, scale = _standardised(x[train])
            beta = _cox((x[train] - centre) / scale, _Order.of(time[train], event[train]), penalty)
            signals.append(_signal(x[test], centre, scale, beta))
        for slope in SLOPES:
            fit = sum(_log_likelihood(o, slope * s) for o, s in zip(orders, signals, strict=True))
            if fit > best[0] + 1e-9:
                best = (fit, penalty, float(slope))
    return best[1], best[2]
