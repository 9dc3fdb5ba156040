"""What comes in as one thing and is replaced as one: a resource, a row, a questionnaire as filled in."""

from dataclasses import dataclass
from datetime import datetime

from alleviate.records.event import Event
from alleviate.records.kinds import Kind
from alleviate.terms.errors import DataError

__all__ = ["Entry"]


@dataclass(frozen=True, slots=True)
class Entry:
    """The events of one source's resource about one person. Raises DataError.

    ``ref`` names it for good ("Observation/123"): the same ref with other events is a correction.
    ``changed_at`` (UTC) is when the source says that it last changed, if it does. Without events the source
    has withdrawn it.
    """

    subject_id: str
    ref: str
    kind: Kind
    events: tuple[Event, ...]
    changed_at: datetime | None = None

    def __post_init__(self) -> None:
        if not (isinstance(self.ref, str) and self.ref):
            raise DataError(f"An entry needs a ref, got {self.ref!r}.", hint='Like "Observation/123".')
        for event in self.events:
            if (event.subject_id, event.entry, event.kind) != (self.subject_id, self.ref, self.kind):
                raise DataError(
                    f"The entry {self.ref} of {self.subject_id!r} ({self.kind}) was given an event of "
                    f"{event.entry!r}, {event.subject_id!r} ({event.kind}).",
                    hint="Make events with the entry's subject_id, ref and kind.",
                )
