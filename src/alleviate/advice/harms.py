"""What each treatment is expected to do besides: harms of one person, and which limits they would exceed."""

from collections.abc import Mapping

import numpy as np

from alleviate.advice.reasons import WORDING
from alleviate.packages.harm_rule import HarmRule
from alleviate.packages.rule import RulePackage
from alleviate.policies.utility import Outlook
from alleviate.terms.estimates import Estimate

__all__ = ["expected_harms", "vetoes"]

ExpectedHarms = Mapping[str, Mapping[str, Estimate]]


def expected_harms(package: RulePackage, outlook: Outlook, i: int) -> ExpectedHarms:
    """Of person ``i`` each harm, by its column's name, under each arm, in its own units."""
    return {
        rule.harm.name: {
            arm: rule.shown(found.expected[i, k], found.expected_se[i, k])
            for k, arm in enumerate(package.arms)
        }
        for rule, found in zip(package.harms, outlook.harms, strict=True)
    }


def vetoes(package: RulePackage, outlook: Outlook, i: int, harms: ExpectedHarms) -> tuple[str, ...]:
    """For person ``i`` a sentence for each arm and harm whose limit bars it; none who cannot be judged."""
    if outlook.utility.problems[i] is not None:
        return ()
    told = []
    for rule, found in zip(package.harms, outlook.harms, strict=True):
        if rule.harm.limit is None:
            continue
        limit = rule.harm.sign * rule.harm.limit
        for k, arm in enumerate(package.arms):
            if found.expected[i, k] > limit:
                told.append(_veto(rule, arm, harms[rule.harm.name][arm]))
    return tuple(told)


def _veto(rule: HarmRule, arm: str, expected: Estimate) -> str:
    numbers = {"expected": expected.estimate, "low": expected.low, "high": expected.high}
    limit = rule.harm.limit or 0.0
    # as many digits as tell what is expected from the limit
    scale = 100.0 if rule.binary else 1.0
    apart = scale * abs(expected.estimate - limit)
    digits = int(np.clip(1 - np.floor(np.log10(apart)), 0, 6)) if apart > 0 else 6
    unit = " %" if rule.binary else f" {rule.harm.unit}" if rule.harm.unit else ""
    ends = {key: f"{scale * numbers[key]:.{digits}f}" for key in ("low", "high")}
    text: str = WORDING["reasons"]["veto"].format(
        arm=arm,
        harm=rule.harm.words,
        expected=f"{scale * numbers['expected']:.{digits}f}{unit}",
        limit=f"{scale * limit:g}{unit}",
        low=ends["low"],
        high=f"{ends['high']}{unit}",
    )
    return text.replace("-", "−") if min(*numbers.values(), limit) < 0 else text
