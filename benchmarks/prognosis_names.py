"""Who races at prognosis: names, libraries, settings, and where each fit is written."""

from dataclasses import dataclass

__all__ = ["OURS", "PEERS", "SECONDS", "Contender"]

SECONDS = 60
"""That a fit may take."""


@dataclass(frozen=True, slots=True)
class Contender:
    """``library``: the installed package whose version is told; ``module``.``fit``: what learns.

    Modules are told by name, since no environment has all libraries. ``slow``: takes the time it is given.
    """

    name: str
    library: str
    setting: str
    module: str
    fit: str
    slow: bool = False


OURS = Contender(
    "ours", "alleviate", f"default candidates, a budget of {SECONDS} s", "prognosis_ours", "ours", slow=True
)

PEERS = (
    Contender(
        "ridge logistic",
        "scikit-learn",
        "LogisticRegressionCV, 13 penalties, 5 folds, log loss; medians for gaps, standardised, one-hot",
        "prognosis_simple",
        "ridge",
    ),
    Contender("LightGBM", "lightgbm", "LGBMClassifier at its defaults", "prognosis_simple", "boosted"),
    Contender(
        "EBM",
        "interpret-core",
        f"ExplainableBoostingClassifier at its defaults; where {SECONDS} s do not do, 14 bags cut short",
        "prognosis_simple",
        "additive",
    ),
    Contender(
        "FLAML",
        "flaml",
        f"AutoML, {SECONDS} s, log_loss; its default estimators with catboost and xgboost there",
        "prognosis_automl",
        "flaml",
        slow=True,
    ),
    Contender(
        "AutoGluon",
        "autogluon.tabular",
        f"best_quality, {SECONDS} s, log_loss; boosting, forests, no torch; one processor, so no ray",
        "prognosis_automl",
        "autogluon",
        slow=True,
    ),
)
