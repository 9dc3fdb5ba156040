"""What a treatment study's package holds once it is opened, and how it is laid out in files."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from alleviate.features import FeatureSpec, schema
from alleviate.models.effects.ridge import RidgeModel
from alleviate.models.encoding import Encoded, Encoder
from alleviate.models.forecaster import Baseline, Forecaster
from alleviate.models.trial import Floats
from alleviate.models.trimming import Reach
from alleviate.models.uncertainty import Neighbourhoods, Outcomes, Surface
from alleviate.packages.canonical import findings_from_json, findings_to_json, to_json
from alleviate.packages.findings import Findings
from alleviate.packages.folder import read
from alleviate.packages.harm_rule import HarmRule
from alleviate.packages.manifest import Manifest
from alleviate.policies.candidates import RULES
from alleviate.policies.utility import Outlook, Preferences, look
from alleviate.terms.errors import PackageError
from alleviate.terms.outcomes import Outcome

__all__ = ["RulePackage", "golden_people", "open_rule", "rule_files", "rule_from"]

GOLDEN_PEOPLE = 8
GOLDEN_TOLERANCE = 1e-9
"""Largest difference from a golden prediction, relative to the spread of the values."""


@dataclass(frozen=True, slots=True)
class RulePackage:
    """A learned rule, ready to advise. ``best_arm`` and ``usual`` index ``arms``; ``outcome`` is complete.

    Where ``harms`` have a weight, ``forecaster`` is of the utility. ``now``: weights to judge by, where
    they are not to be those stated.
    """

    name: str
    title: str
    outcome: Outcome
    arms: tuple[str, ...]
    usual: int | None
    best_arm: int
    learner: str
    spec: FeatureSpec
    forecaster: Forecaster
    findings: Findings
    study: str
    harms: tuple[HarmRule, ...] = ()
    now: tuple[float, ...] | None = None

    @property
    def preferences(self) -> Preferences:
        """As stated: one weight and one limit a harm."""
        return Preferences.of([harm.harm for harm in self.harms]) or Preferences((), ())

    def outlook(self, frame: pl.DataFrame, encoded: Encoded | None = None) -> Outlook:
        """What is expected of people."""
        forecasters = [harm.forecaster for harm in self.harms]
        return look(self.forecaster, forecasters, self.preferences.weights, frame, encoded, self.now)

    @property
    def parts(self) -> tuple[tuple[float, Forecaster], ...]:
        """What the utility judged by is the weighted sum of."""
        stated = self.preferences.weights
        changes = [old - new for old, new in zip(stated, self.now or stated, strict=True)]
        harms = [(c, harm.forecaster) for c, harm in zip(changes, self.harms, strict=True) if c]
        return (1.0, self.forecaster), *harms

    @property
    def verdict(self) -> str:
        """By weights other than those of the study nothing was shown."""
        same = self.now is None or self.now == self.preferences.weights
        return self.findings.verdict if same else "equipoise"


def rule_files(package: RulePackage) -> dict[str, bytes]:
    """The files of a package, by name. The inverse of ``open_rule``, but for the seal."""
    forecaster = package.forecaster
    model = {
        "name": package.name,
        "title": package.title,
        "outcome": asdict(package.outcome),
        "arms": list(package.arms),
        "usual": package.usual,
        "best_arm": package.best_arm,
        "learner": package.learner,
        "features": package.spec.to_dict(),
        "encoder": forecaster.encoder.to_json(),
        "baseline": forecaster.baseline.to_json(),
        "value": forecaster.value.tolist(),
        "value_covariance": forecaster.value_covariance.tolist(),
        "slope": forecaster.slope,
        "centre": forecaster.centre.tolist(),
        "moderation": forecaster.moderation.to_json(),
        "neighbourhoods": forecaster.neighbourhoods.to_json(),
        "doubt": None if forecaster.doubt is None else forecaster.doubt.to_json(),
        "level_doubt": None if forecaster.level_doubt is None else forecaster.level_doubt.to_json(),
        "outcomes": None if forecaster.outcomes is None else forecaster.outcomes.to_json(),
        "reach": None if forecaster.reach is None else forecaster.reach.to_json(),
    }
    if package.harms:
        model["harms"] = [harm.to_json() for harm in package.harms]
    people = golden_people(forecaster.encoder, package.spec)
    golden = {"people": people.to_dicts(), "expected": _golden(package, people).tolist()}
    return {
        "model.json": to_json(model, sort=False),
        "golden.json": to_json(golden, sort=False),
        "findings.json": findings_to_json(package.findings),
        "study.toml": package.study.encode(),
        **forecaster.effect.to_files(),
    }


def open_rule(path: Path) -> tuple[RulePackage, Manifest]:
    """Verify, parse, and compare with the golden predictions. Raises ``PackageError``."""
    sealed = read(path)
    return rule_from(sealed.files, path), sealed.manifest


def rule_from(files: Mapping[str, bytes], path: Path) -> RulePackage:
    """The rule that verified ``files`` hold, compared with its golden predictions. Raises ``PackageError``.

    ``path``: where they lie, as an error shows it.
    """
    try:
        package = _parsed(files)
        golden = json.loads(files["golden.json"])
        people = pl.DataFrame(golden["people"], schema=schema(package.spec))
        expected = np.array(golden["expected"], dtype=float)
    except (KeyError, TypeError, ValueError) as error:
        raise PackageError(
            f"{path}: signed, but not a rule that this version can read ({type(error).__name__}: {error}).",
            hint="Learn the study again with this version.",
        ) from None
    found = _golden(package, people)
    same = found.shape == expected.shape and np.allclose(
        found, expected, rtol=0.0, atol=GOLDEN_TOLERANCE * (1.0 + np.abs(found).max())
    )
    if not same:
        raise PackageError(
            f"{path}: the model does not give the golden predictions that were stored with it.",
            hint="Libraries here compute otherwise: learn it again, or use the versions in findings.json.",
        )
    return package


def _golden(package: RulePackage, people: pl.DataFrame) -> Floats:
    """(n, K) or, of a package with harms, (n, K + H·K): expected outcome (or utility), then each harm."""
    found = [package.forecaster, *(harm.forecaster for harm in package.harms)]
    return np.hstack([forecaster.forecast(people).expected for forecaster in found])


def _parsed(files: Mapping[str, bytes]) -> RulePackage:
    model: dict[str, Any] = json.loads(files["model.json"])
    effects = {name: content for name, content in files.items() if name.startswith("effect")}
    forecaster = Forecaster(
        encoder=Encoder.from_json(model["encoder"]),
        baseline=Baseline.from_json(model["baseline"]),
        value=np.array(model["value"], dtype=float),
        value_covariance=np.array(model["value_covariance"], dtype=float),
        effect=RULES[model["learner"]].load(effects),
        slope=float(model["slope"]),
        centre=np.array(model["centre"], dtype=float),
        moderation=RidgeModel.from_json(model["moderation"]),
        neighbourhoods=Neighbourhoods.from_json(model["neighbourhoods"]),
        doubt=None if model["doubt"] is None else Surface.from_json(model["doubt"]),
        level_doubt=None if model["level_doubt"] is None else Surface.from_json(model["level_doubt"]),
        outcomes=None if model["outcomes"] is None else Outcomes.from_json(model["outcomes"]),
        reach=None if model["reach"] is None else Reach.from_json(model["reach"]),
    )
    return RulePackage(
        name=model["name"],
        title=model["title"],
        outcome=Outcome(**model["outcome"]),
        arms=tuple(model["arms"]),
        usual=model["usual"],
        best_arm=model["best_arm"],
        learner=model["learner"],
        spec=FeatureSpec.from_dict(model["features"]),
        forecaster=forecaster,
        findings=findings_from_json(files["findings.json"]),
        study=files["study.toml"].decode(),
        harms=tuple(HarmRule.from_json(harm, forecaster) for harm in model.get("harms", ())),
    )


def golden_people(encoder: Encoder, spec: FeatureSpec) -> pl.DataFrame:
    """Made-up people to test a package on when it is opened: around the average, the last all unknown."""
    spread = {column.feature: column.sd for column in encoder.columns if column.role == "value"}
    columns: dict[str, list[object]] = {}
    for j, feature in enumerate(spec.features):
        values: list[object] = []
        for i in range(GOLDEN_PEOPLE - 1):
            if feature.kind == "category":
                levels = encoder.levels[feature.name]
                values.append(levels[(i + j) % len(levels)] if levels else None)
            elif feature.kind == "boolean":
                values.append(bool((i + j) % 2))
            else:
                step = ((i * (j + 3)) % 7 - 3) / 2.0
                values.append(encoder.fill[feature.name] + step * spread.get(feature.name, 0.0))
        columns[feature.name] = [*values, None]
    return pl.DataFrame(columns, schema=schema(spec))
