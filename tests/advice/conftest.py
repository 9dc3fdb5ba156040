"""A small learned rule, opened as a package would be, and people to advise."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from alleviate.features import Feature, FeatureSpec
from alleviate.models.effects.ridge import RidgeModel
from alleviate.models.encoding import Encoder
from alleviate.models.forecaster import Baseline, Forecaster
from alleviate.models.trial import Trial
from alleviate.models.uncertainty import fit_neighbourhoods
from alleviate.packages import Findings, Overlap, RuleWords
from alleviate.packages.rule import RulePackage
from alleviate.policies.selection import learn_rule
from alleviate.records import Event, PatientRecord
from alleviate.terms.codes import code
from alleviate.terms.outcomes import Outcome

MOMENT = datetime(2024, 5, 1, tzinfo=UTC)

KINDS = {"age": "number", "severity": "number", "site": "category", "sex": "boolean", "onset": "date"}


def _spec() -> FeatureSpec:
    labels = {"severity": "depression at the start"}
    return FeatureSpec(
        tuple(Feature(n, code("STUDY", "toy", n), k, labels.get(n, "")) for n, k in KINDS.items())
    )


def _people(n: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "age": rng.normal(40, 10, n),
            "severity": rng.normal(20, 5, n),
            "site": rng.choice(["north", "south", "west"], n),
            "sex": rng.uniform(size=n) < 0.4,
            "onset": np.floor(rng.uniform(18_000, 19_000, n)),
        }
    )


def _findings(verdict: str) -> Findings:
    """What the advice reads of it is the verdict alone."""
    return Findings(
        n=0, n_read=0, arms={}, missing_outcome={}, outcome={}, usual=None, assignment="randomised",
        verdict=verdict, reason="", best_arm="talk", rule=RuleWords("effects", "", ()), value={}, gain={},
        contrasts={}, share_per_arm={}, share_abstained=0.0, strengths={}, benefit={}, heterogeneity={},
        candidates=(), moderators=(), columns=(), dropped={}, overlap=Overlap("known", "", 0.0, 0, {}),
        warnings=(), folds=5, repeats=1, seed=1, fingerprint="ab" * 32, versions={},
    )  # fmt: skip


def _package(forecaster: Forecaster, outcome: Outcome, learner: str) -> RulePackage:
    return RulePackage(
        name="toy",
        title="Toy",
        outcome=outcome,
        arms=("talk", "walk"),
        usual=None,
        best_arm=int(forecaster.value.argmax()),
        learner=learner,
        spec=_spec(),
        forecaster=forecaster,
        findings=_findings("personalise"),
        study='[study]\nname = "toy"\n',
    )


def with_verdict(package: RulePackage, verdict: str) -> RulePackage:
    return replace(package, findings=_findings(verdict))


@pytest.fixture
def moment() -> datetime:
    return MOMENT


@pytest.fixture(scope="session")
def people() -> pl.DataFrame:
    """60 new people, some of whom something is not known."""
    frame = _people(60, 99)
    blank = pl.int_range(60) % 7 == 0
    return frame.with_columns(
        severity=pl.when(blank).then(None).otherwise(pl.col("severity")),
        site=pl.when(pl.int_range(60) % 9 == 1).then(None).otherwise(pl.col("site")),
    )


@pytest.fixture(scope="session")
def learned() -> dict[str, RulePackage]:
    """A rule of each learner from one trial: walking helps the more severe; symptoms, lower is better."""
    frame, rng = _people(300, 1), np.random.default_rng(2)
    arm = np.arange(300) % 2
    benefit = 0.12 * (frame["severity"].to_numpy() - 20) + 0.1
    symptoms = 10 + 0.05 * frame["age"].to_numpy() - (arm - 0.5) * benefit + 0.8 * rng.normal(size=300)
    trial = Trial(frame, arm, -symptoms, 2, np.full((300, 2), 0.5))
    found = learn_rule(trial, ("ridge", "boosted", "tree1", "tree2"), np.random.SeedSequence(1))
    outcome = Outcome("phq", "lower", important=0.2, binary=False, unit="points")
    return {name: _package(rival, outcome, name) for name, rival in found.rivals.items()}


@pytest.fixture(scope="session")
def made():
    """A rule whose every number is known: slopes of the benefit of "walk" over "talk" per SD of a feature.

    Everybody's average: ``value`` under each arm, larger is better, with ``se`` of their difference.
    """

    def make(
        slopes, *, value=(0.0, 0.5), se=0.1, level=0.0, spread=0.0, outcome=None, verdict="personalise"
    ) -> RulePackage:
        frame = _people(300, 1)
        encoder = Encoder.fit(frame)
        x = encoder.transform(frame).x
        centre, scale, p = x.mean(axis=0), x.std(axis=0), x.shape[1]
        per_column = [
            slopes.get(column.feature, 0.0) if column.role == "value" else 0.0 for column in encoder.columns
        ]
        effect = RidgeModel(
            centre,
            scale,
            np.array(per_column)[:, None] / np.sqrt(2),
            np.eye(p) * spread**2 / 2,
            no_signal=0.0,
        )
        forecaster = Forecaster(
            encoder=encoder,
            baseline=Baseline(centre, scale, np.full(p, level), np.zeros((p, p))),
            value=np.array(value),
            value_covariance=np.eye(2) * se**2 / 2,
            effect=effect,
            slope=1.0,
            centre=np.zeros(2),
            moderation=effect,
            neighbourhoods=fit_neighbourhoods(x, np.arange(300) % 2, 2, 1),
        )
        outcome = outcome or Outcome("wellbeing", "higher", important=0.1, binary=False, unit="points")
        return with_verdict(_package(forecaster, outcome, "ridge"), verdict)

    return make


@pytest.fixture(scope="session")
def record():
    """The record of one person: each value known at ``known``, unless it is ``None``."""

    def make(values, subject_id="ann", known=MOMENT) -> PatientRecord:
        events = []
        for name, value in values.items():
            if value is None:
                continue
            number, text = (None, value) if isinstance(value, str) else (float(value), None)
            events.append(Event(subject_id, known, known, code("STUDY", "toy", name), number, text))
        return PatientRecord(subject_id, events)

    return make
