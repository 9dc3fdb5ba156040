"""An export from a server's first answer to the files in a folder; interrupted, it goes on where it was."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import Literal

import httpx
import msgspec

from alleviate.intake.bulk.connection import Connection
from alleviate.intake.bulk.credentials import Credentials
from alleviate.intake.bulk.download import download
from alleviate.intake.bulk.limits import Limits
from alleviate.intake.bulk.manifest import OWN, UNFINISHED, Manifest, State, manifest_from
from alleviate.intake.reading import Caution
from alleviate.terms.errors import DataError, InputError
from alleviate.terms.times import check_utc

__all__ = ["fetch"]

Progress = Callable[[int, int, str], None]
"""Called with files done, files in all, and what is being done."""


def fetch(
    base_url: str,
    folder: Path,
    *,
    credentials: Credentials | None = None,
    since: datetime | None = None,
    types: Sequence[str] | None = None,
    group: str | None = None,
    level: Literal["system", "patient"] = "system",
    progress: Progress | None = None,
    caution: Callable[[Caution], None] | None = None,
    limits: Limits | None = None,
) -> list[Path]:
    """Export from the FHIR server at ``base_url`` into ``folder``; the NDJSON files, Patients first.

    Everything of the server, of its patients, or of a ``group`` of them; only what changed ``since`` (UTC),
    only these ``types`` of resources. The same call again goes on with what is missing, and asks nothing if
    nothing is. ``caution`` hears what the server could not export and what it says was deleted. Files and
    folder are for the owner only. Raises InputError (address, key, folder, network), DataError (what came).
    """
    request = _request(base_url, since, types, group, level)
    tell = progress or _silent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone_in(folder), Connection(base_url, credentials, limits or Limits()) as connection:
            state = _known(folder, request) or _kicked_off(connection, request)
            (folder / OWN).mkdir(mode=0o700, exist_ok=True)
            state.save(folder)
            manifest = state.manifest or _awaited(connection, state.status_url, folder, tell)
            state = msgspec.structs.replace(state, manifest=manifest)
            state.save(folder)
            files = _fetched(connection, manifest, folder, tell)
            if not state.finished:
                _done_with(connection, state.status_url)
                msgspec.structs.replace(state, finished=True).save(folder)
            _report(folder, manifest, caution)
            return files
    except OSError as error:
        full = error.errno in {ENOSPC, EDQUOT}
        raise InputError(
            f"{folder} cannot be written: {error.strerror}.",
            hint="Make room, then run the same command again." if full else "Name a folder of your own.",
        ) from None


def _request(
    base_url: str, since: datetime | None, types: Sequence[str] | None, group: str | None, level: str
) -> str:
    if group is not None and not (group and all(c.isascii() and (c.isalnum() or c in "-.") for c in group)):
        raise InputError(
            f"Not the id of a Group: {group!r}.", hint="As in Group/<id>: letters, digits, - and ."
        )
    path = (
        f"Group/{group}/$export"
        if group is not None
        else "Patient/$export"
        if level == "patient"
        else "$export"
    )
    asked = {"_outputFormat": "application/fhir+ndjson"}
    if types:
        asked["_type"] = ",".join(types)
    if since:
        check_utc(since, "The moment since which to export")
        asked["_since"] = since.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return f"{base_url.rstrip('/')}/{path}?{httpx.QueryParams(asked)}"


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder against a second fetch; what a killed one left unfinished is removed."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"Another export is being fetched into {folder}.", hint="Wait for it, or name another folder."
            ) from None
        for left in folder.rglob(f"{UNFINISHED}*"):
            left.unlink()
        yield
    finally:
        os.close(handle)


def _known(folder: Path, request: str) -> State | None:
    state = State.load(folder)
    if state is None and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty, and holds no export.", hint="Name an empty folder.")
    if state is not None and state.request != request:
        raise InputError(
            f"{folder} holds another export: {state.request}.",
            hint="Name another folder, or repeat that request.",
        )
    return state


def _kicked_off(connection: Connection, request: str) -> State:
    headers = {"Accept": "application/fhir+json", "Prefer": "respond-async"}
    with connection.ask(request, headers) as response:
        status_url = response.headers.get("content-location")
        if response.status_code != 202 or not status_url:
            raise InputError(
                f"{connection.base} does not start an export: {connection.words(response)}.",
                hint="Check the address, the credentials and that the server speaks FHIR Bulk Data.",
            )
        return State(request, str(response.url.join(status_url)))


def _awaited(connection: Connection, status_url: str, folder: Path, tell: Progress) -> Manifest:
    polls = 0
    while True:
        tell(0, 1, "The server is preparing")
        with connection.ask(status_url, {"Accept": "application/json"}) as response:
            if response.status_code == 200:
                return manifest_from(connection.json(response), connection.base)
            if response.status_code != 202:
                raise DataError(
                    f"{connection.base} gave the export up: {connection.words(response)}.",
                    hint=f"Remove {folder} and start again; if it stays so, tell the server's owner.",
                )
            tell(0, 1, f"The server is preparing: {response.headers.get('x-progress', '')[:60]}")
            asked = response.headers.get("retry-after")
        connection.pause(polls, asked)
        polls += 1


def _fetched(connection: Connection, manifest: Manifest, folder: Path, tell: Progress) -> list[Path]:
    output, notes = manifest.named()
    for number, (name, file) in enumerate({**output, **notes}.items()):
        tell(number, len(output) + len(notes), f"Fetching {name}")
        if not (folder / name).exists():
            download(connection, file, folder / name, token=manifest.requires_access_token)
    return [folder / name for name in output]


def _done_with(connection: Connection, status_url: str) -> None:
    """Tell the server that it may clean up; nothing depends on it, since it does so itself after a while."""
    headers = {"Accept": "application/fhir+json"}
    with suppress(httpx.TransportError, InputError), connection.ask(status_url, headers, method="DELETE"):
        pass


def _report(folder: Path, manifest: Manifest, caution: Callable[[Caution], None] | None) -> None:
    if caution is None:
        return
    for name in manifest.named()[1]:
        with (folder / name).open(encoding="utf-8", errors="replace") as lines:
            for number, line in enumerate(lines, start=1):
                for field, reason in _notes(line) if line.strip() else ():
                    caution(Caution(str(folder / name), number, field, reason))


def _notes(line: str) -> Iterator[tuple[str, str]]:
    """What a line of an error file (OperationOutcome) or a deleted file (Bundle) says: field and sentence."""
    try:
        resource = json.loads(line)
        for issue in resource.get("issue", ()):
            words = issue.get("diagnostics") or issue.get("details", {}).get("text") or issue.get("code", "")
            yield "OperationOutcome.issue", f"The server says ({issue.get('severity', 'error')}): {words}"
        for entry in resource.get("entry", ()):
            gone = entry.get("request", {}).get("url", "a resource")
            yield (
                "Bundle.entry.request",
                f"The server has deleted {gone}; it stays here until it is withdrawn.",
            )
    except (ValueError, AttributeError, TypeError):
        yield "", "A line of the server's report cannot be read."


def _silent(done: int, total: int, what: str) -> None:
    """Nobody is watching."""
