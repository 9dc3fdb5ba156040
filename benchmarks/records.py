"""The record's races, in one run: conversion, the encrypted vault, features. Part of `make bench`.

Writes a table and its numbers to ``benchmarks/results/``. Everything runs in processes of its own, whose
memory is watched from outside. ``--scale`` shrinks what is raced, for a quick look.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import records_features
import records_vault
from lines import RESULTS, Line, note, written
from records_memory import run_watched
from records_observations import generate
from records_peers import race

MILLION = 1_000_000


def conversion(file: Path, count: int, workers: int) -> Line:
    """NDJSON Observations → sorted MEDS Parquet by the command line, start of the program included."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "meds"
        arguments = ["-m", "alleviate", "convert", str(file), "--to", "meds", "--out", str(out), "--json"]
        ran = run_watched([*arguments, "--workers", str(workers)])
    done = json.loads(ran.output)
    if (done["stored"], done["rejected"]) != (count, []):
        raise AssertionError(f"Not everything was converted: {done['stored']} of {count}")
    rate, peak = count / done["seconds"], ran.peak / 1e6
    found = f"{rate:,.0f} a second ({ran.seconds:.1f} s in all), {peak:.0f} MB at most"
    what = f"{count:,} Observations → MEDS, {workers} processes"
    if workers == 1:
        return Line(f"— {what}", "for the record", found, None)
    return Line(what, "≥ 40,000 a second, ≤ 500 MB", found, rate >= 40_000 and peak <= 500)


def conversions(folder: Path, scale: float, seed: int, cores: int) -> Iterator[Line]:
    for size in (0.2 * MILLION, MILLION):
        count = max(200, round(size * scale))
        file = folder / f"{count}.ndjson"
        generate(file, count, seed)
        yield conversion(file, count, max(2, cores))
    yield conversion(file, count, 1)
    for name, rate in race(file):
        found = f"{rate:,.0f} a second" if rate else "not installed (extra: peers)"
        yield Line(f"— {name} on the same file: parse and validate only, one process", "beside", found, None)


def vaults(folder: Path, scale: float, seed: int) -> Iterator[Line]:
    count = max(200, round(100_000 * scale))
    file = folder / "vault.ndjson"
    generate(file, count, seed)
    for database in records_vault.DATABASES:
        ran, seconds = records_vault.race(database, file)
        rate = count / seconds
        found = f"{rate:,.0f} a second, {ran.peak / 1e6:.0f} MB at most"
        what = f"{count:,} Observations into the encrypted vault with its audit, {database}"
        yield Line(what, "≥ 5,000 a second", found, rate >= 5_000)


def features(scale: float, seed: int) -> Iterator[Line]:
    found = records_features.run(
        max(20, round(100_000 * scale)), max(2000, round(10 * MILLION * scale)), seed
    )
    what = f"{found['features']} features from {found['events']:,} events of {found['patients']:,} patients"
    took = f"{found['seconds']:.1f} s, {found['peak_mb']:.0f} MB"
    yield Line(what, "≤ 20 s", took, found["seconds"] <= 20)
    beside = (
        f"{found['pandas_seconds']:.1f} s, {found['pandas_peak_mb']:.0f} MB: {found['ratio']:.1f} times ours"
    )
    yield Line("— the same in pandas", "beside", beside, None)
    yield Line("— and with the same result", "the same", str(found["equal"]), found["equal"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the sizes, for a quick look")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the table")
    asked = parser.parse_args()
    lines: list[Line] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts: list[Callable[[], Iterator[Line]]] = [
            lambda: conversions(folder, asked.scale, asked.seed, asked.cores),
            lambda: vaults(folder, asked.scale, asked.seed),
            lambda: features(asked.scale, asked.seed),
        ]
        for part in parts:
            for line in part():
                note(f"{line.what}: {line.found}")
                lines.append(line)
    settings = {"scale": asked.scale, "seed": asked.seed}
    written("records", "The record", lines, settings, results=asked.results)


if __name__ == "__main__":
    main()
