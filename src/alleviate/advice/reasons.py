"""Reasons for and against, computed from the model itself: what would change were this feature average?"""

import tomllib
from datetime import date, timedelta
from importlib import resources
from math import sqrt

import numpy as np
import polars as pl

from alleviate.features import Kind
from alleviate.models.trial import Floats
from alleviate.packages.rule import RulePackage
from alleviate.policies.choice import Choices
from alleviate.terms.estimates import Estimate

__all__ = ["explain"]

WORDING = tomllib.loads((resources.files("alleviate.advice") / "wording.toml").read_text(encoding="utf-8"))
MOST = 3
"""Reasons from features, at most."""

WORTH_SAYING = 0.05
"""Share of the smallest important difference that a feature must move to be named."""


def explain(package: RulePackage, frame: pl.DataFrame, choices: Choices) -> list[tuple[str, ...]]:
    """For each person the reasons, in words; people without a choice have none."""
    moves = _moves(package, frame, choices)
    return [
        _reasons(package, frame.row(i, named=True), int(choices.arm[i]), int(choices.second[i]), moves[i])
        if choices.arm[i] >= 0
        else ()
        for i in range(len(frame))
    ]


def _moves(package: RulePackage, frame: pl.DataFrame, choices: Choices) -> Floats:
    """(n, features): what having their own value of a feature, not the average, adds to the benefit."""
    forecaster = package.forecaster
    names = package.spec.names
    moves = np.zeros((len(frame), len(names)))
    if forecaster.slope == 0.0:
        return moves
    encoded = forecaster.encoder.transform(frame)
    rows = np.arange(len(frame))

    def benefit(x: Floats) -> Floats:
        differences = forecaster.differences(x)
        result: Floats = differences[rows, choices.arm] - differences[rows, choices.second]
        return result

    full = benefit(encoded.x)
    columns = forecaster.encoder.columns
    for j, name in enumerate(names):
        own = [i for i, column in enumerate(columns) if column.feature == name]
        if not own:
            continue
        averaged = encoded.x.copy()
        averaged[:, own] = [columns[i].mean for i in own]
        moves[:, j] = full - benefit(averaged)
    return moves


def _reasons(
    package: RulePackage, person: dict[str, object], arm: int, second: int, moves: Floats
) -> tuple[str, ...]:
    words = WORDING["reasons"]
    unit = "percentage points" if package.outcome.binary else package.outcome.unit or "units"
    scale = 100.0 if package.outcome.binary else 1.0
    names = {"arm": package.arms[arm], "other": package.arms[second], "unit": unit}
    average = _average(package, arm, second)
    digits = _digits(average, scale)
    result: list[str] = []
    if average.estimate >= 0:
        kind = "average" if average.low > 0 else "average_unsure"
        result.append(words[kind].format(**names, **_numbers(average, scale, digits)))
    worth = WORTH_SAYING * (package.outcome.important or 0.0)
    order = np.argsort(-np.abs(moves), kind="stable")[:MOST]
    features = package.spec.features
    unknown = [feature.words for feature in features if person.get(feature.name) is None]
    told = [
        j for j in order if abs(moves[j]) > max(worth, 1e-12) and person.get(features[j].name) is not None
    ]
    for j in sorted(told, key=lambda j: (moves[j] < 0, -abs(moves[j]))):
        kind = "for" if moves[j] > 0 else "against"
        value = _shown(person[features[j].name], features[j].kind)
        change = f"{scale * abs(moves[j]):.{digits}f}"
        change = f"+{change}" if kind == "for" else f"−{change}"
        result.append(
            words[kind].format(label=_capital(features[j].words), value=value, change=change, **names)
        )
    if not told:
        result.append(words["same"])
    if average.estimate < 0:
        result.append(words["against_average"].format(**names, **_numbers(-average, scale, digits)))
    if unknown:
        result.append(words["missing"].format(labels=", ".join(unknown)))
    return tuple(result)


def _average(package: RulePackage, arm: int, second: int) -> Estimate:
    weights = np.zeros(len(package.arms))
    weights[arm], weights[second] = 1.0, -1.0
    forecaster = package.forecaster
    variance = float(weights @ forecaster.value_covariance @ weights)
    error = sqrt(max(variance, 0.0))
    return Estimate.from_se(float(weights @ forecaster.value), error)


def _numbers(estimate: Estimate, scale: float, digits: int) -> dict[str, str]:
    shown = {"benefit": estimate.estimate, "low": estimate.low, "high": estimate.high}
    return {name: f"{scale * value:.{digits}f}".replace("-", "−") for name, value in shown.items()}


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
