"""A mapping is drafted from the header and first rows of a table; it says what to complete."""

import gzip
import tomllib
from datetime import UTC, datetime

import polars as pl
import pytest
from every_kind import NOW
from hypothesis import given, settings
from hypothesis import strategies as st

from alleviate.instruments import INSTRUMENTS
from alleviate.intake.csv import FORMAT
from alleviate.intake.csv.drafting import draft
from alleviate.intake.csv.mapping import parse
from alleviate.intake.reading import Context
from alleviate.records import Entry
from alleviate.terms.errors import DataError

PHQ9 = [f"phq9_{number}" for number in range(1, 10)]


@pytest.fixture
def drafted(tmp_path):
    """The draft of a table in this text as TOML, beside which it is written."""

    def run(text: str, name: str = "data.csv", encoding: str = "utf-8"):
        file = tmp_path / name
        file.write_bytes(text.encode(encoding))
        found = draft(file)
        (tmp_path / "data.toml").write_text(found.text, encoding="utf-8")
        to_complete = [line for line in found.text.splitlines() if "COMPLETE THIS LINE" in line]
        assert found.open == [line.partition(" = ")[0].strip('"') for line in to_complete]
        return tomllib.loads(found.text)

    return run


def read(tmp_path, name="data.csv"):
    return list(FORMAT.read(tmp_path / name, Context(NOW)))


