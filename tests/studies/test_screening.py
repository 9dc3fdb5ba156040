"""Screening: what questionnaires tell of each other, from a long table or a vault; never a diagnosis."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import alleviate
from alleviate.cli import main
from alleviate.instruments import INSTRUMENTS
from alleviate.packages import home
from alleviate.records import Entry, Event, PatientRecord
from alleviate.studies.loading import load_advice, load_prognosis, load_screening
from alleviate.studies.screening.asking import default_asking, read_asking
from alleviate.studies.screening.learning import learn_from_records, learn_from_table
from alleviate.studies.screening.moments import known, moments
from alleviate.studies.screening.screening import Screening
from alleviate.studies.screening.words import WORDING, of_100
from alleviate.terms.errors import DataError, InputError, NotEnoughDataError, PackageError
from alleviate.vault import Vault
from alleviate.vault.keys import make_key_file
from alleviate.vault.whereabouts import acting

DAY = datetime(2024, 5, 6, 9, tzinfo=UTC)


def answers(people: int, seed: int) -> pl.DataFrame:
    """Distress shows in PHQ-9 (answer by answer), GAD-7, WHO-5 (turned round); drinking is apart from it."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    for person in range(people):
        distress = rng.normal()
        who = {
            "id": f"p{person}",
            "age": int(rng.integers(18, 70)),
            "sex": ["female", "male"][person % 2],
            "diagnoses": "F32.1;M54.5" if distress + rng.normal() > 1 else "M54.5" if person % 3 else None,
        }

        def add(instrument: str, score: float, item: str | None = None, who: dict[str, object] = who) -> None:
            rows.append({**who, "time": "2024-05-06", "instrument": instrument, "item": item, "score": score})

        for item in range(1, 10):
            add("phq9", float(np.clip(np.round(1 + distress + 0.7 * rng.normal()), 0, 3)), str(item))
        add("gad7", float(np.clip(np.round(8 + 5 * distress + 3 * rng.normal()), 0, 21)))
        if person % 2:
            add("who5", float(4 * np.clip(np.round(13 - 5 * distress + 3 * rng.normal()), 0, 25)))
        add("audit_c", float(np.clip(np.round(rng.gamma(2.0, 1.8)), 0, 12)))
    return pl.DataFrame(rows, infer_schema_length=None)


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("screening") / "answers.csv"
    answers(160, 1).write_csv(file)
    return file


@pytest.fixture(scope="module")
def package(taught: Path) -> Path:
    out = taught.parent / "package"
    learn_from_table(taught, out=out, seed=3)
    return out


@pytest.fixture(scope="module")
def screening(package: Path) -> Screening:
    return load_screening(package)


def event(code: str, value: float | None, when: datetime = DAY, **more: object) -> Event:
    return Event("p", when, when, code, value, kind="questionnaire", **more)  # type: ignore[arg-type]


def phq9(*scores: float, when: datetime = DAY) -> list[Event]:
    items = INSTRUMENTS["phq9"].items
    return [event(item.code, s, when, entry="Form/1") for item, s in zip(items, scores, strict=False)]


def asked(screening: Screening, *events: Event, when: datetime = DAY, **more: object) -> dict[str, object]:
    birth = Event("p", datetime(1980, 1, 1, tzinfo=UTC), DAY, "MEDS_BIRTH", kind="person")
    return screening.next_records([PatientRecord("p", [birth, *events])], when, **more)[0]  # type: ignore[arg-type]


def of(told: dict[str, object], instrument: str) -> dict[str, object]:
    return next(each for each in told["instruments"] if each["instrument"] == instrument)  # type: ignore[attr-defined]


def test_each_instrument_is_judged_by_people_held_out(screening: Screening) -> None:
    found = {each.instrument: each for each in screening.package.findings.instruments}
    assert set(found) == {"audit_c", "gad7", "phq9", "who5"}
    assert found["gad7"].measures["auc"].low > 0.7
    assert (found["gad7"].n, found["who5"].n) == (160, 80)
    assert 0.2 < found["phq9"].share < 0.7
    assert found["audit_c"].weak
    assert any("AUDIT-C: whether it would be at or above" in w for w in screening.package.findings.warnings)


def test_one_questionnaire_speaks_for_or_against_another(screening: Screening) -> None:
    high, low = (of(asked(screening, *phq9(*[s] * 9)), "gad7") for s in (2, 0))
    assert high["p"] > 0.7 > 0.3 > low["p"]
    assert "PHQ-9 of 18 on 2024-05-06 speaks for it" in high["reasons"]
    assert "PHQ-9 of 0 on 2024-05-06 speaks against it" in low["reasons"]
    assert high["words"].startswith("The GAD-7 would be at or above the cut-off of 8 in ")


