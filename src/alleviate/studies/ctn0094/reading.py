"""Finds the folder of CTN-0094 and reads its R files into clean frames: the only place that meets pandas."""

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import polars as pl

from alleviate.intake.tables import MISSING
from alleviate.intake.tables.table import quoted
from alleviate.studies.brought import VARIABLE, brought
from alleviate.terms.errors import DataError

try:
    import pyreadr

    READER: ModuleType | None = pyreadr
except ImportError:  # the extra "examples" is not installed
    READER = None

__all__ = ["COLUMNS", "NAME", "Tables", "folder_of", "read_tables"]

NAME = "ctn0094"
"""What the dataset is called in a study file, and its folder among a reader's data."""

Tables = Mapping[str, pl.DataFrame]
"""A frame a table, as ``COLUMNS`` says. ``who`` and ``when`` (days since consent) are whole numbers."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "asi": ("used_iv",),
    "demographics": (
        "age", "is_hispanic", "race", "job", "is_living_stable", "education", "marital", "is_male",
    ),
    "detox": ("what", "when"),
    "everybody": ("project",),
    "fagerstrom": ("is_smoker", "ftnd"),
    "pain": ("pain", "when"),
    "psychiatric": (
        "has_schizophrenia", "has_major_dep", "has_bipolar", "has_anx_pan", "has_brain_damage",
        "has_epilepsy", "depression", "anxiety", "has_alcol_dx", "has_amphetamines_dx", "has_cannabis_dx",
        "has_cocaine_dx", "has_sedatives_dx",
    ),
    "qol": ("is_homeless",),
    "randomization": ("treatment", "which", "when"),
    "rbs_iv": ("days", "shared"),
    "site_masked": ("site_masked",),
    "tlfb": ("what", "when"),
    "treatment": ("amount", "when"),
    "uds": ("what", "when"),
    "visit": ("visit", "what", "when"),
    "withdrawal": ("withdrawal", "when"),
}  # fmt: skip
"""The tables that are read, and their columns beside ``who``; the other tables are left alone."""

BRING = (
    'They come with the R package "public.ctn0094data" (on CRAN, MIT licence): put its data/*.rda files '
    f"into DIR/{NAME}, then add --data-dir DIR or set {VARIABLE}=DIR."
)

REFUSED = "Refused/missing"
"""One more way in which these tables write that nothing is known."""


def folder_of(data_dir: Path | None = None) -> Path:
    """The folder of the R files: ``ctn0094`` in ``data_dir`` or in ``ALLEVIATE_DATA``, or that folder itself.

    Raises ``DataError`` saying where the data can be had and how to point to them.
    """
    return brought(NAME, "The trials of CTN-0094", "randomization.rda", BRING, data_dir)


def read_tables(data_dir: Path | None = None) -> Tables:
    """Every table of ``COLUMNS``; texts are stripped, "", "Missing" and the like are null.

    Raises ``DataError`` where the folder, a table, one of its columns or the reader is not there.
    """
    folder = folder_of(data_dir)
    if READER is None:
        raise DataError(
            "The tables of CTN-0094 are R files, and the package pyreadr that reads them is not installed.",
            hint='Run: pip install "alleviate[examples]"',
        )
    return {name: _read(READER, folder / f"{name}.rda", columns) for name, columns in COLUMNS.items()}


def _read(reader: ModuleType, file: Path, columns: tuple[str, ...]) -> pl.DataFrame:
    if not file.is_file():
        raise DataError(f"{file.parent}: expected the file {file.name}, found none.", hint=BRING)
    try:
        found = reader.read_r(str(file))
    except reader.custom_errors.LibrdataError as error:
        raise DataError(f"{file}: expected an R file, got something else ({error}).", hint=BRING) from None
    if file.stem not in found:
        raise DataError(f"{file}: expected a table {quoted(file.stem)}, found none.", hint=BRING)
    frame = pl.from_pandas(found[file.stem])
    lacking = [name for name in ("who", *columns) if name not in frame.columns]
    if lacking:
        raise DataError(f"{file}: expected a column {quoted(lacking[0])}, found none.", hint=BRING)
    days = [name for name in ("who", "when") if name in frame.columns]
    text = pl.col(pl.Categorical, pl.Enum, pl.String).cast(pl.String).str.strip_chars()
    return (
        frame.select("who", *columns)
        .with_columns(pl.when(~text.is_in([*MISSING, REFUSED])).then(text))
        .with_columns(pl.col(pl.Float64).fill_nan(None))
        .with_columns(pl.col(days).cast(pl.Int64))
        .drop_nulls("who")
    )
