"""Findings of a prognosis that was never run: all that a report can show, and as little as it can hold."""

from dataclasses import replace

import numpy as np

from alleviate.models.performance.benefit import DecisionCurve
from alleviate.models.performance.curve import CalibrationCurve
from alleviate.models.performance.elsewhere import AcrossSites, Elsewhere
from alleviate.models.performance.fairness import EqualHits, Fairness, GroupRates
from alleviate.models.performance.groups import ByGroup, Chance, Group
from alleviate.models.prognosis.coverage import Covered
from alleviate.models.prognosis.explained.importance import FeatureImportance, Importance, Stability
from alleviate.models.prognosis.explained.shapes import Shape
from alleviate.models.prognosis.fitting import CurvePoint, Gap, LearningCurve, Needed, Path, PathPoint
from alleviate.models.prognosis.transfer.curve import TransferPoint
from alleviate.packages.findings import Histogram
from alleviate.packages.manifest import FORMAT, FileSeal, Manifest, Origin
from alleviate.packages.prognosis_findings import (
    FittingFindings,
    GroupFindings,
    ModelWords,
    PrognosisColumn,
    PrognosisFindings,
    RecalibrationFindings,
    SitesFindings,
    TriedCandidate,
    Validated,
)
from alleviate.packages.transfer_findings import TransferFindings, TransferWay
from alleviate.reports.tripod import Known
from alleviate.terms.estimates import Estimate
from alleviate.terms.prognosis_study import PredictedOutcome, PrognosisStudy, PrognosisValidation
from alleviate.terms.study import DataSource

STUDY = PrognosisStudy(
    name="return-of-symptoms",
    title="Who will be <ill> again within a year?",
    question="Which patients who have recovered will be ill again?",
    data=DataSource(path="people.csv"),
    outcome=PredictedOutcome("again", kind="binary", present="yes", label="relapse within a year"),
    known_after=("weeks_well",),
    labels={"phq": "depression at the start", "work": "in work", "sex": "sex"},
    validation=PrognosisValidation(groups=("sex",)),
)

MEASURES = {
    "auc": Estimate(0.71, 0.66, 0.76),
    "brier": Estimate(0.19, 0.17, 0.21),
    "calibration_slope": Estimate(0.95, 0.75, 1.15),
    "calibration_intercept": Estimate(0.02, -0.2, 0.24),
    "e_o": Estimate(0.98, 0.9, 1.07),
}


RECALIBRATED = {
    "Leeds": RecalibrationFindings("level", {"log_loss": Estimate(0.003, 0.001, 0.005)}),
    "York": RecalibrationFindings("none", {"log_loss": Estimate(0.0, 0.0, 0.0)}),
}


def around(x: float, far: float) -> Estimate:
    return Estimate(x, x - far, x + far)


def curve() -> CalibrationCurve:
    at = np.linspace(0.05, 0.8, 12).tolist()
    return CalibrationCurve(
        tuple(at),
        tuple(around(x, 0.04) for x in at),
        ici=Estimate(0.021, 0.0, 0.043),
        e50=0.015,
        e90=0.052,
        by_chance=0.019,
    )


def benefit() -> DecisionCurve:
    at = [t / 100 for t in range(1, 100)]
    model = tuple(around(max(0.0, 0.3 - 0.45 * t), 0.02 if t < 0.67 else 0.0) for t in at)
    everyone = tuple(around(0.3 - 0.7 * t / (1 - t), 0.01) for t in at)
    return DecisionCurve(tuple(at), model, everyone, tuple(around(0.02, 0.03) for _ in at), ((0.2, 0.45),))


def headline() -> Validated:
    edges = tuple(np.linspace(0.05, 0.8, 6).tolist())
    return Validated(
        name="cross-validation",
        n=600,
        events=180.0,
        measures=MEASURES,
        left_out={"brier_scaled": "there is one kind of people only"},
        expected_auc=0.72,
        curve=curve(),
        benefit=benefit(),
        foreseen={
            "with": Histogram(edges, (10, 30, 60, 50, 30)),
            "without": Histogram(edges, (160, 130, 80, 40, 10)),
        },
    )


