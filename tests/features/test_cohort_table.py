"""A cohort in one pass: line by line what ``at`` says of each person, and nothing of the future."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import isclose

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alleviate import features
from alleviate.features import TAKES, Feature, FeatureSpec, cohort_table, schema
from alleviate.features.compiled import BATCH, OF_EVENTS, OF_NUMBERS, OF_VALUES
from alleviate.records import EVENTS, Event, PatientRecord, frame_of
from alleviate.terms.errors import DataError

START = datetime(2024, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC)  # the next microsecond is a leap day
STEPS = (timedelta(microseconds=1), timedelta(hours=7), timedelta(days=1), timedelta(days=365))
NUMBER, WORD, FLAG, ANY = "A//number", "A//word", "A//flag", "B//any"

KINDS = {"ever": "boolean"}
WAYS = {
    "plain": {},
    "window": {"days": 2},
    "since": {"since_start": True},
    "words": {"text": ("u", "w")},
    "session": {"events": "session"},
    "all": {"days": 366, "since_start": True, "text": ("u",), "events": "session"},
}
SPEC = FeatureSpec(
    (
        *(
            Feature(f"{take} {way}", code, KINDS.get(take, "number"), take=take, **how)
            for way, how in WAYS.items()
            for take in TAKES
            for code in (["A//n*"] if take in ("last", "first") else ["B//*"])
        ),
        *(Feature(f"number {take}", NUMBER, KINDS.get(take, "number"), take=take) for take in TAKES),
        *(Feature(f"word {take}", WORD, "category", take=take) for take in ("last", "first")),
        *(Feature(f"flag {take}", FLAG, "boolean", take=take) for take in ("last", "first")),
        Feature("word in window", WORD, "category", days=1),
        Feature("nobody has it", "C//none", "date"),
    )
)


thorough = settings(deadline=None, max_examples=30)
"""Of examples that each compile some hundred features."""


def times(most: int) -> st.SearchStrategy[datetime]:
    """Few, and near each other by a microsecond or apart by a year: ties and edges are the rule."""
    return st.builds(lambda n, step: START + n * step, st.integers(0, most), st.sampled_from(STEPS))


@st.composite
def events(draw, subject="p1", fitting=True):
    """Any event, with a value that its features take if ``fitting``; late, and replaced later, at times."""
    code = draw(st.sampled_from([NUMBER, "A//number2", "A//number//end", WORD, FLAG, ANY, "B//other"]))
    number = draw(st.none() | st.integers(-4, 4).map(float))
    text = draw(st.none() | st.sampled_from(["u", "v", "w", ""]))
    if fitting and code.startswith("A//n") and number is None:
        text = None
    if fitting and code == FLAG:
        number, text = draw(st.sampled_from([(0.0, None), (1.0, "u"), (None, None)]))
    if fitting and code == WORD and text is None:
        number = None
    time = draw(times(4))
    known = time + draw(st.sampled_from([timedelta(0), *STEPS]))
    until = draw(st.sampled_from([None, None, None, *(known + step for step in STEPS)]))
    kind = draw(st.sampled_from(["session", "measurement"]))
    return Event(subject, time, known, code, number, text, kind, draw(st.sampled_from(["", "e"])), until)


@st.composite
def cohorts(draw, fitting=True):
    """Records of up to three people, and moments of theirs and of somebody without a record."""
    records = [
        PatientRecord(name, draw(st.lists(events(name, fitting), max_size=10)))
        for name in draw(st.sampled_from([("p1",), ("p1", "p2", "p3")]))
    ]
    line = st.tuples(st.sampled_from(["p1", "p2", "nobody"]), times(5), st.none() | times(3))
    return records, draw(st.lists(line, max_size=5))


def moments_of(lines):
    types = {"subject_id": pl.String, "moment": pl.Datetime("us", "UTC"), "start": pl.Datetime("us", "UTC")}
    return pl.DataFrame(lines, schema=types, orient="row")


def one_by_one(records, lines, spec=SPEC):
    of = {record.subject_id: record for record in records}
    return [
        features.at(of.get(name, PatientRecord(name, [])), moment, spec, start).values
        for name, moment, start in lines
    ]


def same(one, other) -> bool:
    """Sums may be added in another order; all else is equal."""
    if isinstance(one, float) and isinstance(other, float):
        return isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return type(one) is type(other) and one == other


class TestFastEqualsSlow:
    @thorough
    @given(cohorts())
    def test_line_by_line(self, drawn):
        records, lines = drawn
        table = cohort_table(frame_of(records), moments_of(lines), SPEC)
        assert table.drop("subject_id", "moment").schema == schema(SPEC)
        assert table.select("subject_id", "moment").rows() == [line[:2] for line in lines]
        for found, expected in zip(table.iter_rows(named=True), one_by_one(records, lines), strict=True):
            for name, value in expected.items():
                assert same(found[name], value), name

    @thorough
    @given(cohorts(fitting=False), st.sampled_from([f for f in SPEC.features if f.take in OF_VALUES]))
    def test_in_what_they_refuse(self, drawn, feature):
        records, lines = drawn
        spec, refusals = FeatureSpec((feature,)), 0
        for work in (
            lambda: cohort_table(frame_of(records), moments_of(lines), spec),
            lambda: one_by_one(records, lines, spec),
        ):
            try:
                work()
            except DataError:
                refusals += 1
        assert refusals in (0, 2)

    def test_a_scanned_table_gives_the_same(self, tmp_path):
        record = PatientRecord("p1", [Event("p1", START, START, NUMBER, 3.0)])
        frame_of([record]).write_parquet(tmp_path / "events.parquet")
        moments = moments_of([("p1", START, None)])
        scanned = cohort_table(pl.scan_parquet(tmp_path / "events.parquet"), moments, SPEC)
        assert scanned.equals(cohort_table(frame_of([record]), moments, SPEC))

    def test_more_moments_than_a_batch(self):
        record = PatientRecord("p1", [Event("p1", START, START, NUMBER, 3.0)])
        spec = FeatureSpec((Feature("number", NUMBER, "number"),))
        lines = moments_of([("p1", START, None)]).sample(BATCH + 1, with_replacement=True)
        assert cohort_table(frame_of([record]), lines, spec)["number"].to_list() == [3.0] * (BATCH + 1)


class TestNothingKnownLaterEnters:
    @thorough
    @given(st.lists(events(), max_size=8), st.lists(events(), max_size=8), times(5), st.none() | times(3))
    def test_adding_what_is_known_later_changes_nothing(self, past, more, moment, start):
        later = [event for event in more if event.known_at > moment]
        moments = moments_of([("p1", moment, start)])
        without = cohort_table(frame_of([PatientRecord("p1", past)]), moments, SPEC)
        assert cohort_table(frame_of([PatientRecord("p1", past + later)]), moments, SPEC).equals(without)
        row = features.at(PatientRecord("p1", past), moment, SPEC, start)
        assert features.at(PatientRecord("p1", past + later), moment, SPEC, start) == row

    @thorough
    @given(st.lists(events(), min_size=1, max_size=8), st.data(), times(5), st.none() | times(3))
    def test_replacing_after_the_moment_changes_nothing(self, given, data, moment, start):
        standing = [replace(event, known_until=None) for event in given]
        after = st.sampled_from([None, *(moment + step for step in STEPS)])
        replaced = [
            event if (until := data.draw(after)) is None or until <= event.known_at
            else replace(event, known_until=until)
            for event in standing
        ]  # fmt: skip
        moments = moments_of([("p1", moment, start)])
        before = cohort_table(frame_of([PatientRecord("p1", standing)]), moments, SPEC)
        assert cohort_table(frame_of([PatientRecord("p1", replaced)]), moments, SPEC).equals(before)
        row = features.at(PatientRecord("p1", standing), moment, SPEC, start)
        assert features.at(PatientRecord("p1", replaced), moment, SPEC, start) == row


def day(number: float) -> datetime:
    return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=number)


def number(value, on, known=None, until=None) -> Event:
    return Event(
        *("p1", day(on), day(on if known is None else known), NUMBER, value),
        known_until=until and day(until),
    )


def taken(take, *events, on=100, start=None, **how):
    """One feature, both ways."""
    feature = Feature("it", NUMBER, KINDS.get(take, "number"), take=take, **how)
    record, spec = PatientRecord("p1", events), FeatureSpec((feature,))
    found = features.at(record, day(on), spec, start and day(start)).values["it"]
    lines = moments_of([("p1", day(on), start and day(start))])
    assert same(cohort_table(frame_of([record]), lines, spec)["it"][0], found)
    return found


class TestWhatEachTakeMeans:
    WEEKS = (number(20.0, 1), number(14.0, 15), number(11.0, 8))

    @pytest.mark.parametrize(
        ("take", "value"),
        [
            ("last", 14.0),
            ("first", 20.0),
            ("mean", 15.0),
            ("min", 11.0),
            ("max", 20.0),
            ("sd", 21**0.5),
            ("slope", -3.0),
            ("change", -6.0),
            ("change-last-two", 3.0),
            ("count", 3.0),
            ("ever", True),
            ("time-since", 85.0),
            ("time-since-first", 99.0),
            ("duration", 14.0),
            ("age", 85 / 365.25),
        ],
    )
    def test_of_three_weeks(self, take, value):
        assert same(taken(take, *self.WEEKS), value)

    def test_none_is_left_out(self):
        assert OF_EVENTS.keys() | OF_VALUES.keys() | OF_NUMBERS.keys() == set(TAKES)
        assert len(self.test_of_three_weeks.pytestmark[0].args[1]) == len(TAKES)

    @pytest.mark.parametrize("take", TAKES)
    def test_without_events_is_unknown_save_counting(self, take):
        assert taken(take) == {"count": 0.0, "ever": False}.get(take)

    @pytest.mark.parametrize("take", TAKES)
    def test_since_a_start_that_never_was_is_unknown(self, take):
        assert taken(take, *self.WEEKS, since_start=True) is None

    @pytest.mark.parametrize("take", ["sd", "slope", "change", "change-last-two"])
    def test_of_one_value_has_no_spread_and_no_direction(self, take):
        assert taken(take, number(20.0, 1)) is None

    def test_a_window_holds_both_its_ends(self):
        assert taken("count", number(1.0, 10), number(1.0, 20), number(1.0, 9), on=20, days=10) == 2.0

    def test_since_the_start_holds_the_start(self):
        assert taken("change", *self.WEEKS, start=8, since_start=True) == 3.0

    def test_of_two_values_at_once_the_one_known_last_counts(self):
        assert taken("mean", number(20.0, 1), number(10.0, 1, known=2)) == 10.0
        assert taken("first", number(20.0, 1), number(10.0, 1, known=2)) == 10.0

    def test_but_both_are_counted(self):
        assert taken("count", number(20.0, 1), number(10.0, 1, known=2)) == 2.0

    def test_a_correction_replaces_from_when_it_was_known(self):
        given = number(20.0, 1, until=30), number(10.0, 2, known=30)
        assert taken("max", *given, on=29) == 20.0
        assert taken("max", *given, on=30) == 10.0

    def test_the_first_value_is_the_first_that_is_one(self):
        assert taken("first", number(None, 1), number(5.0, 2)) == 5.0


def test_a_star_stands_for_the_rest_of_a_part():
    feature = Feature("depressed", "ICD10//F32*", "boolean", take="ever")
    codes = ("ICD10//F32", "ICD10//F32.1", "ICD10//F32.1//end", "ICD10//F33")
    assert [feature.matches(code) for code in codes] == [True, True, False, False]


class TestMoments:
    SINCE = FeatureSpec((Feature("it", NUMBER, "number", take="change", since_start=True),))

    @pytest.mark.parametrize(
        ("moments", "message"),
        [
            (pl.DataFrame({"subject_id": ["p1"]}), 'need a column "moment", found subject_id'),
            (moments_of([]).drop("start"), 'need a column "start"'),
            (moments_of([]).cast({"moment": pl.Datetime("us")}), '"moment" must hold moments in UTC'),
            (moments_of([("p1", None, None)]), "no subject_id or no moment"),
        ],
    )
    def test_are_checked(self, moments, message):
        with pytest.raises(DataError, match=message):
            cohort_table(pl.DataFrame(schema=EVENTS), moments, self.SINCE)

    def test_need_no_start_where_no_feature_asks(self):
        lines = moments_of([("p1", START, None)]).drop("start").cast({"moment": pl.Datetime("ms", "UTC")})
        table = cohort_table(
            pl.DataFrame(schema=EVENTS), lines, FeatureSpec((Feature("n", NUMBER, "number"),))
        )
        assert table["n"].to_list() == [None]

    def test_their_columns_name_no_feature(self):
        with pytest.raises(DataError, match="may not be called moment"):
            cohort_table(
                pl.DataFrame(schema=EVENTS),
                moments_of([]),
                FeatureSpec((Feature("moment", NUMBER, "number"),)),
            )

    def test_a_start_is_in_utc(self):
        with pytest.raises(DataError, match="The start of a row"):
            features.at(PatientRecord("p1", []), START, SPEC, START.replace(tzinfo=None))
