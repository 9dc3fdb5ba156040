"""What was found about courses held out, with the verdict and what a reader should mind."""

import platform
from collections import Counter
from collections.abc import Mapping
from importlib import metadata

import numpy as np

from alleviate.packages.course import STATED, Following
from alleviate.packages.course_findings import CourseFindings, CourseVerdict, JudgedCourses
from alleviate.reports.numbers import count, number
from alleviate.studies.courses.asking import Asked
from alleviate.studies.courses.people import Courses
from alleviate.studies.courses.rows import LEFT, PLANNED, Rows
from alleviate.studies.courses.words import WORDING

__all__ = ["course_findings"]

WELL_SIZED = 300
LIBRARIES = ("alleviate", "numpy", "polars", "scipy", "scikit-learn")


def course_findings(
    rows: Rows,
    following: Following,
    everybody: Courses,
    courses: Courses,
    judged: JudgedCourses,
    asked: Asked,
    horizon: float,
    folds: int,
    left_out: tuple[str, ...],
) -> CourseFindings:
    verdict, reason = _verdict(judged)
    problems = Counter(str(problem).partition(":")[0] for problem in rows.frame["problem"].drop_nulls())
    instrument = following.instrument
    change = instrument.reliable_change
    assert change is not None
    return CourseFindings(
        verdict=verdict,
        reason=reason,
        rows_read=len(rows.frame),
        people=len(np.unique(courses.who)),
        judged=judged,
        instrument=instrument.id,
        reliable=change.least,
        unit=following.unit,
        horizon=float(np.median(courses.histories.horizon)),
        left=int(courses.histories.dropped.sum()),
        under_way=int(courses.under_way.sum()),
        too_good=int(everybody.too_good.sum()),
        features=following.spec.names,
        further=following.further,
        problems=dict(sorted(problems.items())),
        warnings=(
            *rows.table.warnings,
            *left_out,
            *_warnings(rows, following, everybody, courses, problems, asked, horizon),
        ),
        folds=folds,
        seed=asked.seed,
        fingerprint=rows.table.fingerprint,
        versions={
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in LIBRARIES},
        },
    )


def _verdict(judged: JudgedCourses) -> tuple[CourseVerdict, str]:
    gain = judged.measures["gain_end"]
    verdict: CourseVerdict = "usable" if gain.low > 0 else "no-signal"
    told = {name: number(getattr(gain, name), 2) for name in ("low", "high")}
    return verdict, WORDING["verdict"][verdict].format(gain=number(gain.estimate, 2), **told)


def _warnings(
    rows: Rows,
    following: Following,
    everybody: Courses,
    courses: Courses,
    problems: Mapping[str, int],
    asked: Asked,
    horizon: float,
) -> list[str]:
    words, h = WORDING["warning"], courses.histories
    ends, n = int(np.isfinite(h.end).sum()), len(h)
    change, columns = following.instrument.reliable_change, rows.table.columns
    assert change is not None
    facts = {
        "rows": count(len(rows.frame)),
        "count": count(sum(problems.values())),
        "what": ", ".join(f"{count(m)} by {what}" for what, m in sorted(problems.items())),
        "end": number(horizon, 1).removesuffix(".0"),
        "unit": following.unit,
        "left": count(h.dropped.sum()),
        "under_way": count(courses.under_way.sum()),
        "n": count(n),
        "share": f"{1 - ends / n:.0%}",
        "ends": count(ends),
        "points": f"{change.least:g}",
        "abbreviation": following.instrument.abbreviation,
    }
    told = {
        "problems": bool(problems),
        "inferred-end": asked.end is None and PLANNED not in columns,
        "inferred-left": LEFT not in columns and bool(h.dropped.any()),
        "missing-at-random": ends < 0.9 * n,
        "few-ends": ends < WELL_SIZED,
        "no-features": not following.spec.features,
        "stated": change.source == STATED,
        "important": change.kind != "reliable change",
    }
    found = [words[name].format(**facts) for name, holds in told.items() if holds]
    if everybody.too_good.any():
        found.append(words["too-good"].format(count=count(everybody.too_good.sum())))
    alone = int((h.count == 1).sum())
    if alone:
        found.append(words["one-score"].format(count=count(alone), n=count(n)))
    return found
