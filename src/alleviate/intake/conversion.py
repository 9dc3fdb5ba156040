"""Records from one format into another, without a vault: in bounded memory, on all cores.

NDJSON is cut into ranges at the ends of lines; each is read by its own process, and what they find is put
together in the order of the files: the result is the same for any number of processes. Everything passes
through a MEDS dataset, which sorts the events by person in bounded memory.
"""

import shutil
import tempfile
from codecs import BOM_UTF8
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import attrgetter
from os import cpu_count
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from joblib.externals.loky import ProcessPoolExecutor

from alleviate.intake.fhir.files import LONGEST_LINE, files_of, is_lines
from alleviate.intake.fhir.forms import Library
from alleviate.intake.fhir.reading import read_lines, surroundings
from alleviate.intake.fhir.resources import Reader
from alleviate.intake.fhir.subjects import Neighbours
from alleviate.intake.formats import FORMATS, detect
from alleviate.intake.meds.layout import SUBJECTS
from alleviate.intake.meds.writing import Batch, ShardWriter
from alleviate.intake.reading import Caution, Context, Definition, Format, Item, Place, Refusal
from alleviate.records import Entry, PatientRecord
from alleviate.terms.errors import DataError, InputError

__all__ = ["Conversion", "convert"]

RANGE = 4_000_000
"""Bytes of NDJSON that one process reads at a time."""

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
        files=sum(_count(path) for path in paths),
        read=tally.read,
        stored=tally.stored - sink.replaced,
        superseded=sink.replaced,
        rejected=tuple(tally.rejected),
        warnings=tuple(tally.warnings),
        patients=patients,
        seconds=perf_counter() - started,
        written=tuple(out / name for name in names),
    )


class _Range(NamedTuple):
    """Whole lines of a file, as bytes from ``start`` to before ``end``."""

    file: Path
    start: int
    end: int


@dataclass(slots=True)
class _Part:
    """Some items in their order, the entries as a table; of a range its ``lines`` and types ``left_out``."""

    table: pa.Table
    read: int
    stored: int
    places: list[Place]
    lines: int = 0
    left_out: dict[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(slots=True)
class _Tally:
    read: int = 0
    stored: int = 0
    rejected: list[Refusal] = field(default_factory=list)
    warnings: list[Caution] = field(default_factory=list)

    def add(self, part: _Part) -> None:
        self.read += part.read
        self.stored += part.stored
        self.rejected += [place for place in part.places if isinstance(place, Refusal)]
        self.warnings += [place for place in part.places if isinstance(place, Caution)]


def _parts(path: Path, format: Format, context: Context, workers: int) -> Iterator[_Part]:
    """Everything in a path, in parts of bounded size and in the order of the files."""
    files = files_of(path) if format is FORMATS["fhir"] else []
    ranges = _ranges(files) if workers > 1 else []
    if len(ranges) < 2:
        yield from _gathered(format.read(path, context))
        return
    both = zip(ranges, _at_once(ranges, files, context, workers), strict=True)
    for file, group in groupby(both, key=lambda one: one[0].file):
        whole, lines = Reader(str(file), context, Library()), 0
        for _, part in group:
            part.places = [replace(place, line=place.line + lines) for place in part.places]
            yield part
            for name, (line, count) in part.left_out.items():
                first, before = whole.left_out.get(name, (line + lines, 0))
                whole.left_out[name] = (first, before + count)
            lines += part.lines
        yield from _gathered(whole.rest())


def _at_once(
    ranges: Sequence[_Range], files: Sequence[Path], context: Context, workers: int
) -> Iterator[_Part]:
    """What is in each range, in order; hardly more are read ahead than there are processes to read them."""
    waiting: deque[Future[_Part]] = deque()
    pool = ProcessPoolExecutor(
        min(workers, len(ranges)), initializer=_begin, initargs=(list(files), context)
    )  # of loky: its processes are born clean and import this file only, not the program's main one
    try:
        for some in ranges:
            waiting.append(pool.submit(_read_range, some))
            if len(waiting) > workers + 1:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise InputError(
            "A process that read the files was ended from outside.",
            hint="Free some memory, or take fewer with --workers 1.",
        ) from None
    finally:
        pool.shutdown(kill_workers=True)


_shared: list[tuple[Context, Library, Neighbours]] = []
"""Of a process that reads ranges: what it needs to know for all of them."""


def _begin(files: list[Path], context: Context) -> None:
    _shared[:] = [(context, *surroundings(files, context))]


def _read_range(some: _Range) -> _Part:
    """The items of a range; lines are counted from its first."""
    reader = Reader(str(some.file), *_shared[0])
    with some.file.open("rb") as file:
        file.seek(some.start)
        lines = file.read(some.end - some.start).split(b"\n")
    if some.start == 0:
        lines[0] = lines[0].removeprefix(BOM_UTF8)
    full = ((number, line.strip()) for number, line in enumerate(lines, 1) if line.strip())
    fitting = ((number, line if len(line) < LONGEST_LINE else None) for number, line in full)
    (part,) = _gathered(read_lines(reader, fitting), at_most=None)
    part.lines, part.left_out = len(lines) - 1, reader.left_out
    return part


def _ranges(files: Iterable[Path]) -> list[_Range]:
    """Ranges of whole lines; none where a file cannot be cut."""
    ranges: list[_Range] = []
    for file in files:
        if not is_lines(file) or file.suffix.lower() == ".gz":
            return []
        size, start = file.stat().st_size, 0
        with file.open("rb") as lines:
            while start < size:
                lines.seek(min(start + RANGE, size) - 1)
                if len(lines.readline(LONGEST_LINE)) == LONGEST_LINE:
                    return []
                ranges.append(_Range(file, start, lines.tell()))
                start = lines.tell()
    return ranges


def _gathered(items: Iterable[Item], at_most: int | None = 50_000) -> Iterator[_Part]:
    """The items in parts of ``at_most`` so many events, one at least."""
    batch, read, stored, places = Batch(), 0, 0, list[Place]()
    for item in items:
        if isinstance(item, Entry):
            batch.add(item.events)
        elif not isinstance(item, Definition):
            places.append(item)
        read += not isinstance(item, Caution)
        stored += not isinstance(item, Place)
        if at_most is not None and len(batch) >= at_most:
            yield _Part(batch.table(), read, stored, places)
            read, stored, places = 0, 0, []
    yield _Part(batch.table(), read, stored, places)


def _count(path: Path) -> int:
    """The files of a path, without those that are hidden."""
    if path.is_file():
        return 1
    names = (file.relative_to(path).parts for file in path.rglob("*") if file.is_file())
    return sum(not any(part.startswith(".") for part in parts) for parts in names)


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
