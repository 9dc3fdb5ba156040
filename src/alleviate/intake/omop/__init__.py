"""OMOP CDM 5.4: a folder of CSV or Parquet tables, or a PostgreSQL database."""

from alleviate.intake.omop.reading import accepts, read, read_database
from alleviate.intake.omop.writing import write
from alleviate.intake.reading import Format

__all__ = ["FORMAT", "read_database"]

FORMAT = Format("omop", "OMOP CDM 5.4 (CSV or Parquet)", accepts, read, write)
