"""Charts of invented people, short to write in a test; no vault."""

from datetime import UTC, datetime, timedelta

from alleviate.clinic.patient.followed import Follower
from alleviate.instruments import INSTRUMENTS
from alleviate.progress.alerts import Alert, Step
from alleviate.progress.safety import signs
from alleviate.records import KINDS, Event, PatientRecord
from alleviate.vault.charts import Chart
from alleviate.vault.courses import CourseResult, Result

NOW = datetime(2026, 3, 16, 10, tzinfo=UTC)
DAY = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PACKAGE = "a" * 32
FOLLOWER = Follower(
    package=PACKAGE, name="phq9", instrument_id="phq9", unit="weeks", horizon=16.0, per_100=20.0
)


def ago(days: float) -> datetime:
    return NOW - days * DAY


class Made:
    """A record that grows; `chart` closes it."""

    def __init__(self, subject: str = "p1", family: str = "Muster", given: str = "Alex") -> None:
        self.subject = subject
        self.events: list[Event] = []
        self.courses: list[CourseResult] = []
        self.sheets: list = []
        born = datetime(1980, 5, 1, tzinfo=UTC)
        for code, words in (
            ("MEDS_BIRTH", None),
            ("PERSON//family", family),
            ("PERSON//given", given),
            ("PERSON//site", "Northgate"),
            ("PERSON//identifier//urn:clinic", f"N-{subject}"),
        ):
            self.add(code, born, text=words, kind="person", entry=f"Patient/{subject}")

    def add(self, code, at, number=None, text=None, kind="measurement", entry="") -> "Made":
        self.events.append(Event(self.subject, at, at, code, number, text, kind, entry))
        return self

    def episode(self, days: float, treatment: str = "CBT", ended: float | None = None) -> "Made":
        entry = f"EpisodeOfCare/{days}"
        self.add("EPISODE//start", ago(days), text=treatment, kind="episode", entry=entry)
        if ended is not None:
            self.add("EPISODE//end", ago(ended), text="completed", kind="episode", entry=entry)
        return self

    def sessions(self, *told: tuple[float, str]) -> "Made":
        for days, state in told:
            self.add(f"SESSION//{state}", ago(days), text="Session", kind="session", entry=f"E/{days}")
        return self

    def booked(self, in_days: int) -> "Made":
        day = float((NOW + in_days * DAY - EPOCH).days)
        return self.add("SESSION//planned", ago(1), day, "Session", "session", f"Booking/{in_days}")

    def form(self, days: float, total: int, instrument: str = "phq9", item_9: int = 0) -> "Made":
        made, left = INSTRUMENTS[instrument], total - item_9
        entry = f"QuestionnaireResponse/{instrument}-{days}"
        for item in made.items:
            value = item_9 if (instrument, item.id) == ("phq9", "9") else min(3, left)
            left -= 0 if (instrument, item.id) == ("phq9", "9") else value
            self.add(item.code, ago(days), float(value), kind="questionnaire", entry=entry)
        return self

    def judged(self, days: float, score: float, *, on_track: bool | None, alert: bool = False, steps=()):
        told = {
            "score": score,
            "expected": score - 1,
            "low": score - 5,
            "high": score + 4,
            "end": 9.0,
            "end_low": 4.0,
            "end_high": 15.0,
            "p_improve": 0.2 if on_track is False else 0.7,
            "on_track": on_track,
            "reasons": ["worse by 3 than the first score of this course; a reliable change takes 6"],
        }
        at = int((ago(days) - EPOCH).total_seconds()) * 10**6
        result = Result(((at, score),), ("questionnaire",), told, alert)
        id = f"{self.subject}{days}".encode().hex().ljust(32, "0")[:32]
        self.courses.append(CourseResult(id, self.subject, PACKAGE, ago(days), result, tuple(steps)))
        return self

    def chart(self, *, steps: tuple[Step, ...] = (), withheld: int = 0) -> Chart:
        record = PatientRecord(self.subject, self.events)
        alerts = tuple(
            Alert(f"{number:032x}", self.subject, sign, sign.known_at, steps)
            for number, sign in enumerate(signs(record))
        )
        return Chart(
            patient=self.subject.encode().hex().rjust(32, "0"),
            subject_id=self.subject,
            record=record,
            allowed=frozenset(KINDS),
            alerts=alerts,
            withheld_alerts=withheld,
            courses=tuple(self.courses),
            sheets=tuple(self.sheets),
            team=(),
            revision=1,
        )
