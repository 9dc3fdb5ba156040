"""A glance: the facts of one person's chart with their dates, the same after it was kept."""

from datetime import timedelta

import pytest
from patient_charts import DAY, FOLLOWER, NOW, Made, ago

from alleviate.clinic.caseload.glance import MOST_POINTS, glance_of, opened, packed
from alleviate.records.synthetic import simulate
from alleviate.vault.charts import Chart


def test_it_has_who_it_is_the_last_scores_and_the_treatment() -> None:
    made = Made().episode(40).form(60, 22).form(38, 20).form(10, 11).form(10, 9, "gad7").booked(4)
    glance = glance_of(made.sessions((38, "attended"), (10, "missed")).chart())
    assert (glance.name, glance.number, glance.site) == ("Muster, Alex", "N-p1", "Northgate")
    assert (glance.treatment, glance.since, glance.ended) == ("CBT", ago(40), None)
    phq9, gad7 = glance.measures
    assert [point.score for point in phq9.points] == [22, 20, 11]
    assert (phq9.severity, phq9.case) == ("moderate", True)
    # The change counts from the first score under the present treatment, not from before it.
    assert (phq9.baseline, phq9.improvement, phq9.reliable) == (20, 9, "improved")
    assert (gad7.last.score, gad7.improvement) == (9, None)
    assert glance.booked == ((NOW + 4 * DAY).date(),)
    assert glance.heard == ago(10)


def test_a_corrected_score_is_not_told_twice() -> None:
    made = Made().form(10, 14)
    slip = [
        event.__class__(
            event.subject_id, event.time, event.known_at, event.code, 3.0, None, event.kind, "old", ago(9)
        )
        for event in made.events
        if event.kind == "questionnaire"
    ]
    made.events += slip
    (phq9,) = glance_of(made.chart()).measures
    assert [point.score for point in phq9.points] == [14]


def test_a_small_chart_has_the_band_in_which_each_score_was_expected() -> None:
    made = Made().form(21, 18).form(14, 17).form(7, 19)
    for days, score, on_track in ((21, 18, None), (14, 17, True), (7, 19, False)):
        made.judged(days, score, on_track=on_track, alert=on_track is False)
    glance = glance_of(made.chart(), [FOLLOWER])
    points = glance.measures[0].points
    assert [(point.low, point.high) for point in points] == [(None, None), (13, 22), (12, 21)]
    (course,) = glance.courses
    assert (course.on_track, course.end, course.low, course.high) == (False, 9, 4, 15)
    assert course.alert
    assert glance_of(made.chart(), ()).courses == ()  # a package out of use advises nobody


def test_only_the_latest_scores_are_kept_and_open_alerts_alone() -> None:
    made = Made()
    for week in range(MOST_POINTS + 4):
        made.form(200 - 7 * week, 20 - week % 3, item_9=1 if week == 0 else 0)
    glance = glance_of(made.chart(withheld=2))
    assert len(glance.measures[0].points) == MOST_POINTS
    assert [alert.sign.rule for alert in glance.alerts] == ["phq9//item 9"]
    assert glance.withheld_alerts == 2


def test_kept_and_opened_it_is_the_same() -> None:
    made = Made().episode(40).form(38, 20, item_9=2).form(3, 24).booked(2)
    made.judged(38, 20, on_track=None).judged(3, 24, on_track=False, alert=True)
    glance = glance_of(made.chart(), [FOLLOWER])
    assert opened(packed(glance)) == glance
    assert len(packed(glance)) < 2_000


@pytest.mark.parametrize("now", [NOW, NOW - timedelta(days=200)])
def test_every_synthetic_patient_has_one(now) -> None:
    for record in simulate(12, 3, now=now).records():
        told = (record, frozenset({"person"}), (), 0, (), (), (), 1)
        glance = glance_of(Chart("f" * 32, record.subject_id, *told))
        assert glance.family.startswith("Synthetic-")
        assert opened(packed(glance)) == glance
        assert all(
            a.at <= b.at for m in glance.measures for a, b in zip(m.points, m.points[1:], strict=False)
        )
