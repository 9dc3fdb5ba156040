"""Reasons for and against, computed from the model itself: what each feature adds to the benefit."""

import tomllib
from collections.abc import Sequence
from datetime import date, timedelta
from importlib import resources
from math import sqrt

import numpy as np
import polars as pl

from alleviate.features import Kind
from alleviate.models.encoding import Encoded
from alleviate.models.explanation.contributions import contributions
from alleviate.packages.rule import RulePackage
from alleviate.policies.choice import Choices
from alleviate.terms.estimates import Estimate

__all__ = ["explain"]

WORDING = tomllib.loads((resources.files("alleviate.advice") / "wording.toml").read_text(encoding="utf-8"))
MOST = 3
"""Reasons from features, at most."""

WORTH_SAYING = 0.05
"""Share of the smallest important difference that a feature must move to be named."""


def explain(
    package: RulePackage, frame: pl.DataFrame, encoded: Encoded, choices: Choices
) -> list[tuple[str, ...]]:
    """For each person the reasons, in words; people without a choice have none.

    ``frame`` has the people's features, ``encoded`` the same as the rule's encoder gives them.
    """
    moves, names = np.zeros((len(frame), len(package.spec.features))), package.spec.names
    for change, forecaster in package.parts:
        moves += change * contributions(forecaster, encoded.x, choices.arm, choices.second, names)
    largest = np.argsort(-np.abs(moves), axis=1, kind="stable")[:, :MOST]
    largest_moves = np.take_along_axis(moves, largest, axis=1).tolist()
    values = [
        frame[feature.name].to_list() if feature.name in frame.columns else [None] * len(frame)
        for feature in package.spec.features
    ]
    words: dict[tuple[int, int], _Words] = {}
    reasons: list[tuple[str, ...]] = []
    for pair, top, moved, person in zip(
        zip(choices.arm.tolist(), choices.second.tolist(), strict=True),
        largest.tolist(),
        largest_moves,
        zip(*values, strict=True),
        strict=True,
    ):
        if pair[0] < 0:
            reasons.append(())
            continue
        if pair not in words:
            words[pair] = _Words(package, *pair)
        reasons.append(words[pair].reasons(person, top, moved))
    return reasons


class _Words:
    """What is said of advising ``arm`` rather than ``second``: the same for everybody but the features."""

    def __init__(self, package: RulePackage, arm: int, second: int) -> None:
        words = WORDING["reasons"]
        unit = "percentage points" if package.outcome.binary else package.outcome.unit or "units"
        if any(package.now or package.preferences.weights):
            unit = words["weighed"].format(unit=unit)
        self._scale = 100.0 if package.outcome.binary else 1.0
        self._names = {"arm": package.arms[arm], "other": package.arms[second], "unit": unit}
        average = _average(package, arm, second)
        self._digits = _digits(average, self._scale)
        self._features = package.spec.features
        self._worth = max(WORTH_SAYING * (package.outcome.important or 0.0), 1e-12)
        self._before, self._after = [], []
        if average.estimate >= 0:
            kind = "average" if average.low > 0 else "average_unsure"
            self._before = [words[kind].format(**self._names, **self._numbers(average))]
        else:
            self._after = [words["against_average"].format(**self._names, **self._numbers(-average))]
        if package.findings.assignment == "observational":
            self._after.append(words["routine"])

    def reasons(
        self, person: Sequence[object], largest: Sequence[int], moves: Sequence[float]
    ) -> tuple[str, ...]:
        """``person``: values in the order of the features; ``largest``: the features that move most."""
        words = WORDING["reasons"]
        told = [
            (move < 0, -abs(move), j)
            for j, move in zip(largest, moves, strict=True)
            if abs(move) > self._worth and person[j] is not None
        ]
        result = list(self._before)
        for against, size, j in sorted(told, key=lambda found: found[:2]):
            feature = self._features[j]
            result.append(
                words["against" if against else "for"].format(
                    label=_capital(feature.words),
                    value=_shown(person[j], feature.kind),
                    change=f"{'−' if against else '+'}{self._scale * -size:.{self._digits}f}",
                    **self._names,
                )
            )
        if not told:
            result.append(words["same"])
        result += self._after
        if None in person:
            unknown = [
                feature.words for feature, value in zip(self._features, person, strict=True) if value is None
            ]
            result.append(words["missing"].format(labels=", ".join(unknown)))
        return tuple(result)

    def _numbers(self, estimate: Estimate) -> dict[str, str]:
        shown = {"benefit": estimate.estimate, "low": estimate.low, "high": estimate.high}
        return {
            name: f"{self._scale * value:.{self._digits}f}".replace("-", "−") for name, value in shown.items()
        }


def _average(package: RulePackage, arm: int, second: int) -> Estimate:
    weights = np.zeros(len(package.arms))
    weights[arm], weights[second] = 1.0, -1.0
    estimate = error = 0.0
    for change, forecaster in package.parts:
        estimate += change * float(weights @ forecaster.value)
        variance = float(weights @ forecaster.value_covariance @ weights)
        error += abs(change) * sqrt(max(variance, 0.0))
    return Estimate.from_se(estimate, error)


def _digits(estimate: Estimate, scale: float) -> int:
    """So many decimals as the interval's width warrants: two significant digits of it."""
    width = scale * (estimate.high - estimate.low)
    return int(np.clip(1 - np.floor(np.log10(width)), 0, 6)) if width > 0 else 2


def _shown(value: object, kind: Kind) -> str:
    if isinstance(value, bool):
        return str(WORDING["values"]["yes" if value else "no"])
    if not isinstance(value, float):
        return str(value)
    if kind == "date":
        return (date(1970, 1, 1) + timedelta(days=value)).isoformat()
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
