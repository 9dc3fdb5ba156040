"""The race's problems have the truths that are published of them, and a small race fills its table."""

import json
from dataclasses import replace

import numpy as np
import pytest

from contender_ours import OURS
from contenders import SIMPLE, complete
from lines import Line, written
from problems import p1, p2
from problems_own import dropout, level, routine, sites, strong
from race import race, run_ours
from race_cells import CELLS, TRUTH_SEED, Cell
from race_runs import Judged, Run, judge, kept, outstanding, see
from race_table import lines, numbers, tables

CELL = replace(CELLS[0], seeds=1)
"""P1 lin, n=200, one draw."""


def gain(new) -> float:
    return new.mean.max(axis=1).mean() - new.mean.mean(axis=0).max()


@pytest.mark.parametrize(("effect", "truth"), [("lin", 0.071), ("thr", 0.099), ("null", 0.0)])
def test_what_an_oracle_gains_over_the_best_arm_in_p1(effect, truth):
    assert gain(p1(effect, 200_000, TRUTH_SEED)) == pytest.approx(truth, abs=0.002)


def test_the_values_of_p2():
    new = p2(200_000, TRUTH_SEED)
    assert new.mean.max(axis=1).mean() == pytest.approx(2.252, abs=0.01)
    assert new.mean.mean(axis=0).max() == pytest.approx(1.450, abs=0.01)


@pytest.mark.parametrize("problem", [sites, routine, dropout, strong, level])
def test_a_draw_says_what_it_knows(problem):
    draw = problem(2000, 10_000)
    n, k = draw.mean.shape
    assert len(draw.x) == len(draw.arm) == len(draw.y) == n == 2000
    assert k >= 3
    assert np.bincount(draw.arm, minlength=k).min() > 100
    assert np.array_equal(draw.y, problem(2000, 10_000).y)
    known = complete(draw)
    assert np.all(draw.y[draw.observed == 0] == 0) if draw.observed is not None else known is draw
    if draw.probability is not None:
        assert np.allclose(draw.probability.sum(axis=1), 1)
        shares = np.bincount(draw.arm, minlength=k) / n
        assert np.abs(draw.probability.mean(axis=0) - shares).max() < 0.04


def test_routine_care_tells_nobody_how_arms_were_chosen_and_the_raw_means_mislead():
    draw = routine(20_000, 10_000)
    assert draw.probability is None
    raw = [draw.y[draw.arm == k].mean() for k in range(3)]
    assert int(np.argmax(raw)) != int(draw.mean.mean(axis=0).argmax())


def test_those_who_complete_flatter_the_arm_that_others_leave():
    draw = dropout(20_000, 10_000)
    left, hard = ~draw.observed, draw.arm == 1
    assert 0.3 < left.mean() < 0.4
    assert left[hard].mean() > left[~hard].mean() + 0.05
    assert draw.y[hard & draw.observed].mean() > draw.mean[:, 1].mean() + 0.15


def test_nobody_differs_where_arms_differ_in_level_alone():
    assert gain(level(2000, 10_000)) == pytest.approx(0.0)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """One draw, raced by ours, the plain analysis and the ridge T-learner."""
    cache = tmp_path_factory.mktemp("race") / "race-ours.jsonl"
    done: dict = {}
    run_ours([CELL], OURS, 1, done, cache)
    draw, new = CELL.draw(0), CELL.new(0)
    peers = {(CELL.problem, CELL.n, 0): Judged(see(draw, new), {})}
    for contender in SIMPLE[:2]:
        peers[CELL.problem, CELL.n, 0].runs[contender.name] = judge(draw, new, 0, contender)
    return done, peers, cache


def test_a_small_race_fills_its_table(run):
    done, peers, _ = run
    found = race([CELL], done, peers, [c.named for c in (OURS, *SIMPLE[:2])])
    table = tables(found)
    assert "|  | ours | plain | ridge T-learner |" in table
    assert "P1 lin, n=200" in table
    told = numbers(found)["cells"]["P1 lin, n=200"]
    assert set(told) == {"ours", "plain", "ridge T-learner"}
    assert 0 <= told["ours"]["regret"] < 0.3
    assert told["plain"]["harm"] == 0
    asked = [line.asked for line in lines(found)]
    assert {"lower", "≤ 0.01 SD more", "≤ 5%"} <= set(asked)


def test_runs_come_back_from_their_file_and_are_not_run_again(run):
    done, _, cache = run
    assert kept(cache) == done
    again = dict(done)
    run_ours([CELL], OURS, 1, again, cache)
    assert len(cache.read_text().splitlines()) == 1
    assert list(outstanding([OURS], done, [CELL])) == []
    assert kept(cache.with_name("none.jsonl")) == {}


def test_another_draw_under_the_same_seed_is_refused(run):
    done, peers, _ = run
    key, judged = next(iter(peers.items()))
    other = {key: Judged(replace(judged.seen, mark=judged.seen.mark + 1), judged.runs)}
    with pytest.raises(ValueError, match="another draw"):
        race([CELL], done, other, [])


def test_a_slow_contender_runs_few_seeds_and_every_cell_is_visited_before_any_goes_on(tmp_path):
    cells = [Cell("P1 lin", n, CELL.drawn, 10) for n in (200, 500)]
    order = [(cell.n, seed) for cell, seed, _ in outstanding(SIMPLE[:1], {}, cells)]
    assert order[:10] == [(n, seed) for n in (200, 500) for seed in range(5)]
    seen = see(CELL.draw(0), CELL.new(0))
    slow = {("P1 lin", 200, s): Judged(seen, {"plain": Run(0.0, 11.0, (1.0, 0.0), "x 1")}) for s in range(5)}
    left = [(cell.n, seed) for cell, seed, _ in outstanding(SIMPLE[:1], slow, cells)]
    assert left == [(500, seed) for seed in range(10)]


def test_lines_are_kept_as_table_and_numbers(tmp_path, capsys):
    written(
        "walk",
        "The walk",
        [Line("a", "≤ 1", "0", True), Line("b", "≤ 1", "2", False)],
        {"seed": 1},
        results=tmp_path,
    )
    assert "| b | ≤ 1 | 2 | NO |" in (tmp_path / "walk.md").read_text()
    assert json.loads((tmp_path / "walk.json").read_text())["lines"][0]["holds"] is True
    assert "holds" in capsys.readouterr().out
