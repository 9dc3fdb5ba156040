"""The truth of the synthetic clinic is true: outcomes, confounding, who gains, who leaves, and answers."""

from datetime import UTC, datetime
from functools import cache

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from alleviate.records.synthetic import simulate
from alleviate.records.synthetic.course import Assessment, assess, follow
from alleviate.records.synthetic.person import Person, draw_person
from alleviate.records.synthetic.settings import FEATURES, MODEL, SITES, TREATMENTS
from alleviate.records.synthetic.truth import draw_staff, end_distress, expected_totals, season

NAMES = [arm.name for arm in TREATMENTS]
NOW = datetime(2025, 12, 31, tzinfo=UTC)
STAFF = draw_staff(np.random.default_rng(3))


@cache
def truth() -> pl.DataFrame:
    return simulate(2500, seed=11).truth()


@cache
def people(size: int = 1000) -> list[tuple[Person, Assessment]]:
    random = np.random.default_rng(8)
    persons = [draw_person(random, NOW) for _ in range(size)]
    return [(person, assess(person, random)) for person in persons]


def totals(name: str) -> NDArray[np.int64]:
    return np.array([assessment.answers[name].sum() for _, assessment in people()])


def alpha(name: str) -> float:
    """Cronbach's alpha of the items at assessment."""
    items = np.array([assessment.answers[name] for _, assessment in people()])
    k = items.shape[1]
    return float(k / (k - 1) * (1 - items.var(axis=0, ddof=1).sum() / items.sum(axis=1).var(ddof=1)))


@pytest.mark.parametrize("arm", TREATMENTS, ids=NAMES)
def test_mean_outcomes_are_as_expected_under_each_treatment(arm) -> None:
    """400 people each lived through once: the mean residual lies within 4 standard errors of 0."""
    random = np.random.default_rng(21)
    column = TREATMENTS.index(arm)
    residuals = [
        follow(person, arm, STAFF, random).review.answers["phq9"].sum()
        - expected_totals(person, STAFF)[column]
        for person, _ in people()[:400]
    ]
    assert abs(np.mean(residuals)) < 4 * np.std(residuals) / np.sqrt(len(residuals))


def test_one_person_lived_through_many_times_ends_as_expected() -> None:
    random = np.random.default_rng(5)
    person = people()[0][0]
    for arm, expected in zip(TREATMENTS, expected_totals(person, STAFF), strict=True):
        ends = [follow(person, arm, STAFF, random).review.answers["phq9"].sum() for _ in range(400)]
        assert abs(np.mean(ends) - expected) < 4 * np.std(ends) / 20


def test_a_plain_comparison_is_confounded_and_a_weighted_one_is_not() -> None:
    table = truth()
    end = table["end_phq9"].to_numpy().astype(float)
    errors_plain = []
    for name in NAMES:
        got = (table["assigned"] == name).to_numpy()
        weight = got / table[f"propensity_{name}"].to_numpy()
        weighted = (weight @ end) / weight.sum()
        error = np.sqrt(((weight * (end - weighted)) ** 2).sum()) / weight.sum()
        right = float(table[f"expected_{name}"].mean())
        assert abs(weighted - right) < 4 * error, name
        errors_plain.append(end[got].mean() - right)
    by_name = dict(zip(NAMES, errors_plain, strict=True))
    assert max(by_name["cbt"], by_name["counselling"]) < -0.5, "the mild are sent to talk"
    assert by_name["sertraline"] > 0.5, "the severe get tablets"


def test_propensities_are_those_by_which_people_were_assigned() -> None:
    table = truth()
    chances = table.select(f"propensity_{name}" for name in NAMES).to_numpy()
    assert np.allclose(chances.sum(axis=1), 1)
    assert chances.min() >= MODEL["assignment"]["floor"]
    for column, name in enumerate(NAMES):
        got = (table["assigned"] == name).to_numpy()
        assert np.allclose(table["propensity"].to_numpy()[got], chances[got, column])
        spread = np.sqrt((chances[:, column] * (1 - chances[:, column])).sum())
        assert abs(got.sum() - chances[:, column].sum()) < 4 * spread


def test_no_treatment_is_the_best_for_everybody() -> None:
    table = truth()
    shares = table["best"].value_counts(normalize=True)
    assert shares["proportion"].min() > 0.05
    expected = table.select(f"expected_{name}" for name in NAMES).to_numpy()
    gain = expected.mean(axis=0).min() - expected.min(axis=1).mean()
    assert 0.6 < gain < 3.0, "points of PHQ-9 that the best for each gains over the best for all"


