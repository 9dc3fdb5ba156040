"""A mapping says what the columns of a table mean; bad cells are named by file, line and column."""

import gzip
import re
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from every_kind import NOW
from hypothesis import given, settings
from hypothesis import strategies as st

from alleviate.intake.csv import FORMAT
from alleviate.intake.csv import rows as rows_module
from alleviate.intake.csv.mapping import Layout, parse
from alleviate.intake.reading import Caution, Context, Refusal
from alleviate.records import Entry
from alleviate.terms.errors import DataError

CONTEXT = Context(NOW)
PHQ9 = [f"phq9_{number}" for number in range(1, 10)]
WIDE = '[table]\nshape = "wide"\nsubject = "id"\ntime = "date"\n'
LONG = '[table]\nshape = "long"\nsubject = "id"\ntime = "date"\ncode = "code"\nvalue = "value"\n'
PHQ9_MAPPING = f'{WIDE}[instruments.phq9]\nitems = {PHQ9}\ntotal = "sum"\n'


@pytest.fixture
def read(tmp_path):
    """Items of a table in this text by a mapping in this text."""

    def run(table: str, mapping: str, name: str = "data.csv", context: Context = CONTEXT, **kept):
        file = tmp_path / name
        if name.endswith(".gz"):
            file.write_bytes(gzip.compress(table.encode()))
        else:
            file.write_bytes(table.encode(kept.get("encoding", "utf-8")))
        (tmp_path / "data.toml").write_text(mapping, encoding="utf-8")
        return list(FORMAT.read(file, context))

    return run


def told(items):
    """Code, number, text of every event."""
    return [
        (e.code, e.numeric_value, e.text_value)
        for item in items
        if isinstance(item, Entry)
        for e in item.events
    ]


def wrong(items):
    """Kind, line, field and reason of all that is no entry."""
    return [(type(i).__name__, i.line, i.field, i.reason) for i in items if isinstance(i, Refusal | Caution)]


