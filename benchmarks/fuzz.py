"""Mutated files, thrown at every door: each is read or refused in words, and never crashes, hangs or grows.

``python benchmarks/fuzz.py --inputs 100000`` runs the whole proof, a test a part of it. An input that raises
anything but an AlleviateError, or takes more than ten seconds, ends the run and is kept in a file.
"""

import argparse
import gzip
import json
import os
import resource
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from types import FrameType

import numpy as np

from alleviate.features.declared import read_features
from alleviate.intake.formats import FORMATS
from alleviate.intake.reading import Context, Refusal
from alleviate.studies.files import loads
from alleviate.terms.errors import AlleviateError

__all__ = ["Door", "doors", "mutants", "run"]

GROWTH = 500 * 2**20
SECONDS = 10
NOW = datetime(2026, 1, 1, tzinfo=UTC)

Door = tuple[str, bytes, Callable[[bytes], int]]
"""A name, a good input, and its reader, which returns how many lines it refused or raises AlleviateError."""

MAPPING = b"""
[table]
shape = "wide"
subject = "id"
time = "date"

[columns]
phq9 = { code = "LOINC//44261-6", kind = "questionnaire" }
weight = { code = "LOINC//29463-7", kind = "measurement", unit = "kg" }
"""
WIDE = b"id,date,phq9,weight\n" + b"".join(
    b"p%d,2024-05-%02d,%d,%d.5\n" % (n, n + 1, n, 60 + n) for n in range(9)
)
STUDY = b"""
[study]
name = "trial"
title = "A trial"
question = "Who?"
reference = "None"

[data]
path = "trial.csv"

[treatment]
column = "arm"
usual = "a"
assignment = "randomised"

[outcome]
column = "y"
better = "lower"

[features]
include = ["x", "z"]
"""

FEATURES = b"""
[features]
age = { take = "age" }
phq9 = { of = "phq9", take = "slope", window = "90d" }
sessions = { kind = "session", code = "SESSION//attended", take = "count", since = "start" }
"""