def fitting() -> FittingFindings:
    points = tuple(CurvePoint(n, 0.66 - n / 6000, 0.01, 0.5 + n / 6000) for n in (96, 168, 240, 336, 480))
    path = Path(tuple(PathPoint(c, 0.6 - c / 50, 0.6 - c / 80, 0.01) for c in (0.0, 1.0, 2.0, 3.0)), 3, 1)
    return FittingFindings(
        of="ridge-penalised regression",
        curve=LearningCurve(points, (0.01, 0.002, 0.02), 0.55),
        gap=Gap(0.56, 0.58, 0.61, 0.02, 0.004, (0.95, 0.75, 1.15), "neither"),
        verdict="neither over- nor under-fitted",
        penalty=path,
        features=path,
        needed=Needed(783, {"overfitting": 783, "level": 330}, 245),
        more_people="The 600 people are fewer than the rules of thumb ask for (783).",
        more_features="1 of 3 features foretells as well as all.",
    )


def group(name: str, n: int, auc: float, unjudged: str = "") -> Group:
    return Group(
        name, n, n // 3, {"auc": around(auc, 0.05), "e_o": Estimate(1.1, 0.9, 1.3)} if auc else {}, unjudged
    )


def groups() -> GroupFindings:
    rates = {rate: Estimate(0.5, 0.4, 0.6) for rate in ("selected", "hits", "false_alarms", "observed")}
    small = "4 with the event and 8 without; at least 10 of each are needed"
    return GroupFindings(
        "sex",
        "sex",
        ByGroup(
            (group("men", 280, 0.68), group("women", 308, 0.73), group("another", 12, 0.0, small)),
            {"auc": Chance(0.2, 0.6)},
        ),
        Fairness(
            0.3,
            (
                GroupRates("men", 280, rates, ""),
                GroupRates("women", 308, rates, ""),
                GroupRates("another", 12, {}, small),
            ),
            {"hits": Estimate(0.1, 0.02, 0.18), "false_alarms": Estimate(0.05, -0.02, 0.12)},
            EqualHits(
                {"men": 0.27, "women": 0.32}, 0.6, Estimate(-0.004, -0.01, 0.002), Estimate(0.01, 0.0, 0.02)
            ),
            Estimate(-0.0002, -0.0004, 0.0001),
        ),
    )


def full() -> PrognosisFindings:
    """Everything found that people held out in turn can show."""
    return PrognosisFindings(
        verdict="usable",
        reason="AUC 0.71 (0.66 to 0.76) among people held out",
        n_read=640,
        n=600,
        events=180,
        prevalence=0.3,
        outcome={"name": "again", "kind": "binary", "label": "relapse within a year", "unit": ""},
        model=ModelWords(
            "blend",
            "mean of the simple models",
            {"ridge": 0.6, "spline": 0.4},
            parameters=3.4,
            offered=3,
            kept=("phq", "work", "sex"),
            stability={"phq": 0.98},
            signal_p=0.001,
        ),
        headline="cross-validation",
        validations=(headline(),),
        candidates=(
            TriedCandidate("none", "the average for everybody", 0.61, 0.03, 0.008, 0.0, 0.0),
            TriedCandidate("ridge", "ridge-penalised regression", 0.58, 0.0, 0.0, 0.6, 0.2),
        ),
        columns=(
            PrognosisColumn("phq", "depression at the start", "number", 12, "14.2 (5.1)"),
            PrognosisColumn("work", "in work", "binary", 0, "61%"),
            PrognosisColumn("sex", "sex", "category", 0, "women 51%, men 47%, another 2%"),
        ),
        missing_outcome=30,
        warnings=("30 of 640 people have no known outcome",),
        folds=5,
        repeats=2,
        seed=1,
        whole=True,
        fingerprint="ab" * 32,
        versions={"python": "3.12", "alleviate": "0.1.0"},
        importance=Importance(
            tuple(
                FeatureImportance(name, around(size, 0.05), around(loss, 0.004), 1.0)
                for name, size, loss in (("phq", 0.5, 0.02), ("work", 0.2, 0.001), ("sex", 0.1, -0.001))
            ),
            Stability(5, 0.91, 0.88),
        ),
        shapes=(
            Shape("work", (False, True), (230, 370), (around(0.05, 0.02), around(-0.03, 0.01))),
            Shape(
                "phq",
                (5.0, 12.0, 24.0),
                (90, 300, 210),
                (around(-0.1, 0.03), around(0.0, 0.01), around(0.2, 0.05)),
            ),
            Shape("sex", ("men", "women"), (280, 308), (around(0.01, 0.02), around(-0.01, 0.02))),
        ),
        fitting=fitting(),
        coverage=(Covered("", "", 600, 0.905, 0.88, 0.925), Covered("sex", "men", 280, 0.81, 0.76, 0.85)),
        groups=(groups(),),
    )


