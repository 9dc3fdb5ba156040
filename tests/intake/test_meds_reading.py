"""MEDS of others is read row by row, each an entry; what cannot be taken is named by file, row and column."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from every_kind import NOW, collected

from alleviate.intake.meds import FORMAT
from alleviate.intake.reading import Context, Refusal
from alleviate.intake.vocabularies import kind_of
from alleviate.records import Entry
from alleviate.terms.errors import DataError

DAY = datetime(2024, 5, 6)  # noqa: DTZ001
BIRTH = datetime(1980, 1, 2)  # noqa: DTZ001
CONTEXT = Context(NOW)


def dataset(folder, *shards: dict, nested: str = ""):
    """A dataset's folder with these columns as its shards."""
    for number, columns in enumerate(shards):
        file = folder / "data" / nested / f"{number}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        pl.DataFrame(columns).write_parquet(file)
    return folder


def rows(*, subjects=(5, 5), times=(DAY, DAY), codes=("LAB//glucose", "LAB//glucose"), **more):
    return {"subject_id": subjects, "time": times, "code": codes, **more}


def events(path, context=CONTEXT):
    return [event for record in collected(FORMAT.read(path, context)).values() for event in record.events]


class TestForeignRows:
    def test_are_entries_that_stay_the_same_when_read_again(self, tmp_path):
        path = dataset(tmp_path, rows(numeric_value=[5.5, 6.5]))
        first, again = list(FORMAT.read(path, CONTEXT)), list(FORMAT.read(path, CONTEXT))
        assert first == again
        assert len({entry.ref for entry in first}) == 2, "equal rows are two entries"

    def test_keep_their_name_when_a_value_changes(self, tmp_path):
        [old] = FORMAT.read(dataset(tmp_path / "a", rows(subjects=[5], times=[DAY], codes=["X"])), CONTEXT)
        changed = rows(subjects=[5], times=[DAY], codes=["X"], text_value=["new"])
        [new] = FORMAT.read(dataset(tmp_path / "b", changed), CONTEXT)
        assert (new.ref, new.subject_id) == (old.ref, old.subject_id)
        assert new.events != old.events

    def test_lie_in_nested_shards_and_subjects_may_be_text(self, tmp_path):
        path = dataset(tmp_path, rows(subjects=["a", "b"]), rows(subjects=["c", "d"]), nested="train")
        assert [event.subject_id for event in events(path)] == ["a", "b", "c", "d"]

    def test_may_be_one_file(self, tmp_path):
        path = dataset(tmp_path, rows()) / "data" / "0.parquet"
        assert FORMAT.accepts(path)
        assert {event.subject_id for event in events(path, Context(NOW, source="north"))} == {"north/5"}

    def test_a_32_bit_number_is_the_decimal_that_was_meant(self, tmp_path):
        numbers = pl.Series([36.6, float("nan")], dtype=pl.Float32)
        assert [e.numeric_value for e in events(dataset(tmp_path, rows(numeric_value=numbers)))] == [
            None,
            36.6,
        ]

    def test_times_with_a_zone_are_turned_to_utc(self, tmp_path):
        times = pl.Series([DAY, DAY]).dt.replace_time_zone("Europe/Berlin")
        assert events(dataset(tmp_path, rows(times=times)))[0].time == datetime(2024, 5, 5, 22, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("codes", "times", "static"),
        [
            (["GENDER//F", "MEDS_BIRTH"], [None, BIRTH], BIRTH),
            (["GENDER//F", "LAB//x"], [None, DAY], DAY),
            (["GENDER//F", "RACE//x"], [None, None], datetime(1970, 1, 1)),  # noqa: DTZ001
        ],
    )
    def test_without_a_time_hold_from_birth_or_the_first_event(self, tmp_path, codes, times, static):
        found = events(dataset(tmp_path, rows(codes=codes, times=pl.Series(times, dtype=pl.Datetime))))
        [event] = [event for event in found if event.code == "GENDER//F"]
        assert event.time == event.known_at == static.replace(tzinfo=UTC)
        assert event.kind == "person"

    def test_what_was_replaced_is_left_out(self, tmp_path):
        path = dataset(tmp_path, rows(known_until=[DAY + timedelta(days=1), None]))
        assert len(events(path)) == 1


