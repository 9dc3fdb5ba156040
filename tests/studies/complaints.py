"""What the program says of bad input, and what lies about afterwards."""

import re
from pathlib import Path

import polars as pl

__all__ = ["cells", "complaint", "lies"]


def cells(frame, name, *rows_and_values):
    """The table with other texts in some cells of a column; row 0 stands on line 2 of the file."""
    texts = frame[name].cast(pl.String).to_list()
    for row, value in rows_and_values:
        texts[row] = value
    return frame.with_columns(pl.Series(name, texts, dtype=pl.String))


def complaint(capsys) -> str:
    """What stands on standard error, as one text, if it is a line and a hint and nothing else was printed."""
    shown = capsys.readouterr()
    assert shown.out == ""
    told = re.fullmatch(r"Error: (.+)\nHint:  (.+)\n", shown.err)
    assert told, f"expected a line and a hint, got {shown.err!r}"
    return f"{told[1]} {told[2]}"


def lies(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}
