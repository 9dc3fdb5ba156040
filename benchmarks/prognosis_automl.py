"""Automatic learning to race against: FLAML and AutoGluon, in an environment of their own."""

import shutil
import tempfile

import numpy as np
import pandas as pd
from autogluon.tabular import TabularPredictor
from flaml import AutoML

from prognosis_simple import Floats, Predict, categories

__all__ = ["autogluon", "flaml"]


def flaml(x: pd.DataFrame, y: Floats, seed: int, seconds: float) -> Predict:
    def typed(table: pd.DataFrame) -> pd.DataFrame:
        return table.astype(dict.fromkeys(categories(table), "category"))

    model = AutoML()
    model.fit(
        typed(x),
        y.astype(int),
        task="classification",
        metric="log_loss",
        time_budget=seconds,
        n_jobs=1,
        seed=seed,
        verbose=0,
    )
    return lambda new: np.asarray(model.predict_proba(typed(new)))[:, 1]


def autogluon(x: pd.DataFrame, y: Floats, seed: int, seconds: float) -> Predict:
    """Its models lie in a folder that is removed once they have predicted."""
    folder = tempfile.mkdtemp()
    model = TabularPredictor("outcome", eval_metric="log_loss", path=folder, verbosity=0)
    model.fit(
        x.assign(outcome=y.astype(int)),
        time_limit=seconds,
        presets="best_quality",
        num_cpus=1,
        num_gpus=0,
    )

    def predict(new: pd.DataFrame) -> Floats:
        p = model.predict_proba(new)[1].to_numpy(dtype=float)
        shutil.rmtree(folder)
        return p

    return predict