class TestARefusal:
    @pytest.mark.parametrize(
        ("columns", "field", "reason"),
        [
            (rows(subjects=[None, 5]), "subject_id", "missing"),
            (rows(codes=[None, "X"]), "code", "missing"),
            (rows(codes=["X//", "X"]), "code", "no empty part"),
            (rows(times=[datetime(2027, 1, 1), DAY]), "time", "ahead of the import"),  # noqa: DTZ001
            (rows(known_at=[BIRTH, DAY]), "known_at", "before it happened"),
            (rows(kind=["moon", "note"]), "kind", "Expected one of person"),
            (rows(numeric_value=[float("inf"), 1.0]), "numeric_value", "finite"),
            (rows(times=pl.Series([2**62, 0]).cast(pl.Datetime("us"))), "time", "years 1 to 9999"),
        ],
    )
    def test_names_file_row_and_column_and_the_rest_is_kept(self, tmp_path, columns, field, reason):
        path = dataset(tmp_path, columns)
        refusal, kept = FORMAT.read(path, CONTEXT)
        assert isinstance(refusal, Refusal)
        assert isinstance(kept, Entry)
        assert (refusal.file, refusal.line, refusal.field) == (str(path / "data/0.parquet"), 1, field)
        assert reason in refusal.reason

    def test_takes_the_whole_entry_since_half_of_one_would_be_a_correction(self, tmp_path):
        path = dataset(tmp_path, rows(entry=["Obs/1", "Obs/1"], kind=["measurement", "note"]))
        [refusal] = FORMAT.read(path, CONTEXT)
        assert (refusal.line, refusal.field) == (2, "kind")

    def test_of_a_thousand_rows_with_a_hundred_bad_nine_hundred_are_kept(self, tmp_path):
        codes = ["BAD//" if number % 10 == 3 else "LAB//x" for number in range(1000)]
        path = dataset(tmp_path, rows(subjects=range(1000), times=[DAY] * 1000, codes=codes))
        items = list(FORMAT.read(path, CONTEXT))
        assert sum(isinstance(item, Entry) for item in items) == 900
        refused = [item.line for item in items if isinstance(item, Refusal)]
        assert refused == [number + 1 for number in range(1000) if number % 10 == 3]


class TestAFileThatIsNoMeds:
    @pytest.mark.parametrize(
        ("columns", "message"),
        [
            (
                {"subject": [1], "time": [DAY], "code": ["X"]},
                'a column "subject_id", found none. Is it "subject"?',
            ),
            ({"x": [1]}, "It has x."),
            (rows(times=["2024", "2025"]), 'expected moments in the column "time", got String'),
            (rows(subjects=[5.0, 5.0]), "expected whole numbers or text"),
            (rows(subjects=[1, 2, 1], times=[DAY] * 3, codes=["X"] * 3), "rows of each subject together"),
        ],
    )
    def test_is_refused_as_a_whole(self, tmp_path, columns, message):
        with pytest.raises(DataError) as error:
            list(FORMAT.read(dataset(tmp_path, columns), CONTEXT))
        assert message in str(error.value)

    def test_neither_is_a_subject_in_two_files(self, tmp_path):
        with pytest.raises(DataError, match="one in several"):
            list(FORMAT.read(dataset(tmp_path, rows(), rows()), CONTEXT))

    def test_nor_a_damaged_file_nor_an_empty_folder(self, tmp_path):
        with pytest.raises(DataError, match="no Parquet files"):
            list(FORMAT.read(tmp_path, CONTEXT))
        file = dataset(tmp_path, rows()) / "data" / "0.parquet"
        raw = file.read_bytes()
        for damaged in (b"PAR1", raw[:4] + b"\xff" * 40 + raw[44:]):
            file.write_bytes(damaged)
            with pytest.raises(DataError, match="damaged"):
                list(FORMAT.read(tmp_path, CONTEXT))

    def test_nor_one_whose_names_of_subjects_cannot_be_read(self, tmp_path):
        dataset(tmp_path, rows())
        (tmp_path / "metadata").mkdir()
        pl.DataFrame({"x": [1]}).write_parquet(tmp_path / "metadata" / "subjects.parquet")
        with pytest.raises(DataError, match="expected the columns subject_id and id"):
            list(FORMAT.read(tmp_path, CONTEXT))

    def test_is_not_accepted(self, tmp_path):
        assert not FORMAT.accepts(tmp_path)
        (tmp_path / "x.parquet").write_bytes(b"PAR1")
        assert not FORMAT.accepts(tmp_path / "x.parquet")
        assert not FORMAT.accepts(tmp_path / "x.csv")
        assert not FORMAT.accepts(dataset(tmp_path, {"x": [1]}))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ICD10CM//F32.1", "condition"),
        ("DIAGNOSIS//ICD//10//F32", "condition"),
        ("ATC//N06AB06", "medication"),
        ("RxNorm//36437", "medication"),
        ("LOINC//44261-6", "questionnaire"),
        ("LOINC//44250-9", "questionnaire"),
        ("LOINC//8867-4", "measurement"),
        ("LAB//50912//mg%2FdL", "measurement"),
        ("whatever", "measurement"),
    ],
)
def test_the_kind_follows_from_the_vocabulary_where_the_source_does_not_say(code, kind):
    assert kind_of(code) == kind
