"""Over- and underfitting seen: learning curves, gaps, complexity, and how many people would be needed."""

from alleviate.models.prognosis.fitting.complexity_path import (
    Path,
    PathPoint,
    complexity_path,
    features_path,
    penalty_path,
)
from alleviate.models.prognosis.fitting.gap import Gap, fit_gap
from alleviate.models.prognosis.fitting.learning_curve import CurvePoint, LearningCurve, learning_curve
from alleviate.models.prognosis.fitting.refits import Foresee, of_candidate
from alleviate.models.prognosis.fitting.sample_size import Needed, cox_snell, for_number, for_risk, for_time
from alleviate.models.prognosis.fitting.sentences import more_features, more_people

__all__ = [
    "CurvePoint",
    "Foresee",
    "Gap",
    "LearningCurve",
    "Needed",
    "Path",
    "PathPoint",
    "complexity_path",
    "cox_snell",
    "features_path",
    "fit_gap",
    "for_number",
    "for_risk",
    "for_time",
    "learning_curve",
    "more_features",
    "more_people",
    "of_candidate",
    "penalty_path",
]
