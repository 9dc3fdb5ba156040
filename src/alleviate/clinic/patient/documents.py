"""Documents: what may be taken in, judged by its bytes; and how it is given out again."""

import base64
import hashlib
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from alleviate.terms.errors import DataError
from alleviate.vault.sheets import NewSheet, Sheet

__all__ = [
    "MOST_BYTES",
    "TYPES",
    "Document",
    "body_of",
    "content_of",
    "documents_of",
    "headers_of",
    "sheets_of",
]

MOST_BYTES = 4 * 2**20
"""Of one document; a sheet holds it as base64 under the vault's own limit."""

TYPES = {
    "application/pdf": ".pdf",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "text/plain": ".txt",
}
"""What is taken in, and how a file of it is called."""

_BEGINS = (
    (b"%PDF-", "application/pdf"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
)
_SAFE = re.compile(r"[^\w .()+-]+", re.ASCII)
_LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Document:
    """What is told of a stored document without opening it. ``id``: its thread's; ``size`` in bytes."""

    id: str
    name: str
    title: str
    type: str
    size: int
    at: datetime
    by: str


def body_of(name: str, title: str, data: bytes) -> dict[str, Any]:
    """What is told of a document without opening it. Raises DataError for what is not taken in.

    The type is what the bytes say; what the browser claims counts for nothing.
    """
    if not data:
        raise DataError("The file is empty, or none was chosen.", hint="Choose a file.")
    if len(data) > MOST_BYTES:
        raise DataError(
            f"The file is larger than {MOST_BYTES // 2**20} MB.", hint="Make it smaller, or split it."
        )
    type = _type_of(data)
    shown = " ".join(title.split())[:200]
    if any(not sign.isprintable() for sign in shown):
        raise DataError("The title has signs that cannot be shown.", hint="Type it anew.")
    return {
        "name": _safe(name, TYPES[type]),
        "title": shown,
        "type": type,
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def sheets_of(patient: str, body: Mapping[str, Any], data: bytes) -> list[NewSheet]:
    """Two of one thread: what is told of it, and the content, so that a list opens no content.

    Sent twice, a document is kept once.
    """
    thread, once = uuid.uuid4().hex, f"document-{body['sha256']}"
    content = {"data": base64.b64encode(data).decode()}
    return [
        NewSheet(patient, "document", body, thread=thread, once=once, kinds=("note",)),
        NewSheet(patient, "content", content, thread=thread, once=once, kinds=("note",)),
    ]


def documents_of(sheets: Iterable[Sheet]) -> list[Document]:
    """The latest first."""
    found = [
        Document(
            sheet.thread,
            str(sheet.body["name"]),
            str(sheet.body.get("title", "")),
            str(sheet.body["type"]),
            int(sheet.body["size"]),
            sheet.at,
            sheet.by,
        )
        for sheet in sheets
        if sheet.kind == "document"
    ]
    return sorted(found, key=lambda document: (document.at, document.id), reverse=True)


def content_of(document: Document, sheets: Iterable[Sheet]) -> bytes:
    """The document itself, from among the sheets."""
    found = (sheet for sheet in sheets if sheet.kind == "content" and sheet.thread == document.id)
    return base64.b64decode(next(found).body["data"])


def headers_of(document: Document) -> dict[str, str]:
    """To be saved, never shown as a page of ours: no type is guessed, nothing runs, no cache keeps it."""
    plain = document.name.encode("ascii", "replace").decode().replace("?", "_")
    return {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(document.name)}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-store",
    }


def _type_of(data: bytes) -> str:
    for begins, type in _BEGINS:
        if data.startswith(begins):
            return type
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if any(ord(sign) < 32 and sign not in "\n\r\t\f" for sign in text):
        raise DataError(
            "The file is of no type that is taken in.", hint="Take PDF, JPEG, PNG or plain text (UTF-8)."
        )
    return "text/plain"


def _safe(name: str, ending: str) -> str:
    """A name for the file: the last part alone, of plain signs, with the ending of what it is."""
    last = name.replace("\\", "/").rpartition("/")[2]
    stem = last.rpartition(".")[0] or last
    plain = _SAFE.sub("_", stem).strip(" ._") or "document"
    return plain[:_LONGEST_NAME] + ending