@pytest.mark.parametrize(
    ("treatment", "feature", "sign"),
    [
        ("cbt", "trauma", 1),
        ("ipt", "trauma", -1),
        ("sertraline", "ultrarapid", 1),
        ("sertraline", "poor", 1),
        ("sertraline", "recurrent", -1),
        ("mirtazapine", "insomnia", -1),
        ("counselling", "unemployed", -1),
        ("cbt", "ultrarapid", 0),
    ],
)
def test_effects_differ_as_documented(treatment: str, feature: str, sign: int) -> None:
    """A feature switched on in the same person changes the end by its weights, and by no more."""
    person = people()[1][0]
    place, arm = FEATURES.index(feature), NAMES.index(treatment)
    ends = []
    for value in (0.0, 1.0):
        person.features[place], before = value, person.features[place]
        ends.append(end_distress(person)[arm])
        person.features[place] = before
    difference = ends[1] - ends[0] - MODEL["prognosis"].get(feature, 0.0)
    assert np.isclose(difference, MODEL["treatments"][arm]["effect"].get(feature, 0.0))
    assert np.sign(round(difference, 9)) == sign


def test_people_who_get_worse_leave_more_often() -> None:
    random = np.random.default_rng(2)
    changes: dict[bool, list[float]] = {True: [], False: []}
    for person, assessment in people():
        course = follow(person, TREATMENTS[0], STAFF, random)
        came = [contact for contact in course.contacts if contact.status == "attended"]
        if len(came) > 1:
            change = came[-1].answers["phq9"].sum() - came[0].answers["phq9"].sum()
            changes[course.left is not None].append(change / len(came))
        assert 0 <= course.risk < 1
        assert assessment.propensities.min() > 0
    assert np.mean(changes[True]) > np.mean(changes[False]) + 0.1


def test_the_risk_of_leaving_is_calibrated() -> None:
    table = truth()
    left = table["left"].is_not_null().to_numpy()
    risk = table["dropout_risk"].to_numpy()
    high = risk > np.median(risk)
    for group in (high, ~high):
        error = np.sqrt((risk[group] * (1 - risk[group])).sum()) / group.sum()
        assert abs(left[group].mean() - risk[group].mean()) < 4 * error
    assert left[high].mean() > left[~high].mean() + 0.1


def test_totals_behave_like_a_clinic_s() -> None:
    phq9, gad7 = totals("phq9"), totals("gad7")
    assert 14 <= phq9.mean() <= 16
    assert 4.5 <= phq9.std() <= 5.6
    assert 10 <= gad7.mean() <= 13
    assert 0.5 <= np.corrcoef(phq9, gad7)[0, 1] <= 0.8
    for name in ("phq9", "gad7", "wsas"):
        assert 0.75 <= alpha(name) <= 0.92, name
    item9 = np.array([assessment.answers["phq9"][8] for _, assessment in people()])
    assert 0.15 <= (item9 > 0).mean() <= 0.45
    assert np.corrcoef(item9, phq9)[0, 1] > 0.3


def test_treatment_helps_and_winter_does_not() -> None:
    table = truth()
    assert 3.5 < table["baseline_phq9"].mean() - table["end_phq9"].mean() < 8
    assert season(datetime(2024, 1, 15, tzinfo=UTC)) == pytest.approx(MODEL["course"]["winter"])
    assert season(datetime(2024, 7, 15, tzinfo=UTC)) == pytest.approx(-MODEL["course"]["winter"], abs=0.01)


def test_sites_differ_in_level_and_case_mix() -> None:
    by_site = truth().group_by("site").agg(pl.col("severe").mean(), pl.col("unemployed").mean())
    means = {row["site"]: row for row in by_site.iter_rows(named=True)}
    assert set(means) == {site.name for site in SITES}
    assert means["Northgate"]["severe"] > means["Parkway"]["severe"] + 0.2
    assert means["Northgate"]["unemployed"] > means["Parkway"]["unemployed"] + 0.05


def test_therapists_have_effects_and_caseloads_of_their_own() -> None:
    effects = np.concatenate([those.effects for those in STAFF.values()])
    assert 0.1 < effects.std() < 0.3
    assert all(np.isclose(those.caseloads.sum(), 1) for those in STAFF.values())
    table = truth().group_by("therapist").agg(pl.col("therapist_effect").n_unique(), pl.len())
    assert table["therapist_effect"].max() == 1
    assert table["len"].max() > 3 * table["len"].min()
