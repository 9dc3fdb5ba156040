"""Early warning from daily data: false alarms against the stated rate; how soon a planted change is seen."""

from collections.abc import Callable

import numpy as np

from alleviate.progress.early_warning.charts import DAYS, LEVEL, SLOW, alarms, threshold
from alleviate.progress.early_warning.surprise import surprise
from alleviate.progress.early_warning.watching import LEAST, LEAST_SLOWING, slowing
from lines import Line, note, written

__all__ = ["lines"]

PEOPLE, LENGTH, CHANGE = 1000, 182, 90
RATE = 2.0
CALIBRATION = 10_000
"""The seed on which the plain threshold is given its rate; what is reported are seeds from 0 on."""


def series(rng: np.random.Generator, phi: float | np.ndarray, shift: float = 0.0) -> np.ndarray:
    """(people, days) of an AR(1) with variance 1 at first; ``shift`` (in its SD) from day ``CHANGE`` on."""
    phis = np.broadcast_to(phi, LENGTH)
    noise = rng.standard_normal((PEOPLE, LENGTH))
    x = np.empty((PEOPLE, LENGTH))
    x[:, 0] = noise[:, 0]
    for day in range(1, LENGTH):
        x[:, day] = phis[day] * x[:, day - 1] + np.sqrt(1 - phis[0] ** 2) * noise[:, day]
    x[:, CHANGE:] += shift
    return x


def gappy(rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """A fifth of the days missing, and ten days in a row."""
    x = np.where(rng.random(x.shape) < 0.2, np.nan, x)
    away = rng.integers(30, 150, PEOPLE)[:, None]
    days = np.arange(LENGTH)[None, :]
    return np.where((days >= away) & (days < away + 10), np.nan, x)


def rated(_rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """Whole numbers from 0 to 10, as people rate their mood."""
    return np.clip(np.round(5.5 + 2 * x), 0, 10)


def charts(x: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each of three charts the days on which it warns and those it judges, as `watch` has them for a
    measure that is worse when low.
    """
    first, late = surprise(x, LEAST), surprise(x, LEAST_SLOWING)
    spread, back = slowing(late)
    return [
        (alarms(scores, chart, threshold(chart, RATE / 3)), np.isfinite(scores))
        for scores, chart in ((-first, LEVEL), (spread, SLOW), (back, SLOW))
    ]


def ours(x: np.ndarray) -> np.ndarray:
    """Days on which any of the charts warns."""
    return np.logical_or.reduce([warned for warned, _ in charts(x)])


def plain(x: np.ndarray, factor: float) -> np.ndarray:
    """Days below the mean of the first four weeks by ``factor`` of their SD."""
    first = x[:, :LEAST]
    low = np.nanmean(first, axis=1) - factor * np.nanstd(first, axis=1, ddof=1)
    warned = x < low[:, None]
    warned[:, :LEAST] = False
    return warned


def rate_of(judging: list[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
    """False alarms in 100 weeks of the days that are judged, over all charts; and the standard error."""
    of_person = sum(DAYS * warned.sum(axis=1) / judged.sum() for warned, judged in judging)
    return float(np.sum(of_person)), float(np.std(of_person, ddof=1) * np.sqrt(PEOPLE))


def plain_rate(x: np.ndarray, factor: float) -> float:
    judged = np.isfinite(x)
    judged[:, :LEAST] = False
    return rate_of([(plain(x, factor), judged)])[0]


def delays(warn: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> np.ndarray:
    """Days from the change to the first warning, of those without a warning before it; inf: none."""
    warned = warn(x)
    quiet = ~warned[:, :CHANGE].any(axis=1)
    after = warned[quiet, CHANGE:]
    return np.where(after.any(axis=1), after.argmax(axis=1) + 1.0, np.inf)


def calibrated() -> float:
    """The plain threshold with our rate on a stationary series of φ = 0.3."""
    x = series(np.random.default_rng(CALIBRATION), 0.3)
    low, high = 1.0, 6.0
    for _ in range(25):
        middle = (low + high) / 2
        low, high = (middle, high) if plain_rate(x, middle) > RATE else (low, middle)
    return high


def lines(seeds: int = 2) -> list[Line]:
    """``seeds`` × 1,000 people a line, of 182 days each."""
    factor = calibrated()
    rivals = {"ours": ours, "plain": lambda x: plain(x, factor)}
    table = []
    shapes = {"": lambda _rng, x: x, ", gaps": gappy, ", rated 0 to 10": rated}
    for number, phi in enumerate((0.0, 0.3, 0.6, 0.8)):
        for place, (name, shape) in enumerate(shapes.items()):
            note(f"false alarms, φ {phi}{name}")
            drawn = [np.random.default_rng([seed, number, place]) for seed in range(seeds)]
            samples = [shape(rng, series(rng, phi)) for rng in drawn]
            found = np.array([rate_of(charts(x)) for x in samples])
            rate, error = found[:, 0].mean(), np.sqrt((found[:, 1] ** 2).sum()) / seeds
            beside = np.mean([plain_rate(x, factor) for x in samples])
            said = f"{rate:.2f} ± {error:.2f}; plain {beside:.2f}"
            holds = bool(abs(rate - RATE) <= 0.2 * RATE)
            table.append(Line(f"false alarms, φ {phi:g}{name}", f"{RATE:g} in 100 weeks ± 20 %", said, holds))
    for place, (phi, shift) in enumerate(((0.3, -1.0), (0.3, -2.0), (0.6, -1.0), (0.6, -2.0))):
        drawn = [np.random.default_rng([seed, 100, place]) for seed in range(seeds)]
        table.append(
            _delay(f"shift of {shift:g} SD, φ {phi:g}", [series(rng, phi, shift) for rng in drawn], rivals)
        )
    ramp = np.concatenate([np.full(CHANGE, 0.2), np.linspace(0.2, 0.9, LENGTH - CHANGE)])
    drawn = [np.random.default_rng([seed, 200]) for seed in range(seeds)]
    table.append(_delay("slowing down: φ from 0.2 to 0.9", [series(rng, ramp) for rng in drawn], rivals))
    return table


def _delay(
    what: str, samples: list[np.ndarray], rivals: dict[str, Callable[[np.ndarray], np.ndarray]]
) -> Line:
    """Median delay and the share seen at all in the three months after the change."""
    said = []
    for who, warn in rivals.items():
        found = np.concatenate([delays(warn, x) for x in samples])
        seen, half = np.isfinite(found).mean(), np.median(found)
        when = f"{half:g} days" if np.isfinite(half) else f"more than {LENGTH - CHANGE} days"
        said.append(f"{who} {when}, {100 * seen:.0f} % seen")
    return Line(what, "median delay beside a plain threshold", "; ".join(said), None)


if __name__ == "__main__":
    written("early-warning", "Early warning from daily data", lines(), {"seeds": 2, "first seed": 0})