NASTY = (
    *(b"{" * 300, b"[" * 100_000, b'{"a":' * 5_000, b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r\n", b"NaN"),
    *(b"1e999", b"-1e-999", b"9" * 400, b'"\\ud800"', b"null", b"true", b'""', b"9999-99-99T99:99:99Z"),
    *(
        b"0001-01-01T00:00:00+23:59",
        b"9999-12-31T23:59:59-23:59",
        b"2024-02-30",
        b"=1+1",
        b"urn:uuid:",
        b"//",
    ),
)
"""What has broken readers of JSON, dates and tables before."""


def mutants(good: bytes, rng: np.random.Generator) -> Iterator[bytes]:
    """Endless variations of one input: bytes flipped, cut, doubled, swapped, and nasty pieces put in."""
    while True:
        data = bytearray(good)
        for _ in range(int(rng.integers(1, 6))):
            start, end = sorted(rng.integers(0, len(data) + 1, 2).tolist())
            end = min(end, start + 200)
            piece = NASTY[int(rng.integers(len(NASTY)))]
            match int(rng.integers(7)):
                case 0 if data:
                    data[min(start, len(data) - 1)] ^= 1 << int(rng.integers(8))
                case 1:
                    del data[start:end]
                case 2:
                    data[start:start] = data[start:end] * int(rng.integers(1, 50))
                case 3:
                    data[start:end] = piece
                case 4:
                    data[start:start] = piece
                case 5:
                    del data[start:]
                case _:
                    data[start:end] = bytes(rng.integers(0, 256, end - start, dtype=np.uint8))
        yield bytes(data)


def values(good: bytes, rng: np.random.Generator) -> Iterator[bytes]:
    """Endless variations of a JSON document that stay JSON: one value replaced, dropped, doubled or moved."""
    odd = [None, True, -1, 1e300, 2**80, "", "x" * 3000, "2024", "2024-13", [], {}, [[]], [None], {"a": {}}]
    while True:
        document = json.loads(good)
        for _ in range(int(rng.integers(1, 4))):
            places = list(_places(document))
            holder, key = places[int(rng.integers(len(places)))]
            match int(rng.integers(4)):
                case 0:
                    del holder[key]
                case 1:
                    holder[key] = deepcopy(odd[int(rng.integers(len(odd)))])
                case 2:
                    other, name = places[int(rng.integers(len(places)))]
                    holder[key] = deepcopy(other[name]) if name in _keys(other) else None
                case _:
                    holder[key] = [deepcopy(holder[key]) for _ in range(3)]
            if not document:
                break
        yield json.dumps(document).encode()


def _keys(holder: dict | list) -> list:
    return list(holder) if isinstance(holder, dict) else list(range(len(holder)))


def _places(node: object) -> Iterator[tuple[dict | list, object]]:
    if isinstance(node, dict | list):
        for key in _keys(node):
            yield node, key
            yield from _places(node[key])


def doors(folder: Path, resources: list[bytes]) -> list[Door]:
    """Every door with a good input: each FHIR resource as NDJSON, in a bundle and gzipped; tables; TOML."""
    mapping = folder / "mapping.toml"
    mapping.write_bytes(MAPPING)

    def reading(format: str, name: str, context: Context) -> Callable[[bytes], int]:
        def read(data: bytes) -> int:
            path = folder / name
            path.write_bytes(data)
            return sum(isinstance(item, Refusal) for item in FORMATS[format].read(path, context))

        return read

    def mapped(data: bytes) -> int:
        mapping.write_bytes(data)
        (folder / "good.csv").write_bytes(WIDE)
        try:
            return reading("csv", "good.csv", Context(NOW, mapping=mapping))(WIDE)
        finally:
            mapping.write_bytes(MAPPING)

    def study(data: bytes) -> int:
        loads(data.decode("utf-8", "replace"))
        return 0

    def features(data: bytes) -> int:
        read_features(data.decode("utf-8", "replace"))
        return 0

    plain = Context(NOW)
    found: list[Door] = []
    for good in resources:
        kind = json.loads(good)["resourceType"]
        bundle = b'{"resourceType":"Bundle","type":"collection","entry":[{"resource":' + good + b"}]}"
        found.append((f"{kind} (NDJSON)", good + b"\n", reading("fhir", "x.ndjson", plain)))
        found.append((f"{kind} (Bundle)", bundle, reading("fhir", "x.json", plain)))
    found.append(("gzip", gzip.compress(b"\n".join(resources), 1), reading("fhir", "x.ndjson.gz", plain)))
    found.append(("CSV", WIDE, reading("csv", "x.csv", Context(NOW, mapping=mapping))))
    found.append(("mapping (TOML)", MAPPING, mapped))
    found.append(("study (TOML)", STUDY, study))
    found.append(("features (TOML)", FEATURES, features))
    return found


def run(resources: list[bytes], inputs: int, seed: int, keep: Path | None = None) -> dict[str, object]:
    """Throws ``inputs`` mutants; returns counts, seconds and the growth of memory in MB.

    Raises whatever a door raised that is no AlleviateError, or TimeoutError; the input is then in ``keep``.
    """
    rng = np.random.default_rng(seed)
    counts: Counter[str] = Counter()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    start = perf_counter()
    signal.signal(signal.SIGALRM, _too_long)
    shm = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=shm) as folder:
        streams = []
        for name, good, read in doors(Path(folder), resources):
            streams.append((name, mutants(good, rng), read))
            if name.endswith(("(Bundle)", "(NDJSON)")):
                streams.append((name, values(good, rng), read))
        for number in range(inputs):
            name, stream, read = streams[number % len(streams)]
            data = next(stream)
            signal.alarm(SECONDS)
            try:
                counts["lines refused" if read(data) else "read"] += 1
            except AlleviateError:
                counts["file refused"] += 1
            except BaseException:
                if keep is not None:
                    keep.write_bytes(data)
                raise
            finally:
                signal.alarm(0)
    growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    return {
        "inputs": inputs,
        "doors": len(streams),
        **counts,
        "seconds": round(perf_counter() - start, 1),
        "memory_mb": round(growth / 2**20),
        "holds": growth <= GROWTH,
    }


def _too_long(signal: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"an input took more than {SECONDS} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("resources", type=Path, help="an NDJSON of good FHIR resources to start from")
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("crash.bin"))
    given = parser.parse_args()
    print(run(given.resources.read_bytes().splitlines(), given.inputs, given.seed, given.keep))
