"""Finds the folder of a public dataset that a reader brings along."""

import os
from pathlib import Path

from alleviate.terms.errors import DataError

__all__ = ["VARIABLE", "brought"]

VARIABLE = "ALLEVIATE_DATA"
"""Names the folder of a reader's data where no ``data_dir`` is given."""


def brought(name: str, words: str, sign: str, hint: str, data_dir: Path | None = None) -> Path:
    """The folder ``name`` in ``data_dir`` or in ``ALLEVIATE_DATA``, or that folder itself.

    There the file ``sign`` lies. ``words``: what the data are called, to begin a sentence; ``hint``: how to
    bring them. Raises ``DataError`` where they are not there.
    """
    given = data_dir or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if given is None:
        raise DataError(f"{words} do not come with Alleviate.", hint=hint)
    for folder in (given / name, given):
        if (folder / sign).is_file():
            return folder
    raise DataError(f"{given}: expected a folder {name} with {sign}, found none.", hint=hint)
