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
    """At its defaults where one of its bags takes no more than its part of the time.

    Else, as on data that are nearly separable, its bags are fitted one by one, each to the end of its part,
    and their log odds averaged, as its own bagging does.
    """
    part = seconds / BAGS

    def bag(number: int) -> tuple[ExplainableBoostingClassifier, float]:
        began = perf_counter()
        model = ExplainableBoostingClassifier(
            outer_bags=1,
            n_jobs=1,
            random_state=seed + number,
            callback=lambda *_: perf_counter() > began + part * 0.9,
        ).fit(x, y)
        return model, perf_counter() - began

    first, took = bag(0)
    if took < part * 0.9:
        whole = ExplainableBoostingClassifier(outer_bags=BAGS, n_jobs=1, random_state=seed).fit(x, y)
        return lambda new: whole.predict_proba(new)[:, 1]
    bags = [first, *(bag(number)[0] for number in range(1, BAGS))]
    return lambda new: expit(np.mean([model.decision_function(new) for model in bags], axis=0))
