"""Which files and columns a MEDS dataset has, and which of them are ours.

Source: https://github.com/Medical-Event-Data-Standard/meds, version 0.4.
"""

from pathlib import Path

import pyarrow as pa

__all__ = ["CODES", "COLUMNS", "DATASET", "EXTENSIONS", "SUBJECTS", "VERSION", "shards"]

VERSION = "0.4.1"
DATASET = Path("metadata/dataset.json")
CODES = Path("metadata/codes.parquet")
SUBJECTS = Path("metadata/subjects.parquet")
"""Ours: the source's id (``id``, text) of each ``subject_id`` (int64), which MEDS wants as a number."""

_MOMENT = pa.timestamp("us")

COLUMNS = pa.schema(
    [
        pa.field("subject_id", pa.int64(), nullable=False),
        pa.field("time", _MOMENT),
        pa.field("code", pa.string(), nullable=False),
        pa.field("numeric_value", pa.float32()),
        pa.field("text_value", pa.large_string()),
        pa.field("known_at", _MOMENT),
        pa.field("known_until", _MOMENT),
        pa.field("kind", pa.string()),
        pa.field("entry", pa.string()),
        pa.field("numeric_value_exact", pa.float64()),
    ]
)
"""Moments are in UTC without a zone; ``numeric_value_exact`` is there where 32 bits are too few."""

EXTENSIONS = ("known_at", "known_until", "kind", "entry", "numeric_value_exact")


def shards(path: Path) -> list[Path]:
    """The Parquet files of events of a dataset's folder, in order, however deep; or the one file itself."""
    return sorted((path / "data").rglob("*.parquet")) if path.is_dir() else [path]
