"""Outcomes from columns: numbers, counts, and events in time; what they are not is refused in one line."""

import numpy as np
import polars as pl
import pytest
from made_trials import make, people, study_text

import alleviate
from alleviate.intake.tables import table_of
from alleviate.studies.cohort import cohort
from alleviate.studies.files import loads
from alleviate.terms.errors import DataError

LOWER = 'better = "lower"'


def timed(measure="restricted-mean", better="higher", horizon=12):
    keys = f'kind = "time-to-event"\nevent = "relapsed"\nhorizon = {horizon}\nmeasure = "{measure}"'
    return LOWER, f'better = "{better}"\n{keys}'


def followed(n=200, seed=3):
    """CBT delays relapse; many are lost before 12 weeks; nobody is followed beyond 30."""
    rng = np.random.default_rng(seed)
    frame = people(n, seed=seed)
    treated, severity = (frame["arm"] == "CBT").to_numpy(), (frame["severity"].to_numpy() - 20) / 5
    time = rng.exponential(np.exp(2.5 - 0.4 * severity + 0.8 * treated))
    lost = np.minimum(rng.exponential(np.exp(3.2 - 0.4 * severity)), 30)
    return frame.with_columns(
        y=pl.Series(np.minimum(time, lost)), relapsed=pl.Series((time <= lost).astype(np.int64))
    )


TIMES = followed()


def gathered(frame, *changes):
    return cohort(loads(study_text(*changes)), table_of(frame, "trial"))


def event_at(values, events, *change):
    """Eight special rows after the usual ones: what becomes of them."""
    frame = TIMES.with_columns(
        y=pl.Series([*values, *TIMES["y"][len(values) :]]),
        relapsed=pl.Series([*events, *TIMES["relapsed"][len(events) :]]),
    )
    trial = gathered(frame, *change).trial
    return (
        trial.observed[: len(values)].tolist(),
        trial.y[: len(values)].tolist(),
        trial.followed[: len(values)],
    )


CASES = {
    # time, event → known, time without it, none by 12
    "the event before the horizon": (5.0, 1, True, 5.0, 0.0),
    "lost before the horizon": (5.0, 0, False, 0.0, 0.0),
    "the event at the horizon": (12.0, 1, True, 12.0, 0.0),
    "followed to the horizon": (12.0, 0, True, 12.0, 1.0),
    "the event after the horizon": (20.0, 1, True, 12.0, 1.0),
    "followed beyond it": (20.0, 0, True, 12.0, 1.0),
    "nothing known": (None, 0, False, 0.0, 0.0),
    "an event some time": (None, 1, False, 0.0, 0.0),
    "beyond it, nobody knows about events": (20.0, None, True, 12.0, 1.0),
    "a time, nobody knows about events": (5.0, None, False, 0.0, 0.0),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_known_of(case):
    time, event, known, mean, free = CASES[case]
    for measure, better, expected in (
        ("restricted-mean", "higher", mean),
        ("restricted-mean", "lower", -mean),
        ("event-free", "higher", free),
        ("event-free", "lower", (free - 1) * known),
    ):
        found = event_at([time], [event], timed(measure, better))
        assert found[0] == [known]
        assert found[1] == [expected]
        assert found[2] == [min(time or 0.0, 12.0)]


def test_chances_are_binary_and_times_are_not():
    free = gathered(TIMES, timed("event-free", "lower"))
    assert free.outcome.binary
    assert free.trial.kind == "binary"
    mean = gathered(TIMES, timed())
    assert mean.outcome.binary is False
    assert mean.trial.kind == "numeric"
    assert sum(mean.missing_outcome.values()) == (~mean.trial.observed).sum()
    features = 'include = ["age", "severity", "sex", "first_episode", "entry"]'
    assert "relapsed" not in gathered(TIMES, timed(), (features, "known_after = []")).spec.names


def test_a_study_of_times_is_learned_advised_and_measured(tmp_path):
    made = make(tmp_path, followed(300, 4), timed("event-free", "lower"))
    found = made.learned.findings
    assert found.value["CBT"].estimate < found.value["TAU"].estimate
    assert found.outcome["binary"]
    assert found.missing.in_time
    assert list(found.missing.values) == ["alike", "worst", "best"]
    assert "lost before the event or the end" in made.learned.report.read_text()
    rule = alleviate.load(made.package)
    assert rule.study.outcome == made.learned.study.outcome
    new = rule.measure(followed(300, 5))
    assert new.value["CBT"].estimate < new.value["TAU"].estimate


def test_counts_are_whole_and_from_0_on():
    frame = TIMES.with_columns(y=pl.int_range(200) % 7)
    counted = (LOWER, f'{LOWER}\nkind = "count"')
    found = gathered(frame, counted)
    assert (found.trial.kind, found.outcome.binary) == ("count", False)
    for wrong in (-1.0, 1.5):
        with pytest.raises(DataError, match=f'whole numbers from 0 on as the count "y", got {wrong:g}'):
            gathered(
                frame.with_columns(y=pl.when(pl.int_range(200) == 3).then(wrong).otherwise("y")), counted
            )


CBT = (pl.col("arm") == "CBT") & (pl.col("y") > 8)
WRONG = {
    "an event that is no 0 or 1": (
        TIMES.with_columns(relapsed=pl.int_range(200) % 3),
        '0 and 1 only as the event "relapsed", got 2',
    ),
    "texts as events": (TIMES.with_columns(relapsed=pl.lit("often")), 'as the event "relapsed", got "often"'),
    "no events at all": (
        TIMES.with_columns(relapsed=pl.lit(None, dtype=pl.Int64)),
        'values of the event "relapsed", got an empty column',
    ),
    "no column of events": (TIMES.drop("relapsed"), "relapsed"),
    "a negative time": (
        TIMES.with_columns(y=pl.when(pl.int_range(200) == 4).then(-2.0).otherwise("y")),
        'times of 0 or more in "y", got -2',
    ),
    "nobody of an arm followed to the horizon": (
        TIMES.with_columns(
            y=pl.when(CBT).then(8.5).otherwise("y"), relapsed=pl.when(CBT).then(0).otherwise("relapsed")
        ),
        'somebody of "CBT" to be followed to the horizon 12, but nobody was beyond 8.5',
    ),
    "no events by the horizon": (
        TIMES.with_columns(relapsed=pl.lit(0)),
        'got 0 events in "relapsed" among 200 people',
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_refused_in_one_line(case):
    frame, message = WRONG[case]
    with pytest.raises(DataError) as raised:
        gathered(frame, timed("event-free"))
    assert message in raised.value.message
    assert "\n" not in raised.value.message
    assert raised.value.hint


def test_an_arm_whose_last_had_the_event_needs_nobody_at_the_horizon():
    frame = TIMES.with_columns(relapsed=pl.when(CBT).then(1).otherwise("relapsed"))
    frame = frame.with_columns(y=pl.when(CBT).then(8.5).otherwise("y"))
    assert len(gathered(frame, timed()).trial) == 200
