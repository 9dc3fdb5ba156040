"""What every format's reader gives: entries, and what is wrong with the rest, by file, line and field."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from alleviate.records import Entry, PatientRecord
from alleviate.terms.times import check_utc

__all__ = ["Caution", "Context", "Definition", "Format", "Item", "Place", "Refusal"]


@dataclass(frozen=True, slots=True)
class Place:
    """Something to say about one place: ``file`` as given, ``line`` from 1, ``field`` as the format names it
    ("Observation.valueQuantity.value", a column; "" for the whole), ``reason`` as one plain sentence.
    """

    file: str
    line: int
    field: str
    reason: str


class Refusal(Place):
    """A resource or row that was not taken, and why. Each counts as read."""

    __slots__ = ()


class Caution(Place):
    """Something that was read all the same, or left out as not ours to read."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Definition:
    """Something about no person that later reading needs: a FHIR Questionnaire.

    ``ref`` names it, ``body`` is JSON.
    """

    ref: str
    body: bytes


Item = Entry | Definition | Refusal | Caution
"""A reader yields these in the order of the file. Read = entries + definitions + refusals."""


@dataclass(frozen=True, slots=True)
class Context:
    """How to read: ``now`` (UTC) is the moment of the import; ``source`` goes before ids of another system
    ("north" makes "north/123" of 123); ``mapping`` says what the columns of a CSV mean; ``definitions``
    (ref → JSON) are those read before.
    """

    now: datetime
    source: str = ""
    mapping: Path | None = None
    definitions: Mapping[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_utc(self.now, "The moment of an import")

    def subject(self, id: str) -> str:
        """The subject_id of a source's id."""
        return f"{self.source}/{id}" if self.source else id


@dataclass(frozen=True, slots=True)
class Format:
    """One format in and out. Each folder of `alleviate.intake` that has a module-level ``FORMAT`` is one.

    ``accepts(path)`` says whether a file or folder looks like this format, from its name and first bytes.
    ``read(path, context)`` streams in bounded memory and raises DataError only where a whole file cannot be
    read. ``write(records, folder)`` writes what stands in the records (superseded events are left out) so
    that reading it gives the same records, and returns the files written; None where nothing is written.
    ``together(paths, context)`` reads several at once, where parts of one may stand in another.
    """

    name: str
    title: str
    accepts: Callable[[Path], bool]
    read: Callable[[Path, Context], Iterator[Item]]
    write: Callable[[Iterable[PatientRecord], Path], list[Path]] | None = None
    together: Callable[[Sequence[Path], Context], Iterator[Item]] | None = None
