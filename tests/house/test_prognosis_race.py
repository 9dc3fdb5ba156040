"""The prognosis race: its sets are as documented, its folds fair, its runs resumable, its table right."""

import base64
import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t as student
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

import prognosis_race
from prognosis_names import OURS, PEERS
from prognosis_runs import Run, foreseen, judge, keep, kept, outstanding, own_process
from prognosis_sets import SETS, folds, loaded
from prognosis_table import Difference, Race, corrected, lines, numbers, race, tables

RIDGE, BOOSTED = PEERS[:2]
PEOPLE = {
    "breast_cancer": (569, 212),
    "pima": (532, 177),
    "birthwt": (189, 59),
    "pbc": (418, 161),
    "colon": (929, 452),
    "biopsy": (645, 232),
    "mifem": (1295, 321),
    "stagec": (146, 54),
    "suicide": (2571, 1256),
    "help": (431, 163),
    "jobs": (899, 276),
}
"""People and events."""


@pytest.mark.parametrize("name", list(SETS))
def test_a_set_has_the_people_and_events_that_are_known_of_it(name):
    table = loaded(name)
    assert (len(table.y), int(table.y.sum())) == PEOPLE[name]
    assert len(table.x) == len(table.y)
    assert set(np.unique(table.y)) == {0.0, 1.0}


@pytest.mark.parametrize("name", list(SETS))
def test_no_feature_alone_tells_the_outcome(name):
    table = loaded(name)
    for column, values in table.x.items():
        groups = values.fillna("none") if values.dtype == object else values.fillna(values.median())
        if values.dtype == object:
            groups = groups.map(dict(zip(*_shares(groups, table.y), strict=True)))
        auc = roc_auc_score(table.y, groups)
        assert max(auc, 1 - auc) < 0.98, column


def _shares(groups, y):
    names = groups.unique()
    return names, [y[groups == name].mean() for name in names]


@pytest.mark.parametrize("repeat", [10_000, 10_001])
def test_halves_test_each_other_and_have_the_same_share_of_events(repeat):
    y = loaded("birthwt").y
    (train, test), (again, tested) = folds(y, repeat)
    assert sorted([*train, *test]) == list(range(len(y)))
    assert list(train) == list(tested)
    assert list(test) == list(again)
    assert abs(y[train].sum() - y[test].sum()) <= 1
    assert abs(len(train) - len(test)) <= 1


def test_another_repeat_is_another_split():
    y = loaded("birthwt").y
    first, second = (next(iter(folds(y, repeat)))[1] for repeat in (10_000, 10_001))
    assert list(first) != list(second)


@pytest.fixture(scope="module")
def ridge():
    return judge(("stagec", 10_000, 0), RIDGE)


def test_a_run_is_judged_on_people_it_did_not_learn_from(ridge):
    y = loaded("stagec").y
    _, test = next(iter(folds(y, 10_000)))
    p = 1 / (1 + np.exp(-foreseen(ridge)))
    assert ridge.brier == pytest.approx(np.mean((p - y[test]) ** 2), abs=0.003)
    assert ridge.log_loss == pytest.approx(-np.log(np.where(y[test] == 1, p, 1 - p)).mean(), abs=0.01)
    assert ridge.auc == pytest.approx(roc_auc_score(y[test], p), abs=0.01)
    assert 0.6 < ridge.auc < 0.9


@pytest.mark.slow
def test_a_fit_in_a_process_of_its_own_finds_the_same(ridge):
    alone = own_process(("stagec", 10_000, 0), RIDGE)
    assert (alone.brier, alone.log_loss, alone.codes, alone.mark) == (
        ridge.brier,
        ridge.log_loss,
        ridge.codes,
        ridge.mark,
    )


def test_runs_come_back_from_their_file_and_only_what_lacks_runs(ridge, tmp_path):
    cache = tmp_path / "runs.jsonl"
    assert kept(cache) == {}
    keep(("stagec", 0, 0), RIDGE.name, ridge, cache)
    done = kept(cache)
    assert done == {("stagec", 0, 0): {RIDGE.name: ridge}}
    left = list(outstanding([RIDGE], done, ["stagec"], 1))
    assert left == [(("stagec", 0, 1), RIDGE)]
    keep(("stagec", 0, 0), RIDGE.name, replace(ridge, library="scikit-learn 0.1"), cache)
    assert len(list(outstanding([RIDGE], kept(cache), ["stagec"], 1))) == 2


def test_all_sets_run_once_before_any_runs_again_and_the_quick_go_first():
    slow = replace(BOOSTED, slow=True)
    order = [(cell, c.name) for cell, c in outstanding([slow, RIDGE], {}, ["pima", "stagec"], 2)]
    assert [cell[1] for cell, _ in order] == [0] * 8 + [1] * 8
    assert [name for _, name in order[:8]] == [RIDGE.name] * 4 + [BOOSTED.name] * 4


def test_the_corrected_error_is_that_of_nadeau_and_bengio():
    values = np.array([0.01, -0.02, 0.005, -0.015])
    found = corrected(values)
    t = values.mean() / np.sqrt((1 / 4 + 1) * values.var(ddof=1))
    assert found.mean == pytest.approx(-0.005)
    assert found.p == pytest.approx(2 * student.cdf(-abs(t), 3))
    assert np.isnan(Difference(0.1, float("nan"), 1).p)