def test_where_higher_is_better_the_cut_off_is_below(screening: Screening) -> None:
    told = of(asked(screening, *phq9(*[3] * 9)), "who5")
    assert told["p"] > 0.7
    assert "at or below the cut-off of 50" in told["words"]
    code = INSTRUMENTS["who5"].total_code
    given = of(asked(screening, event(code, 40.0)), "who5")
    assert (given["p"], given["given"]) == (None, "2024-05-06")
    assert given["reasons"] == ["WHO-5 of 40 on 2024-05-06: at or below the cut-off of 50"]


def test_an_old_answer_counts_as_earlier_and_is_asked_again(screening: Screening) -> None:
    then = asked(screening, *phq9(*[3] * 9), when=DAY + timedelta(days=28))
    assert of(then, "phq9")["given"] == "2024-05-06"
    later = of(asked(screening, *phq9(*[3] * 9), when=DAY + timedelta(days=40)), "phq9")
    assert later["given"] is None
    assert 0 < later["low"] < later["p"] < later["high"] < 1


def test_what_is_not_known_yet_does_not_count(screening: Screening) -> None:
    record = PatientRecord("p", phq9(*[3] * 9, when=DAY + timedelta(days=1)))
    (told,) = screening.next_records([record], DAY)
    assert of(told, "gad7")["reasons"] == [
        "nothing else is known of this person yet: this is how people answer here"
    ]
    assert WORDING["warning"]["empty"] in told["warnings"]


def test_two_answers_shorten_the_question(screening: Screening) -> None:
    none, begun = asked(screening), asked(screening, *phq9(2, 3, 3))
    before, after = (of(told, "phq9") for told in (none, begun))
    assert after["p"] > before["p"] + 0.2
    assert "3 on mood (PHQ-9) speaks for it" in after["reasons"]
    assert after["reasons"][0] == "asked on 2024-05-06, with too few answers for a total"


def test_what_to_ask_next_is_what_tells_most_a_minute(screening: Screening) -> None:
    told = asked(screening)
    assert told["ask_next"]["instrument"] in ("audit_c", "gad7", "phq9", "who5")
    assert "Asking the" in told["ask_next"]["why"]
    everything = [
        *phq9(*[1] * 9),
        *(event(INSTRUMENTS[n].total_code, 5.0) for n in ("audit_c", "gad7", "who5")),
    ]
    assert asked(screening, *everything)["ask_next"] is None


def test_the_first_question_is_of_the_short_form_and_never_of_safety(
    screening: Screening, tmp_path: Path
) -> None:
    own = tmp_path / "asking.toml"
    own.write_text(
        "seconds_per_item = 15\nleast_bits = 0.02\n[death_or_self_harm]\nphq9 = ['9', '2']\n"
        "[instruments.phq9]\nfree = true\nshort = ['1', '2']\nshort_name = 'PHQ-2'\n"
    )
    told = asked(screening, asking=read_asking(own))["ask_next"]
    assert (told["instrument"], told["item"]) == ("phq9", "1")
    assert "first question of the PHQ-2" in told["why"]
    shipped = default_asking()
    for name, version in shipped.instruments.items():
        safety = shipped.death_or_self_harm.get(name, ())
        assert not set(version.short) & set(safety)


def test_right_versions_only(screening: Screening) -> None:
    young = Event("p", datetime(2013, 1, 1, tzinfo=UTC), DAY, "MEDS_BIRTH", kind="person")
    speaks = Event("p", DAY, DAY, "PERSON//language", None, "so", kind="person")
    (told,) = screening.next_records([PatientRecord("p", [young])], DAY)
    assert of(told, "phq9")["not_to_ask"] == "its version is for ages 12 to 120"
    assert told["ask_next"]["instrument"] == "who5"
    assert any(warning.startswith("At age 11 this person is outside") for warning in told["warnings"])
    (told,) = screening.next_records([PatientRecord("p", [speaks])], DAY)
    assert told["ask_next"] is None
    assert of(told, "gad7")["not_to_ask"] == "no version in the language 'so' is listed"
    asking = default_asking()
    assert "licence" in asking.unfit("isi", 40, "en")
    assert asking.unfit("cssrs", 40, "en") == "no version of it is listed"
    assert asking.unfit("gad7", None, None) == asking.unfit("gad7", 40, "en-GB") == ""
    assert asking.minutes("hamd17", 17) == 25
    assert asking.minutes("phq9", 8) == 2


def test_safety_is_a_matter_of_rules(screening: Screening) -> None:
    flagged = asked(screening, *phq9(0, 0, 0, 0, 0, 0, 0, 0, 1))
    assert flagged["warnings"][0] == (
        "By rule, whatever is estimated here: PHQ-9 item 9 was raised on 2024-05-06. Follow the clinic's "
        "safety procedure now."
    )
    denied = asked(screening, *phq9(*[0] * 9))["warnings"][0]
    assert denied.startswith("An answer of no to thoughts of death or self-harm is no proof of safety")
    assert asked(screening, *phq9(*[0] * 8))["warnings"][0].startswith(
        "Thoughts of death or self-harm have not"
    )


