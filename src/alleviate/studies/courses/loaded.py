"""Learned courses, loaded: score new people, and test the model on courses that it has never seen."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from alleviate.packages import Manifest, SealedPackage
from alleviate.packages.course import CoursePackage, course_from
from alleviate.packages.course_findings import JudgedCourses
from alleviate.studies.courses.judging import Foretold, judge
from alleviate.studies.courses.learning import foretold_by
from alleviate.studies.courses.people import Courses, courses_of, with_ends
from alleviate.studies.courses.rows import Rows, read_rows
from alleviate.studies.courses.scoring import scored_rows
from alleviate.studies.courses.telling import judged_json
from alleviate.studies.rules import table_from
from alleviate.terms.errors import NotEnoughDataError

__all__ = ["LoadedCourses", "courses_loaded"]


@dataclass(frozen=True, slots=True)
class LoadedCourses:
    """A verified package, ready to use."""

    package: CoursePackage
    manifest: Manifest

    def read(self, data: pl.DataFrame | str | Path, now: datetime | None = None) -> Rows:
        """The rows of a long table, each used or with its problem. Raises ``DataError`` where none can be."""
        following = self.package.following
        rows = read_rows(table_from(data), following.instrument, now or datetime.now(UTC), following.unit)
        if rows.used.is_empty():
            raise rows.no_row()
        return rows

    def score(self, data: pl.DataFrame | str | Path, now: datetime | None = None) -> list[dict[str, Any]]:
        """A dictionary a row, as `alleviate track score --json` prints it."""
        return scored_rows(self.package, self.read(data, now))

    def courses(self, rows: Rows) -> Courses:
        """The courses of these rows."""
        model = self.package.model
        return courses_of(rows, self.package.following, model.scale, model.horizon)

    def judge(self, rows: Rows) -> JudgedCourses:
        """How the forecasts fare. Raises ``NotEnoughDataError`` where no end is known."""
        everybody = with_ends(self.courses(rows))
        courses = everybody.take(np.flatnonzero(~everybody.too_good))
        package, h = self.package, courses.histories
        if not ((h.remaining > 0) & np.isfinite(h.end)[h.person]).any():
            raise NotEnoughDataError(
                f"{rows.table.source}: no course has a known end and a score before it.",
                hint="Wait until courses have ended, or give a column 'planned'.",
            )
        with threadpool_limits(1):
            found, off, weight, thirds, told = foretold_by(package.model, h, package)
            part = np.zeros(len(h), dtype=np.int64)
            foretold = Foretold(h, found, off, weight, part, courses.who, thirds, package.model.scale)
            return judge(foretold, package.per_100, package.per, told)

    def evaluate(self, data: pl.DataFrame | str | Path, now: datetime | None = None) -> dict[str, Any]:
        """As `alleviate track evaluate --json` prints it."""
        rows = self.read(data, now)
        judged = self.judge(rows)
        return {
            "instrument": self.package.following.instrument_id,
            "n": judged.n,
            "rows": judged.rows,
            **judged_json(judged),
            "warnings": [*rows.table.warnings, *_left_out(rows)],
        }


def _left_out(rows: Rows) -> list[str]:
    problems = rows.frame["problem"].drop_nulls()
    return [f"{len(problems)} of {len(rows.frame)} rows were left out."] if len(problems) else []


def courses_loaded(sealed: SealedPackage, path: Path) -> LoadedCourses:
    """Open a verified package of kind "course". Raises ``PackageError``."""
    return LoadedCourses(course_from(sealed.files, path), sealed.manifest)
