"""Made-up tables of the shape of CTN-0094: nobody's data, with rows before, on and after randomisation."""

from pathlib import Path

import numpy as np
import polars as pl
import pyreadr

from alleviate.studies.ctn0094.outcomes import FINAL, PHASE_ONE, PHASE_TWO
from alleviate.studies.ctn0094.reading import COLUMNS, Tables

__all__ = ["ARMS", "made_tables", "write_tables"]

ARMS = {
    "27": ("Methadone", "Outpatient BUP"),
    "30": ("Outpatient BUP + EMM", "Outpatient BUP + SMM"),
    "51": ("Inpatient BUP", "Inpatient NR-NTX"),
}
WEEKS = tuple(f"WK{week}" for week in range(25))
LABELS = {"27": WEEKS, "51": WEEKS, "30": (*PHASE_ONE, FINAL, *PHASE_TWO)}
CHOICES = {
    "race": ["White", "Black", "Other"],
    "pain": ["No Pain", "Severe Pain"],
    "job": ["Full Time", "Unemployed"],
    "education": ["HS/GED", "More than HS"],
    "marital": ["Never married", "Married or Partnered"],
}


def made_tables(people: int = 40, seed: int = 0) -> Tables:
    """``people`` in each trial, of whom a tenth are not randomised; in CTN-0030 half of the rest twice."""
    rng = np.random.default_rng(seed)
    who = np.arange(1, 3 * people + 1)
    project = np.repeat(["27", "30", "51"], people)
    lots = []
    for person, trial in zip(who.tolist(), project.tolist(), strict=True):
        if rng.random() < 0.1:
            continue
        day = int(rng.integers(0, 15))
        lots.append((person, str(rng.choice(ARMS[trial])), "1", day))
        if trial != "30":
            lots.append((person, lots[-1][1], "2", day))
        elif rng.random() < 0.5:
            lots.append((person, str(rng.choice(ARMS[trial])), "2", day + int(rng.integers(14, 90))))
    tables = {name: _undated(name, columns, who, rng) for name, columns in COLUMNS.items()}
    tables["everybody"] = pl.DataFrame({"who": who, "project": project})
    tables["site_masked"] = pl.DataFrame({"who": who, "site_masked": rng.choice(["2", "5", "7"], len(who))})
    tables["randomization"] = pl.DataFrame(lots, ["who", "treatment", "which", "when"], orient="row")
    substances = ["Heroin", "Opioid", "Methadone", "Cocaine", "Alcohol", "THC"]
    tables["tlfb"] = _dated({"what": substances}, who, rng, 60)
    tables["uds"] = _dated({"what": ["Opioid", "Buprenorphine", "Thc"]}, who, rng, 8)
    tables["pain"] = _dated({"pain": CHOICES["pain"]}, who, rng, 1)
    tables["withdrawal"] = _dated({"withdrawal": ["0", "1", "2", "3"]}, who, rng, 8)
    tables["treatment"] = _dated({"amount": [4.0, 8.0, 16.0]}, who, rng, 20)
    admitted = pl.DataFrame({"who": who, "what": "admission", "when": rng.integers(-20, 5, len(who))})
    left = admitted.with_columns(
        what=pl.lit("discharge"), when=pl.col("when") + rng.integers(1, 20, len(who))
    )
    tables["detox"] = pl.concat([admitted, left])
    visits = [
        (
            person,
            label,
            str(rng.choice(["visit", "visit", "no visit", "MISSING"])),
            7 * week + int(rng.integers(7)),
        )
        for person, trial in zip(who.tolist(), project.tolist(), strict=True)
        for week, label in enumerate(LABELS[trial])
    ]
    tables["visit"] = pl.DataFrame(visits, ["who", "visit", "what", "when"], orient="row")
    return tables


def write_tables(tables: Tables, folder: Path) -> Path:
    """The tables as R files in ``folder/ctn0094``; gives ``folder``."""
    (folder / "ctn0094").mkdir(parents=True)
    for name, frame in tables.items():
        pandas = frame.to_pandas()
        pyreadr.write_rdata(str(folder / "ctn0094" / f"{name}.rda"), pandas, df_name=name)
    return folder


def _undated(name: str, columns: tuple[str, ...], who: np.ndarray, rng: np.random.Generator) -> pl.DataFrame:
    numbers = {"age": (18, 70), "days": (0, 31), "ftnd": (0, 11)}
    made: dict[str, object] = {"who": who}
    for column in columns:
        if column in numbers:
            found = rng.integers(*numbers[column], len(who))
            made[column] = found.astype(str) if column == "ftnd" else found.astype(float)
        else:
            made[column] = rng.choice(CHOICES.get(column, ["No", "Yes"]), len(who))
    return pl.DataFrame(made)


def _dated(values: dict[str, list], who: np.ndarray, rng: np.random.Generator, rows: int) -> pl.DataFrame:
    """So many rows a person, on days from 30 before consent to 170 after."""
    people = np.repeat(who, rows)
    made = {name: rng.choice(choices, len(people)) for name, choices in values.items()}
    return pl.DataFrame({"who": people, **made, "when": rng.integers(-30, 171, len(people))})
