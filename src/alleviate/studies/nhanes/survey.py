"""From cycles of NHANES to one row an adult: who they are, how many they stand for, and their PHQ-9."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from alleviate.intake.tables import Table, table_of
from alleviate.studies.nhanes.reading import NAME, folder_of, read_cycle

__all__ = ["CYCLES", "SPANS", "Cycle", "open_survey", "survey_table"]


@dataclass(frozen=True, slots=True)
class Cycle:
    """Two files of the survey. ``years``: how long its people were examined; ``weight``: its MEC weight."""

    words: str
    year: int
    years: float
    people: str
    answers: str
    weight: str = "WTMEC2YR"


CYCLES = (
    Cycle("2005-2006", 2005, 2.0, "DEMO_D", "DPQ_D"),
    Cycle("2007-2008", 2007, 2.0, "DEMO_E", "DPQ_E"),
    Cycle("2009-2010", 2009, 2.0, "DEMO_F", "DPQ_F"),
    Cycle("2011-2012", 2011, 2.0, "DEMO_G", "DPQ_G"),
    Cycle("2013-2014", 2013, 2.0, "DEMO_H", "DPQ_H"),
    Cycle("2015-2016", 2015, 2.0, "DEMO_I", "DPQ_I"),
    Cycle("2017-2020", 2017, 3.2, "P_DEMO", "P_DPQ", "WTMECPRP"),
)
"""The last one ended in March 2020, before the pandemic: 3.2 years, with weights of its own."""

SPANS: Mapping[str, tuple[Cycle, ...]] = {"2005-2020": CYCLES, "2013-2020": CYCLES[4:]}
"""What a study file's ``table`` may name."""

YOUNGEST, OLDEST = 20, 80
"""Education and marital status were asked of adults of 20 and over; ages above 80 are published as 80."""

EXAMINED = 2
HIGHEST_ANSWER = 3
ITEMS = tuple(f"DPQ0{item}0" for item in range(1, 10))

Words = Mapping[int, str]

SEX: Words = {1: "male", 2: "female"}
RACE: Words = {
    1: "Mexican American", 2: "other Hispanic", 3: "White", 4: "Black", 5: "other", 6: "Asian", 7: "other",
}  # fmt: skip
EDUCATION: Words = {
    1: "below 9th grade", 2: "9th to 11th grade", 3: "high school", 4: "some college", 5: "college degree",
}  # fmt: skip
MARITAL: Words = {
    1: "married or with a partner", 6: "married or with a partner", 2: "widowed, divorced or separated",
    3: "widowed, divorced or separated", 4: "widowed, divorced or separated", 5: "never married",
}  # fmt: skip
MARITAL_2017: Words = {1: MARITAL[1], 2: MARITAL[2], 3: MARITAL[5]}
BORN_IN_US: Words = {1: "yes", 2: "no", 3: "no", 4: "no", 5: "no"}
LANGUAGE: Words = {1: "English", 2: "Spanish"}
YES_NO: Words = {1: "yes", 2: "no"}
SEASON: Words = {1: "November to April", 2: "May to October"}

ASKED: Mapping[str, Mapping[str, Words]] = {
    "sex": {"RIAGENDR": SEX},
    "race": {"RIDRETH3": RACE, "RIDRETH1": RACE},
    "education": {"DMDEDUC2": EDUCATION},
    "marital": {"DMDMARTL": MARITAL, "DMDMARTZ": MARITAL_2017},
    "born_in_us": {"DMDBORN4": BORN_IN_US, "DMDBORN2": BORN_IN_US, "DMDBORN": BORN_IN_US},
    "language": {"SIALANG": LANGUAGE},
    "interpreter": {"SIAINTRP": YES_NO},
    "season": {"RIDEXMON": SEASON},
}
"""A feature → the variables that held it in some cycle, the first that is there counts, and what codes mean.

Codes that are not listed (refused, did not know) are missing.
"""

AGE_GROUPS = ((20, "20–39"), (40, "40–59"), (60, "60 and over"))


def open_survey(span: str, data_dir: Path | None = None) -> Table:
    """The adults of the cycles of ``span``. Raises ``DataError`` where the files cannot be had."""
    folder = folder_of(data_dir)
    cycles = SPANS[span]
    frames = {cycle: read_cycle(folder, cycle.people, cycle.answers) for cycle in cycles}
    return table_of(survey_table(frames), f"{NAME}, {span}")


def survey_table(cycles: Mapping[Cycle, pl.DataFrame]) -> pl.DataFrame:
    """One row an adult who was examined, as docs/nhanes.md lists the columns.

    ``phq9`` is the total of who answered all nine questions, else null; single answers are not passed on.
    Each cycle's weight counts by its share of the years, as the survey's guidelines combine cycles: weights
    of the whole table sum to one population, and stay in proportion within some of its cycles.
    """
    years = sum(cycle.years for cycle in cycles)
    return pl.concat([_adults(frame, cycle, cycle.years / years) for cycle, frame in cycles.items()])


def _adults(frame: pl.DataFrame, cycle: Cycle, share: float) -> pl.DataFrame:
    adults = frame.filter(pl.col("RIDAGEYR") >= YOUNGEST, pl.col("RIDSTATR") == EXAMINED)
    answers = [pl.when(pl.col(item) <= HIGHEST_ANSWER).then(pl.col(item)) for item in ITEMS]
    age = pl.col("RIDAGEYR").clip(upper_bound=OLDEST)
    band = pl.lit(None, dtype=pl.String)
    for start, words in AGE_GROUPS:
        band = pl.when(age >= start).then(pl.lit(words)).otherwise(band)
    return adults.select(
        person=pl.col("SEQN").cast(pl.Int64),
        cycle=pl.lit(cycle.words),
        year=pl.lit(cycle.year),
        phq9=sum(answers, pl.lit(0.0)),
        age=age,
        age_group=band,
        **{name: _words(variables, adults.columns) for name, variables in ASKED.items()},
        income_ratio=pl.col("INDFMPIR"),
        weight=pl.col(cycle.weight) * share,
        stratum=pl.col("SDMVSTRA").cast(pl.Int64),
        psu=pl.col("SDMVPSU").cast(pl.Int64),
    )


def _words(variables: Mapping[str, Words], there: list[str]) -> pl.Expr:
    name = next(name for name in variables if name in there)
    return pl.col(name).cast(pl.Int64).replace_strict(variables[name], default=None, return_dtype=pl.String)
