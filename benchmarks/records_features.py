"""Thirty features of a whole cohort: ours beside the same in pandas, each in a process of its own.

The pandas twin is written as one would who knows it: codes as categories, one merge with the moments, one
sort, then a grouped aggregation for each set of events, by the compiled names of ``agg`` throughout.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from alleviate.features import FeatureSpec, cohort_table, read_features
from alleviate.records import EVENTS

__all__ = ["run"]

FEATURES = """
[features]
age = { take = "age" }
sex = { code = "PERSON//sex", as = "category" }
phq9_first = { of = "phq9", take = "first" }
phq9_last = { of = "phq9" }
phq9_mean = { of = "phq9", take = "mean" }
phq9_min = { of = "phq9", take = "min" }
phq9_max = { of = "phq9", take = "max" }
phq9_sd = { of = "phq9", take = "sd" }
phq9_slope = { of = "phq9", take = "slope", window = "90d" }
phq9_change = { of = "phq9", take = "change", since = "start" }
phq9_step = { of = "phq9", take = "change-last-two" }
item9_last = { of = "phq9", item = 9 }
item9_max = { of = "phq9", item = 9, take = "max" }
gad7_first = { of = "gad7", take = "first" }
gad7_last = { of = "gad7" }
gad7_mean_90d = { of = "gad7", take = "mean", window = "90d" }
gad7_slope = { of = "gad7", take = "slope", window = "90d" }
gad7_change = { of = "gad7", take = "change", since = "start" }
weight_last = { code = "LOINC//29463-7" }
weight_change = { code = "LOINC//29463-7", take = "change" }
sleep_mean = { code = "LOINC//93832-4", take = "mean", window = "4w" }
sleep_sd = { code = "LOINC//93832-4", take = "sd", window = "4w" }
steps_mean = { code = "LOINC//55423-8", take = "mean", window = "4w" }
sessions = { code = "SESSION//attended", take = "count", since = "start" }
missed = { code = "SESSION//missed", take = "count", since = "start" }
since_session = { code = "SESSION//attended", take = "time-since" }
in_care = { code = "SESSION//attended", take = "duration" }
depression = { code = "ICD10//F32*", take = "ever" }
anxiety = { code = "ICD10//F41*", take = "ever" }
psychotropic = { code = "ATC//N0*", take = "count", window = "365d" }
"""

NUMBERS = (
    *("LOINC//44261-6", "LOINC//44260-8", "LOINC//70274-6"),
    *("LOINC//29463-7", "LOINC//93832-4", "LOINC//55423-8"),
)
OTHERS = (
    *("SESSION//attended", "SESSION//missed"),
    *("ICD10//F32.1", "ICD10//F32.2", "ICD10//F41.1", "ATC//N06AB04", "ATC//N05BA01"),
    *(f"LOINC//{i}-0" for i in range(10_000, 10_012)),
)
"""The codes of events with a number and without one; of the latter the first seven are asked for."""

DAY = 86_400_000_000
START = int(np.datetime64("2020-01-01", "us").astype(np.int64))
YEARS = 4


def run(patients: int, events: int, seed: int) -> dict[str, Any]:
    """Both on the same cohort: seconds, peak memory (MB, the events included), their ratio, and agreement."""
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder), patients, events, seed)
        ours, peer = (_alone(name, Path(folder)) for name in ("ours", "pandas"))
        differ = _differences(
            *(pl.read_parquet(Path(folder) / f"{name}.parquet") for name in ("ours", "pandas"))
        )
    return {
        "patients": patients,
        "events": events,
        "features": len(_spec().features),
        "seconds": ours["seconds"],
        "peak_mb": ours["peak_mb"],
        "pandas_seconds": peer["seconds"],
        "pandas_peak_mb": peer["peak_mb"],
        "ratio": peer["seconds"] / ours["seconds"],
        "equal": not differ,
        "differ": differ,
    }


def _spec() -> FeatureSpec:
    return read_features(FEATURES)


def _write(folder: Path, patients: int, events: int, seed: int) -> None:
    """Everybody's birth and sex, then events over four years, most of codes that are asked for; in no order.

    One in ten is known up to a week late, and one in twenty was replaced later.
    """
    rng = np.random.default_rng(seed)
    ids = pl.Series([f"patient-{i:07d}" for i in range(patients)])
    n = events - 2 * patients
    codes = pl.Series([*NUMBERS, *OTHERS])
    code = rng.integers(0, len(codes), n)
    time = START + rng.integers(0, YEARS * 365 * DAY, n)
    known = time + np.where(rng.random(n) < 0.1, rng.integers(0, 7 * DAY, n), 0)
    until = np.where(rng.random(n) < 0.05, known + rng.integers(DAY, 365 * DAY, n), -1)
    birth = START - rng.integers(18 * 365, 90 * 365, patients) * DAY
    person = rng.integers(0, patients, n)
    number = pl.Series(rng.integers(0, 28, n).astype(float)).set(pl.Series(code >= len(NUMBERS)), None)
    table = pl.concat([
        pl.DataFrame({"subject_id": ids, "time": birth, "code": "MEDS_BIRTH"}),
        pl.DataFrame({"subject_id": ids, "time": birth, "code": "PERSON//sex",
                      "text_value": pl.Series(["female", "male"]).gather(rng.integers(0, 2, patients))}),
        pl.DataFrame({"subject_id": ids.gather(person), "time": time, "known_at": known, "known_until": until,
                      "code": codes.gather(code),
                      "numeric_value": number}),
    ], how="diagonal").with_columns(
        pl.col("known_at").fill_null(pl.col("time")),
        pl.when(pl.col("known_until") > 0).then("known_until"),
        kind=pl.lit("measurement"),
        entry=pl.lit("Observation/") + pl.int_range(pl.len()).cast(pl.String),
    ).select(EVENTS.names()).cast(dict(EVENTS))  # fmt: skip
    table.sample(fraction=1.0, shuffle=True, seed=seed).write_parquet(folder / "events.parquet")
    moment = START + rng.integers(2 * 365 * DAY, YEARS * 365 * DAY, patients)
    pl.DataFrame(
        {"subject_id": ids, "moment": moment, "start": moment - rng.integers(0, 365 * DAY, patients)}
    ).cast({"moment": EVENTS["time"], "start": EVENTS["time"]}).write_parquet(folder / "moments.parquet")


def _alone(name: str, folder: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, name, str(folder)], check=True, capture_output=True, text=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _differences(ours: pl.DataFrame, peer: pl.DataFrame) -> list[str]:
    """The features that differ anywhere, beyond what rounding does."""
    differ = []
    for name in ours.columns:
        one, other = ours[name], peer[name].cast(ours.schema[name])
        near = (one - other).abs() <= 1e-6 * (1 + one.abs()) if one.dtype == pl.Float64 else one == other
        if not (one.is_null() == other.is_null()).all() or not near.fill_null(True).all():
            differ.append(name)
    return differ


def _by_pandas(events: pd.DataFrame, moments: pd.DataFrame) -> pd.DataFrame:
    moments = moments.reset_index(names="row")
    known = events.loc[
        events["code"].isin([*NUMBERS, *OTHERS[:7], "MEDS_BIRTH", "PERSON//sex"]),
        ["subject_id", "time", "known_at", "known_until", "code", "numeric_value", "text_value"],
    ].merge(moments, on="subject_id")
    known = known[
        (known["known_at"] <= known["moment"])
        & (known["known_until"].isna() | (known["known_until"] > known["moment"]))
    ].sort_values(["row", "time", "known_at", "code", "numeric_value"])
    day = pd.Timedelta(days=1)
    by_code = dict(list(known.groupby("code", observed=True)))
    found = pd.DataFrame(index=moments["row"])

    def of(*codes: str, days: int | None = None, start: bool = False) -> pd.DataFrame:
        part = by_code[codes[0]] if len(codes) == 1 else known[known["code"].isin(codes)]
        if days is not None:
            part = part[part["time"] >= part["moment"] - days * day]
        return part[part["time"] >= part["start"]] if start else part

    def numbers(code: str, **how: Any) -> pd.DataFrame:
        return of(code, **how).drop_duplicates(["row", "time"], keep="last").dropna(subset=["numeric_value"])

    def add(prefix: str, part: pd.DataFrame, *takes: str) -> None:
        result = part.groupby("row")["numeric_value"].agg(list(takes))
        found[[f"{prefix}_{take}" for take in takes]] = result.reindex(found.index)

    def slope(name: str, part: pd.DataFrame) -> None:
        grouped = part.groupby("row")
        weeks = (part["time"] - grouped["time"].transform("min")) / (7 * day)
        off = weeks - weeks.groupby(part["row"]).transform("mean")
        above = off * (part["numeric_value"] - grouped["numeric_value"].transform("mean"))
        sums = pd.DataFrame({"above": above, "below": off * off}).groupby(part["row"]).sum()
        found[name] = (sums["above"] / sums["below"].where(sums["below"] > 0)).reindex(found.index)

    def change(name: str, part: pd.DataFrame) -> None:
        result = part.groupby("row")["numeric_value"].agg(["first", "last", "size"])
        found[name] = (result["last"] - result["first"]).where(result["size"] > 1).reindex(found.index)

    born = by_code["MEDS_BIRTH"].groupby("row")["time"].last().reindex(found.index)
    found["age"] = (moments.set_index("row")["moment"] - born) / (365.25 * day)
    found["sex"] = by_code["PERSON//sex"].groupby("row")["text_value"].last().reindex(found.index)
    phq9, item9, gad7, weight, sleep, steps = NUMBERS
    part = numbers(phq9)
    add("phq9", part, "first", "last", "mean", "min", "max", "std")
    found = found.rename(columns={"phq9_std": "phq9_sd"})
    slope("phq9_slope", numbers(phq9, days=90))
    change("phq9_change", numbers(phq9, start=True))
    step = part["numeric_value"] - part.groupby("row")["numeric_value"].shift(1)
    found["phq9_step"] = step.groupby(part["row"]).nth(-1).set_axis(
        part.groupby("row")["row"].nth(-1).to_numpy()).reindex(found.index)  # fmt: skip
    add("item9", numbers(item9), "last", "max")
    add("gad7", numbers(gad7), "first", "last")
    add("gad7_90d", numbers(gad7, days=90), "mean")
    found = found.rename(columns={"gad7_90d_mean": "gad7_mean_90d"})
    slope("gad7_slope", numbers(gad7, days=90))
    change("gad7_change", numbers(gad7, start=True))
    add("weight", numbers(weight), "last")
    change("weight_change", numbers(weight))
    add("sleep", numbers(sleep, days=28), "mean", "std")
    found = found.rename(columns={"sleep_std": "sleep_sd"})
    add("steps", numbers(steps, days=28), "mean")
    attended, missed, mild, moderate, anxiety, *medicines = OTHERS[:7]
    for name, code in (("sessions", attended), ("missed", missed)):
        found[name] = (
            of(code, start=True).groupby("row").size().reindex(found.index, fill_value=0).astype(float)
        )
    ends = of(attended).groupby("row")["time"].agg(["first", "last"]).reindex(found.index)
    found["since_session"] = (moments.set_index("row")["moment"] - ends["last"]) / day
    found["in_care"] = (ends["last"] - ends["first"]) / day
    for name, codes in (("depression", (mild, moderate)), ("anxiety", (anxiety,))):
        found[name] = of(*codes).groupby("row").size().reindex(found.index, fill_value=0) > 0
    counted = of(*medicines, days=365).groupby("row").size()
    found["psychotropic"] = counted.reindex(found.index, fill_value=0).astype(float)
    return found


def _work(name: str, folder: Path) -> None:
    """One contestant: reads untimed, works timed, leaves its table, prints seconds and peak memory."""
    events, moments = folder / "events.parquet", folder / "moments.parquet"
    spec = _spec()
    if name == "ours":
        frame, lines = pl.read_parquet(events), pl.read_parquet(moments)
        begun = perf_counter()
        table = cohort_table(frame, lines, spec).select(spec.names)
        seconds = perf_counter() - begun
    else:
        peer, asked = pd.read_parquet(events), pd.read_parquet(moments)
        peer["code"] = peer["code"].astype("category")
        begun = perf_counter()
        result = _by_pandas(peer, asked)
        seconds = perf_counter() - begun
        table = pl.from_pandas(result, nan_to_null=True).select(spec.names)
    table.write_parquet(folder / f"{name}.parquet")
    print(json.dumps({"seconds": seconds, "peak_mb": _peak_mb()}))


def _peak_mb() -> float:
    """Most memory that this process ever held. (What getrusage says begins with the parent's.)"""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    if len(sys.argv) == 3:
        _work(sys.argv[1], Path(sys.argv[2]))
    else:
        print(json.dumps(run(*map(int, sys.argv[1:4])), indent=2))
