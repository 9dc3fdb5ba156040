"""Asks a rule about one person, as the record stands, and about the same person with other values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from alleviate import features
from alleviate.advice.harms import expected_harms, vetoes
from alleviate.advice.reasons import explain
from alleviate.decisions.parts import HarmShown
from alleviate.features import Feature
from alleviate.models.encoding import Encoded
from alleviate.models.trial import Bools, Floats, Ints
from alleviate.packages.rule import RulePackage
from alleviate.policies.choice import Choices, choose_arms
from alleviate.policies.utility import Outlook
from alleviate.records import PatientRecord
from alleviate.studies.rules import LearnedRule
from alleviate.studies.vault_sections import spec_of
from alleviate.terms.estimates import Estimate, Z

__all__ = ["Answer", "Asked", "Value", "ask"]

Value = float | str | bool | None


@dataclass(frozen=True, slots=True)
class Answer:
    """To several variants of a person. ``arm`` (n,): the best that is not barred, -1 where it cannot say;
    ``width`` (n,): of the 95 % interval of its benefit over the next best.
    """

    arm: Ints
    width: Floats


@dataclass(frozen=True, slots=True)
class Asked:
    """One person before a rule.

    ``features`` as the study defines them, ``values`` as known; ``barred`` (K,): arms that hard rules bar;
    the study's own limits come on top.
    """

    package: RulePackage
    features: tuple[Feature, ...]
    frame: pl.DataFrame
    values: Mapping[str, Value]
    barred: Bools
    outlook: Outlook
    choices: Choices
    encoded: Encoded

    @property
    def problem(self) -> str | None:
        """Why the study cannot speak of this person at all."""
        return self.outlook.utility.problems[0]

    @property
    def expected(self) -> dict[str, Estimate]:
        """The outcome under each arm, in its own units; a risk stays between 0 and 1."""
        found, binary = self.outlook.outcome, self.package.outcome.binary
        told = {}
        for k, arm in enumerate(self.package.arms):
            estimate = Estimate.from_se(found.expected[0, k], found.expected_se[0, k])
            estimate = -estimate if self.package.outcome.sign < 0 else estimate
            if binary:
                ends = (estimate.estimate, estimate.low, estimate.high)
                estimate = Estimate(*(min(max(end, 0.0), 1.0) for end in ends))
            told[arm] = estimate
        return told

    @property
    def reasons(self) -> tuple[str, ...]:
        """For and against the arm chosen, in sentences."""
        return explain(self.package, self.frame, self.encoded, self.choices)[0]

    @property
    def limits(self) -> dict[str, str]:
        """Of each arm that the study's own limits bar, the sentence that says so."""
        harms = expected_harms(self.package, self.outlook, 0)
        told = vetoes(self.package, self.outlook, 0, harms)
        own = self.outlook.barred(self.package.preferences.limits)[0]
        return {
            arm: next((text for text in told if arm in text), "")
            for k, arm in enumerate(self.package.arms)
            if own[k]
        }

    def harms(self, arm: str) -> tuple[HarmShown, ...]:
        """What is expected besides under an arm."""
        found = expected_harms(self.package, self.outlook, 0)
        return tuple(
            HarmShown(rule.harm.words, found[rule.harm.name][arm], rule.harm.unit, rule.binary)
            for rule in self.package.harms
        )

    def behind(self, arm: int, first: int) -> Estimate:
        """How much worse than the first an arm is expected to be; larger is worse."""
        utility = self.outlook.utility
        return Estimate.from_se(
            utility.expected[0, first] - utility.expected[0, arm], utility.pair_se[0, first, arm]
        )

    def what_if(self, variants: Sequence[Mapping[str, Value]]) -> Answer:
        """The rule's answer where these values were others; what bars an arm stays as it is."""
        rows = [{**self.values, **variant} for variant in variants]
        names = self.package.spec.names
        frame = pl.DataFrame(
            {name: [row[name] for row in rows] for name in names}, schema=features.schema(self.package.spec)
        )
        outlook = self.package.outlook(frame)
        barred = np.tile(self.barred, (len(rows), 1)) | outlook.barred(self.package.preferences.limits)
        found = _choose(self.package, outlook, barred)
        return Answer(found.arm, 2.0 * Z * found.error)


def ask(rule: LearnedRule, record: PatientRecord, moment: datetime, barred: Sequence[bool]) -> Asked:
    """By what was known at ``moment`` (UTC). ``barred``: of each arm, whether hard rules bar it."""
    package = rule.package
    row = features.at(record, moment, spec_of(rule.study.definitions))
    defined = {feature.name: feature for feature in spec_of(rule.study.definitions).features}
    spec = package.spec  # what is left of them, with the columns' own codes
    values = {name: row.values[name] for name in spec.names}
    frame = pl.DataFrame({name: [value] for name, value in values.items()}, schema=features.schema(spec))
    encoded = package.forecaster.encoder.transform(frame)
    outlook = package.outlook(frame, encoded)
    hard: Bools = np.array(barred, dtype=np.bool_)
    both = hard[None, :] | outlook.barred(package.preferences.limits)
    return Asked(
        package,
        tuple(defined[name] for name in spec.names),
        frame,
        values,
        hard,
        outlook,
        _choose(package, outlook, both),
        encoded,
    )


def _choose(package: RulePackage, outlook: Outlook, barred: Bools) -> Choices:
    return choose_arms(outlook.utility, best_arm=package.best_arm, verdict=package.verdict, barred=barred)
