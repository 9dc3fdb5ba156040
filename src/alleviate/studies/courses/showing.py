"""What the pictures show: one patient's course with what was expected of it, and the caseload."""

from typing import Any

import numpy as np

from alleviate.models.courses.histories import Histories
from alleviate.models.trial import Floats
from alleviate.packages.course import CoursePackage
from alleviate.reports.courses.caseload import CaseloadRow, caseload_chart
from alleviate.reports.courses.drawing import svg
from alleviate.reports.courses.patient import Expected, PatientCourse, Visit, patient_chart
from alleviate.reports.courses.validation import picture_page
from alleviate.studies.courses.loaded import LoadedCourses
from alleviate.studies.courses.people import Courses
from alleviate.studies.courses.rows import Rows
from alleviate.studies.courses.scoring import scored_rows
from alleviate.terms.errors import DataError

__all__ = ["expected_from", "show_caseload", "show_patient"]

POINTS = 25


def show_patient(loaded: LoadedCourses, rows: Rows, patient: str, *, page: bool) -> str:
    """The last course of a person as SVG, or as an HTML page with its scores. Raises ``DataError``."""
    told = [row for row in scored_rows(loaded.package, rows) if row["problem"] is None]
    courses = loaded.courses(rows)
    ids = rows.frame["id"]
    last = [
        i
        for i in range(len(courses.histories))
        if ids[int(courses.row[courses.histories.first[i]])] == patient
    ]
    if not last:
        raise DataError(
            f"{rows.table.source}: no score of a patient {patient!r} can be used.",
            hint="Give an id as it stands in the file.",
        )
    course = patient_course(loaded.package, courses.take(np.array(last[-1:])), told, patient)
    picture = svg(patient_chart(course))
    mine = [row for row in told if row["id"] == patient]
    return picture_page(f"Patient {patient}", picture, mine) if page else picture


def patient_course(
    package: CoursePackage, courses: Courses, told: list[dict[str, Any]], patient: str
) -> PatientCourse:
    """What is drawn of one course."""
    h, scale, instrument = courses.histories, package.model.scale, package.following.instrument
    lines = {row["line"]: row for row in told}
    mine = [lines[courses.rows.table.lines[row]] for row in courses.row]
    visits = tuple(
        Visit(float(t), float(s), bool(row["alert"]), row["on_track"], tuple(row["safety"]))
        for t, s, row in zip(h.time, h.score, mine, strict=True)
    )
    first, change = float(h.score[0]), scale.reliable
    sign = 1.0 if scale.better == "lower" else -1.0
    marks = [(first - sign * change, "reliably improved"), (first + sign * change, "reliably worse")]
    if instrument.caseness is not None:
        marks.append((instrument.caseness.threshold, "a case from here"))
    ahead = h.remaining[-1] > 0
    return PatientCourse(
        patient,
        instrument.abbreviation,
        package.following.unit,
        scale.low,
        scale.high,
        visits,
        expected_from(package, h, 0),
        expected_from(package, h, len(h.score) - 1) if ahead and len(h.score) > 1 else (),
        tuple((score, words) for score, words in marks if scale.low <= score <= scale.high),
        float(mine[-1]["p_improve"]),
        scale.better,
    )


def expected_from(package: CoursePackage, history: Histories, visit: int) -> tuple[Expected, ...]:
    """What the growth curve expects after a visit of one person, up to the planned end, with its band.

    Between the next score and the end, whose bands are conformal, the reach goes over in proportion."""
    model = package.model
    now, end = history.time[visit], history.horizon[0]
    times = np.linspace(min(now + model.growth.basis.gap, end), end, POINTS) if end > now else np.array([now])
    so_far = np.arange(visit + 1)
    copies = Histories(
        np.repeat(np.arange(len(times)), visit + 1),
        np.tile(history.time[so_far], len(times)),
        np.tile(history.score[so_far], len(times)),
        history.features[np.zeros(len(times), dtype=np.int64)],
        np.full(len(times), end),
        np.zeros(len(times), dtype=bool),
        np.tile(history.further[so_far], (len(times), 1)),
    )
    x = model.encoder.transform(copies.features).x
    asked = np.repeat(times, visit + 1)
    (found,) = model.growth.foresee(copies, x, asked)
    mean, sd = found.mean[copies.last], found.sd[copies.last]
    reach = _reach(package, copies, visit, (times - now) / max(end - now, 1e-6))
    low, high = model.scale.clip(mean - reach * sd), model.scale.clip(mean + reach * sd)
    middle = model.scale.clip(mean)
    start = Expected(float(now), *(float(history.score[visit]),) * 3)
    return (start, *(Expected(*map(float, one)) for one in zip(times, middle, low, high, strict=True)))


def _reach(package: CoursePackage, copies: Histories, visit: int, share: Floats) -> Floats:
    model = package.model
    stage = np.full(len(share), min(visit, model.stages - 1))
    first = copies.score[copies.first]
    near, far = model.next_bands.at(stage, first, 0.9), model.end_bands.at(stage, first, 0.9)
    return np.asarray((1 - share) * near + share * far)


def show_caseload(loaded: LoadedCourses, rows: Rows, *, page: bool) -> str:
    """Everybody's last score as SVG, or as an HTML page with a table."""
    last: dict[str, dict[str, Any]] = {}
    first: dict[str, float] = {}
    courses = loaded.courses(rows)
    h = courses.histories
    told = scored_rows(loaded.package, rows)
    for i, course in enumerate(h.person):
        row = told[int(courses.row[i])]
        last[row["id"]] = row
        first[row["id"]] = float(h.score[h.first[course]])
    people = [
        CaseloadRow(
            id,
            row["session"],
            first[id],
            row["score"],
            row["end"],
            row["end_low"],
            row["end_high"],
            1 - row["p_improve"],
            row["on_track"],
            bool(row["safety"]),
        )
        for id, row in last.items()
    ]
    instrument, scale = loaded.package.following.instrument, loaded.package.model.scale
    chart = caseload_chart(
        people, instrument.abbreviation, scale.low, scale.high, per_100=loaded.package.per_100
    )
    return picture_page("The caseload", svg(chart), list(last.values())) if page else svg(chart)
