"""Reads the SAS transport files of NHANES into clean frames: the only place here that meets pandas."""

from pathlib import Path
from types import ModuleType

import polars as pl

from alleviate.intake.tables.table import quoted
from alleviate.studies.brought import VARIABLE, brought
from alleviate.terms.errors import DataError

try:
    import pandas

    READER: ModuleType | None = pandas
except ImportError:  # the extra "examples" is not installed
    READER = None

__all__ = ["NAME", "folder_of", "read_cycle"]

NAME = "nhanes"
"""What the dataset is called in a study file, and its folder among a reader's data."""

BRING = (
    "They are public (wwwn.cdc.gov/nchs/nhanes): put DEMO_H.xpt, DPQ_H.xpt, DEMO_I.xpt, DPQ_I.xpt, "
    f"P_DEMO.xpt and P_DPQ.xpt into DIR/{NAME}, then add --data-dir DIR or set {VARIABLE}=DIR."
)

NOTHING = 1e-70
"""A zero of the transport format arrives as 5.4e-79."""


def folder_of(data_dir: Path | None = None) -> Path:
    """The folder of the transport files. Raises ``DataError`` saying where they can be had."""
    return brought(NAME, "The files of NHANES", "P_DEMO.xpt", BRING, data_dir)


def read_cycle(folder: Path, people: str, answers: str) -> pl.DataFrame:
    """Everybody of a cycle with their answers to the PHQ-9, null for who was not asked.

    ``people``, ``answers``: names of the two files without ``.xpt``. Codes are as published, zeros are zeros.
    Raises ``DataError`` where the reader or a file is not there, or a file is none.
    """
    if READER is None:
        raise DataError(
            "The files of NHANES are SAS files, and the package pandas that reads them is not installed.",
            hint='Run: pip install "alleviate[examples]"',
        )
    found, asked = (_read(READER, folder / f"{name}.xpt") for name in (people, answers))
    return found.join(asked, on="SEQN", how="left", validate="1:1").sort("SEQN")


def _read(reader: ModuleType, file: Path) -> pl.DataFrame:
    if not file.is_file():
        raise DataError(f"{file.parent}: expected the file {file.name}, found none.", hint=BRING)
    try:
        found = reader.read_sas(str(file), format="xport")
    except ValueError as error:
        raise DataError(
            f"{file}: expected a SAS transport file, got something else ({error}).", hint=BRING
        ) from None
    frame = pl.from_pandas(found)
    if "SEQN" not in frame.columns:
        raise DataError(f"{file}: expected a column {quoted('SEQN')}, found none.", hint=BRING)
    numbers = pl.col(pl.Float64).fill_nan(None)
    return frame.with_columns(pl.when(numbers.abs() < NOTHING).then(0.0).otherwise(numbers).name.keep())
