"""What a study file of any kind says first: its name, and where its data lie."""

import re
from pathlib import Path

from alleviate.studies import ctn0094, nhanes
from alleviate.studies.datasets import GRAMMAR, parse
from alleviate.studies.sections import Section
from alleviate.studies.vault_sections import PERSON
from alleviate.terms.study import DataSource

__all__ = ["DATA_KEYS", "STUDY_KEYS", "read_data", "read_name"]

STUDY_KEYS = ("name", "title", "question", "reference", "kind")
DATA_KEYS = ("dataset", "table", "path", "vault", "id")

FOLDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

BROUGHT = {ctn0094.NAME: ctn0094.TABLES, nhanes.NAME: nhanes.SPANS}
"""Datasets that a reader brings, and the tables that can be made of each."""


def read_name(section: Section) -> str:
    """``[study] name``. Raises StudyError."""
    name = section.required("name")
    if not FOLDER_NAME.fullmatch(name):
        raise section.wrong("name", "letters, digits, dots and dashes, since it names a folder")
    return name


def read_data(section: Section, folder: Path) -> DataSource:
    """``[data]``, checked; paths are relative to ``folder``. Raises StudyError."""
    dataset, path, vault = section.name_or_none("dataset"), section.name_or_none("path"), _vault(section)
    given = [
        key for key, value in (("dataset", dataset), ("path", path), ("vault", vault)) if value is not None
    ]
    if len(given) != 1:
        hint = 'As in: path = "trial.csv"'
        message = f"expected one of dataset, path and vault, got {' and '.join(given) or 'none'}"
        raise section.error(given[0] if given else "dataset", message, hint)
    table = None
    if dataset in BROUGHT:
        table = section.choice("table", tuple(BROUGHT[dataset]))
    elif "table" in section:
        hint = f'Leave it out, or write: dataset = "{ctn0094.NAME}"'
        raise section.error("table", "only a dataset of several trials has tables to choose from", hint)
    elif dataset is not None:
        try:
            parse(dataset)
        except ValueError:
            raise section.wrong("dataset", GRAMMAR) from None
    full = None if path is None else str((folder / path).resolve())
    person = section.name_or_none("id") or (PERSON if vault is not None else None)
    return DataSource(dataset, full, person, vault, table)


def _vault(section: Section) -> str | None:
    """Where the vault is, "" for the usual place, None where it is not asked for."""
    if section.values.get("vault") is True:
        return ""
    if section.values.get("vault") is False:
        raise section.wrong("vault", "true, or where the vault is", "Leave it out.")
    return section.name_or_none("vault")