def sites() -> PrognosisFindings:
    """The same people by the sites that they came from."""
    across = AcrossSites(
        Estimate(0.7, 0.6, 0.79), Estimate(0.7, 0.5, 0.85), {"Leeds": around(0.69, 0.05)}, 0.2
    )
    by_site = ByGroup(
        (group("Leeds", 300, 0.68), group("York", 288, 0.73), group("Hull", 12, 0.0, "12 people")), {}
    )
    return replace(
        full(),
        headline="sites",
        validations=(replace(headline(), name="sites"),),
        folds=3,
        sites=SitesFindings("sites", by_site, {"auc": across, "calibration_slope": across}, RECALIBRATED),
    )


def later() -> PrognosisFindings:
    """Tested on people who came later."""
    return replace(
        full(),
        n_read=1240,
        headline="temporal",
        validations=(replace(headline(), name="temporal"), headline()),
        elsewhere=Elsewhere(
            mean=around(0.1, 0.05),
            spread=around(0.02, 0.05),
            auc_here=around(0.72, 0.04),
            auc_there=around(0.7, 0.05),
            by_case_mix=around(-0.01, 0.005),
            by_model=around(-0.01, 0.03),
        ),
        recalibration=RecalibrationFindings("level", {"log_loss": Estimate(0.003, 0.001, 0.005)}),
        transfer=TransferFindings(
            source="elsewhere",
            title="Relapse in another country",
            fingerprint="cd" * 32,
            with_people=False,
            ways=(TransferWay("recalibrated", "the source, recalibrated", 0.57, 0.7),),
            loss=0.57,
            loss_afresh=0.58,
            refused=False,
            reason="it lowers the loss on people held out",
            kept=0.9,
            curve=(
                TransferPoint(
                    50, 20, around(0.6, 0.01), around(0.66, 0.02), around(0.62, 0.01), around(0.06, 0.02)
                ),
            ),
        ),
    )


def nothing() -> PrognosisFindings:
    """No signal, a number that has a unit, and none of what may be missing."""
    return replace(
        full(),
        verdict="no-signal",
        reason="nothing is shown to foretell the outcome",
        events=None,
        prevalence=12.3,
        outcome={"name": "cesd", "kind": "numeric", "label": "CES-D", "unit": "points", "horizon": None},
        model=ModelWords("none", "the average for everybody", {}, 0.0, 3, (), {}, 0.4),
        validations=(
            Validated("cross-validation", 600, None, {"mae": Estimate(8.1, 7.6, 8.6)}, {}, None, None, None),
        ),
        importance=None,
        shapes=(),
        fitting=None,
        coverage=(),
        groups=(),
        warnings=(),
    )


PROGNOSES = {"full": full, "sites": sites, "later": later, "nothing": nothing}


def study_of(findings: PrognosisFindings) -> PrognosisStudy:
    """The study that such findings would come from."""
    if findings.outcome["kind"] == "numeric":
        outcome = PredictedOutcome("cesd", kind="numeric", label="CES-D", unit="points")
        return replace(STUDY, outcome=outcome, known_after=(), validation=PrognosisValidation())
    return STUDY


def known(findings: PrognosisFindings) -> Known:
    """As if read from a package."""
    seals = {name: FileSeal.of(b"") for name in ("findings.json", "model.json", "study.toml")}
    origin = Origin("prognosis", STUDY.name, 1, findings.fingerprint, findings.versions)
    return Known(study_of(findings), findings, Manifest(FORMAT, origin, seals, "d8d00aed"))
