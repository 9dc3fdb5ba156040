"""What would change the advice, and which answer would help most: found by asking the rule itself."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from alleviate.advice.safety.recorded import is_one_of
from alleviate.clinic.recommending.asking import Asked, Value
from alleviate.decisions.parts import Change, Gap
from alleviate.features import Feature
from alleviate.instruments import INSTRUMENTS
from alleviate.models.encoding import Encoder

__all__ = ["changes", "gaps", "value_words"]

_YES_NO = {True: "yes", False: "no"}


@dataclass(frozen=True, slots=True)
class _Spread:
    """Of a number among those studied."""

    mean: float
    sd: float


def changes(asked: Asked) -> tuple[Change, ...]:
    """For each feature that can differ, the nearest value at which another arm comes first; nearest first."""
    first = int(asked.choices.arm[0])
    if first < 0:
        return ()
    found = []
    for feature in asked.features:
        now = asked.values[feature.name]
        if now is None or is_one_of([feature.code], "", _settings()["fixed"], ()):
            continue
        variants = list(_others(feature, now, asked.package.forecaster.encoder))
        if not variants:
            continue
        arms = asked.what_if([{feature.name: value} for value, _ in variants]).arm
        flipped = [(steps, k) for k, (_, steps) in enumerate(variants) if arms[k] >= 0 and arms[k] != first]
        if flipped:
            steps, k = min(flipped)
            found.append(
                Change(
                    feature.name,
                    feature.words,
                    value_words(now),
                    value_words(variants[k][0]),
                    asked.package.arms[int(arms[k])],
                    steps if feature.kind == "number" else None,
                )
            )
    found.sort(key=lambda change: (change.steps is not None, change.steps or 0.0))
    return tuple(found[: _settings()["most_changes"]])


def gaps(asked: Asked) -> tuple[Gap, ...]:
    """What is not known, by how much an answer would be worth: the most first."""
    first, width = int(asked.choices.arm[0]), float(asked.what_if([{}]).width[0])
    found = []
    for feature in asked.features:
        if asked.values[feature.name] is not None:
            continue
        variants = list(_plausible(feature, asked.package.forecaster.encoder))
        if not variants:
            continue
        answer = asked.what_if([{feature.name: value} for value, _ in variants])
        weights = np.array([weight for _, weight in variants])
        weights = weights / weights.sum()
        said = answer.arm >= 0
        narrower = np.where(said, 1.0 - answer.width / width if width > 0 else 0.0, 0.0)
        found.append(
            Gap(
                feature.name,
                feature.words,
                float(weights @ (said & (answer.arm != first))) if first >= 0 else 0.0,
                float(max(0.0, weights @ narrower)) if first >= 0 else 0.0,
                bool(first < 0 and said.any()),
            )
        )
    found.sort(key=lambda gap: (not gap.opens, -gap.flips, -gap.narrows))
    return tuple(found[: _settings()["most_gaps"]])


def value_words(value: Value) -> str:
    """A feature's value as it is shown."""
    if isinstance(value, bool):
        return _YES_NO[value]
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1e4 else f"{value:.0f}"
    return "" if value is None else str(value)


def _others(feature: Feature, now: Value, encoder: Encoder) -> Iterator[tuple[Value, float]]:
    """Other values that the study saw, with how far each is from ``now`` (in SDs where it is a number)."""
    if isinstance(now, bool):
        yield not now, 1.0
    elif isinstance(now, str):
        for level in encoder.levels.get(feature.name, ()):
            if level != now:
                yield level, 1.0
    elif isinstance(now, float) and (spread := _spread(feature, encoder)) is not None:
        settings = _settings()
        steps = np.arange(-settings["reach"], settings["reach"] + 1e-9, settings["step"])
        values = {_possible(feature, spread.mean + step * spread.sd) for step in steps.tolist()}
        for value in sorted(values - {now}):
            yield value, abs(value - now) / spread.sd


def _plausible(feature: Feature, encoder: Encoder) -> Iterator[tuple[Value, float]]:
    """What an unknown value may be, with how likely each is among those studied."""
    spread = _spread(feature, encoder)
    if feature.kind == "category":
        shares = {
            column.level: column.mean
            for column in encoder.columns
            if column.feature == feature.name and column.role == "level"
        }
        rest = max(0.0, 1.0 - sum(shares.values()))
        levels = encoder.levels.get(feature.name, ())
        others = [level for level in levels if level not in shares]
        for level in levels:
            yield level, shares.get(level, rest / max(1, len(others)))
    elif feature.kind == "boolean":
        share = spread.mean if spread else 0.5
        yield True, max(share, 1e-6)
        yield False, max(1.0 - share, 1e-6)
    elif spread is not None:
        values = {_possible(feature, spread.mean + step * spread.sd) for step in _settings()["plausible"]}
        for value in sorted(values):
            yield value, 1.0


def _spread(feature: Feature, encoder: Encoder) -> _Spread | None:
    column = next((c for c in encoder.columns if c.feature == feature.name and c.role == "value"), None)
    return None if column is None or column.sd <= 0 else _Spread(column.mean, column.sd)


def _possible(feature: Feature, value: float) -> float:
    """The nearest value that there can be: a whole score within its range, a count not below 0."""
    bounds = _ranges().get(feature.code)
    whole = feature.take == "count" or (
        bounds is not None and feature.take in ("last", "first", "min", "max")
    )
    if whole:
        value = float(round(value))
    if bounds is not None and feature.take not in ("slope", "change", "change-last-two", "sd"):
        value = min(max(value, bounds[0]), bounds[1])
    if feature.take in ("count", "age", "time-since", "time-since-first", "duration"):
        value = max(value, 0.0)
    return value


@cache
def _ranges() -> Mapping[str, tuple[float, float]]:
    """Of instruments' totals and items, by code."""
    found = {}
    for instrument in INSTRUMENTS.values():
        if instrument.total == "sum":
            found[instrument.total_code] = instrument.range
        for item in instrument.items:
            found[item.code] = (item.low, item.high)
    return found


@cache
def _settings() -> dict[str, Any]:
    text = (files("alleviate.clinic.recommending") / "questions.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
