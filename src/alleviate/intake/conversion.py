"""Records from one format into another, without a vault: in bounded memory, on all cores.

What several processes read is put together in the order of the files: the result is the same for any number
of them. Everything passes through a MEDS dataset, which sorts the events by person in bounded memory.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import attrgetter
from os import cpu_count
from pathlib import Path
from time import perf_counter

import pyarrow.parquet as pq

from alleviate.intake.fhir.files import files_of
from alleviate.intake.fhir.forms import Library
from alleviate.intake.fhir.resources import Reader
from alleviate.intake.formats import FORMATS, count_files, detect
from alleviate.intake.meds.layout import SUBJECTS
from alleviate.intake.meds.writing import ShardWriter
from alleviate.intake.parts import Part, at_once, gathered, ranges_of
from alleviate.intake.reading import Caution, Context, Format, Refusal
from alleviate.records import Entry, PatientRecord
from alleviate.terms.errors import DataError, InputError

__all__ = ["Conversion", "convert"]

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Conversion:
    """What was read and written. ``superseded`` counts entries that were given again later in the files: the
    last version stands.
    """

    files: int
    read: int
    stored: int
    superseded: int
    rejected: tuple[Refusal, ...]
    warnings: tuple[Caution, ...]
    patients: int
    seconds: float
    written: tuple[Path, ...]


def convert(
    paths: Sequence[Path],
    to: Format,
    out: Path,
    context: Context,
    *,
    format: Format | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Conversion:
    """Write what these files and folders hold into the new or empty folder ``out``.

    Each path is of ``format`` or of what it looks like. ``workers`` are processes (default: one a core). The
    folder appears when it is whole, for the owner only. Raises InputError and DataError.
    """
    started = perf_counter()
    chosen = [(path, format or detect(path)) for path in paths]
    if to.write is None:
        raise InputError(f"{to.title} is read, not written.", hint="Choose another format to write.")
    with _appearing(out) as folder:
        meds = folder if to is FORMATS["meds"] else folder.with_name("events")
        sink = ShardWriter(meds)
        tally = _Tally()
        for path, found in chosen:
            for part in _parts(path, found, context, workers or cpu_count() or 1):
                sink.take(part.table)
                tally.add(part)
                if progress:
                    progress(tally.read, tally.read, f"Reading {path.name}")
        written = sink.close()
        patients = pq.read_metadata(meds / SUBJECTS).num_rows
        if meds is not folder:
            if progress:
                progress(tally.read, tally.read, f"Writing {to.title}")
            written = to.write(_records(meds, Context(context.now)), folder)
        names = [path.relative_to(folder) for path in written]
    return Conversion(
        files=sum(count_files(str(path)) for path in paths),
        read=tally.read,
        stored=tally.stored - sink.replaced,
        superseded=sink.replaced,
        rejected=tuple(tally.rejected),
        warnings=tuple(tally.warnings),
        patients=patients,
        seconds=perf_counter() - started,
        written=tuple(out / name for name in names),
    )


@dataclass(slots=True)
class _Tally:
    read: int = 0
    stored: int = 0
    rejected: list[Refusal] = field(default_factory=list)
    warnings: list[Caution] = field(default_factory=list)

    def add(self, part: Part) -> None:
        self.read += part.read
        self.stored += part.stored
        self.rejected += [place for place in part.places if isinstance(place, Refusal)]
        self.warnings += [place for place in part.places if isinstance(place, Caution)]


def _parts(path: Path, format: Format, context: Context, workers: int) -> Iterator[Part]:
    """Everything in a path, in parts of bounded size and in the order of the files."""
    files = files_of(path) if format is FORMATS["fhir"] else []
    ranges = ranges_of(files) if workers > 1 else []
    if len(ranges) < 2:
        yield from gathered(format.read(path, context))
        return
    both = zip(ranges, at_once(ranges, files, context, workers), strict=True)
    for file, group in groupby(both, key=lambda one: one[0].file):
        whole, lines = Reader(str(file), context, Library()), 0
        for _, part in group:
            part.places = [replace(place, line=place.line + lines) for place in part.places]
            yield part
            for name, (line, count) in part.left_out.items():
                first, before = whole.left_out.get(name, (line + lines, 0))
                whole.left_out[name] = (first, before + count)
            lines += part.lines
        yield from gathered(whole.rest())


def _records(meds: Path, context: Context) -> Iterator[PatientRecord]:
    """The people of a dataset of ours, one after the other."""
    for subject_id, entries in groupby(_entries(meds, context), key=attrgetter("subject_id")):
        yield PatientRecord(subject_id, (event for entry in entries for event in entry.events))


def _entries(meds: Path, context: Context) -> Iterator[Entry]:
    for item in FORMATS["meds"].read(meds, context):
        if not isinstance(item, Entry):
            raise AssertionError(f"Our own dataset was not read back: {item}")
        yield item


@contextmanager
def _appearing(out: Path) -> Iterator[Path]:
    """A folder that becomes ``out`` when all went well, and else leaves nothing."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"Expected a new or empty folder, {out} is not.", hint="Name another one.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=out.parent))  # for the owner only
        try:
            folder = unfinished / out.name
            folder.mkdir(mode=0o700)
            yield folder
            folder.replace(out)
        finally:
            shutil.rmtree(unfinished)
    except OSError as error:
        raise InputError(
            f"{error.filename or out}: {error.strerror or error}.",
            hint="Check its rights and the room there.",
        ) from None
