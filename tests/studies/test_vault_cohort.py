"""A study whose data are the vault: its file, who is drawn from the events, and what may not leak."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alleviate.records import Event, PatientRecord, frame_of
from alleviate.studies import files
from alleviate.studies.drawing import draw
from alleviate.terms.errors import DataError, StudyError

FEATURES_PAGE = Path(__file__).parents[2] / "docs" / "features.md"

STUDY = """
[study]
name = "clinic"

[data]
vault = true

[cohort]
start = "EPISODE//start"
text = ["CBT", "IPT"]
outcome = { of = "phq9", take = "last", from = "12w", to = "24w" }
exclude = { psychosis = { code = "ICD10//F2*" } }
between = { phq9 = [10, 27] }

[treatment]
column = "treatment"
assignment = "observational"

[outcome]
column = "phq9_after"
better = "lower"

[features]
phq9 = { of = "phq9" }
slope = { of = "phq9", take = "slope", window = "90d", label = "change of PHQ-9 a week" }
sex = { code = "PERSON//sex", as = "category" }
age = { take = "age" }

[validation]
folds = 2
repeats = 1
"""
FEATURES = ["phq9", "slope", "sex", "age"]
PHQ9 = "LOINC//44261-6"
DAY0 = datetime(2024, 1, 1, tzinfo=UTC)
END = 400
"""The last day of the records."""


def study(*changes):
    text = STUDY
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return files.loads(text)


def on(day: float) -> datetime:
    return DAY0 + timedelta(days=day)


def event(code, day, number=None, text=None, *, known=None, until=None, entry="", who="p1"):
    late = on(day if known is None else known)
    return Event(who, on(day), late, code, number, text, entry=entry, known_until=until and on(until))


def phq9(day, number, **how):
    return event(PHQ9, day, float(number), **how)


def start(day=100, text="CBT", **how):
    return event("EPISODE//start", day, None, text, **{"entry": "Episode/1", **how})


USUAL = (
    event("MEDS_BIRTH", -10000),
    event("PERSON//sex", -10000, None, "female"),
    phq9(90, 20),
    start(),
    phq9(200, 8),
)
LAST = event("NOTE//any", END, None, "x", who="nobody")


def drawn(*events, changes=()):
    """What is drawn of p1, None where they are not."""
    found = study(*changes)
    records = [PatientRecord("nobody", [LAST]), PatientRecord("p1", events)]
    other = PatientRecord("p2", [start(who="p2"), phq9(95, 15, who="p2"), phq9(210, 9, who="p2")])
    table = draw(frame_of([*records, other]), found, found.cohort)
    rows = {row["person"]: row for row in table.frame.iter_rows(named=True)}
    return rows.get("p1"), table.warnings


class TestAPerson:
    def test_is_a_line_with_treatment_outcome_and_features(self):
        row, warnings = drawn(*USUAL)
        assert row["age"] == pytest.approx(10100 / 365.25)
        del row["age"]
        assert row == {
            "person": "p1",
            "treatment": "CBT",
            "phq9_after": 8.0,
            "phq9": 20.0,
            "slope": None,
            "sex": "female",
        }
        assert warnings == ()

    def test_enters_with_the_first_event_of_those_words(self):
        row, _ = drawn(*USUAL, start(10, "medicine", entry="Episode/0"), start(150, "IPT", entry="Episode/2"))
        assert row["treatment"] == "CBT"
        assert row["phq9"] == 20.0

    def test_enters_when_the_start_was_first_known_though_it_was_corrected(self):
        first, corrected = start(100, "IPT", until=130), start(100, "CBT", known=130)
        row, _ = drawn(*USUAL[:3], first, corrected, phq9(110, 5), phq9(200, 8))
        assert (row["treatment"], row["phq9"]) == ("CBT", 20.0)

    def test_does_not_enter_where_the_start_was_withdrawn(self):
        assert drawn(*USUAL[:3], start(until=130), phq9(200, 8))[0] is None

    def test_may_enter_later_than_the_start(self):
        row, _ = drawn(*USUAL, phq9(107, 12), phq9(108, 6), changes=[("text = [", 'offset = "1w"\ntext = [')])
        assert row["phq9"] == 20.0
        row, _ = drawn(*USUAL, phq9(107, 12), phq9(109, 6), changes=[("text = [", 'offset = "8d"\ntext = [')])
        assert row["phq9"] == 12.0

    def test_may_be_told_apart_by_code(self):
        row, _ = drawn(*USUAL, changes=[('text = ["CBT", "IPT"]', 'arm = "code"')])
        assert row["treatment"] == "EPISODE//start"

    def test_has_the_outcome_of_its_window_as_the_record_now_stands(self):
        at = 100 + 84
        for day, there in ((at - 1, False), (at, True), (100 + 168, True), (100 + 169, False)):
            row, _ = drawn(*USUAL[:4], phq9(day, 3))
            assert row["phq9_after"] == (3.0 if there else None), day
        row, _ = drawn(*USUAL[:4], phq9(200, 8, until=210), phq9(200, 7, known=390))
        assert row["phq9_after"] == 7.0


class TestLeftOut:
    def test_whom_the_window_has_not_yet_closed_on(self):
        row, warnings = drawn(*USUAL[:3], start(END - 167), phq9(END - 20, 3))
        assert row is None
        assert warnings == ("1 of 2 people are still within the time of the outcome, and were left out.",)
        assert drawn(*USUAL[:3], start(END - 168), phq9(END - 20, 3))[0] is not None

    def test_who_is_excluded_by_what_was_known(self):
        row, warnings = drawn(*USUAL, event("ICD10//F20.0", 50, entry="c"))
        assert row is None
        assert warnings == ("1 of 2 people are excluded (psychosis), and were left out.",)
        assert drawn(*USUAL, event("ICD10//F20.0", 50, known=101, entry="c"))[0] is not None

    def test_who_lies_outside_a_range_or_is_unknown_there(self):
        for values in ([], [phq9(90, 9)], [phq9(90, 9), phq9(101, 20)]):
            row, warnings = drawn(*USUAL[:2], *values, *USUAL[3:])
            assert row is None
            assert warnings == ("1 of 2 people have no phq9 from 10 to 27, and were left out.",)

    def test_is_nobody_left(self):
        with pytest.raises(DataError, match=r"the vault: nobody is left. 2 of 2 people have no phq9 from 26"):
            drawn(*USUAL, changes=[("[10, 27]", "[26, 27]")])
        with pytest.raises(
            DataError, match=r"expected people with the event EPISODE//start \(ACT\), found nobody"
        ):
            drawn(*USUAL, changes=[('["CBT", "IPT"]', '"ACT"')])


@st.composite
def later_events(draw):
    """Anything that the record comes to know at the start, with it, or later."""
    known = draw(st.sampled_from([100, 101, 150, 399]))
    code = draw(
        st.sampled_from([PHQ9, "PERSON//sex", "MEDS_BIRTH", "ICD10//F20", "LOINC//44260-8", "EPISODE//x"])
    )
    number = float(draw(st.integers(0, 27))) if code in (PHQ9, "LOINC//44260-8") else None
    day = draw(st.sampled_from([-9000, 50, 99, 100, known]))
    return event(
        code,
        min(day, known),
        number,
        None if number else "male",
        known=known,
        entry=draw(st.sampled_from(["", "e"])),
    )


class TestNothingOfTheTreatmentOrTheOutcomeLeaks:
    @settings(deadline=None, max_examples=40)
    @given(st.lists(later_events(), max_size=6), st.booleans())
    def test_what_is_known_from_the_start_on_changes_no_feature(self, later, replaced):
        before, _ = drawn(*USUAL)
        given = list(USUAL)
        if replaced:  # the baseline is corrected once treatment has begun
            given[2] = phq9(90, 20, until=100)
        after, _ = drawn(*given, *later)
        assert {name: after[name] for name in FEATURES} == {name: before[name] for name in FEATURES}

    def test_what_came_in_with_the_start_is_kept_out_of_later_features(self):
        changes = [
            ('text = [', 'offset = "4w"\ntext = ['),
            ('[features]\n', '[features]\nheard = { code = "EPISODE//therapist", as = "category" }\n'
                             'again = { code = "EPISODE//start", take = "ever" }\n'),
        ]  # fmt: skip
        told = event("EPISODE//therapist", 100, None, "T. Herapist", entry="Episode/1")
        row, _ = drawn(*USUAL, told, changes=changes)
        assert (row["heard"], row["again"]) == (None, False)
        row, _ = drawn(*USUAL, told, start(10, "medicine", entry="Episode/0"), changes=changes)
        assert row["again"] is True
        alone = start(entry=""), event("EPISODE//start", 101, None, "CBT")
        assert drawn(*USUAL[:3], alone[0], USUAL[4], changes=changes)[0]["again"] is False
        assert drawn(*USUAL[:3], *alone, USUAL[4], changes=changes)[0]["again"] is True


class TestAStudyFile:
    def test_survives_writing(self):
        found = study()
        assert files.loads(files.dumps(found)) == found
        assert found.data.id == "person"
        assert found.labels == {"slope": "change of PHQ-9 a week"}

    def test_on_a_table_asks_for_a_column_a_feature(self):
        found = files.with_data(study(), "people.csv")
        assert (found.include, found.cohort, found.data.vault) == (tuple(FEATURES), None, None)
        assert files.loads(files.dumps(found)) == found

    def test_may_say_where_the_vault_is(self):
        assert study(("vault = true", 'vault = "clinic.vault"')).data.vault == "clinic.vault"

    @pytest.mark.parametrize(
        ("old", "new", "message", "hint"),
        [
            ("vault = true", "vault = false", "[data] vault: expected true, or where the vault is", "Leave"),
            ("vault = true", "vault = true\npath = 'x.csv'", "got path and vault", "path ="),
            ("[cohort]", "[cohrot]", "[cohrot]: there is no such table", '"cohort"'),
            ('start = "EPISODE//start"', "", "line 8, [cohort] start: this key is required", "start ="),
            ('start = "EPISODE//start"', 'start = "EPISODE//"', "line 9, [cohort] start: A code must be", ""),
            ("outcome = {", "outcmoe = {", "there is no such key", '"outcome"'),
            ("outcome = {", "outcome = 3 # {", "expected a table of what is measured", "12w"),
            (
                'of = "phq9", take = "last", from',
                'of = "phq8", take = "last", from',
                "[cohort] outcome: expected of",
                '"phq',
            ),
            (
                'from = "12w", ',
                "",
                "line 11, [cohort] outcome: expected from to be days or weeks, got None",
                "12w",
            ),
            ('from = "12w"', 'from = "0d"', "[cohort] outcome: expected from to be days or weeks", "12w"),
            ('from = "12w"', 'from = "30w"', '[cohort] outcome: expected "to" not before "from"', ""),
            (
                'take = "last", from',
                'take = "items", from',
                "expected one feature, got the items",
                "Name one",
            ),
            ('take = "last", from', 'window = "9d", from', "without a window", ""),
            ('{ psychosis = { code = "ICD10//F2*" } }', '"x"', "[cohort] exclude: expected a table like", ""),
            (
                'code = "ICD10//F2*"',
                'cod = "ICD10//F2*"',
                '[cohort] exclude: psychosis: there is no key "cod"',
                '"code"',
            ),
            ('code = "ICD10//F2*"', 'of = "phq9", take = "max"', '"psychosis" is not yes or no', "ever"),
            (
                '{ psychosis = { code = "ICD10//F2*" } }',
                "{ a = 3 }",
                "[cohort] exclude: a: expected a table",
                "",
            ),
            (
                "phq9 = [10, 27]",
                "phq = [10, 27]",
                '[cohort] between: no feature "phq" with a number',
                '"phq9"',
            ),
            (
                "phq9 = [10, 27]",
                "sex = [10, 27]",
                '[cohort] between: no feature "sex" with a number',
                "Did you mean",
            ),
            ("phq9 = [10, 27]", "phq9 = [27, 10]", "[cohort] between: expected the least and the most", ""),
            (
                "text = [",
                'offset = "soon"\ntext = [',
                "[cohort] offset: expected offset to be days or weeks",
                "",
            ),
            ("text = [", 'arm = "kind"\ntext = [', '[cohort] arm: expected "text" or "code"', ""),
            ('take = "age"', 'take = "aeg"', "line 27, [features] age: expected take to be one of", '"age"'),
            (
                "age =",
                "include = ['age']\nage =",
                "is for the columns of a table; from the vault, define each",
                "As in",
            ),
            (
                "age =",
                'treatment = { of = "gad7" }\nage =',
                "[features] treatment: this is the name of the treatment",
                "",
            ),
            (
                "age =",
                'other = { of = "phq9" }\nage =',
                "[features]: Each feature needs a definition of its own",
                "",
            ),
            ("age = ", "age = 3 # ", "[features] age: expected a table, got 3", ""),
        ],
    )
    def test_each_mistake_is_one_line_with_its_place(self, old, new, message, hint):
        assert old in STUDY
        with pytest.raises(StudyError) as caught:
            files.loads(STUDY.replace(old, new))
        assert message in caught.value.message
        assert hint in caught.value.hint
        assert "\n" not in str(caught.value)

    def test_without_features_is_no_study(self):
        with pytest.raises(StudyError, match=r"\[features\].*expected a feature or more, got none"):
            files.loads(STUDY[: STUDY.index("[features]")].replace("phq9 = [10, 27]", ""))

    def test_draws_a_cohort_from_the_vault_only(self):
        with pytest.raises(StudyError, match=r"\[cohort\].*: a cohort is drawn from the vault only"):
            files.loads(STUDY[: STUDY.index("[features]")].replace("vault = true", 'path = "x.csv"'))


def test_the_example_of_the_documentation_is_one():
    (text,) = re.findall(r"^```toml\n(.*?)^```", FEATURES_PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    found = files.loads(text)
    assert found.cohort.between == {"phq9": (10.0, 27.0)}
    assert files.loads(files.dumps(found)) == found
