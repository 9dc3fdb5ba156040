"""The numbers of a study: five lines for a reader, and the tables behind them."""

import polars as pl
import pytest
from made_trials import make, people

import alleviate


def test_five_lines(small):
    found = small.learned.findings
    lines = small.learned.lines()
    assert lines == [
        "Made: CBT (60) vs TAU (60), depression, lower is better",
        lines[1],
        "Gain of the rule over the best single arm: 0.0 points [95 % 0.0 to 0.0]",
        f"Verdict: one-for-all — because {found.reason}",
        f"Report: {small.learned.report}  Package: {small.learned.package}",
    ]
    cbt, tau, rule = (found.value[key] for key in ("CBT", "TAU", "rule"))
    assert lines[1] == "   ".join(
        f"{who}: {v.estimate:.1f} [95 % {v.low:.1f} to {v.high:.1f}]"
        for who, v in (("Everyone to CBT", cbt), ("Everyone to TAU", tau), ("By the rule", rule))
    )


def test_usual_care_comes_last_and_no_unit_leaves_no_gap(tmp_path):
    made = make(tmp_path, people(60), ('usual = "TAU"', 'usual = "CBT"'), ('unit = "points"\n', ""))
    lines = made.learned.lines()
    assert lines[0].startswith("Made: TAU (30) vs CBT (30), ")
    assert "arm: 0.0 [95 % " in lines[2]
    assert " units" in lines[3]


def test_the_value_of_the_best_arm_is_that_of_the_arm_named_best(tmp_path):
    found = make(tmp_path, people(60)).learned.findings
    assert found.value["best_arm"] == found.value[found.best_arm]
    gain = found.value["best_arm"].estimate - found.value["rule"].estimate  # lower is better
    assert found.gain["over_best_arm"].estimate == pytest.approx(gain)


def with_gaps():
    """Severity is missing for every tenth person; there are eleven cities, a constant and a twin."""
    frame = people(220)
    return frame.with_columns(
        severity=pl.when(pl.int_range(220) % 10 > 0).then("severity"),
        city=pl.Series([f"c{i % 11:02d}" for i in range(220)]),
        country=pl.lit("DE"),
        years=pl.col("age"),
        empty=pl.lit(None, pl.String),
    )


@pytest.fixture(scope="module")
def gaps(tmp_path_factory):
    everything = ('include = ["age", "severity", "sex", "first_episode", "entry"]\n', "")
    return make(tmp_path_factory.mktemp("gaps"), with_gaps(), everything).learned.findings


def test_every_column_is_described_by_arm(gaps):
    frame = with_gaps()
    told = {column.label: column for column in gaps.columns}
    cbt = frame.filter(pl.col("arm") == "CBT")
    assert told["age"].by_arm["CBT"] == f"{cbt['age'].mean():.1f} ({cbt['age'].std():.1f})"
    assert (told["severity"].missing, told["age"].missing) == (22, 0)
    women = int((cbt["sex"] == "f").sum())
    assert told["sex: f"].by_arm["CBT"] == f"{women} ({women / len(cbt):.0%})"
    first = int((cbt["first_episode"] == "yes").sum())
    assert told["first_episode"].by_arm["CBT"] == f"{first} ({first / len(cbt):.0%})"
    assert told["entry"].by_arm["CBT"].startswith("2020-")


def test_a_long_list_of_categories_ends_with_the_rest(gaps):
    cities = [column.label for column in gaps.columns if column.name == "city"]
    assert cities == [*(f"city: c{i:02d}" for i in range(8)), "city: 3 other levels"]


def test_what_is_known_of_nobody_in_an_arm_is_a_dash(tmp_path):
    """Had everybody else a value, it would decide the arm: so a few of the other arm lack it, too."""
    frame = people(80).sort("arm")
    known = pl.int_range(pl.len()) < 30
    frame = frame.with_columns(
        severity=pl.when(known).then("severity"),
        first_episode=pl.when(known).then("first_episode"),
        entry=pl.when(known).then("entry"),
    )
    found = make(tmp_path, frame).learned.findings
    told = {column.name: column.by_arm for column in found.columns}
    assert {told[name]["TAU"] for name in ("severity", "first_episode", "entry")} == {"–"}
    assert all(told[name]["CBT"] != "–" for name in told)


def test_columns_without_use_are_named_with_the_reason(gaps):
    assert gaps.dropped == {
        "country": "the same for everybody",
        "years": "the same as age",
        "empty": "the same for everybody",
    }


def test_moderators_are_told_per_what_they_change(gaps):
    per = {moderator.name: moderator.per for moderator in gaps.moderators}
    assert per["age"].startswith("1 SD (15")
    assert per["entry"].endswith(" days)")
    assert per["first_episode"] == "yes rather than no"
    assert per["sex"] == "m rather than not"
    assert "not known rather than known" in [m.per for m in gaps.moderators if m.name == "severity"]
    assert {(m.arm, m.against) for m in gaps.moderators} == {
        (gaps.best_arm, *({"CBT", "TAU"} - {gaps.best_arm}))
    }


def test_the_strongest_moderator_comes_first_with_the_size_of_its_effect(tmp_path):
    first = make(tmp_path, people(800, benefit="by sex")).learned.findings.moderators[0]
    assert first.per == "m rather than not"
    # 12 points between women and men, in favour of whichever arm is the best
    assert abs(first.change.estimate) == pytest.approx(12, abs=1.5)


def test_histograms_count_everybody_once(by_severity):
    found = by_severity.learned.findings
    assert sum(sum(histogram.counts) for histogram in found.benefit.values()) == found.n
    for name, share in found.strengths.items():
        counted = sum(found.benefit[name].counts) if name in found.benefit else 0
        assert counted == pytest.approx(share * found.n)
    for arm in ("CBT", "TAU"):
        assert sum(found.overlap.by_arm[arm].counts) == found.n
    assert (found.overlap.truncated, found.overlap.bound, found.overlap.rule) == (0, 0, "")


def test_who_was_asked_what_and_how_is_kept(small):
    found = small.learned.findings
    assert (found.n, found.n_read, found.folds, found.repeats, found.seed) == (120, 120, 2, 1, 1)
    assert (found.usual, found.assignment) == ("TAU", "randomised")
    assert len(found.fingerprint) == 64
    assert found.versions["alleviate"] == alleviate.__version__
    assert set(found.versions) >= {"python", "numpy", "polars", "lightgbm"}
    assert found.outcome["sd"] == pytest.approx(small.frame["y"].std())
    assert found.heterogeneity.keys() == {"statistic", "p"}


def test_a_trial_too_lopsided_to_judge_anybody_still_ends_in_a_report(tmp_path):
    frame = people(600).with_columns(arm=pl.Series(["CBT"] * 15 + ["TAU"] * 585))
    learned = make(tmp_path, frame).learned
    found = learned.findings
    assert found.share_abstained == 1
    assert found.benefit == {}
    assert found.share_per_arm == {"CBT": 0, "TAU": 0}
    assert learned.report.is_file()
