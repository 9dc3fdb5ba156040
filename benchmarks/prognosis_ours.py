"""Ours in the prognosis race: the learner as a study calls it."""

import numpy as np
import pandas as pd
import polars as pl

from alleviate.models.prognosis.contract import Budget
from alleviate.models.prognosis.people import People
from alleviate.models.prognosis.selection import learn_prognosis
from alleviate.terms.prognosis_study import PREDICTORS
from prognosis_simple import Floats, Predict

__all__ = ["ours"]


def ours(x: pd.DataFrame, y: Floats, seed: int, seconds: float) -> Predict:
    people = People(_table(x), y, "binary", np.ones(len(y)))
    model = learn_prognosis(people, PREDICTORS, seed, Budget(seconds)).model
    return lambda new: model.predict(_table(new)).estimate


def _table(x: pd.DataFrame) -> pl.DataFrame:
    """Numbers as they are, gaps in them null; the rest as text."""
    return pl.DataFrame({column: _column(x[column]) for column in x})


def _column(values: pd.Series) -> pl.Series:
    if pd.api.types.is_numeric_dtype(values):
        return pl.Series(values.to_numpy(), nan_to_null=True)
    return pl.Series(values.to_list(), dtype=pl.String)