class TestAWideTable:
    def test_has_an_entry_a_row_for_each_questionnaire_and_kind(self, read):
        mapping = f"""{PHQ9_MAPPING}
            [columns]
            weight = {{ code = "LOINC//29463-7", unit = "kg" }}
            smokes = {{ code = "LOCAL//smokes", holds = "yes" }}
            sex = {{ code = "PERSON//sex", answers = {{ m = "male", f = "female" }} }}
            diagnosis = {{ code = "ICD10", holds = "code" }}
            seen = {{ code = "LOCAL//seen", holds = "date", kind = "session" }}
        """
        header = f"id,date,weight,smokes,sex,diagnosis,seen,{','.join(PHQ9)},sum\n"
        items = read(header + "7,2024-05-06,71.5,Yes,F,F32.1,1970-01-03,1,1,1,1,1,1,1,1,0,8\n", mapping)
        assert [(item.kind, item.subject_id) for item in items] == [
            *[(kind, "7") for kind in ("measurement", "person", "condition", "session", "questionnaire")]
        ]
        assert told(items)[:5] == [
            ("LOINC//29463-7", 71.5, "kg"),
            ("LOCAL//smokes", 1.0, None),
            ("PERSON//sex", None, "female"),
            ("ICD10//F32.1", None, None),
            ("LOCAL//seen", 2.0, None),
        ]
        assert told(items)[5] == ("LOINC//44250-9", 1.0, None)
        assert told(items)[-1] == ("LOINC//44261-6", 8.0, None)
        assert {e.time for item in items for e in item.events} == {datetime(2024, 5, 6, tzinfo=UTC)}

    def test_bad_cells_are_left_out_with_a_caution_bad_people_and_times_refuse_the_row(self, read):
        table = "id,date,a,b\n1,2024-05-06,x,2\n,2024-05-06,1,2\n3,6.5.2024,1,2\n4,,1,2\n5,2030-01-01,1,2\n"
        table += "6,2024-05-06,,NA\n"
        items = read(table, f'{WIDE}[columns]\na = "LOCAL//a"\nb = "LOCAL//b"\n')
        assert told(items) == [("LOCAL//b", 2.0, None)]
        assert wrong(items) == [
            ("Caution", 2, "a", 'Expected a number, got "x". It was left out.'),
            ("Refusal", 3, "id", "The subject is missing."),
            ("Refusal", 4, "date", 'Expected a moment as 2024-05-06 or 2024-05-06T09:30, got "6.5.2024".'),
            ("Refusal", 5, "date", "The time is missing."),
            ("Refusal", 6, "date", "2030-01-01 00:00 UTC lies ahead of the import."),
            ("Refusal", 7, "", "The row holds no value that can be used."),
        ]

    @pytest.mark.parametrize(
        ("answers", "stated", "events", "reason"),
        [
            ("1,1,1,1,1,1,1,1,1", "9", [("LOINC//44261-6", 9.0)], None),
            ("1,1,1,1,1,1,1,1,1", "", [("LOINC//44261-6", 9.0)], None),
            ("1,1,1,1,1,1,1,1,1", "13", [("LOINC//44261-6", 9.0), ("STATED//LOINC//44261-6", 13.0)],
             "The stated total is 13, but the items make 9."),
            ("1,1,1,,,,,,", "13", [("STATED//LOINC//44261-6", 13.0)], "cannot be checked"),
            (",,,,,,,,", "13", [("LOINC//44261-6", 13.0)], None),
            (",,,,,,,,", "99", [("STATED//LOINC//44261-6", 99.0)], "lies outside 0 to 27"),
        ],
    )  # fmt: skip
    def test_a_total_is_what_the_answers_make(self, read, answers, stated, events, reason):
        items = read(f"id,date,{','.join(PHQ9)},sum\n1,2024-05-06,{answers},{stated}\n", PHQ9_MAPPING)
        totals = [(code, number) for code, number, _ in told(items) if "44261" in code]
        assert totals == events
        assert [(line, field) for _, line, field, _ in wrong(items)] == ([(2, "sum")] if reason else [])
        assert not reason or reason in wrong(items)[0][3]

    def test_a_table_that_lacks_an_item_has_no_total(self, read):
        mapping = f'{WIDE}[instruments.phq9]\nitems = {PHQ9[:8]}\ntotal = "sum"\n'
        items = read(f"id,date,{','.join(PHQ9[:8])},sum\n1,2024-05-06,1,1,1,1,1,1,1,1,8\n", mapping)
        assert told(items)[-1][0] == "STATED//LOINC//44261-6"
        assert "the table lacks items" in wrong(items)[0][3]

    def test_answers_may_be_words_and_must_be_possible(self, read):
        mapping = f'{WIDE}[instruments.phq9]\nitems = ["a", "b", "c", "d"]\nanswers = {{ "Gar nicht" = 0 }}\n'
        items = read("id,date,a,b,c,d\n1,2024-05-06,Nearly every day,gar nicht,LA6570-1,4\n", mapping)
        assert [number for _, number, _ in told(items)] == [3.0, 0.0, 2.0]
        assert wrong(items)[0][2] == "d"
        assert "whole numbers from 0 to 3, got 4.0" in wrong(items)[0][3]

    def test_who_somebody_is_is_said_once_and_when_it_changes(self, read):
        mapping = f'{WIDE}[columns]\nborn = "MEDS_BIRTH"\nsite = "PERSON//site"\n'
        table = "id,date,born,site\n1,2024-01-01,1980,A\n1,2024-01-02,1980,A\n1,2024-01-03,1980,B\n"
        items = read(table, mapping)
        assert [len(item.events) for item in items] == [2, 2]
        birth = items[0].events[0]
        assert (birth.time.year, birth.known_at, birth.text_value) == (
            1980,
            datetime(1980, 12, 31, tzinfo=UTC),
            "1980",
        )

    def test_its_rows_have_names_of_their_own_or_of_the_mapping_person_and_time(self, read):
        body = "1,2024-05-06,1,2,x1\n1,2024-05-06,1,2,x2\n"
        mapping = f'{WIDE}[columns]\na = "LOCAL//a"\nb = {{ code = "LOCAL//b", kind = "sensor" }}\n'
        items = read("id,date,a,b,row\n" + body, mapping)
        assert items == read("id,date,a,b,row\n" + body, mapping)
        assert len({item.ref for item in items}) == 4
        named = read("id,date,a,b,row\n" + body, mapping.replace("time =", 'entry = "row"\ntime ='))
        assert [item.ref for item in named] == [
            *("data/x1/measurement", "data/x1/sensor", "data/x2/measurement", "data/x2/sensor")
        ]

    @pytest.mark.parametrize(
        ("meaning", "cell", "reason"),
        [
            (
                '{ code = "LOCAL//a", answers = { yes = 1, no = 0 } }',
                "2",
                'a number or one of yes, no, got "2"',
            ),
            ('{ code = "LOCAL//a", holds = "yes" }', "perhaps", 'Expected yes or no, got "perhaps"'),
            ('"LOCAL//a"', "1e999", "Expected a finite number"),
            ('"MEDS_BIRTH"', "2030-01-01", "ahead of the import"),
            ('{ code = "LOCAL//a", holds = "date" }', "May", "Expected a moment"),
        ],
    )
    def test_a_cell_must_fit_what_the_column_holds(self, read, meaning, cell, reason):
        items = read(f"id,date,a\n1,2024-05-06,{cell}\n", f"{WIDE}[columns]\na = {meaning}\n")
        assert [(kind, field) for kind, _, field, _ in wrong(items)] == [("Caution", "a"), ("Refusal", "")]
        assert reason in wrong(items)[0][3]

    def test_one_moment_may_hold_for_all_rows(self, read):
        mapping = '[table]\nshape = "wide"\nsubject = "id"\nmoment = "2024-05"\n[columns]\na = "LOCAL//a"\n'
        [entry] = read("id,a\n1,5\n", mapping, context=Context(NOW, source="north"))
        assert entry.subject_id == "north/1"
        assert (entry.events[0].time.day, entry.events[0].known_at.day) == (1, 31)


