"""A prognosis and its table become people: roles found, values typed, what cannot be learned from refused."""

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_breast_cancer

from alleviate.intake.tables import table_of
from alleviate.studies.datasets import open_data
from alleviate.studies.files import load, loads
from alleviate.studies.prognosis.cohort import cohort, within
from alleviate.studies.prognosis.columns import known_features
from alleviate.terms.errors import DataError, NotEnoughDataError

N = 120


def people(n: int = N, **more) -> pl.DataFrame:
    rng = np.random.default_rng(10_000)
    age = rng.normal(50, 10, n).round()
    columns = {
        "person": [f"p{i}" for i in range(n)],
        "age": age,
        "sex": rng.choice(["f", "m"], n),
        "start": rng.integers(0, 20, n).astype(float),
        "week4": rng.integers(0, 20, n).astype(float),
        "clinic": rng.choice(["north", "south", "west"], n),
        "year": np.repeat([2015, 2017], [n - n // 3, n // 3]),
        "w": rng.uniform(0.5, 2, n),
        "psu": rng.integers(1, 3, n),
        "region": rng.integers(10, 13, n),
        "y": (rng.random(n) < 1 / (1 + np.exp(-(age - 50) / 10))).astype(int),
    }
    return pl.DataFrame(columns | more)


def study(
    outcome: str = 'column = "y"', features: str = "", validation: str = "", data: str = 'id = "person"'
):
    return loads(
        f'[study]\nname = "s"\nkind = "prognosis"\n[data]\npath = "x.csv"\n{data}\n[outcome]\n{outcome}\n'
        f"[features]\n{features}\n[validation]\n{validation}\n"
    )


def of(frame: pl.DataFrame, *said: str, **keys: str):
    return cohort(study(*said, **keys), table_of(frame, "x.csv"))


def refused(frame: pl.DataFrame, *said: str, error=DataError, **keys: str) -> str:
    with pytest.raises(error) as caught:
        of(frame, *said, **keys)
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    return str(caught.value)


def test_without_features_every_column_that_has_no_other_role_is_one():
    found = of(
        people(),
        validation='site = "clinic"\ntime = "year"\ntest_from = 2017\ngroups = ["sex"]',
        data='id = "person"\nweight = "w"\ncluster = "psu"\nstratum = "region"',
    )
    assert found.spec.names == ("age", "sex", "start", "week4")
    assert found.people.features.columns == ["age", "sex", "start", "week4"]
    assert found.ids[:2] == ("p0", "p1")
    assert set(found.sites) == {"north", "south", "west"}
    assert found.groups.columns == ["sex"]
    assert found.outcome.kind == found.study.outcome.kind == "binary"
    assert found.events == people()["y"].sum()
    assert (found.rows_read, found.missing_outcome, found.warnings) == (N, 0, ())
    assert found.people.weight.mean() == pytest.approx(1)


def test_clusters_of_one_number_in_two_strata_are_two():
    found = of(people(), data='cluster = "psu"\nstratum = "region"')
    pairs = set(zip(people()["psu"], people()["region"], strict=True))
    assert len(pairs) == 6 == len(np.unique(found.people.clusters))
    assert len(np.unique(found.people.strata)) == 3
    assert of(people(), data='stratum = "region"').people.clusters is None
    assert len(np.unique(of(people(), data='cluster = "psu"').people.clusters)) == 2


def test_later_people_are_kept_for_the_test_and_each_part_weighs_one_on_average():
    found = of(people(), data='weight = "w"', validation='time = "year"\ntest_from = 2017')
    development, test = found.split()
    assert (len(development), len(test)) == (N - N // 3, N // 3)
    assert development.times.max() == 2015
    assert test.times.min() == 2017
    assert development.people.weight.mean() == pytest.approx(1) == test.people.weight.mean()
    ratio = test.people.weight / people()["w"].to_numpy()[-len(test) :]
    assert ratio == pytest.approx(np.full(len(test), ratio[0]))
    whole, none = of(people()).split()
    assert (len(whole), none) == (N, None)


def test_dates_part_people_too():
    seen = pl.Series("seen", ["2016-01-01"] * 70 + ["2018-06-01"] * 50)
    found = of(people().with_columns(seen), validation='time = "seen"\ntest_from = 2017-01-01')
    assert [len(part) for part in found.split()] == [70, 50]


def test_a_change_is_the_later_minus_the_earlier_column_now_and_at_prediction():
    made = study(features='include = ["age"]\nchanges = { worse = ["week4", "start"] }')
    table = table_of(people().with_columns(week4=pl.when(pl.col("age") > 40).then("week4")), "x.csv")
    found = cohort(made, table)
    assert found.spec.names == ("age", "worse")
    worse = (table.frame["week4"] - table.frame["start"]).to_list()
    assert found.people.features["worse"].to_list() == worse
    new = known_features(made, found.spec, table_of(people(3).drop("y"), "new.csv"))
    assert new["worse"].to_list() == (people(3)["week4"] - people(3)["start"]).to_list()
    alone = known_features(made, found.spec, table_of(people(3).select("age", "week4"), "new.csv"))
    assert alone.columns == ["age"]
    with pytest.raises(DataError, match="expected some features of this prognosis"):
        known_features(made, found.spec, table_of(people(3).select("sex"), "new.csv"))
    assert "expected no column" in refused(
        people(), features='include = ["age"]\nchanges = { sex = ["week4", "start"] }'
    )


def test_columns_that_tell_nothing_are_left_out_and_that_is_said():
    frame = people(empty=[None] * N, name=[f"name {i}" for i in range(N)], row=list(range(1, N + 1)))
    found = of(frame)
    assert set(found.spec.names).isdisjoint({"empty", "name", "row"})
    assert [warning.split(":")[0] for warning in found.warnings] == [
        "Left out of the features, having no value at all",
        "Left out of the features, having another value for almost everybody",
        "Left out of the features, having the number of the row",
    ]
    named = of(frame, features='include = ["age", "empty", "row"]')
    assert named.spec.names == ("age", "row")


def test_a_table_of_nothing_but_roles_gives_no_features():
    assert "expected columns to serve as features" in refused(people().select("person", "y"))


OUTCOMES = [
    ('column = "o"\npresent = "ill"', ["ill", "well"], "binary", [1.0, 0.0]),
    ('column = "o"\npresent = 2', [2, 1], "binary", [1.0, 0.0]),
    ('column = "o"\nabove = 10', [10.0, 9.5], "binary", [1.0, 0.0]),
    ('column = "o"', ["yes", "no"], "binary", [1.0, 0.0]),
    ('column = "o"\nkind = "binary"', [1, 0], "binary", [1.0, 0.0]),
    ('column = "o"\nkind = "numeric"', [1, 2], "numeric", [1.0, 2.0]),
    ('column = "o"\nlevels = ["mild", "worse", "worst"]', ["worse", "mild"], "ordinal", [1.0, 0.0]),
]


@pytest.mark.parametrize(("said", "values", "kind", "y"), OUTCOMES)
def test_each_outcome_is_read_as_the_study_says(said, values, kind, y):
    found = of(people(o=values * (N // 2)), said, features='include = ["age"]')
    assert found.outcome.kind == kind
    assert found.people.y[:2].tolist() == y
    assert found.events == (N // 2 if kind == "binary" else None)


def test_levels_of_a_number_are_found_in_their_order():
    found = of(
        people(o=[10, 2, 3] * (N // 3)), 'column = "o"\nkind = "ordinal"', features='include = ["age"]'
    )
    assert found.outcome.levels == ("2", "3", "10")
    assert found.people.y[:3].tolist() == [2, 0, 1]
    assert found.people.levels == 3


TIMED = (
    'column = "t"\nkind = "time-to-event"\nevent = "e"\noccurred = "left"\ncompeting = ["died"]\nhorizon = 5'
)


def timed(**changed) -> pl.DataFrame:
    rng = np.random.default_rng(10_001)
    made = {"t": rng.uniform(0.1, 10, N), "e": rng.choice(["left", "died", "lost"], N)}
    return people(**(made | changed)).drop("y")


def test_an_event_in_time_is_left_competing_or_lost_and_counted_by_the_horizon():
    frame = timed()
    found = of(frame, TIMED)
    codes = {"left": 1.0, "died": 2.0, "lost": 0.0}
    assert found.people.y.tolist() == [codes[end] for end in frame["e"]]
    assert found.people.time.tolist() == frame["t"].to_list()
    assert found.events == len(frame.filter(pl.col("e") == "left", pl.col("t") <= 5))
    without = of(timed(e=[None, *frame["e"][1:]]), TIMED)
    assert (len(without), without.missing_outcome) == (N - 1, 1)


def test_people_without_an_outcome_are_left_out_and_counted():
    found = of(people().with_columns(y=pl.when(pl.col("age") > 40).then("y")))
    assert len(found) == N - found.missing_outcome < N
    assert "people have no known outcome, and were left out" in found.warnings[0]


def test_people_of_no_weight_are_left_out():
    found = of(people(w=[0.0, 0.0] + [1.0] * (N - 2)), data='id = "person"\nweight = "w"')
    assert len(found) == N - 2
    assert found.warnings == ("2 people have a weight of 0, so stand for nobody, and were left out.",)


WRONG = [
    (people(y=[3.0] * N), {"outcome": 'column = "y"'}, '"y" is 3 for everybody'),
    (people(y=[None] * N), {}, "got an empty column"),
    (people(y=["a", "b"] * (N // 2)), {}, 'expected to know which value of "y" is the event'),
    (people(y=[1, 2] * (N // 2)), {}, 'present = "2"'),
    (people(y=["a", "b", "c"] * (N // 3)), {}, "expected numbers, or yes and no, as the outcome"),
    (people(y=[0, 1, 2] * (N // 3)), {"outcome": 'column = "y"\nkind = "binary"'}, "expected 0 and 1 only"),
    (people(), {"outcome": 'column = "y"\npresent = "2"'}, 'expected "2" to be met in "y"'),
    (
        people(y=["low", "mid", "top"] * (N // 3)),
        {"outcome": 'column = "y"\nlevels = ["low", "mid", "high"]'},
        '"top" in "y" is none of the levels (rows 3',
    ),
    (people(), {"outcome": 'column = "y"\nkind = "ordinal"'}, "expected 3 to 12 different values"),
    (people(), {"outcome": 'column = "z"'}, 'expected a column "z"'),
    (people(person=["p"] * N), {}, "expected one row a person"),
    (
        people(w=[-1.0] + [1.0] * (N - 1)),
        {"data": 'weight = "w"'},
        'weights of 0 or more in "w", got -1 (row 1)',
    ),
    (people(w=[None] + [1.0] * (N - 1)), {"data": 'weight = "w"'}, "got nothing (row 1)"),
    (people(psu=[None] + [1] * (N - 1)), {"data": 'cluster = "psu"'}, "expected everybody's cluster"),
    (people(), {"validation": 'time = "year"\ntest_from = 2030'}, "nobody is left to test on"),
    (people(), {"validation": 'time = "year"\ntest_from = 1990'}, "nobody is left to learn from"),
    (people(), {"validation": 'time = "sex"\ntest_from = 1990'}, "expected numbers or dates"),
    (
        people(year=[None] + [2015, 2017, 2017] * (N // 3 - 1) + [2015, 2017]),
        {"validation": 'time = "year"\ntest_from = 2017'},
        "expected everybody's time",
    ),
    (people(clinic=["a"] * N), {"validation": 'site = "clinic"'}, "expected two sites or more"),
    (people(clinic=[None] + ["a", "b", "b"] * 39 + ["a", "b"]), {"validation": 'site = "clinic"'}, "site"),
    (people(), {"validation": 'groups = ["age"]'}, 'expected at most 20 groups in "age"'),
    (timed(t=[0.0] + [6.0] * (N - 1)), {"outcome": TIMED}, 'expected times above 0 in "t", got 0 (row 1)'),
    (timed(t=[-2.0] + [6.0] * (N - 1)), {"outcome": TIMED}, "got -2 (row 1)"),
    (timed(), {"outcome": TIMED.replace("left", "leaft")}, 'Did you mean "left"?'),
    (timed(), {"outcome": TIMED.replace("died", "dead")}, 'expected "dead" to be met in "e"'),
    (
        timed(t=[3.0] * N, e=["left", "died", "lost", "left"] * (N // 4)),
        {"outcome": TIMED},
        "expected somebody to be followed to the horizon 5",
    ),
]


@pytest.mark.parametrize(("frame", "said", "says"), WRONG, ids=[says for _, _, says in WRONG])
def test_each_mistake_in_a_table_is_one_clear_line(frame, said, says):
    assert says in refused(frame, **said)


FEW = [
    (people(y=[1] * N), 'column = "y"\nkind = "binary"', "Only 0 people without the event"),
    (people(y=[1] * 5 + [0] * (N - 5)), 'column = "y"', 'Only 5 people with the event ("y") to learn from'),
    (people(y=[1] * 10 + [None] * (N - 10)), 'column = "y"', "only 10 people have a known"),
    (people(y=[0] * (N - 2) + [1, 2]), 'column = "y"\nkind = "ordinal"', "people at two levels or more"),
]


@pytest.mark.parametrize(("frame", "said", "says"), FEW, ids=[says for _, _, says in FEW])
def test_too_few_are_said_to_be_too_few(frame, said, says):
    assert says in refused(frame, said, features='include = ["age"]', error=NotEnoughDataError)


def test_a_thousand_features_of_eighty_people_are_warned_of():
    rng = np.random.default_rng(10_002)
    frame = pl.DataFrame({f"x{i}": rng.normal(size=80) for i in range(1000)}).with_columns(
        y=pl.Series(rng.permutation([0, 1] * 40))
    )
    found = of(frame, data="")
    assert len(found.spec.features) == 1000
    assert "1000 features for 40 events" in found.warnings[-1]


def test_a_temporal_test_with_hardly_an_event_is_warned_of():
    y = [0, 1] * 40 + [0] * (N - 83) + [1] * 3
    found = of(people(y=y), features='include = ["age"]', validation='time = "year"\ntest_from = 2017')
    assert found.warnings == ("Only 3 events in the later people: the temporal test tells little.",)


def test_people_who_judge_may_be_few_and_all_alike():
    table = table_of(people(4, y=[0] * 4), "new.csv")
    found = cohort(study(), table, kinds={"age": "number", "sex": "category"})
    assert (len(found), found.events) == (4, 0)
    assert found.spec.names == ("age", "sex")


def test_a_study_judges_by_tables_that_lack_its_design():
    asked = study(
        data='id = "person"\nweight = "w"\ncluster = "psu"\nstratum = "region"',
        validation='site = "clinic"\ntrial = "t"\ntime = "year"\ntest_from = 2017\ngroups = ["sex", "area"]',
    )
    table = table_of(people().drop("w", "year", "person"), "new.csv")
    found = within(asked, table)
    assert (found.data.id, found.sampling.weight, found.sampling.cluster) == (None, None, "psu")
    assert (found.validation.site, found.validation.trial) == ("clinic", None)
    assert (found.validation.time, found.validation.test_from) == (None, None)
    assert found.validation.groups == ("sex",)
    assert len(cohort(found, table, kinds={"age": "number"})) == N


def test_a_group_that_is_not_known_is_a_group():
    sex = ["f"] + [None] * 3 + ["m"] * (N - 4)
    found = of(people(sex=sex), validation='groups = ["sex"]')
    assert found.groups["sex"].value_counts(sort=True).rows() == [("m", N - 4), ("not known", 3), ("f", 1)]


def test_ids_are_row_numbers_where_there_are_none():
    assert of(people().drop("person"), data="").ids[:2] == ("1", "2")
    assert of(people(person=[None, *[f"p{i}" for i in range(N - 1)]])).ids[:2] == ("1", "p0")


LEAKS = [
    ("copy", lambda f: f["y"]),
    ("almost", lambda f: f["y"] + pl.Series(np.random.default_rng(1).normal(0, 0.1, N))),
    ("words", lambda f: f["y"].replace_strict({0: "well", 1: "ill"})),
    ("discharged", lambda f: pl.select(pl.when(f["y"] == 1).then(pl.lit("2024-01-01"))).to_series()),
]


@pytest.mark.parametrize(("name", "made"), LEAKS)
def test_a_feature_that_tells_the_outcome_is_refused_by_name(name, made):
    frame = people()
    said = refused(frame.with_columns(made(frame).alias(name)))
    assert f'"{name}" alone all but tells "y"' in said
    assert "known_after" in said
    assert of(frame.with_columns(made(frame).alias(name)), features=f'known_after = ["{name}"]')


def test_a_copy_of_what_was_cut_is_refused_though_it_parts_nobody_better():
    rng = np.random.default_rng(10_003)
    score = rng.normal(10, 3, N)
    frame = people(score=score, noisy=score + rng.normal(0, 0.3, N))
    assert '"noisy" alone all but tells' in refused(frame, 'column = "score"\nabove = 10')
    assert '"noisy" alone all but tells' in refused(frame, 'column = "score"')


def test_the_answers_of_a_questionnaire_are_no_features_of_its_total():
    rng = np.random.default_rng(10_004)
    items = {f"q{i}": rng.integers(0, 4, N).astype(float) for i in range(1, 10)}
    total = sum(items.values())
    frame = people(total=total, **items)
    said = refused(frame, 'column = "total"\nabove = 14')
    assert "numbers among them add up to" in said
    assert '"q' in said


def test_follow_up_time_by_another_name_is_refused():
    frame = timed()
    assert '"days" alone all but tells' in refused(frame.with_columns(days=pl.col("t") * 30.4), TIMED)


def test_an_honest_strong_feature_passes_with_a_word_of_warning():
    data = load_breast_cancer(as_frame=True)
    frame = pl.from_pandas(data.frame)
    found = of(frame, 'column = "target"', data="")
    assert len(found.spec.features) == 30
    (warning,) = found.warnings
    assert "alone each tell" in warning
    assert "check that it is known beforehand" in warning


@pytest.mark.parametrize("seed", range(10_010, 10_020))
def test_noise_is_never_taken_for_a_leak(seed):
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame(
        {f"x{i}": rng.normal(size=30) for i in range(300)}
        | {f"c{i}": rng.choice(list("abcdefgh"), 30) for i in range(20)}
    ).with_columns(y=pl.Series(rng.permutation([1] * 10 + [0] * 20)))
    assert len(of(frame, data="").spec.features) == 320


@pytest.mark.parametrize(
    ("name", "n", "events", "missing"), [("help-cesd", 246, 158, 207), ("jobs2-depression", 899, None, 0)]
)
def test_the_shipped_prognoses_find_their_people(name, n, events, missing):
    found = cohort(load(name), open_data(load(name)))
    assert (len(found), found.events, found.missing_outcome) == (n, events, missing)
