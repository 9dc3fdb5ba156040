"""One NDJSON file from a server to the disk: streamed, unpacked, counted."""

import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx

from alleviate.intake.bulk.connection import Connection
from alleviate.intake.bulk.manifest import File, new_file
from alleviate.terms.errors import DataError

__all__ = ["download"]

CHUNK = 1 << 18
_GZIP = b"\x1f\x8b"
_HEADERS = {"Accept": "application/fhir+ndjson"}


class _IncompleteError(Exception):
    """What came is less or more than was promised; the message says how."""


def download(connection: Connection, file: File, path: Path, *, token: bool) -> None:
    """Fetch ``file`` to ``path``, again if it comes incomplete. Raises InputError and DataError."""
    failures = 0
    while True:
        try:
            _fetch(connection, file, path, token)
            return
        except (httpx.TransportError, _IncompleteError) as error:
            failures += 1
            if failures >= connection.limits.failures:
                raise DataError(
                    f"{path.name} does not come whole: {str(error)[:200] or type(error).__name__}.",
                    hint="Run the same command again: what is whole is not fetched twice.",
                ) from None
            connection.pause(failures - 1)


def _fetch(connection: Connection, file: File, path: Path, token: bool) -> None:
    with connection.ask(file.url, _HEADERS, token=token) as response, new_file(path) as out:
        if response.status_code != 200:
            gone = response.status_code in {404, 410}
            raise DataError(
                f"The server does not hand out {path.name}: {connection.words(response)}.",
                hint=f"The export has expired: remove {path.parent} and start again."
                if gone
                else "Run the same command again later.",
            )
        kind = response.headers.get("content-type", "something else")
        lines, size, within = 0, 0, False
        for chunk in _unpacked(response.iter_raw(CHUNK)):
            if not size and not chunk.lstrip().startswith(b"{"):
                raise DataError(
                    f"{path.name}: expected NDJSON, got {kind}.",
                    hint="Open the server's address in a browser: a page of login may stand before it.",
                )
            size += len(chunk)
            if size > connection.limits.file_size:
                raise DataError(
                    f"{path.name} is larger than {connection.limits.file_size:,} bytes.",
                    hint="Ask for fewer kinds, or only for what is new since a day.",
                )
            connection.check_time()
            first, *rest = chunk.split(b"\n")
            within |= bool(first.strip())
            for piece in rest:
                lines += within
                within = bool(piece.strip())
            out.write(chunk)
        lines += within
        if file.count is not None and lines != file.count:
            raise _IncompleteError(f"the manifest promises {file.count} resources, {lines} came")


def _unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes, out of gzip if they are in it, whatever the headers say: no NDJSON begins as gzip does."""
    source = iter(chunks)
    head = b""
    for chunk in source:
        head += chunk
        if len(head) >= len(_GZIP):
            break
    if not head.startswith(_GZIP):
        if head:
            yield head
        yield from source
        return
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        for chunk in _chained(head, source):
            data = chunk
            while data:
                if unpacker.eof:  # the next member
                    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
                if piece := unpacker.decompress(data, CHUNK):
                    yield piece
                data = unpacker.unconsumed_tail or unpacker.unused_data
    except zlib.error as error:
        raise _IncompleteError(f"its gzip is damaged ({error})") from None
    if not unpacker.eof:
        raise _IncompleteError("its gzip ends too early")


def _chained(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from rest