class TestALongTable:
    def test_has_an_entry_a_row(self, read):
        mapping = LONG + 'unit = "unit"\n[codes]\nPHQ9_TOTAL = "LOINC//44261-6"\n'
        table = "id,date,code,value,unit\n"
        table += "1,2024-05-06,PHQ9_TOTAL,14,{score}\n1,2024-05-06,LOINC//8867-4,60,/min\n"
        table += "1,2024-05-06,LOINC//8867-4,fast,/min\n1,2024-05-06,SLEEP,1,\n"
        items = read(table, mapping)
        assert told(items) == [
            ("LOINC//44261-6", 14.0, "{score}"),
            ("LOINC//8867-4", 60.0, "/min"),
            ("LOINC//8867-4", None, "fast"),
        ]
        assert [item.kind for item in items[:2]] == ["questionnaire", "measurement"]
        assert wrong(items) == [
            ("Refusal", 5, "code", 'There is no translation of "SLEEP": add it under [codes] in the mapping.')
        ]

    def test_may_have_one_vocabulary_and_columns_for_numbers_and_words(self, read):
        mapping = LONG.replace('value = "value"', 'number = "n"\ntext = "t"\nvocabulary = "LOINC"')
        items = read(
            "id,date,code,n,t\n1,2024-05-06,8867-4,60,/min\n1,2024-05-06,8867-4,x,\n1,2024-05-06,,1,\n",
            mapping,
        )
        assert told(items) == [("LOINC//8867-4", 60.0, "/min")]
        assert [(line, field) for _, line, field, _ in wrong(items)] == [(3, "n"), (4, "code")]

    def test_rows_with_one_id_are_one_entry_and_refused_together(self, read):
        mapping = LONG + 'entry = "form"\nkind = "kind"\n'
        table = "id,date,code,value,form,kind\n1,2024-05-06,A//1,1,f1,sensor\n1,2024-05-06,A//2,2,f1,sensor\n"
        table += "1,2024-05-06,A//1,1,f2,sensor\n1,2024-05-06,A//2,2,f2,note\n1,2024-05-06,A//1,1,f3,moon\n"
        table += "1,2024-05-06,A//,1,f4,sensor\n1,2024-05-06,A//1,1e999,f5,sensor\n"
        items = read(table, mapping)
        assert [(item.ref, len(item.events)) for item in items if isinstance(item, Entry)] == [("data/f1", 2)]
        assert [(line, field) for _, line, field, _ in wrong(items)] == [
            *[(5, "kind"), (6, "kind"), (7, "code"), (8, "number")]
        ]

    def test_a_translation_says_how_values_are_read(self, read):
        mapping = (
            LONG + '[codes]\nS = { code = "A//s", answers = { yes = 1, no = "none" }, missing = ["-9"] }\n'
        )
        table = (
            "id,date,code,value\n1,2024-05-06,S,Yes\n1,2024-05-06,S,No\n1,2024-05-06,S,2\n1,2024-05-06,S,-9\n"
        )
        items = read(table, mapping)
        assert told(items) == [("A//s", 1.0, None), ("A//s", None, "none")]
        assert [(field, reason) for _, _, field, reason in wrong(items)] == [
            ("value", 'Expected one of yes, no, got "2".'),
            ("value", "The value is missing."),
        ]

    def test_of_a_thousand_rows_with_a_hundred_bad_nine_hundred_are_kept(self, read):
        bad = {3: ("", "id"), 13: ("x", "date"), 23: ("", "code")}
        table, expected = "id,date,code,value\n", []
        for number in range(1000):
            cells = {"id": "1", "date": "2024-05-06", "code": "A//1"}
            if number % 10 == 3:
                value, column = list(bad.values())[number // 10 % 3]
                cells[column] = value
                expected.append((number + 2, column))
            table += ",".join([*cells.values(), str(number)]) + "\n"
        items = read(table, LONG)
        assert sum(isinstance(item, Entry) for item in items) == 900
        assert [(line, field) for _, line, field, _ in wrong(items)] == expected


class TestTheFile:
    ROW = "id;date;a\n1;06.05.2024 09:30;1,5\n"
    MAPPING = (
        WIDE
        + 'time_format = "%d.%m.%Y %H:%M"\nzone = "Europe/Berlin"\ndecimal = ","\n[columns]\na = "LOCAL//a"\n'
    )

    def test_may_write_decimals_and_moments_in_its_own_way(self, read):
        [entry] = read(self.ROW, self.MAPPING)
        assert entry.events[0].numeric_value == 1.5
        assert entry.events[0].time == datetime(2024, 5, 6, 7, 30, tzinfo=UTC)

    def test_known_at_is_never_before_the_time_and_a_day_is_midnight(self, read):
        mapping = WIDE + 'known_at = "seen"\n[columns]\na = "LOCAL//a"\n'
        table = "id,date,seen,a\n1,2024-05-06T09:00,2024-05-06,1\n1,2024-05-06,2024-05-08,1\n"
        known = [entry.events[0].known_at for entry in read(table, mapping)]
        assert known == [datetime(2024, 5, 6, 9, tzinfo=UTC), datetime(2024, 5, 8, tzinfo=UTC)]

    @pytest.mark.parametrize("name", ["data.csv.gz", "data.tsv", "data.csv"])
    def test_may_be_packed_or_use_tabs(self, read, name):
        text = (
            "id\tdate\ta\n1\t2024-05-06\t1\n"
            if "tsv" in name
            else "\ufeffid,date,a\r\n\r\n1,2024-05-06,1\r\n"
        )
        assert told(read(text, f'{WIDE}[columns]\na = "LOCAL//a"\n', name)) == [("LOCAL//a", 1.0, None)]

    def test_may_be_parquet(self, tmp_path):
        file = tmp_path / "data.parquet"
        day = datetime(2024, 5, 6)  # noqa: DTZ001
        pl.DataFrame({"id": [7, None], "date": [day, day], "a": [1.5, 2.0]}).write_parquet(file)
        assert not FORMAT.accepts(file)
        (tmp_path / "data.toml").write_text(f'{WIDE}[columns]\na = "LOCAL//a"\n')
        assert FORMAT.accepts(file)
        items = list(FORMAT.read(file, Context(NOW)))
        assert (items[0].subject_id, told(items)) == ("7", [("LOCAL//a", 1.5, None)])
        assert wrong(items) == [("Refusal", 2, "id", "The subject is missing.")]
        file.write_bytes(b"PAR1")
        with pytest.raises(DataError, match="damaged"):
            list(FORMAT.read(file, Context(NOW)))

    def test_lines_are_counted_as_an_editor_does_and_bad_ones_are_refused(self, read):
        table = 'id,date,a\n1,2024-05-06,"x\ny"\n1,2024-05-06\n1,2024-05-06,"x"y\n1,2024-05-06,z\n'
        items = read(table, f'{WIDE}[columns]\na = {{ code = "LOCAL//a", holds = "text" }}\n')
        assert [text for *_, text in told(items)] == ["x\ny", "z"]
        assert [(line, field) for _, line, field, _ in wrong(items)] == [(4, ""), (5, "")]
        assert "Expected 3 cells as in the header, got 2." in wrong(items)[0][3]

    def test_another_encoding_is_refused_until_it_is_named(self, read):
        mapping = f'{WIDE}[columns]\na = {{ code = "LOCAL//a", holds = "text" }}\n'
        table = "id,date,a\n1,2024-05-06,müde\n"
        assert "It is not utf-8" in wrong(read(table, mapping, encoding="latin-1"))[0][3]
        named = mapping.replace("time =", 'encoding = "latin-1"\ntime =')
        assert told(read(table, named, encoding="latin-1")) == [("LOCAL//a", None, "müde")]

    @pytest.mark.parametrize(
        ("table", "message"), [("", "the file is empty"), ('"a"b,c\n', "This is not CSV")]
    )
    def test_that_is_no_table_is_refused(self, read, table, message):
        with pytest.raises(DataError, match=message):
            read(table, f'{WIDE}[columns]\na = "LOCAL//a"\n')

    def test_that_swells_is_refused(self, read, monkeypatch):
        monkeypatch.setattr(rows_module, "FEWEST", 1000)
        table = "id,date,a\n" + "1,2024-05-06,1\n" * 20_000
        with pytest.raises(DataError, match="swells"):
            read(table, f'{WIDE}[columns]\na = "LOCAL//a"\n', "data.csv.gz")

    def test_that_is_not_what_its_name_says_is_refused(self, tmp_path):
        (tmp_path / "data.csv.gz").write_bytes(b"no gzip")
        with pytest.raises(DataError, match="cannot be read"):
            list(FORMAT.read(tmp_path / "data.csv.gz", Context(NOW)))

    def test_without_a_mapping_the_hint_says_how_to_get_one(self, tmp_path):
        (tmp_path / "data.csv").write_text("a,b\n1,2\n")
        assert FORMAT.accepts(tmp_path / "data.csv")
        assert not FORMAT.accepts(tmp_path)
        with pytest.raises(DataError, match=r"alleviate mapping new .*data\.csv"):
            list(FORMAT.read(tmp_path / "data.csv", Context(NOW)))

    def test_the_mapping_may_lie_elsewhere(self, tmp_path):
        (tmp_path / "data.csv").write_text("id,date,a\n1,2024-05-06,1\n")
        mapping = tmp_path / "other.toml"
        mapping.write_text(f'{WIDE}[columns]\na = "LOCAL//a"\n')
        assert len(list(FORMAT.read(tmp_path / "data.csv", Context(NOW, mapping=mapping)))) == 1
        with pytest.raises(DataError, match="cannot be read"):
            list(FORMAT.read(tmp_path / "data.csv", Context(NOW, mapping=Path("none.toml"))))


class TestAMapping:
    @pytest.mark.parametrize(
        ("mapping", "message"),
        [
            ("x", "this is no TOML"),
            ("[columns]\n", "the section [table] is missing"),
            ("[tabel]\n", 'there is no key "tabel". Did you mean "table"?'),
            (WIDE + 'decimals = ","\n', 'there is no key "table.decimals". Did you mean "decimal"?'),
            (WIDE + "known_at = 3\n", "table.known_at: Expected `str | null`, got `int`"),
            ('[table]\nshape = "wide"\nsubject = "id"\n', "table.time: expected a column, or else moment"),
            (WIDE + 'moment = "2024"\n', "table.time: expected a column, or else moment"),
            (WIDE + 'zone = "Berlin"\n', 'got "Berlin"'),
            (WIDE + 'encoding = "utf-9"\n', 'got "utf-9"'),
            (WIDE + 'delimiter = ",,"\n', "one character"),
            (WIDE, "no column has a meaning"),
            (WIDE + '[codes]\na = "A//a"\n', "Name it [columns]"),
            ("columns = 3\n" + WIDE, "expected a section [columns]"),
            (WIDE + "[columns]\na = 3\n", "expected a table, got 3"),
            (WIDE + '[columns]\na = "A//"\n', "no empty part"),
            (WIDE + '[columns]\na = ""\n', "Complete the line"),
            (WIDE + '[columns]\na = { code = "A//a", kind = "x" }\n', "Invalid enum value 'x'"),
            (
                WIDE + '[columns]\na = { cod = "A//a" }\n',
                'there is no key "columns."a".cod". Did you mean "code"?',
            ),
            (WIDE + '[columns]\ndat = "A//b"\n', 'data.csv has no column "dat". Did you mean "date"?'),
            (WIDE.replace('"id"', '""') + '[columns]\na = "A//a"\n', "table.subject is empty"),
            (
                WIDE.replace('"date"', '"when"') + '[columns]\na = "A//a"\n',
                'table.time: data.csv has no column "when"',
            ),
            (WIDE + "[instruments.phq]\n", 'there is no instrument "phq". Did you mean "phq'),
            (WIDE + f"[instruments.phq9]\nitems = {[*PHQ9, 'x']}\n", "PHQ-9 has 9 items, got 10"),
            (WIDE + '[instruments.phq9]\ntotal = "a"\n[columns]\na = "A//a"\n', '"a" is named twice'),
            (
                WIDE.replace('time = "date"', 'moment = "May"') + '[columns]\na = "A//a"\n',
                "table.moment: Expected a moment",
            ),
            (LONG.replace('code = "code"', ""), "table.code: expected the column of codes"),
            (LONG.replace('value = "value"', ""), "table.value: expected a column"),
        ],
    )
    def test_that_is_wrong_names_the_key_and_the_nearest_one(self, read, mapping, message):
        with pytest.raises(DataError) as error:
            read("id,date,a\n1,2024-05-06,1\n", mapping)
        assert message in str(error.value)
        assert "data.toml" in str(error.value)


def test_the_examples_in_the_documentation_are_mappings_and_explain_every_key():
    page = (Path(__file__).parents[2] / "docs" / "mapping.md").read_text(encoding="utf-8")
    examples = [
        parse(text, "mapping.md")
        for text in re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    ]
    assert {example.layout.shape for example in examples} == {"wide", "long"}
    explained = set(re.findall(r"`(\w+)`", page))
    assert set(Layout.__struct_fields__) - explained == set()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([LONG, PHQ9_MAPPING]))
def test_any_bytes_are_read_or_refused(tmp_path_factory, raw, mapping):
    folder = tmp_path_factory.getbasetemp()
    (folder / "any.csv").write_bytes(b"id,date,code,value,sum," + ",".join(PHQ9).encode() + b"\n" + raw)
    (folder / "any.toml").write_text(mapping)
    for item in FORMAT.read(folder / "any.csv", Context(NOW)):
        assert isinstance(item, Entry | Refusal | Caution)