def test_no_word_of_a_diagnosis_made_nor_of_somebody_safe(screening: Screening) -> None:
    everything = json.dumps([asked(screening), asked(screening, *phq9(*[0] * 9))]) + json.dumps(WORDING)
    for word in ("low risk", "no risk", "depressed", "suffers", "diagnosed", "is safe", "healthy"):
        assert word not in everything.lower()
    assert (of_100(0.001), of_100(0.4), of_100(0.999)) == ("fewer than 1", "about 40", "more than 99")


def test_the_same_data_and_seed_are_the_same_bytes(taught: Path, package: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    learn_from_table(taught, out=again, seed=3)
    assert {f.name: f.read_bytes() for f in again.iterdir()} == {
        f.name: f.read_bytes() for f in package.iterdir()
    }


def test_a_package_that_was_changed_or_is_of_another_kind_is_refused(package: Path, tmp_path: Path) -> None:
    assert isinstance(alleviate.load(package), Screening)
    for load in (load_advice, load_prognosis):
        with pytest.raises(PackageError, match="tells what to ask next"):
            load(package)
    other = tmp_path / "other"
    other.mkdir()
    for file in package.iterdir():
        (other / file.name).write_bytes(file.read_bytes().replace(b'"days":28', b'"days":29'))
    with pytest.raises(PackageError, match=r"model.json in .* was changed"):
        load_screening(other)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("instrument", "phq8", "expected an instrument"),
        ("score", "many", "expected a number in 'score', got 'many'"),
        ("score", "", "expected a score"),
        ("score", "22", "expected a total from 0 to 21 in 'score', got '22'"),
        ("time", "yesterday", "expected a date or time such as 2024-05-06"),
        ("id", "", "expected a value in 'id'"),
        ("age", "200", "expected an age from 0 to 125"),
        ("sex", "x", "expected female, male, other or unknown"),
        ("item", "8", "expected an item of the GAD-7"),
        ("instrument", "cssrs", "expected the item, since the C-SSRS"),
    ],
)
def test_a_bad_line_is_named(
    tmp_path: Path, screening: Screening, column: str, value: str, said: str
) -> None:
    line = {
        "id": "a",
        "time": "2024-05-06",
        "instrument": "gad7",
        "item": "",
        "score": "7",
        "age": "30",
        "sex": "F",
    }
    file = tmp_path / "bad.csv"
    pl.DataFrame([line, {**line, "id": "b", column: value}]).write_csv(file)
    with pytest.raises(DataError, match=said) as caught:
        screening.next(file)
    assert "line 3" in str(caught.value)


def test_a_table_must_have_its_columns_and_lines(tmp_path: Path, screening: Screening) -> None:
    file = tmp_path / "short.csv"
    file.write_text("id,time,instrument\na,2024-05-06,gad7\n")
    with pytest.raises(DataError, match='expected a column "score"'):
        screening.next(file)


def test_an_answer_out_of_range_is_refused(tmp_path: Path, screening: Screening) -> None:
    file = tmp_path / "item.csv"
    file.write_text("id,time,instrument,item,score\na,2024-05-06,phq9,1,4\n")
    with pytest.raises(DataError, match="PHQ-9 item 1"):
        screening.next(file)


def test_too_few_people_are_said_to_be_too_few(tmp_path: Path) -> None:
    file = tmp_path / "few.csv"
    answers(30, 2).write_csv(file)
    with pytest.raises(NotEnoughDataError, match="30 people"):
        learn_from_table(file, out=tmp_path / "package")
    with pytest.raises(NotEnoughDataError, match="nobody with a questionnaire"):
        learn_from_records([], source="nothing", out=tmp_path / "package")
    with pytest.raises(InputError, match="one day or more, got 0"):
        learn_from_table(file, out=tmp_path / "package", days=0)
    assert not (tmp_path / "package").exists()


def test_a_clinics_own_file_must_name_what_there_is(tmp_path: Path) -> None:
    own = tmp_path / "asking.toml"
    head = "seconds_per_item = 15\nleast_bits = 0.02\n[death_or_self_harm]\n"
    for text, said in (
        (head + "[instruments.phq8]\nfree = true\n", "there is no instrument phq8"),
        (head + "[instruments.phq9]\nfree = true\nshort = ['10']\n", "phq9 has no item 10"),
        ("seconds_per_item = 'long'", "does not say what may be asked"),
    ):
        own.write_text(text)
        with pytest.raises(DataError, match=said):
            read_asking(own)


