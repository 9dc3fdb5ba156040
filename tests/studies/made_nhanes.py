"""Made-up cycles of NHANES, written as SAS transport files: nobody's answers."""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from alleviate.studies.nhanes.survey import CYCLES, ITEMS, Cycle

__all__ = ["made_cycle", "write_survey", "write_transport"]

Columns = Mapping[str, Sequence[float]]


def made_cycle(cycle: Cycle, people: int = 60, seed: int = 10_000) -> tuple[Columns, Columns]:
    """People, of whom some are children or not examined; and their answers, some of them refused."""
    rng = np.random.default_rng(seed)
    who = cycle.year * 1000.0 + np.arange(people)
    latest = cycle.weight == "WTMECPRP"
    asked = {
        "SEQN": who,
        "RIDSTATR": rng.choice([1.0, 2.0], people, p=[0.1, 0.9]),
        "RIAGENDR": rng.choice([1.0, 2.0], people),
        "RIDAGEYR": rng.integers(0, 86, people).astype(float),
        "RIDRETH1": rng.integers(1, 6, people).astype(float),
        "DMDEDUC2": rng.choice([1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 9.0, np.nan], people),
        "DMDMARTZ" if latest else "DMDMARTL": rng.choice([1.0, 2.0, 3.0, 77.0], people),
        "DMDBORN4": rng.choice([1.0, 2.0, 99.0], people),
        "SIALANG": rng.choice([1.0, 2.0], people),
        "SIAINTRP": rng.choice([1.0, 2.0], people),
        "RIDEXMON": rng.choice([1.0, 2.0, np.nan], people),
        "INDFMPIR": rng.choice([0.0, 1.3, 5.0, np.nan], people),
        cycle.weight: rng.uniform(1000, 9000, people),
        "SDMVPSU": rng.integers(1, 3, people).astype(float),
        "SDMVSTRA": cycle.year + rng.integers(0, 3, people).astype(float),
    }
    if cycle.year >= 2011:
        asked["RIDRETH3"] = rng.choice([1.0, 2.0, 3.0, 4.0, 6.0, 7.0], people)
    answered = who[: people * 9 // 10]
    answers = {"SEQN": answered} | {
        item: rng.choice([0.0, 1.0, 2.0, 3.0, 7.0, 9.0], len(answered), p=[0.5, 0.2, 0.15, 0.13, 0.01, 0.01])
        for item in ITEMS
    }
    return asked, answers


def write_survey(folder: Path) -> Path:
    """Every cycle in ``folder/nhanes``; gives ``folder``."""
    (folder / "nhanes").mkdir(parents=True)
    for cycle in CYCLES:
        people, answers = made_cycle(cycle)
        write_transport(folder / "nhanes" / f"{cycle.people}.xpt", people)
        write_transport(folder / "nhanes" / f"{cycle.answers}.xpt", answers)
    return folder


def write_transport(file: Path, columns: Columns) -> None:
    """Numbers as a SAS transport file, version 5 (SAS technical note TS-140)."""
    real = b"SAS     SAS     SASLIB  9.4     X       ".ljust(64) + b"01JAN24:00:00:00"
    names = b"".join(
        struct.pack(
            ">hhhh8s40s8shhh2s8shhl52s", 1, 0, 8, i + 1, name.encode().ljust(8), b" " * 40, b" " * 8, 0, 0, 0,
            b"\0\0", b" " * 8, 0, 0, 8 * i, b"\0" * 52,
        )
        for i, name in enumerate(columns)
    )  # fmt: skip
    rows = b"".join(_number(value) for row in zip(*columns.values(), strict=True) for value in row)
    parts = [
        _header("LIBRARY", "0" * 30), real, real[64:].ljust(80),
        _header("MEMBER", "000000000000000001600000000140"), _header("DSCRPTR", "0" * 30), real,
        real[64:].ljust(80), _header("NAMESTR", f"000000{len(columns):04d}00000000000000000000"), names,
        _header("OBS", "0" * 30), rows,
    ]  # fmt: skip
    file.write_bytes(b"".join(part.ljust(-(-len(part) // 80) * 80) for part in parts))


def _header(name: str, numbers: str) -> bytes:
    return f"HEADER RECORD*******{name:<8}HEADER RECORD!!!!!!!{numbers}  ".encode()


def _number(value: float) -> bytes:
    """IBM's double: a sign, a power of 16 and 56 bits; a zero as the survey's files write it."""
    if np.isnan(value):
        return b"." + b"\0" * 7
    if value == 0:
        return bytes([0, 0x10]) + b"\0" * 6
    power = int(np.floor(np.log(value) / np.log(16))) + 1
    return bytes([power + 64]) + int(value / 16.0**power * 2**56).to_bytes(7, "big")