class TestADraft:
    def test_of_a_wide_table_can_be_used_as_it_is(self, drafted, tmp_path):
        header = [
            "Patient-ID",
            "Datum",
            "Geschlecht",
            "Geburtsdatum",
            *PHQ9,
            "PHQ9.total",
            "Gewicht (kg)",
            "44261-6",
        ]
        cells = ["7", "06.05.2024 09:30", "w", "01.02.1980", *"111111110", "8", "71,5", "8"]
        data = drafted(f"{';'.join(header)}\n{';'.join(cells)}\n")
        assert data["table"] == {
            "shape": "wide",
            "subject": "Patient-ID",
            "time": "Datum",
            "time_format": "%d.%m.%Y %H:%M",
            "delimiter": ";",
            "decimal": ",",
        }
        assert data["instruments"] == {"phq9": {"items": PHQ9, "total": "PHQ9.total"}}
        assert data["columns"] == {
            "Geburtsdatum": {"code": "MEDS_BIRTH", "holds": "date", "time_format": "%d.%m.%Y"},
            "Geschlecht": {"code": "PERSON//sex", "answers": {"w": "female"}},
            "Gewicht (kg)": {"code": "LOCAL//Gewicht", "unit": "kg"},
            "44261-6": "LOINC//44261-6",
        }
        items = read(tmp_path)
        assert [type(item) for item in items] == [Entry] * 4
        assert {event.time for event in items[0].events} == {
            *(datetime(1980, 2, 1, tzinfo=UTC), datetime(2024, 5, 6, 9, 30, tzinfo=UTC))
        }

    def test_of_a_long_table_translates_the_codes_it_knows(self, drafted, tmp_path):
        table = "subject_id,visit_date,test,result,unit,recorded_at\n"
        for code in ("PHQ9_TOTAL", "GAD7_1", "8867-4", "LOINC//2708-6", "mood", "mood"):
            table += f"7,2024-05-06,{code},1,/min,2024-05-07\n"
        data = drafted(table)
        assert data["table"] == {
            "shape": "long",
            "subject": "subject_id",
            "time": "visit_date",
            "known_at": "recorded_at",
            "code": "test",
            "value": "result",
            "unit": "unit",
        }
        assert data["codes"] == {
            "PHQ9_TOTAL": "LOINC//44261-6",
            "GAD7_1": "LOINC//69725-0",
            "8867-4": "LOINC//8867-4",
            "LOINC//2708-6": "LOINC//2708-6",
            "mood": "LOCAL//mood",
        }
        assert [type(item) for item in read(tmp_path)] == [Entry] * 6

    def test_says_which_line_to_complete(self, drafted, tmp_path):
        data = drafted("weight,mood\n71.5,low\n")
        assert (data["table"]["subject"], data["table"]["time"]) == ("", "")
        assert (
            "# COMPLETE THIS LINE: the column that says whose row it is"
            in (tmp_path / "data.toml").read_text()
        )
        with pytest.raises(DataError, match=r"table\.subject is empty"):
            read(tmp_path)

    @pytest.mark.parametrize("id", list(INSTRUMENTS))
    @pytest.mark.parametrize("style", ["{}_{}", "{}.item{:0>2}", "{}_q{}", "{}{}"])
    def test_knows_the_items_of_every_instrument(self, drafted, id, style):
        names = [style.format(id.upper(), item.id) for item in INSTRUMENTS[id].items if item.id.isdecimal()]
        if not names:  # its items have words for names
            names = [f"{id}_total"]
        data = drafted(f"id,date,{','.join(names)}\n1,2024-05-06{',1' * len(names)}\n")
        form = data["instruments"][id]
        assert [*filter(None, form.get("items", [])), *filter(None, [form.get("total")])] == names
        assert data["columns"] == {}

    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            ("2024-05-31", None),
            ("2024-05-31T09:30:00+02:00", None),
            ("31.05.24", "%d.%m.%y"),
            ("31/05/2024", "%d/%m/%Y"),
            ("05/31/2024", "%m/%d/%Y"),
            ("31-05-2024 09:30:00", "%d-%m-%Y %H:%M:%S"),
            ("20240531", None),
        ],
    )
    def test_knows_how_a_moment_is_written(self, drafted, tmp_path, written, expected):
        data = drafted(f"id,date,a\n1,{written},5\n")
        assert data["table"].get("time_format") == expected
        [entry] = read(tmp_path)
        assert entry.events[0].time.date().isoformat() == "2024-05-31"

    def test_says_what_the_columns_hold(self, drafted):
        long = "x" * 60
        data = drafted(
            f'id,date,seen,letter,mood,hr_bpm,"say ""hi"""\n1,2024-05-06,2024-05-01,{long},low,60,1\n'
        )
        assert data["columns"] == {
            "seen": {"code": "LOCAL//seen", "holds": "date"},
            "letter": {"code": "NOTE//letter", "kind": "note"},
            "mood": {"code": "LOCAL//mood", "holds": "text"},
            "hr_bpm": {"code": "LOCAL//hr", "unit": "bpm"},
            'say "hi"': 'LOCAL//say "hi"',
        }

    def test_asks_what_other_words_for_sex_mean(self, drafted, tmp_path):
        drafted("id,date,sex\n1,2024-05-06,1\n2,2024-05-06,2\n")
        assert "# COMPLETE THIS LINE: say what these mean: 1, 2" in (tmp_path / "data.toml").read_text()

    @pytest.mark.parametrize(
        ("encoding", "named"), [("cp1252", "cp1252"), ("utf-16", "utf-16"), ("utf-8", None)]
    )
    def test_names_the_encoding(self, drafted, tmp_path, encoding, named):
        data = drafted("id,date,mood\n1,2024-05-06,müde\n", encoding=encoding)
        assert data["table"].get("encoding") == named
        assert read(tmp_path)[0].events[0].text_value == "müde"

    def test_may_be_of_packed_or_parquet_files(self, tmp_path):
        (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"id,date,a\n1,2024-05-06,5\n"))
        pl.DataFrame({"id": ["1"], "date": [datetime(2024, 5, 6)], "a": [5.0]}).write_parquet(  # noqa: DTZ001
            tmp_path / "b.parquet"
        )
        for name in ("a.csv.gz", "b.parquet"):
            data = tomllib.loads(draft(tmp_path / name).text)
            assert (data["table"]["subject"], data["table"]["time"], data["columns"]) == (
                "id",
                "date",
                {"a": "LOCAL//a"},
            )

    @pytest.mark.parametrize("text", ["id,date\n", "\n\n", ""])
    def test_of_a_table_without_rows_is_refused(self, drafted, text):
        with pytest.raises(DataError):
            drafted(text)


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=120))
def test_any_text_gives_a_draft_that_parses_or_a_refusal(tmp_path_factory, text):
    file = tmp_path_factory.getbasetemp() / "drafted.csv"
    file.write_bytes(text.encode())
    try:
        found = draft(file)
    except DataError:
        return
    data = tomllib.loads(found.text)
    assert set(data) <= {"table", "columns", "codes", "instruments"}
    if data.get("columns") or data.get("codes") or data.get("instruments"):
        parse(found.text, "drafted.toml")
