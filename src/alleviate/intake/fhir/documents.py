"""DocumentReference: notes in words."""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from email.message import Message
from html.parser import HTMLParser
from typing import Any

from alleviate.intake.fhir.coding import codes_of, concept_of, words_of
from alleviate.intake.fhir.conditions import CODING, main_of
from alleviate.intake.fhir.draft import Draft
from alleviate.intake.fhir.faults import Fault
from alleviate.intake.fhir.moments import written
from alleviate.intake.fhir.shapes import Attachment, Concept, Period, Reference, Resource, Shape
from alleviate.records import Event
from alleviate.terms.codes import code

__all__ = ["DocumentReference", "read", "write"]


class Content(Shape):
    """A document in one form."""

    attachment: Attachment | None = None


class Setting(Shape):
    """In what a document arose."""

    period: Period | None = None


class DocumentReference(Resource):
    """What is read of a DocumentReference."""

    subject: Reference | None = None
    doc_status: str | None = None
    type: Concept | None = None
    date: str | None = None
    content: tuple[Content, ...] = ()
    context: Setting | None = None


def read(source: DocumentReference, draft: Draft) -> None:
    """Adds a note with its text. Raises Fault."""
    period = source.context.period if source.context else None
    when = draft.first_of(
        {"context.period.start": period.start if period else None, "date": source.date},
        "It says neither when it was written (date) nor what time it is about (context.period).",
    )
    known = draft.recorded(source.date, "date", when)
    sort = words_of(source.type) or "document"
    texts = [
        text
        for place, content in enumerate(source.content)
        if content.attachment
        and (text := _text(content.attachment, f"content[{place}].attachment", draft)) is not None
    ]
    draft.add(code("NOTE", sort), when, known, None, "\n\n".join(texts) if texts else None)
    if source.type and source.type.coding:
        draft.also((f"{CODING}{each}" for each in codes_of(source.type)), when, known)


def _text(attachment: Attachment, name: str, draft: Draft) -> str | None:
    if attachment.data is None:
        draft.caution(name, "The text stands elsewhere and was not fetched.")
        return None
    header = Message()
    header["Content-Type"] = attachment.content_type or "text/plain"
    kind = header.get_content_type()
    if not kind.startswith("text/"):
        draft.caution(name, f"A document of type {kind[:60]} is no text and was left out.")
        return None
    try:
        text = b64decode(attachment.data, validate=True).decode(str(header.get_param("charset", "utf-8")))
    except (NotBase64, UnicodeDecodeError, LookupError):
        raise Fault(f"{name}.data", "The text is not base64 of the character set that it claims.") from None
    return _words(text) if kind == "text/html" else text


class _Words(HTMLParser):
    """Gathers what a page says."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def _words(page: str) -> str:
    parser = _Words()
    parser.feed(page)
    parser.close()
    return "\n".join(line.strip() for line in "".join(parser.said).splitlines() if line.strip())


def write(events: Sequence[Event]) -> dict[str, Any]:
    """A DocumentReference of these events."""
    note = next((event for event in events if event.code.startswith("NOTE//")), main_of(events, "NOTE"))
    more = [event.code for event in events if event.code.startswith(CODING)]
    sort = note.code.removeprefix("NOTE//").replace("%2F", "/").replace("%25", "%")
    kind = concept_of(more[0].removeprefix(CODING), sort, more[1:]) if more else {"text": sort}
    attachment: dict[str, Any] = {"contentType": "text/plain; charset=utf-8"}
    if note.text_value is not None:
        attachment["data"] = b64encode(note.text_value.encode()).decode()
    return {
        "status": "current",
        "type": kind,
        "date": written(note.known_at),
        "content": [{"attachment": attachment}],
        "context": {"period": {"start": written(note.time)}},
    }
