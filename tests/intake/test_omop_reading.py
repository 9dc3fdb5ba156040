"""OMOP of others is read row by row; what cannot be taken is named by file, line and column."""

import csv
from datetime import UTC, datetime

import polars as pl
import pytest
from every_kind import NOW

from alleviate.intake.omop import FORMAT
from alleviate.intake.reading import Context, Refusal
from alleviate.records import Entry
from alleviate.terms.errors import DataError

CONTEXT = Context(NOW)
DAY = "2024-05-06"
CONCEPTS = [
    {"concept_id": id, "concept_name": name, "vocabulary_id": vocabulary, "concept_code": code}
    for id, name, vocabulary, code in [
        ("440383", "Depressive disorder", "SNOMED", "35489007"),
        ("45571700", "Moderate depressive episode", "ICD10CM", "F32.1"),
        ("3042932", "PHQ-9 total", "LOINC", "44261-6"),
        ("4172703", "equal", "SNOMED", "x"),
        ("8554", "percent", "UCUM", "%"),
        ("45877994", "Yes", "LOINC", "LA33-6"),
    ]
]


def folder(path, **tables):
    """An OMOP folder with these rows; a person 7 is always there."""
    tables = {"person": [{"person_id": "7"}], "observation": [], **tables}
    for name, rows in tables.items():
        names = list(dict.fromkeys(key for row in rows for key in row)) or ["observation_id", "person_id"]
        with (path / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            out = csv.DictWriter(file, names)
            out.writeheader()
            out.writerows(rows)
    return path


def read(path, **tables):
    """Entries and refusals of all tables but person."""
    items = list(FORMAT.read(folder(path, **tables), CONTEXT))
    return [item for item in items if isinstance(item, Refusal) or not item.ref.startswith("person/")]


def told(path, **tables):
    """Code, number, text of the events of the one entry."""
    [entry] = read(path, **tables)
    return [(event.code, event.numeric_value, event.text_value) for event in entry.events]


class TestAPerson:
    @pytest.mark.parametrize(
        ("row", "events"),
        [
            (
                {
                    "gender_concept_id": "8532",
                    "year_of_birth": "1980",
                    "month_of_birth": "5",
                    "day_of_birth": "2",
                },
                [("MEDS_BIRTH", None), ("PERSON//sex", "female")],
            ),
            (
                {"gender_concept_id": "8507.0", "year_of_birth": "1980"},
                [("MEDS_BIRTH", "1980"), ("PERSON//sex", "male")],
            ),
            (
                {"gender_source_value": "F", "year_of_birth": "1980", "month_of_birth": "5"},
                [("MEDS_BIRTH", "1980-05"), ("PERSON//sex", "female")],
            ),
            (
                {"birth_datetime": "1980-05-02 04:00:00", "care_site_id": "3", "person_source_value": "x7"},
                [
                    ("MEDS_BIRTH", None),
                    ("PERSON//identifier//person_source_value", "x7"),
                    ("PERSON//site", "North"),
                ],
            ),
        ],
    )
    def test_has_birth_sex_site_and_the_sources_id(self, tmp_path, row, events):
        site = [{"care_site_id": "3", "care_site_name": "North"}]
        path = folder(tmp_path, person=[{"person_id": "7", **row}], care_site=site)
        [entry] = FORMAT.read(path, Context(NOW, source="north"))
        assert (entry.subject_id, entry.ref, entry.kind) == ("north/7", "person/7", "person")
        assert [(event.code, event.text_value) for event in entry.events] == events
        assert {event.time.year for event in entry.events} == {1980}

    def test_whose_birth_is_no_day_is_refused(self, tmp_path):
        [refusal] = FORMAT.read(
            folder(tmp_path, person=[{"person_id": "7", "year_of_birth": "1980", "month_of_birth": "13"}]),
            CONTEXT,
        )
        assert (refusal.line, refusal.field) == (2, "year_of_birth")

    def test_dies(self, tmp_path):
        assert told(
            tmp_path, death=[{"person_id": "7", "death_date": DAY, "cause_source_value": "fall"}]
        ) == [("MEDS_DEATH", None, "fall")]


class TestARow:
    def test_of_a_condition_is_named_by_its_concept_then_the_sources(self, tmp_path):
        row = {
            "condition_occurrence_id": "1",
            "person_id": "7",
            "condition_start_date": DAY,
            "condition_end_date": "2024-06-01",
            "condition_concept_id": "440383",
            "condition_source_concept_id": "45571700",
        }
        assert told(tmp_path, condition_occurrence=[row], concept=CONCEPTS) == [
            ("SNOMED//35489007", None, "Depressive disorder"),
            ("CODING//ICD10CM//F32.1", None, None),
            ("SNOMED//35489007//end", None, None),
        ]

    @pytest.mark.parametrize(
        ("concept", "source", "code"),
        [
            ("440383", "", "OMOP//440383"),
            ("0", "ICD10//F32.1", "ICD10//F32.1"),
            ("440383", "depression", "OMOP//440383"),
            ("0", "mild/depression", "OMOP//source//mild%2Fdepression"),
        ],
    )
    def test_without_a_vocabulary_is_named_by_source_or_number(self, tmp_path, concept, source, code):
        row = {
            "condition_occurrence_id": "1",
            "person_id": "7",
            "condition_start_date": DAY,
            "condition_concept_id": concept,
            "condition_source_value": source,
        }
        assert told(tmp_path, condition_occurrence=[row]) == [(code, None, None)]

    def test_of_a_medicine_has_a_dose_and_an_end_that_has_come(self, tmp_path):
        row = {
            "drug_exposure_id": "1",
            "person_id": "7",
            "drug_exposure_start_date": DAY,
            "drug_exposure_end_date": "2030-01-01",
            "drug_source_value": "RxNorm//36437",
            "quantity": "50",
            "dose_unit_source_value": "mg",
        }
        assert told(tmp_path, drug_exposure=[row]) == [
            ("RxNorm//36437", None, None),
            ("MEDICATION//dose", 50.0, "mg"),
        ]

    def test_of_a_visit_has_its_minutes_known_at_the_end(self, tmp_path):
        row = {
            "visit_occurrence_id": "1",
            "person_id": "7",
            "visit_start_date": DAY,
            "visit_start_datetime": f"{DAY} 09:00:00",
            "visit_end_datetime": f"{DAY}T09:50",
            "visit_source_value": "CBT",
            "provider_id": "4",
        }
        [entry] = read(tmp_path, visit_occurrence=[row])
        assert [
            (event.code, event.numeric_value, event.text_value, event.time.hour * 60 + event.time.minute)
            for event in entry.events
        ] == [
            ("SESSION//attended", None, "CBT", 540),
            ("SESSION//therapist", None, "4", 540),
            ("SESSION//minutes", 50.0, "min", 590),
        ]

    @pytest.mark.parametrize(
        ("values", "number", "text"),
        [
            ({"value_as_number": "5.5", "unit_concept_id": "8554"}, 5.5, "%"),
            (
                {"value_as_number": "5", "operator_concept_id": "4171756", "unit_source_value": "mg"},
                None,
                "<5 mg",
            ),
            ({"value_as_concept_id": "45877994"}, None, "Yes"),
            ({"value_source_value": "two"}, None, "two"),
        ],
    )
    def test_of_a_measurement_is_a_number_with_unit_or_words_and_a_bound_is_no_number(
        self, tmp_path, values, number, text
    ):
        row = {
            "measurement_id": "1",
            "person_id": "7",
            "measurement_date": DAY,
            "measurement_source_value": "LOINC//8867-4",
        }
        assert told(tmp_path, measurement=[row | values], concept=CONCEPTS) == [
            ("LOINC//8867-4", number, text)
        ]

    def test_of_an_instrument_is_a_questionnaire_in_either_table(self, tmp_path):
        rows = {
            name: [
                {
                    f"{name}_id": "1",
                    "person_id": "7",
                    f"{name}_date": DAY,
                    "value_as_number": "14",
                    f"{name}_concept_id": "3042932",
                }
            ]
            for name in ("measurement", "observation")
        }
        assert [(e.kind, e.events[0].code) for e in read(tmp_path, concept=CONCEPTS, **rows)] == [
            ("questionnaire", "LOINC//44261-6")
        ] * 2

    def test_of_notes_procedures_and_episodes(self, tmp_path):
        items = read(
            tmp_path,
            note=[
                {
                    "note_id": "1",
                    "person_id": "7",
                    "note_date": DAY,
                    "note_title": "progress",
                    "note_text": "a\nb",
                }
            ],
            procedure_occurrence=[
                {
                    "procedure_occurrence_id": "1",
                    "person_id": "7",
                    "procedure_date": DAY,
                    "procedure_concept_id": "440383",
                    "procedure_source_concept_id": "45571700",
                }
            ],
            episode=[
                {
                    "episode_id": "1",
                    "person_id": "7",
                    "episode_start_date": DAY,
                    "episode_end_date": DAY,
                    "episode_source_value": "CBT",
                }
            ],
            concept=CONCEPTS,
        )
        assert [[event.code for event in item.events] for item in items] == [
            ["SNOMED//35489007", "CODING//ICD10CM//F32.1"],
            ["NOTE//progress"],
            ["EPISODE//start", "EPISODE//end"],
        ]

    @pytest.mark.parametrize(
        ("change", "field", "reason"),
        [
            ({"person_id": ""}, "person_id", "missing"),
            ({"measurement_id": ""}, "measurement_id", "missing"),
            ({"measurement_date": ""}, "measurement_date", "missing"),
            ({"measurement_date": "May"}, "measurement_date", 'got "May"'),
            ({"measurement_date": "2030-01-01"}, "measurement_date", "ahead of the import"),
            ({"value_as_number": "x"}, "value_as_number", 'Expected a number, got "x"'),
            ({"value_as_number": "inf"}, "value_as_number", "Expected a number"),
            ({"measurement_source_value": ""}, "measurement_concept_id", "no concept and no source value"),
        ],
    )
    def test_that_is_bad_is_refused_and_the_rest_is_kept(self, tmp_path, change, field, reason):
        good = {
            "measurement_id": "1",
            "person_id": "7",
            "measurement_date": DAY,
            "value_as_number": "5",
            "measurement_source_value": "LOINC//8867-4",
        }
        refusal, kept = read(tmp_path, measurement=[good | change, good])
        assert (refusal.file, refusal.line, refusal.field) == (str(tmp_path / "measurement.csv"), 2, field)
        assert reason in refusal.reason
        assert isinstance(kept, Entry)

    def test_of_a_thousand_with_a_hundred_bad_nine_hundred_are_kept(self, tmp_path):
        rows = [
            {
                "measurement_id": str(number),
                "person_id": "7",
                "measurement_date": "x" if number % 10 == 3 else DAY,
                "measurement_source_value": "LOINC//8867-4",
            }
            for number in range(1000)
        ]
        items = read(tmp_path, measurement=rows)
        assert sum(isinstance(item, Entry) for item in items) == 900
        assert [item.line for item in items if isinstance(item, Refusal)] == [
            n + 2 for n in range(1000) if n % 10 == 3
        ]


class TestTheFiles:
    def test_may_be_parquet_named_in_any_case(self, tmp_path):
        day = datetime(2024, 5, 6)  # noqa: DTZ001
        pl.DataFrame({"PERSON_ID": [7], "gender_concept_id": [8507]}).write_parquet(
            tmp_path / "PERSON.parquet"
        )
        rows = {
            "measurement_id": [1],
            "person_id": [7],
            "measurement_datetime": [day],
            "measurement_concept_id": [3042932],
            "value_as_number": [14.0],
        }
        pl.DataFrame(rows).write_parquet(tmp_path / "Measurement.parquet")
        pl.DataFrame(CONCEPTS).with_columns(pl.col("concept_id").cast(pl.Int64)).write_parquet(
            tmp_path / "CONCEPT.parquet"
        )
        assert FORMAT.accepts(tmp_path)
        person, measurement = FORMAT.read(tmp_path, CONTEXT)
        assert person.events[0].time == datetime(1970, 1, 1, tzinfo=UTC)
        assert (measurement.kind, measurement.events[0].numeric_value) == ("questionnaire", 14.0)

    def test_of_a_vocabulary_come_with_tabs_and_bare_quotes(self, tmp_path):
        path = folder(
            tmp_path,
            condition_occurrence=[
                {
                    "condition_occurrence_id": "1",
                    "person_id": "7",
                    "condition_start_date": DAY,
                    "condition_concept_id": "5",
                }
            ],
        )
        header = "concept_id\tconcept_name\tvocabulary_id\tconcept_code\n"
        (path / "CONCEPT.csv").write_text(header + '5\tthe "blues\tICD10/x\tF3"2\n')
        entry = list(FORMAT.read(path, CONTEXT))[-1]
        assert (entry.events[0].code, entry.events[0].text_value) == ('ICD10%2Fx//F3"2', 'the "blues')

    def test_with_ragged_rows_refuse_them(self, tmp_path):
        path = folder(tmp_path, measurement=[])
        (path / "measurement.csv").write_text("measurement_id,person_id\n1\n")
        refusal = list(FORMAT.read(path, CONTEXT))[-1]
        assert (refusal.line, refusal.reason) == (2, "Expected 2 cells as in the header, got 1.")

    @pytest.mark.parametrize(
        ("name", "text", "message"),
        [
            ("measurement", "x\n1\n", 'expected a column "measurement_id"'),
            ("measurement", '"a"b\n', "This is not CSV"),
            ("concept", "x\n1\n", "expected a table with concept_id"),
            ("alleviate_event", "x\n1\n", 'expected a column "subject_id"'),
        ],
    )
    def test_that_are_no_omop_are_refused(self, tmp_path, name, text, message):
        row = {
            "condition_occurrence_id": "1",
            "person_id": "7",
            "condition_start_date": DAY,
            "condition_concept_id": "5",
        }
        path = folder(
            tmp_path, condition_occurrence=[row], alleviate_last_id=[{"table_name": "person", "last_id": "0"}]
        )
        (path / f"{name}.csv").write_text(text)
        with pytest.raises(DataError) as error:
            list(FORMAT.read(path, CONTEXT))
        assert message in str(error.value)

    def test_are_a_folder_with_persons(self, tmp_path):
        assert not FORMAT.accepts(tmp_path)
        (tmp_path / "person.csv").write_text("person_id\n7\n")
        assert not FORMAT.accepts(tmp_path)
        assert not FORMAT.accepts(tmp_path / "person.csv")
        with pytest.raises(DataError, match="expected a folder"):
            list(FORMAT.read(tmp_path / "person.csv", CONTEXT))
        (tmp_path / "person.csv").unlink()
        with pytest.raises(DataError, match="no table person"):
            list(FORMAT.read(tmp_path, CONTEXT))
