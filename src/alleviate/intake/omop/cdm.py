"""The tables of OMOP CDM 5.4 that we read and write, and the few concepts known without a vocabulary."""

import tomllib
from importlib.resources import files
from typing import Any

from msgspec import Struct, convert

from alleviate.records import Kind

__all__ = ["EHR", "EVENTS_TABLE", "LAST_IDS_TABLE", "OPERATORS", "OUTPATIENT", "SEXES", "TABLES", "Table"]

EVENTS_TABLE = "alleviate_event"
"""Ours: every event exactly as it was; all its columns are text."""

LAST_IDS_TABLE = "alleviate_last_id"
"""Ours: up to which id the rows of each table are written out in `EVENTS_TABLE`."""

EHR = "32817"
"""The concept of a record's origin: an electronic health record."""

OUTPATIENT = "9202"
SEXES = {"8507": "male", "8532": "female", "8521": "other", "8551": "unknown"}
OPERATORS = {"4171756": "<", "4172704": ">", "4171754": "<=", "4171755": ">="}
"""Numbers with one of these are bounds, not values."""


class Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``start`` and ``end`` go before ``_date`` and ``_datetime``, ``name`` before ``_concept_id`` and
    ``_source_value``; "" where a table has none.
    """

    id: str
    columns: tuple[str, ...]
    kind: Kind = "measurement"
    start: str = ""
    end: str = ""
    name: str = ""


def _read() -> dict[str, Table]:
    data: dict[str, Any] = tomllib.loads(
        files("alleviate.intake.omop").joinpath("cdm.toml").read_text("utf-8")
    )
    return {
        name: convert({**table, "columns": table["columns"].split()}, Table) for name, table in data.items()
    }


TABLES = _read()
"""By name, in the order in which they are read and written."""
