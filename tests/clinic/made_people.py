"""People made for these tests, of whom we know what is true: tablets help more the worse somebody is."""

from base64 import b64encode
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_bytes

import numpy as np
import pytest

from alleviate.cli import main
from alleviate.records import Entry, Event, PatientRecord
from alleviate.records.kinds import Kind
from alleviate.vault import Vault

CBT, SERTRALINE = "Cognitive behavioural therapy", "Sertraline"
TALK, TABLETS = "Would rather talk to somebody than take tablets", "Would rather take tablets than talk"
SINCE = datetime(2024, 3, 4, 9, tzinfo=UTC)
DAY = timedelta(days=1)
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""When people are advised in these tests."""
BEFORE = NOW - 3 * DAY

HEAD = """
[study]
name = "{name}"
title = "{title}"
question = "Who does better with what?"
{kind}
[data]
vault = true

[cohort]
start = "EPISODE//start"
"""

FEATURES = """
[features]
phq9 = { of = "phq9", label = "depression (PHQ-9)" }
gad7 = { of = "gad7", label = "anxiety (GAD-7)" }
sex = { code = "PERSON//sex", as = "category", label = "sex" }
age = { take = "age", label = "age" }

[learning]
candidates = ["ridge"]

[validation]
folds = 2
repeats = 1
"""

SEVERITY = (
    HEAD.format(name="severity", title="Tablets or talking", kind="")
    + """outcome = { of = "phq9", take = "last", from = "13w", to = "19w" }

[treatment]
column = "treatment"
assignment = "randomised"

[outcome]
column = "phq9_after"
better = "lower"
important = 2
label = "depression (PHQ-9) after 13 to 19 weeks"
unit = "points"
"""
    + FEATURES
)

LEAVING = (
    HEAD.format(name="leaving", title="Leaving early", kind="")
    + """outcome = { code = "EPISODE//end", text = "dropped out", take = "ever", from = "1d", to = "17w" }
between = { phq9 = [8, 27] }
exclude = { psychosis = { code = "ICD10//F2*" } }

[treatment]
column = "treatment"
assignment = "observational"

[treatment.arms]
"Cognitive behavioural therapy" = "talking"
"Sertraline" = "tablets"

[outcome]
column = "left"
better = "lower"
important = 0.05
binary = true
label = "leaving treatment early"
"""
    + FEATURES
)

FORESEEN = (
    HEAD.format(name="foreseen", title="Who leaves early", kind='kind = "prognosis"')
    + """outcome = { code = "EPISODE//end", text = "dropped out", take = "ever", from = "1d", to = "17w" }

[outcome]
column = "left"
kind = "binary"
label = "leaving treatment early"
"""
    + FEATURES
)


def event(
    subject: str,
    code: str,
    at: datetime,
    kind: Kind,
    entry: str,
    number: float | None = None,
    text: str | None = None,
) -> Event:
    return Event(subject, at, at, code, number, text, kind, entry)


def person(
    subject: str,
    *,
    phq9: float | None = 14,
    gad7: float | None = 10,
    age: float = 40,
    sex: str | None = "female",
    wish: str | None = None,
    at: datetime = SINCE,
    extra: tuple[Event, ...] = (),
) -> PatientRecord:
    """Somebody at their first appointment, at ``at``; what is None is not known."""
    born = at - timedelta(days=365.25 * age)
    events = [event(subject, "MEDS_BIRTH", born, "person", f"Patient/{subject}")]
    if sex:
        events.append(event(subject, "PERSON//sex", born, "person", f"Patient/{subject}", text=sex))
    events += [
        event(subject, f"CONSENT//{purpose}", at, "consent", f"Consent/{subject}", text="permit")
        for purpose in ("care", "model-training")
    ]
    for code, value in (("LOINC//44261-6", phq9), ("LOINC//70274-6", gad7)):
        if value is not None:
            ref = f"QuestionnaireResponse/{subject}-{code[-4:]}"
            events.append(event(subject, code, at, "questionnaire", ref, float(value)))
    if wish:
        ref = f"Observation/{subject}-wish"
        events.append(event(subject, "PREFERENCE//treatment", at, "preference", ref, text=wish))
    return PatientRecord(subject, [*events, *extra])


def treated(number: int, random: np.random.Generator) -> PatientRecord:
    """One of those from whom the rules are learned."""
    subject = f"past-{number}"
    phq9, gad7 = int(random.integers(6, 27)), int(random.integers(2, 20))
    arm = CBT if random.random() < 0.5 else SERTRALINE
    better = 5.0 + (0.9 * (phq9 - 15) if arm == SERTRALINE else -0.9 * (phq9 - 15)) / 2
    after = float(np.clip(round(phq9 - better + random.normal(0, 2.5)), 0, 27))
    start = SINCE + 21 * DAY
    left = random.random() < 0.25
    later = [
        event(subject, "EPISODE//start", start, "episode", f"EpisodeOfCare/{subject}", text=arm),
        event(
            subject,
            "LOINC//44261-6",
            start + 100 * DAY,
            "questionnaire",
            f"QuestionnaireResponse/{subject}-z",
            after,
        ),
        event(
            subject,
            "EPISODE//end",
            start + (40 if left else 115) * DAY,
            "episode",
            f"EpisodeOfCare/{subject}",
            text="dropped out" if left else "completed",
        ),
        event(
            subject, "NOTE//progress", start + 160 * DAY, "note", f"DocumentReference/{subject}", text="Seen."
        ),
    ]
    return person(
        subject,
        phq9=phq9,
        gad7=gad7,
        age=float(random.uniform(20, 75)),
        sex="female" if random.random() < 0.6 else "male",
        wish=(TALK, TABLETS)[number % 2],
        extra=tuple(later),
    )


def entries_of(record: PatientRecord) -> list[Entry]:
    kept: dict[tuple[str, Kind], list[Event]] = {}
    for each in record.events:
        kept.setdefault((each.entry, each.kind), []).append(each)
    return [Entry(record.subject_id, ref, kind, tuple(events)) for (ref, kind), events in kept.items()]


STUDIES = {"severity": SEVERITY, "leaving": LEAVING, "foreseen": FORESEEN}


def learned(folder: Path, people: int = 400, studies: Iterable[str] = tuple(STUDIES)) -> Path:
    """A folder with these packages, learned from a vault of such people."""
    random = np.random.default_rng(5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALLEVIATE_KEY", b64encode(token_bytes(32)).decode())
        patch.setenv("ALLEVIATE_VAULT", str(folder / "past.vault"))
        with (
            Vault.create(folder / "past.vault") as vault,
            vault.access(actor="os:test", purpose="care") as access,
        ):
            entries = [entry for number in range(people) for entry in entries_of(treated(number, random))]
            access.put(entries, SINCE + 400 * DAY)
        for name in studies:
            (folder / f"{name}.toml").write_text(STUDIES[name])
            asked = ["learn", str(folder / f"{name}.toml"), "--out", str(folder / "packages" / name)]
            assert main([*asked, "--workers", "1"]) == 0
    return folder / "packages"
