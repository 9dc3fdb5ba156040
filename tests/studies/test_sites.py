"""Sites: which can be left out in turn, and what the treatments did in each."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from made_trials import people, study_text
from scipy.stats import t

from alleviate.intake.tables import table_of
from alleviate.models.pooling import pool
from alleviate.studies.cohort import cohort
from alleviate.studies.evaluation import evaluate_learning
from alleviate.studies.files import loads
from alleviate.studies.sites import refuse_thin_sites, site_findings
from alleviate.terms.errors import NotEnoughDataError

SITE = ("repeats = 1", 'repeats = 1\nsite = "site"')
TRIAL = ("repeats = 1", 'repeats = 1\ntrial = "site"')


def gathered(n, sites, *changes, benefit="same"):
    frame = people(n, benefit=benefit).with_columns(site=pl.Series(sites))
    return cohort(loads(study_text(*changes)), table_of(frame, "trial"))


def evaluated(found):
    return evaluate_learning(found.trial, ("none", "ridge"), folds=2, repeats=1, seed=1, sites=found.sites)


@pytest.fixture(scope="module")
def four():
    """160 people of four sites, and a fifth of three people."""
    found = gathered(163, [f"s{i % 4}" for i in range(160)] + ["tiny"] * 3, SITE, benefit="by severity")
    return found, evaluated(found)


def test_a_study_without_sites_finds_none():
    found = gathered(60, ["A", "B"] * 30)
    assert site_findings(found, evaluated(found), 0) is None


def test_each_site_is_the_mean_of_its_peoples_scores_drawn_to_the_others(four):
    cohort_found, evaluation = four
    found = site_findings(cohort_found, evaluation, 0)
    site = np.array(cohort_found.sites)
    contrast, gain = found.comparisons
    assert (contrast.what, contrast.against, gain.what, gain.against) == ("contrast", "TAU", "gain", "CBT")
    for comparison, person in (
        (contrast, evaluation.scores[:, 0] - evaluation.scores[:, 1]),
        (gain, evaluation.followed - evaluation.scores[:, 0]),
    ):
        parts = [person[site == name] for name in ("s0", "s1", "s2", "s3")]
        within = sum((len(p) - 1) * p.var(ddof=1) for p in parts) / 156
        half = t.ppf(0.975, 156) * np.sqrt(within / 40)
        for effect, part in zip(comparison.sites, parts, strict=True):
            assert effect.n == 40
            assert effect.raw.estimate == pytest.approx(part.mean())
            assert effect.raw.high - effect.raw.estimate == pytest.approx(half)
        pooled = pool(np.array([p.mean() for p in parts]), np.full(4, within / 40))
        assert [effect.pooled for effect in comparison.sites] == list(pooled.shrunk)
        assert (comparison.mean, comparison.prediction) == (pooled.mean, pooled.prediction)
        assert (comparison.tau2, comparison.i2) == (pooled.tau2, pooled.i2)


def test_a_site_of_a_few_people_is_named_but_not_shown(four):
    found = site_findings(*four, 0)
    assert found.too_small == ("tiny",)
    assert sum(found.by_arm["tiny"].values()) == 3
    assert {effect.site for effect in found.comparisons[0].sites} == {"s0", "s1", "s2", "s3"}


def test_a_rule_of_one_arm_has_no_gain_to_show_by_site(four):
    cohort_found, evaluation = four
    same = replace(evaluation, followed=evaluation.scores[:, 0])
    assert [c.what for c in site_findings(cohort_found, same, 0).comparisons] == ["contrast"]


def test_with_one_site_large_enough_nothing_can_be_compared():
    found = gathered(60, ["A"] * 56 + ["B"] * 4, SITE)
    judged = evaluate_learning(found.trial, ("none",), folds=2, repeats=1, seed=1)
    assert site_findings(found, judged, 0).comparisons == ()


def test_trials_are_called_trials():
    found = gathered(80, ["A", "B"] * 40, TRIAL)
    assert site_findings(found, evaluated(found), 0).kind == "trial"


def test_of_many_sites_with_one_arm_three_are_named():
    frame = (
        people(60)
        .with_row_index()
        .with_columns(
            site=pl.when(pl.col("index") < 40).then(pl.lit("big")).otherwise(pl.format("s{}", "index"))
        )
    )
    found = cohort(loads(study_text(SITE)), table_of(frame.drop("index"), "trial"))
    with pytest.raises(NotEnoughDataError, match=r"got one only in s40 .*, s41 .*, s42 .* and 17 more\."):
        refuse_thin_sites(found)