def made(p, y, library="x 1", mark=1.0):
    """A run that foresaw ``p``."""
    codes = np.round(np.log(p / (1 - p)) / (np.log(1e6 - 1) / 127)).astype(np.int8)
    brier, loss = np.mean((p - y) ** 2), -np.log(np.where(y == 1, p, 1 - p)).mean()
    return Run(brier, loss, 0.5, 1.0, 0.5, 0.0, library, mark, base64.b64encode(codes.tobytes()).decode())


@pytest.fixture(scope="module")
def found():
    """Two sets and repeats; ours tells the outcome a little, ridge tells less, LightGBM too much."""
    rng = np.random.default_rng(10_000)
    ours, peers = {}, {}
    for name in ("stagec", "birthwt"):
        y = loaded(name).y
        for repeat in range(2):
            for fold, (_, test) in enumerate(folds(y, repeat)):
                truth = np.clip(
                    y.mean() + 0.2 * (y[test] - y.mean()) + rng.uniform(-0.3, 0.3, len(test)), 0.05, 0.9
                )
                linear = np.log(truth / (1 - truth))
                cell = name, repeat, fold
                ours[cell] = {"ours": made(truth, y[test])}
                peers[cell] = {
                    RIDGE.name: made(np.full(len(test), y.mean()), y[test]),
                    BOOSTED.name: made(1 / (1 + np.exp(-4 * linear)), y[test]),
                }
    return race(ours, peers, ["stagec", "birthwt"], 2, (OURS, RIDGE, BOOSTED))


def test_the_lines_say_who_was_better(found):
    told = {line.what: line for line in lines(found)}
    assert told["mean log loss against ridge logistic"].holds is True
    assert told["mean Brier score against ridge logistic"].found.endswith("(2 of 2 sets)")
    assert told["Brier score above ridge logistic's, any set"].holds is True
    assert told["calibration slope, all held-out people"].asked == "0.9–1.1"
    assert told["calibration slope, all held-out people — LightGBM"].holds is None


def test_a_set_that_ridge_foresees_better_is_named(found):
    done = {
        cell: {**runs, "ours": replace(runs["ours"], brier=runs[RIDGE.name].brier + 0.006)}
        if cell[0] == "birthwt"
        else runs
        for cell, runs in found.done.items()
    }
    (line,) = [line for line in lines(replace(found, done=done)) if "any set" in line.what]
    assert line.holds is False
    assert line.found == "+0.0060 at most (birthwt)"


def test_calibration_is_that_of_an_unpenalised_regression_of_all_held_out_people(found):
    slope, level = found.calibration(BOOSTED.name, ["stagec"])
    y = loaded("stagec").y
    cells = found.cells("stagec", BOOSTED.name)
    linear = np.concatenate([foreseen(found.done[cell][BOOSTED.name]) for cell in cells])
    outcome = np.concatenate([y[list(folds(y, cell[1]))[cell[2]][1]] for cell in cells])
    plain = LogisticRegression(C=np.inf).fit(linear[:, None], outcome)
    assert slope == pytest.approx(plain.coef_[0, 0], rel=1e-3)
    assert (1 / (1 + np.exp(-(linear + level)))).mean() == pytest.approx(outcome.mean(), abs=1e-6)


def test_what_has_not_run_is_left_blank_and_what_has_is_in_the_table(found):
    table = tables(
        replace(found, sets=["stagec", "birthwt", "pima"], contenders=(*found.contenders, PEERS[-1]))
    )
    assert "| stagec |" in table
    assert "| pima |  |  |  |" in table
    assert "AutoGluon" not in table
    assert numbers(found)["sets"]["stagec"]["ours"]["folds"] == 4
    assert Race({}, ["pima"], 1, found.contenders).calibration("ours", ["pima"]) is None
    assert lines(Race({}, ["pima"], 1, found.contenders)) == []


def test_other_people_under_the_same_fold_are_refused(ridge):
    cell = "stagec", 0, 0
    other = {cell: {RIDGE.name: replace(ridge, mark=ridge.mark + 1)}}
    with pytest.raises(ValueError, match="same people"):
        race({cell: {"ours": ridge}}, other, ["stagec"], 1, (OURS, RIDGE))


def test_the_table_is_made_of_what_has_run_when_nobody_runs(found, tmp_path, monkeypatch, capsys):
    for cell, runs in found.done.items():
        keep(cell, "ours", runs["ours"], tmp_path / "prognosis-ours.jsonl")
        keep(cell, RIDGE.name, runs[RIDGE.name], tmp_path / "prognosis-cache.jsonl")
    monkeypatch.setattr(prognosis_race, "RESULTS", tmp_path)
    options = ["--as-is", "--results", str(tmp_path), "--sets", "stagec", "birthwt", "--repeats", "2"]
    monkeypatch.setattr("sys.argv", ["prognosis_race.py", *options, "--contenders", RIDGE.name])
    prognosis_race.main()
    assert "ridge logistic" in (tmp_path / "prognosis.md").read_text()
    assert json.loads((tmp_path / "prognosis.json").read_text())["settings"]["folds of a set"] == 4
    assert "holds" in capsys.readouterr().out
