"""What is read, in parts of bounded size: items gathered into tables; ranges of NDJSON, several at once.

NDJSON is cut into ranges at the ends of lines, and each is read by a process of its own. Those processes load
this file and what it imports, no more.
"""

import gc
import sys
from codecs import BOM_UTF8
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from joblib.externals.loky import ProcessPoolExecutor

from alleviate.intake.fhir.files import LONGEST_LINE, is_lines
from alleviate.intake.fhir.forms import Library
from alleviate.intake.fhir.reading import read_lines, surroundings
from alleviate.intake.fhir.resources import Reader
from alleviate.intake.fhir.subjects import Neighbours
from alleviate.intake.meds.writing import Batch
from alleviate.intake.reading import Caution, Context, Definition, Item, Place
from alleviate.records import Entry
from alleviate.terms.errors import InputError

__all__ = ["Part", "Range", "at_once", "gathered", "ranges_of"]

RANGE = 4_000_000
"""Bytes of NDJSON that one process reads at a time."""


class Range(NamedTuple):
    """Whole lines of a file, as bytes from ``start`` to before ``end``."""

    file: Path
    start: int
    end: int


@dataclass(slots=True)
class Part:
    """Some items in their order, the entries as a table; of a range its ``lines`` and types ``left_out``."""

    table: pa.Table
    read: int
    stored: int
    places: list[Place]
    lines: int = 0
    left_out: dict[str, tuple[int, int]] = field(default_factory=dict)


def gathered(items: Iterable[Item], at_most: int | None = 50_000) -> Iterator[Part]:
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
            yield Part(batch.table(), read, stored, places)
            read, stored, places = 0, 0, []
    yield Part(batch.table(), read, stored, places)


def at_once(ranges: Sequence[Range], files: Sequence[Path], context: Context, workers: int) -> Iterator[Part]:
    """What is in each range, in order; hardly more are read ahead than there are processes to read them."""
    waiting: deque[Future[Part]] = deque()
    pool = ProcessPoolExecutor(
        min(workers, len(ranges)), initializer=_born, initargs=(list(files), context)
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


class _NoPandas(MetaPathFinder):
    """Where pandas is installed, pyarrow loads it though nothing here uses it: 50 MB, and half a second."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


def _born(files: list[Path], context: Context) -> None:
    """The start of a process of ours."""
    sys.meta_path.insert(0, _NoPandas())
    _begin(files, context)
    gc.freeze()  # what is there by now stays: no need to look at it again and again


def _begin(files: list[Path], context: Context) -> None:
    _shared[:] = [(context, *surroundings(files, context))]


def _read_range(some: Range) -> Part:
    """The items of a range; lines are counted from its first."""
    reader = Reader(str(some.file), *_shared[0])
    with some.file.open("rb") as file:
        file.seek(some.start)
        lines = file.read(some.end - some.start).split(b"\n")
    if some.start == 0:
        lines[0] = lines[0].removeprefix(BOM_UTF8)
    full = ((number, line.strip()) for number, line in enumerate(lines, 1) if line.strip())
    fitting = ((number, line if len(line) < LONGEST_LINE else None) for number, line in full)
    (part,) = gathered(read_lines(reader, fitting), at_most=None)
    part.lines, part.left_out = len(lines) - 1, reader.left_out
    return part


def ranges_of(files: Iterable[Path]) -> list[Range]:
    """Ranges of whole lines; none where a file cannot be cut."""
    ranges: list[Range] = []
    for file in files:
        if not is_lines(file) or file.suffix.lower() == ".gz":
            return []
        size, start = file.stat().st_size, 0
        with file.open("rb") as lines:
            while start < size:
                lines.seek(min(start + RANGE, size) - 1)
                if len(lines.readline(LONGEST_LINE)) == LONGEST_LINE:
                    return []
                ranges.append(Range(file, start, lines.tell()))
                start = lines.tell()
    return ranges
