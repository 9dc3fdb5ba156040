"""MEDS 0.4: Parquet files of events, a dataset's folder or one file."""

from alleviate.intake.meds.reading import accepts, read
from alleviate.intake.meds.writing import ShardWriter, write, write_stream
from alleviate.intake.reading import Format

__all__ = ["FORMAT", "ShardWriter", "write_stream"]

FORMAT = Format("meds", "MEDS 0.4 (Parquet)", accepts, read, write)
