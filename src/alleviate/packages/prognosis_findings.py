"""What a prognosis study found, in numbers and words: the one object that report, JSON and package share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from alleviate.models.performance.benefit import DecisionCurve
from alleviate.models.performance.curve import CalibrationCurve
from alleviate.models.performance.elsewhere import AcrossSites, Elsewhere
from alleviate.models.performance.fairness import Fairness
from alleviate.models.performance.groups import ByGroup
from alleviate.models.performance.recalibration import Form
from alleviate.models.prognosis.coverage import Covered
from alleviate.models.prognosis.explained.importance import Importance
from alleviate.models.prognosis.explained.shapes import Shape
from alleviate.models.prognosis.fitting import Gap, LearningCurve, Needed, Path
from alleviate.packages.findings import Histogram
from alleviate.packages.transfer_findings import TransferFindings
from alleviate.terms.estimates import Estimate

__all__ = [
    "FittingFindings",
    "GroupFindings",
    "Headline",
    "ModelWords",
    "PrognosisColumn",
    "PrognosisFindings",
    "PrognosisVerdict",
    "RecalibrationFindings",
    "SitesFindings",
    "TriedCandidate",
    "Validated",
]

PrognosisVerdict = Literal["usable", "no-signal"]

Headline = Literal["cross-validation", "sites", "trials", "temporal"]
"""Whom the headline is about: folds held out, sites or trials left out in turn, or people who came later."""


@dataclass(frozen=True, slots=True)
class ModelWords:
    """The model that was packaged: ``members`` are its parts' names in words, with their shares.

    ``parameters``: effective number. ``stability``: feature → share of half samples that selected it, if
    asked. ``signal_p``: p of the test that no feature has anything to do with the outcome.
    """

    name: str
    words: str
    members: Mapping[str, float]
    parameters: float
    offered: int
    kept: tuple[str, ...]
    stability: Mapping[str, float]
    signal_p: float


@dataclass(frozen=True, slots=True)
class TriedCandidate:
    """``loss`` on people held out (log loss or squared error), and its difference to the best simple one.

    ``chosen``: share of the outer folds in which it was.
    """

    name: str
    words: str
    loss: float
    difference: float
    standard_error: float
    share: float
    chosen: float


@dataclass(frozen=True, slots=True)
class Validated:
    """Measures on people that the models had not seen. ``name`` says which people; ``n`` of them, ``events``
    of those where the outcome is an event. Curves only where something is foreseen. ``expected_auc``: what
    the model's own risks promise of the AUC among these people. ``left_out``: measure → why
    it cannot be told. ``foreseen``: "with" and "without" the event (or "all") → how many were given what."""

    name: Headline
    n: int
    events: float | None
    measures: Mapping[str, Estimate]
    left_out: Mapping[str, str]
    expected_auc: float | None
    curve: CalibrationCurve | None
    benefit: DecisionCurve | None
    foreseen: Mapping[str, Histogram] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PrognosisColumn:
    """One line of "who was in it": ``text`` is a mean (SD) or a share, ready to print."""

    name: str
    label: str
    kind: str
    missing: int
    text: str


@dataclass(frozen=True, slots=True)
class FittingFindings:
    """Over- and underfitting. ``curve``: learning curve of ``of`` (a candidate in words), its ``penalty`` and
    ``features`` the paths along stiffness and number of features of ridge regression. ``needed``: people that
    Riley's criteria ask for. ``more_people``, ``more_features``: a sentence on what they would bring."""

    of: str
    curve: LearningCurve
    gap: Gap
    verdict: str
    penalty: Path
    features: Path
    needed: Needed | None
    more_people: str
    more_features: str


@dataclass(frozen=True, slots=True)
class GroupFindings:
    """By a column of groups: each measure in each group, and, of a risk, who is picked at a threshold."""

    column: str
    label: str
    by_group: ByGroup
    fairness: Fairness | None


@dataclass(frozen=True, slots=True)
class RecalibrationFindings:
    """What the closed test would change there: the ``form``, and how much better people not seen fare."""

    form: Form
    gain: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class SitesFindings:
    """Each measure by the site (or trial) left out, and over sites; ``what``: "sites" or "trials".

    ``recalibration``: site → what recalibrating the others' model there would bring.
    """

    what: str
    by_site: ByGroup
    across: Mapping[str, AcrossSites]
    recalibration: Mapping[str, RecalibrationFindings]


@dataclass(frozen=True, slots=True)
class PrognosisFindings:
    """Everything found. ``events``: of a binary outcome or a time to an event, ``None`` otherwise.

    ``prevalence``: weighted share with the event, or the mean of the outcome. ``validations``: the headline
    first. ``whole``: False where time or the person at it cut the work short.
    """

    verdict: PrognosisVerdict
    reason: str
    n_read: int
    n: int
    events: int | None
    prevalence: float
    outcome: Mapping[str, object]
    model: ModelWords
    headline: Headline
    validations: tuple[Validated, ...]
    candidates: tuple[TriedCandidate, ...]
    columns: tuple[PrognosisColumn, ...]
    missing_outcome: int
    warnings: tuple[str, ...]
    folds: int
    repeats: int
    seed: int
    whole: bool
    fingerprint: str
    versions: Mapping[str, str]
    importance: Importance | None = None
    shapes: tuple[Shape, ...] = ()
    fitting: FittingFindings | None = None
    coverage: tuple[Covered, ...] = ()
    groups: tuple[GroupFindings, ...] = ()
    sites: SitesFindings | None = None
    elsewhere: Elsewhere | None = None
    recalibration: RecalibrationFindings | None = None
    transfer: TransferFindings | None = None

    @property
    def measures(self) -> Mapping[str, Estimate]:
        """Of the headline."""
        return self.validations[0].measures
