"""What is on the disk stays on the disk, and one writer at a time.

POSIX: folders can be opened, locked and flushed. A lock ends with its process, so that none is ever stale.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["flush_folder", "locked", "store"]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold ``folder`` against every other writer that asks by this function; waits for its turn.

    The lock lies on the folder itself: no lock file is left behind.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)  # a forked child may share the handle, and would keep the lock
        os.close(handle)


def store(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Write a new file and wait until the disk has it. Raises ``FileExistsError``."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """Wait until the disk has the names in ``folder``: else a power cut may lose a file or a renaming."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
