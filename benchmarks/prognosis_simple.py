"""Single models to race against: ridge logistic regression, LightGBM and EBM, one thread each."""

from collections.abc import Callable
from time import perf_counter

import numpy as np
import pandas as pd
from interpret.glassbox import ExplainableBoostingClassifier
from lightgbm import LGBMClassifier
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

__all__ = ["additive", "boosted", "categories", "ridge"]

Floats = NDArray[np.float64]
Predict = Callable[[pd.DataFrame], Floats]

BAGS = 14
"""EBM's default."""


def categories(x: pd.DataFrame) -> list[str]:
    return [column for column in x if not pd.api.types.is_numeric_dtype(x[column])]


def ridge(x: pd.DataFrame, y: Floats, seed: int, seconds: float) -> Predict:
    """Penalty by 5 folds and log loss; gaps filled with the median, or a category of their own."""
    named = categories(x)
    numbers = [column for column in x if column not in named]
    design = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore"), named),
    )
    model = make_pipeline(
        design,
        LogisticRegressionCV(Cs=np.logspace(-4, 2, 13), cv=5, scoring="neg_log_loss", max_iter=5000),
    ).fit(x, y)
    return lambda new: model.predict_proba(new)[:, 1]


def boosted(x: pd.DataFrame, y: Floats, seed: int, seconds: float) -> Predict:
    levels = {column: sorted(x[column].dropna().unique()) for column in categories(x)}

    def typed(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(**{c: pd.Categorical(table[c], categories=known) for c, known in levels.items()})

    model = LGBMClassifier(n_jobs=1, random_state=seed, verbose=-1).fit(typed(x), y)
    return lambda new: np.asarray(model.predict_proba(typed(new)))[:, 1]


def additive(x: pd.DataFrame, y: Floats, seed: int, seconds: float) -> Predict:
    """At its defaults if that ends within half of the time.

    Else, as on nearly separable data, where a bag may go on for long, its bags are fitted one by one,
    each to the end of its part of the other half, and their log odds averaged, as its own bagging does.
    """
    whole, ended = _until(perf_counter() + seconds / 2, x, y, BAGS, seed)
    if ended:
        return lambda new: whole.predict_proba(new)[:, 1]
    part = seconds / 2 / BAGS
    bags = [_until(perf_counter() + part * 0.9, x, y, 1, seed + number)[0] for number in range(BAGS)]
    return lambda new: expit(np.mean([model.decision_function(new) for model in bags], axis=0))


def _until(
    end: float, x: pd.DataFrame, y: Floats, bags: int, seed: int
) -> tuple[ExplainableBoostingClassifier, bool]:
    """Stopped at ``end``, and whether it had ended by itself."""
    model = ExplainableBoostingClassifier(
        outer_bags=bags, n_jobs=1, random_state=seed, callback=lambda *_: perf_counter() > end
    ).fit(x, y)
    return model, perf_counter() < end