def test_the_moments_of_a_record_know_nothing_of_later() -> None:
    """What a moment is learned from is what `known` says of it, corrections and late diagnoses included."""
    days = [DAY + timedelta(days=10 * i) for i in range(7)]
    events = [event("LOINC//44261-6", float(i + 3), day) for i, day in enumerate(days)]
    events.append(Event("p", DAY, days[2], "ICD10//F32.1", kind="condition"))
    events.append(Event("p", DAY, days[2], "CONDITION//severity", None, "mild", kind="condition"))
    plain = moments(PatientRecord("p", events), 28)
    assert [m.known.values["phq9"] for m in plain] == [3, 5, 7, 9], "four, from the first to the last"
    assert ["had F32" in m.known.values for m in plain] == [False, False, True, True]
    assert plain[2].known.values["before phq9"] == 4
    assert plain[2].asked == {"phq9"}
    late = event("LOINC//70274-6", 9.0, days[1], entry="x", known_until=days[6])
    corrected = PatientRecord(
        "p",
        [*events, late, Event("p", days[1], days[6], "LOINC//70274-6", 2.0, kind="questionnaire", entry="x")],
    )
    found = moments(corrected, 28)
    assert found[1].known.values["gad7"] == 9, "as it stood then"
    assert found[1].known.values == known(corrected, days[2], 28, diagnoses_before=days[2]).values


def test_answers_older_than_a_year_are_no_longer_counted() -> None:
    record = PatientRecord("p", phq9(*[3] * 9))
    assert "before phq9" in known(record, DAY + timedelta(days=364), 28).values
    assert known(record, DAY + timedelta(days=366), 28).values == {}


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clinic of 160, of whom half permit model training."""
    monkeypatch.delenv("ALLEVIATE_KEY", raising=False)
    monkeypatch.setenv("ALLEVIATE_KEY_FILE", str(make_key_file(tmp_path / "vault.key")))
    place = tmp_path / "clinic.vault"
    entries = []
    for i, row in enumerate(answers(160, 4).filter(pl.col("instrument") != "phq9").iter_rows(named=True)):
        code = INSTRUMENTS[row["instrument"]].total_code
        ref = f"Observation/{i}"
        answer = Event(row["id"], DAY, DAY, code, row["score"], kind="questionnaire", entry=ref)
        entries.append(Entry(row["id"], ref, "questionnaire", (answer,)))
    for i in range(0, 160, 2):
        consent = Event(
            f"p{i}", DAY, DAY, "CONSENT//model-training", None, "permit", kind="consent", entry=f"C/{i}"
        )
        entries.append(Entry(f"p{i}", f"C/{i}", "consent", (consent,)))
    with Vault.create(str(place)) as made, made.access(actor=acting(), purpose="care") as access:
        access.put(entries, datetime.now(UTC))
    return place


def test_only_who_permits_it_is_learned_from_and_a_patient_is_asked_about(
    vault: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "package")
    assert main(["screen", "learn", "--vault", str(vault), "--out", out, "--json"]) == 0
    learned = json.loads(capsys.readouterr().out)
    assert (learned["n"], learned["moments"], learned["days"]) == (80, 80, 28)
    assert [each["instrument"] for each in learned["instruments"]] == ["audit_c", "gad7"]
    assert main(["screen", "next", out, "--vault", str(vault), "--patient", "p1", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert set(told) == {"id", "instruments", "ask_next", "warnings"}
    assert {"instrument", "p", "low", "high", "given", "reasons"} <= set(told["instruments"][0])
    assert told["instruments"][0]["p"] is not None, "answers of years ago are asked again"
    assert main(["screen", "next", out, "--vault", str(vault), "--patient", "nobody"]) == 2


def test_the_commands_say_it_in_words(
    taught: Path, package: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["screen", "learn", "--data", str(taught), "--out", str(tmp_path / "p"), "--seed", "3"]) == 0
    said = capsys.readouterr().out
    assert "Learned from: 160 people, at 160 moments" in said
    assert "in people held out AUC" in " ".join(said.split())
    people = tmp_path / "people.csv"
    people.write_text("id,time,instrument,score\nanna,2024-05-06,gad7,15\n")
    assert main(["screen", "next", str(package), "--data", str(people)]) == 0
    said = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "Person anna" in said
    assert "Ask next: " in said
    assert "of 100 people like this" in said
    assert main(["screen", "next", str(package)]) == 2
    assert "Expected --data FILE or --patient ID." in capsys.readouterr().err
    few = tmp_path / "few.csv"
    answers(20, 2).write_csv(few)
    assert main(["screen", "learn", "--data", str(few), "--out", str(tmp_path / "none")]) == 3
    assert home().exists()


def test_only_a_screening_tells_what_to_ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["screen", "next", str(tmp_path), "--data", "x.csv"]) == 2
    assert "is not a package" in capsys.readouterr().err
    assert main(["screen"]) == 0
