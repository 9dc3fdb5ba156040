"""Learn courses from a long table: nested validation by people, final model, findings, package, report."""

import os
from datetime import datetime
from pathlib import Path
from time import perf_counter

import numpy as np
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from alleviate.intake.tables import Table
from alleviate.models.courses.course import CourseModel, Forecasts, fit_courses
from alleviate.models.courses.direct import course_features
from alleviate.models.courses.dropout import staying_weights
from alleviate.models.courses.histories import Histories
from alleviate.models.courses.scale import Scale
from alleviate.models.courses.workload import Expected
from alleviate.models.trial import Bools, Floats, Ints
from alleviate.packages import Origin, refuse_strangers, signing_key, write
from alleviate.packages.course import CoursePackage, Following, course_files
from alleviate.reports.courses.validation import validation_report
from alleviate.studies.courses.asking import Asked
from alleviate.studies.courses.columns import beside
from alleviate.studies.courses.findings import course_findings
from alleviate.studies.courses.judging import Foretold, judge, off_track
from alleviate.studies.courses.people import Courses, courses_of, scale_of, usual_end, with_ends
from alleviate.studies.courses.rows import read_rows
from alleviate.studies.courses.telling import LearnedCourses
from alleviate.studies.outer_folds import Progress
from alleviate.terms.errors import NotEnoughDataError

__all__ = ["foretold_by", "learn_courses"]

FOLDS = 5
FEWEST = 100
"""People with a known end, below which nothing is learned."""
EARLIEST = 2
"""No alert before this many scores."""

Held = tuple[Forecasts, Bools, Floats, Ints, Expected]
"""Forecasts, who is off track, weights of who stayed, thirds of severity, alerts foretold per 100."""


def learn_courses(
    table: Table,
    asked: Asked,
    *,
    out: Path,
    now: datetime,
    workers: int | None = None,
    progress: Progress | None = None,
) -> LearnedCourses:
    """Learn, validate, and write package and report to ``out``. The same for any number of ``workers``.

    Raises ``DataError`` where the whole table cannot be used, ``NotEnoughDataError`` where it is too little.
    """
    begun = perf_counter()
    signing_key()  # an unusable key or folder must be known before the work, not after
    refuse_strangers(out)
    draft = asked.following("weeks")
    rows = read_rows(table, draft.instrument, now)
    if rows.used.is_empty():
        raise rows.no_row()
    draft = asked.following(rows.unit)
    found = beside(rows, draft.instrument)
    following = Following(
        draft.instrument_id, draft.reliable, draft.unit, draft.episode_gap, found.spec, found.further
    )
    scale = scale_of(following, rows.used["score"].to_numpy())
    horizon = asked.end or usual_end(rows)
    everybody = with_ends(courses_of(rows, following, scale, horizon))
    courses = everybody.take(np.flatnonzero(~everybody.too_good))
    _refuse_few(courses)
    foretold, told = _held_out(courses, scale, asked, workers or os.cpu_count() or 1, progress)
    with threadpool_limits(1):
        fitted = fit_courses(courses.histories, scale, seed=asked.seed, earliest=EARLIEST)
        model = CourseModel.from_json(fitted.to_json())  # as it will be read: some tables are kept rounded
        judged = judge(foretold, asked.per_100, asked.per, told)
    findings = course_findings(
        rows, following, everybody, courses, judged, asked, horizon, FOLDS, found.warnings
    )
    name = f"{following.instrument_id}-courses"
    package = CoursePackage(name, following, model, asked.per_100, asked.per, findings)
    report = validation_report(findings, following.instrument, package_name=str(out.name))
    origin = Origin("course", name, asked.seed, findings.fingerprint, findings.versions)
    written = write(out, {**course_files(package), "report.html": report.encode()}, origin)
    return LearnedCourses(name, findings, written, written / "report.html", perf_counter() - begun)


def _refuse_few(courses: Courses) -> None:
    ends = int(np.isfinite(courses.histories.end).sum())
    people = len(np.unique(courses.who[np.isfinite(courses.histories.end)]))
    if people < FEWEST:
        raise NotEnoughDataError(
            f"The end score is known of {ends} courses of {people} people; {FEWEST} people are needed.",
            hint="Nothing was packaged. Collect more, or state an earlier planned end: --end.",
        )


def folds_of(who: Ints, seed: int) -> Ints:
    """(n,) the fold of each course: all of a person's in one."""
    people = int(who.max()) + 1
    return (np.random.default_rng([seed, 1]).permutation(people) % FOLDS)[who]


def _held_out(
    courses: Courses, scale: Scale, asked: Asked, workers: int, progress: Progress | None
) -> tuple[Foretold, Expected]:
    """Every course forecast by a model of other people, alerts by that model's thresholds; and what the
    models foretold of their alerts, averaged."""
    fold = folds_of(courses.who, asked.seed)
    h = courses.histories
    tasks = [(np.flatnonzero(fold != part), np.flatnonzero(fold == part)) for part in range(FOLDS)]
    work = Parallel(n_jobs=min(workers, FOLDS), return_as="generator", batch_size=1)
    parts = []
    for done in work(delayed(_fold)(h.take(train), h.take(test), scale, asked) for train, test in tasks):
        parts.append(done)
        if progress:
            progress(len(parts), FOLDS, "cross-fitting")
    order = np.argsort(np.concatenate([_visits(h, test) for _, test in tasks]), kind="stable")
    found = Forecasts.joined([part[0] for part in parts])
    forecasts = Forecasts(*(getattr(found, name)[order] for name in Forecasts.__slots__))
    people = np.argsort(np.concatenate([test for _, test in tasks]), kind="stable")
    off, weight = (np.concatenate([part[i] for part in parts])[order] for i in (1, 2))
    thirds = np.concatenate([part[3] for part in parts])[people]
    expected = _averaged([part[4] for part in parts])
    return Foretold(h, forecasts, off, weight, fold, courses.who, thirds, scale), expected


def _averaged(told: list[Expected]) -> Expected:
    """What to expect per 100, over models that each saw other people."""
    return Expected(*(float(np.mean([getattr(one, name) for one in told])) for name in Expected.__slots__))


def _visits(h: Histories, people: Ints) -> Ints:
    return np.flatnonzero(np.isin(h.person, people))


def _fold(train: Histories, test: Histories, scale: Scale, asked: Asked) -> Held:
    with threadpool_limits(1):
        model = fit_courses(train, scale, seed=asked.seed, earliest=EARLIEST)
        return foretold_by(model, test, asked)


def foretold_by(model: CourseModel, histories: Histories, asked: Asked | CoursePackage) -> Held:
    """What a model says of courses that it has not seen, alerts as ``asked``."""
    found = model.forecast(histories)
    plan = model.workload.plan(asked.per_100, asked.per)
    nobody = np.zeros(len(histories.score), dtype=bool)
    off = off_track(plan.thresholds, model.stage(histories), found, nobody)
    x, gap = model.encoder.transform(histories.features).x, model.growth.basis.gap
    columns = np.column_stack([course_features(histories, gap), x[histories.person]])
    hazard = model.dropout.hazard(columns, histories.time, histories.horizon[histories.person])
    thirds = model.end_bands.third(histories.score[histories.first])
    return found, off, staying_weights(histories, hazard), thirds, plan.ever
