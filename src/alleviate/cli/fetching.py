"""What ``alleviate import`` reads: paths as they are given, or what FHIR servers hold, fetched first."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from alleviate.cli.screen import Report
from alleviate.intake import bulk
from alleviate.intake.reading import Caution
from alleviate.packages import home
from alleviate.terms.errors import DataError
from alleviate.terms.times import to_utc

__all__ = ["Asked", "fetched"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a server is asked for, as the command line says it; nothing is everything it holds."""

    client_id: str | None = None
    client_key: Path | None = None
    since: str | None = None
    group: str | None = None
    types: tuple[str, ...] = ()

    def credentials(self) -> bulk.Credentials | None:
        """Who we are to the server. Raises DataError."""
        if (self.client_id is None) != (self.client_key is None):
            raise DataError(
                "SMART needs --client-id and --client-key together.", hint="Give both or neither."
            )
        return (
            bulk.Credentials(self.client_id, self.client_key) if self.client_id and self.client_key else None
        )

    def moment(self) -> datetime | None:
        """``since`` in UTC, a day from its midnight. Raises DataError."""
        if self.since is None:
            return None
        try:
            moment = datetime.fromisoformat(self.since)
            day = len(self.since) <= len("2024-05-06")
            return moment.replace(tzinfo=UTC) if day else to_utc(moment)
        except ValueError:
            pass
        except DataError as error:
            raise DataError(f"--since: {error.message}", hint="As 2024-05-06T09:30:00Z.") from None
        raise DataError(
            f"--since: expected a day or a moment, got {self.since!r}.",
            hint="As 2024-05-06 or 2024-05-06T09:30:00Z.",
        )

    def folder(self, server: str) -> Path:
        """Where this export of the server comes to lie: the same again when it goes on."""
        asked = (server.rstrip("/"), self.moment(), self.group, self.types)
        return home() / "bulk" / sha256(repr(asked).encode()).hexdigest()[:16]


@contextmanager
def fetched(
    paths: list[str], from_server: bool, asked: Asked, progress: Report | None, cautions: list[Caution]
) -> Iterator[list[str]]:
    """What to read; what servers give comes into folders that go away again.

    They stay where something fails, so that the next run goes on from there. ``cautions`` gets what a server
    could not give and what it has deleted. Raises InputError and DataError.
    """
    if not from_server:
        servers = [path for path in paths if path.startswith(("http://", "https://"))]
        if servers:
            raise DataError(f"{servers[0]} is a server.", hint="Add --bulk to fetch its records.")
        if asked != Asked():
            raise DataError(
                "--client-id, --client-key, --since, --group and --type say what a server is asked for.",
                hint="Add --bulk, and name the server.",
            )
        yield paths
        return
    credentials, since, servers = asked.credentials(), asked.moment(), list(dict.fromkeys(paths))
    full = []
    for server in servers:
        files = bulk.fetch(
            server,
            asked.folder(server),
            credentials=credentials,
            since=since,
            types=asked.types,
            group=asked.group,
            progress=progress,
            caution=cautions.append,
        )
        full += [str(asked.folder(server))] if files else []  # whole, so that files find each other's parts
    yield full
    for server in servers:
        shutil.rmtree(asked.folder(server))
