"""Tables of any layout (CSV, TSV, Parquet; long or wide), read by a mapping that says what columns mean."""

from alleviate.intake.csv.reading import accepts, read
from alleviate.intake.csv.writing import write
from alleviate.intake.reading import Format

__all__ = ["FORMAT"]

FORMAT = Format("csv", "long or wide CSV with a mapping", accepts, read, write)
