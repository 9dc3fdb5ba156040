"""Events as a MEDS dataset: shards sorted by subject and time, written in bounded memory.

Entries come in any order. They are first laid down as they come, on heaps of as many subjects as go into a
shard (where there are very many, of several shards). Then heap after heap is sorted in memory and written,
the larger ones in several passes: memory depends on how much a pass may hold, not on how much there is.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise, repeat
from operator import attrgetter
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alleviate.intake.meds.layout import CODES, COLUMNS, DATASET, EXTENSIONS, SUBJECTS, VERSION
from alleviate.records import EVENTS, Entry, Event, PatientRecord
from alleviate.terms.errors import DataError

__all__ = ["Batch", "ShardWriter", "write", "write_stream"]

SUBJECTS_A_SHARD = 1_000
EVENTS_A_BATCH = 50_000
BYTES_A_PASS = 50_000_000
"""So much is sorted in memory at a time."""

HEAPS = 128
"""So many files are open at a time."""

_FIELDS = attrgetter(*EVENTS)


def write(records: Iterable[PatientRecord], folder: Path) -> list[Path]:
    """Write what stands in the records as a MEDS dataset. Raises DataError where the folder has one."""
    sink = ShardWriter(folder)
    for record in records:
        sink.add(event for event in record.events if event.known_until is None)
    return sink.close()


def write_stream(entries: Iterable[Entry], folder: Path) -> list[Path]:
    """Write the entries, in any order, as a MEDS dataset; of one given twice the last. Raises DataError."""
    sink = ShardWriter(folder)
    for entry in entries:
        sink.add(entry.events)
    return sink.close()


class Batch:
    """Events on their way to a `ShardWriter`; may be filled in another process."""

    def __init__(self) -> None:
        self._rows: list[tuple[object, ...]] = []
        self._turns: list[int] = []
        self._turn = 0

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, events: Iterable[Event]) -> None:
        """Take the events of an entry, or of several that are given only once."""
        before = len(self._rows)
        self._rows.extend(map(_FIELDS, events))
        self._turns.extend(repeat(self._turn, len(self._rows) - before))
        self._turn += 1

    def table(self) -> pa.Table:
        """What was taken, as columns: those of `EVENTS`, and in ``turn`` by which call they came. Empties."""
        fields = dict(zip(EVENTS, zip(*self._rows, strict=True), strict=True)) if self._rows else {}
        columns = {name: fields.get(name, ()) for name in EVENTS} | {"turn": self._turns}
        table = pa.table({name: columns[name] for name in _BATCH.names}, schema=_BATCH)
        self._rows, self._turns, self._turn = [], [], 0
        return table


class ShardWriter:
    """Takes events in any order and leaves a MEDS dataset in ``folder`` when closed.

    Subjects are numbered from 1 as they come first. Of an entry that is given again only the last version is
    written; ``replaced`` counts the others. Raises DataError where the folder has a dataset already.
    """

    def __init__(self, folder: Path) -> None:
        if any((folder / "data").rglob("*.parquet")):
            raise DataError(
                f"{folder}: there is a MEDS dataset already.", hint="Name another folder, or remove it first."
            )
        self.folder = folder
        (folder / "data").mkdir(parents=True, exist_ok=True)
        (folder / "metadata").mkdir(exist_ok=True)
        self.replaced = 0
        self._batch = Batch()
        self._turn = 0
        self._numbers: dict[str, int] = {}
        self._codes: set[str] = set()
        self._heaps: dict[int, _Heap] = {}

    def add(self, events: Iterable[Event]) -> None:
        """Take the events of an entry, or of several that are given only once."""
        self._batch.add(events)
        if len(self._batch) >= EVENTS_A_BATCH:
            self.take(self._batch.table())

    def close(self) -> list[Path]:
        """Sort, write, add the metadata; the files written, shards first."""
        self.take(self._batch.table())
        written: list[Path] = []
        for _, heap in sorted(self._heaps.items()):
            for part in heap.sorted_parts():
                written.append(self.folder / "data" / f"{len(written):05}.parquet")
                pq.write_table(part, written[-1], compression="zstd")
            heap.path.unlink()
            self.replaced += heap.replaced
        return written + self._metadata()

    def take(self, batch: pa.Table) -> None:
        """Take the table of a `Batch`, after everything taken before."""
        if not len(batch):
            return
        table = self._numbered(batch)
        self._turn += len(batch)
        number = pl.Series(table["subject_id"])
        heaps = (number - 1) // SUBJECTS_A_SHARD % HEAPS
        for (heap,), rows in pl.DataFrame([heaps.alias("heap")]).with_row_index().group_by("heap"):
            if heap not in self._heaps:
                self._heaps[heap] = _Heap(self.folder / "data" / f".{heap:03}.unsorted")
            self._heaps[heap].add(table.take(rows["index"].to_arrow()))

    def _numbered(self, batch: pa.Table) -> pa.Table:
        """The batch with the columns of a heap; new subjects are numbered, codes collected."""
        self._codes.update(pc.unique(batch["code"]).to_pylist())
        subjects = batch["subject_id"].combine_chunks().dictionary_encode()
        numbers = [
            self._numbers.setdefault(i, len(self._numbers) + 1) for i in subjects.dictionary.to_pylist()
        ]
        exact = batch["numeric_value"]
        short = exact.cast(pa.float32(), safe=False)
        fits = pc.equal(short.cast(pa.float64()), exact)
        no_float, no_double = pa.scalar(None, pa.float32()), pa.scalar(None, pa.float64())
        columns = dict(zip(batch.column_names, batch.columns, strict=True)) | {
            "subject_id": pa.array(numbers, pa.int64()).take(subjects.indices),
            "numeric_value": pc.if_else(pc.is_finite(short), short, no_float),
            "numeric_value_exact": pc.if_else(fits, no_double, exact),
            "turn": pc.add(batch["turn"], self._turn),
        }
        return pa.table({name: columns[name] for name in _HEAP.names}, schema=_HEAP)

    def _metadata(self) -> list[Path]:
        dataset = {
            "dataset_name": self.folder.name,
            "etl_name": "alleviate",
            "meds_version": VERSION,
            "raw_source_id_columns": ["entry"],
            "other_extension_columns": [name for name in EXTENSIONS if name != "entry"],
        }
        paths = [self.folder / name for name in (DATASET, CODES, SUBJECTS)]
        paths[0].write_text(json.dumps(dataset, indent=2) + "\n", encoding="utf-8")
        codes = sorted(self._codes)
        nothing = pa.nulls(len(codes))
        described = {"code": codes, "description": nothing, "parent_codes": nothing}
        pq.write_table(pa.table(described, schema=_CODES), paths[1])
        people = {"subject_id": list(self._numbers.values()), "id": list(self._numbers)}
        pq.write_table(pa.table(people, schema=_SUBJECTS), paths[2], compression="zstd")
        return paths


_CODES = pa.schema(
    [
        pa.field("code", pa.string(), nullable=False),
        pa.field("description", pa.string()),
        pa.field("parent_codes", pa.list_(pa.string())),
    ]
)
_SUBJECTS = pa.schema([pa.field("subject_id", pa.int64(), nullable=False), pa.field("id", pa.string())])


_TURN = pa.field("turn", pa.int64(), nullable=False)
_HEAP = COLUMNS.append(_TURN)
_BATCH = pa.schema(
    [COLUMNS.field(name) for name in EVENTS if name not in {"subject_id", "numeric_value"}]
    + [pa.field("subject_id", pa.string(), nullable=False), pa.field("numeric_value", pa.float64()), _TURN]
)


class _Heap:
    """Events of some of the subjects as they came, in a file of their own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._out = pa.ipc.new_stream(path, _HEAP, options=pa.ipc.IpcWriteOptions(compression="zstd"))
        self.replaced = 0
        self._bytes = 0
        self._counts: Counter[int] = Counter()

    def add(self, table: pa.Table) -> None:
        self._out.write_table(table)
        self._bytes += table.nbytes
        self._counts.update(table["subject_id"].to_pylist())

    def sorted_parts(self) -> Iterator[pa.Table]:
        """At most so many subjects as a shard holds, sorted by subject and time; then others."""
        self._out.close()
        for low, high in self._passes():
            with pa.ipc.open_stream(self.path) as batches:
                number = pc.field("subject_id")
                some = [batch.filter((number >= low) & (number <= high)) for batch in batches]
            table = self._last_versions(pa.Table.from_batches(some, _HEAP)).combine_chunks()
            table = table.sort_by([("subject_id", "ascending"), ("time", "ascending")])
            shards = pc.divide(pc.subtract(table["subject_id"], 1), SUBJECTS_A_SHARD).to_numpy()
            cuts = [0, *(np.flatnonzero(np.diff(shards)) + 1), len(shards)]
            yield from (table.slice(first, last - first) for first, last in pairwise(cuts))

    def _last_versions(self, table: pa.Table) -> pa.Table:
        """Without the events of an entry that came again later, and without their turns."""
        keys = pl.DataFrame(pl.from_arrow(table.select(["subject_id", "entry", "turn"])))
        last = pl.col("turn").max().over("subject_id", "entry")
        stands = keys.select((pl.col("turn") == last) | (pl.col("entry") == "")).to_series()
        if not stands.all():
            self.replaced += keys.filter(~stands).n_unique()
            table = table.filter(stands.to_arrow())
        return table.drop_columns("turn")

    def _passes(self) -> Iterator[tuple[int, int]]:
        """Ranges of subjects whose events fit into memory together; a subject is never cut."""
        fits = BYTES_A_PASS * self._counts.total() // self._bytes
        numbers = sorted(self._counts)
        low, taken = numbers[0], 0
        for number in numbers:
            if taken and taken + self._counts[number] > fits:
                yield low, number - 1
                low, taken = number, 0
            taken += self._counts[number]
        yield low, numbers[-1]
