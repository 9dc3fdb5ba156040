"""What learning and judging courses found, as lines for a reader and as JSON."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from alleviate.packages.course_findings import CourseFindings, JudgedCourses
from alleviate.reports.numbers import count, number
from alleviate.terms.errors import NotEnoughDataError

__all__ = ["LearnedCourses", "judged_json", "judged_lines", "not_enough_courses"]


@dataclass(frozen=True, slots=True)
class LearnedCourses:
    """A package that was written, and where."""

    name: str
    findings: CourseFindings
    package: Path
    report: Path
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """As `alleviate track learn --json` prints it."""
        found = self.findings
        return {
            "instrument": found.instrument,
            "n": found.judged.n,
            "rows": found.judged.rows,
            "verdict": found.verdict,
            "reason": found.reason,
            **judged_json(found.judged),
            "warnings": list(found.warnings),
            "package": str(self.package),
            "report": str(self.report),
            "seconds": self.seconds,
        }

    def lines(self) -> list[str]:
        """The same for a reader."""
        found, judged = self.findings, self.findings.judged
        measures = judged.measures
        shown = []
        for name, words in (("auc", "AUC"), ("coverage_end", "band of the end holds")):
            if name in measures:
                e = measures[name]
                shown.append(f"{words} {number(e.estimate, 2)} ({number(e.low, 2)} to {number(e.high, 2)})")
        return [
            f"{found.instrument}: {count(judged.n)} courses of {count(found.people)} people, "
            f"{count(judged.rows)} scores, {count(judged.ends)} known ends",
            f"Held out: {'; '.join(shown)}",
            f"Verdict: {found.verdict} — {found.reason}",
            *judged_lines(judged),
            *(f"Note: {warning}" for warning in found.warnings),
            f"Report: {self.report}  Package: {self.package}",
        ]


def judged_lines(judged: JudgedCourses) -> list[str]:
    """Told beforehand and happened, one line a count."""
    names = {
        "alerts": "Alerts",
        "caught": "End without improvement, alerted",
        "false_alarms": "False alarms",
        "missed": "Missed",
    }
    alerts = judged.alerts
    people = {"alerts": alerts.people}
    return [
        f"{names[c.what]}: {count(c.happened)} of {count(people.get(c.what, alerts.known))} courses; "
        f"{count(c.told.count)} ({count(c.told.low)} to {count(c.told.high)}) were foretold"
        for c in alerts.compared
    ]


def judged_json(judged: JudgedCourses) -> dict[str, Any]:
    """``measures`` over all scores and by session, and ``alerts``, as ``--json`` prints them."""
    alerts = judged.alerts
    people = {"alerts": alerts.people}
    return {
        "measures": {
            **{name: asdict(value) for name, value in judged.measures.items()},
            "sessions": [asdict(session) for session in judged.sessions],
            "calibration": {name: asdict(curve) for name, curve in judged.calibration.items()},
        },
        "alerts": {
            "per_100": alerts.per_100,
            "per": alerts.per,
            "people": alerts.people,
            "known": alerts.known,
            "predictive_value": None if alerts.predictive_value is None else asdict(alerts.predictive_value),
            **{
                c.what: {
                    "expected": c.told.count,
                    "low": c.told.low,
                    "high": c.told.high,
                    "happened": c.happened,
                    "per_100": 100 * c.happened / people.get(c.what, max(alerts.known, 1)),
                    "as_told": c.as_told,
                }
                for c in alerts.compared
            },
        },
    }


def not_enough_courses(instrument: str, error: NotEnoughDataError) -> dict[str, Any]:
    """What `alleviate track learn --json` prints where too few were followed: the same keys."""
    return {
        "instrument": instrument,
        "n": None,
        "rows": None,
        "verdict": "not-enough-data",
        "reason": error.message,
        "measures": {},
        "alerts": {},
        "warnings": [],
        "package": None,
        "report": None,
        "seconds": 0.0,
    }
