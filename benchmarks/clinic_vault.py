"""A clinic's calls on its vault: caseloads and charts at a steady rate, with every reading in the audit.

``python benchmarks/clinic_vault.py [sqlite] [postgresql]`` writes results/clinic-vault.{json,md}. The numbers
CLINIC_PEOPLE (10,000), CLINIC_SECONDS (30), CLINIC_RATE (50 calls a second) and CLINIC_THREADS (4) in the
environment make a smaller one. Calls come by the clock, not when the last is done: a call that waits for a
thread waits in its figure.
"""

import base64
import json
import os
import random
import secrets
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from queue import SimpleQueue
from time import perf_counter, process_time, sleep

import msgspec

from alleviate.instruments import INSTRUMENTS
from alleviate.records import Entry, Event, PatientRecord
from alleviate.vault import Chart, Glance, NewSheet, Vault
from alleviate.vault.body import microseconds
from alleviate.vault.courses import Result
from records_vault import location

PEOPLE = int(os.environ.get("CLINIC_PEOPLE", "10000"))
SECONDS = float(os.environ.get("CLINIC_SECONDS", "30"))
RATE = float(os.environ.get("CLINIC_RATE", "50"))
THREADS = int(os.environ.get("CLINIC_THREADS", "4"))
SCORES, CLINICIANS, SHOWN = 20, 6, 50
LIMITS = {"caseload": 40.0, "chart": 15.0}
"""Milliseconds that 95 of 100 calls may take."""

RESULTS = Path(__file__).parent / "results"
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PACKAGE = "b" * 32
PHQ9 = INSTRUMENTS["phq9"]
TOTAL = "LOINC//44261-6"


def entries_of(number: int, source: random.Random) -> list[Entry]:
    """A person, now and then a consent, and twenty PHQ-9 with items and total; item 9 is rarely not 0."""
    subject = f"person-{number}"
    born = datetime(1950 + number % 50, 1, 1, tzinfo=UTC)
    who = (("MEDS_BIRTH", None), ("PERSON//family", f"Family{number}"), ("PERSON//given", "Given"))
    found = [_entry(subject, f"Patient/{number}", "person", born, [(code, None, text) for code, text in who])]
    if number % 3 == 0:
        said = [("CONSENT//care", None, "permit"), ("CONSENT//research", None, "permit")]
        found.append(_entry(subject, f"Consent/{number}", "consent", FIRST, said))
    level = source.uniform(0.5, 2.5)
    for turn in range(SCORES):
        at = FIRST + timedelta(days=7 * turn, minutes=number % 600)
        values = [float(min(3, max(0, round(source.gauss(level, 0.8))))) for _ in range(8)]
        values.append(1.0 if source.random() < 0.003 else 0.0)
        said = [(item.code, value, None) for item, value in zip(PHQ9.items, values, strict=False)]
        said.append((TOTAL, sum(values), None))
        found.append(_entry(subject, f"Form/{number}-{turn}", "questionnaire", at, said))
        level *= 0.97
    return found


def judge(records: Sequence[PatientRecord]) -> list[list[Result]]:
    """A result a score, as learned courses give, without learning any."""
    found = []
    for record in records:
        scores = tuple(
            (microseconds(e.time), e.numeric_value or 0.0) for e in record.events if e.code == TOTAL
        )
        told = {"low": 3.0, "expected": 8.0, "high": 13.0}
        found.append(
            [
                Result(scores[: end + 1], ("questionnaire",), told, scores[end][1] > 22)
                for end in range(1, len(scores))
            ]
        )
    return found


class Row(msgspec.Struct, array_like=True):
    """What a caseload's row shows: the last scores, the alerts that are open, where the course is."""

    subject: str
    alerts: list[str]
    scores: list[tuple[int, float]]
    course: list[float]
    sheets: int


_row = lru_cache(maxsize=100_000)(msgspec.msgpack.Decoder(Row).decode)  # a page's rows are mostly the same


def derive(chart: Chart) -> bytes:
    scores = [(microseconds(e.time), e.numeric_value or 0.0) for e in chart.record.events if e.code == TOTAL]
    alerts = [alert.sign.rule for alert in chart.alerts if alert.state != "resolved"]
    course = [float(value) for one in chart.courses[-1:] for value in one.result.told.values()]
    return msgspec.msgpack.encode(Row(chart.subject_id, alerts, scores[-8:], course, len(chart.sheets)))


def pick(glances: Sequence[Glance]) -> list[str]:
    """The first page by alerts and last score, as a caseload sorts it."""
    rows = [(_row(glance.body), glance.patient) for glance in glances]
    rows.sort(key=lambda row: (-len(row[0].alerts), -row[0].scores[-1][1], row[1]))
    return [patient for _, patient in rows[:SHOWN]]


def fill(vault: Vault) -> None:
    """Everybody with scores, results, a sheet, and one of the clinicians."""
    source = random.Random(20260101)
    access = vault.access(actor="bench", purpose="care")
    for start in range(0, PEOPLE, 100):
        some = range(start, min(start + 100, PEOPLE))
        entries = [entry for number in some for entry in entries_of(number, source)]
        sheets = [NewSheet(f"person-{number}", "task", {"words": "call"}) for number in some]
        access.store(NOW, entries=entries, sheets=sheets)
        for number in some:
            access.join(f"person-{number}", f"clinician{number % CLINICIANS}", "psychologist")
    access.sweep(PACKAGE, judge, NOW)


def computed(call: Callable[[], object], times: int = 50) -> float:
    """Milliseconds of this process's own computing a call: what a busy machine changes least."""
    started = process_time()
    for _ in range(times):
        call()
    return (process_time() - started) * 1000 / times


def timed(call: Callable[[], object], times: int = 20) -> float:
    """Milliseconds, the median."""
    found = []
    for _ in range(times):
        started = perf_counter()
        call()
        found.append((perf_counter() - started) * 1000)
    return sorted(found)[times // 2]


def loaded(calls: dict[str, Callable[[random.Random], object]]) -> dict[str, list[float]]:
    """Milliseconds of each call from when it was due, called in turn at the rate by the threads."""
    queue: SimpleQueue[tuple[float, str] | None] = SimpleQueue()
    found: dict[str, list[float]] = {name: [] for name in calls}
    errors: list[BaseException] = []

    def serve(seed: int) -> None:
        source = random.Random(seed)
        while (asked := queue.get()) is not None:
            due, name = asked
            try:
                calls[name](source)
            except BaseException as error:
                errors.append(error)
                raise
            found[name].append((perf_counter() - due) * 1000)

    threads = [threading.Thread(target=serve, args=(seed,)) for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    names = list(calls)
    begun = perf_counter()
    for number in range(int(SECONDS * RATE)):
        due = begun + number / RATE
        sleep(max(0.0, due - perf_counter()))
        queue.put((due, names[number % len(names)]))
    for _ in threads:
        queue.put(None)
    for thread in threads:
        thread.join()
    assert not errors, errors
    return found


def measure(database: str) -> dict[str, float | str]:
    """The figures of one database."""
    with tempfile.TemporaryDirectory() as home, location(database, Path(home)) as place:
        os.environ["ALLEVIATE_HOME"] = home
        os.environ["ALLEVIATE_KEY"] = base64.b64encode(secrets.token_bytes(32)).decode()
        with Vault.create(place) as vault:
            started = perf_counter()
            fill(vault)
            filled = perf_counter() - started
            access = vault.access(actor="account:clinician0", purpose="care")
            started = perf_counter()
            for number in range(CLINICIANS):
                access.caseload(f"clinician{number}", derive, pick)
            derived = perf_counter() - started
            ours = [vault.our_id(f"person-{number}") or "" for number in range(PEOPLE)]
            calls: dict[str, Callable[[random.Random], object]] = {
                "caseload": lambda source: access.caseload(
                    f"clinician{source.randrange(CLINICIANS)}", derive, pick
                ),
                "chart": lambda source: access.chart(source.choice(ours)),
            }
            source = random.Random(1)
            alone = {name: timed(lambda call=call: call(source)) for name, call in calls.items()}  # type: ignore[misc]
            busy = {name: computed(lambda call=call: call(source)) for name, call in calls.items()}  # type: ignore[misc]
            pulse = timed(lambda: vault.pulse("clinician0"))
            bond = timed(lambda: vault.bond("clinician0", ours[0], datetime.now(UTC)))
            under = loaded(calls)
            verified = vault.verify_audit(actor="bench")
    found: dict[str, float | str] = {
        "database": database,
        "people": PEOPLE,
        "scores": PEOPLE * SCORES,
        "fill_s": filled,
        "derive_all_s": derived,
        "pulse_ms": pulse,
        "bond_ms": bond,
        "audit_events": verified.size,
    }
    for name, times in under.items():
        times.sort()
        found[f"{name}_alone_ms"] = alone[name]
        found[f"{name}_cpu_ms"] = busy[name]
        for share in (50, 95, 99):
            found[f"{name}_p{share}_ms"] = times[min(len(times) - 1, len(times) * share // 100)]
        found[f"{name}_calls"] = len(times)
    return found


def table(rows: Sequence[dict[str, float | str]]) -> str:
    """The figures for a reader."""
    lines = [
        "# A clinic's calls on its vault",
        "",
        f"{PEOPLE:,} people with {PEOPLE * SCORES:,} PHQ-9 (nine items and a total each), a result a "
        f"score, a sheet; {CLINICIANS} clinicians with about {PEOPLE // CLINICIANS:,} people each, "
        f"{SHOWN} shown at a time. {RATE:g} calls a second, half caseloads and half charts, {THREADS} "
        f"threads of one process, "
        f"{SECONDS:g} seconds. {os.cpu_count()} cores, shared with whatever else ran. Milliseconds from when "
        "a call was due until it may be served: its events committed and signed; computing: the process's "
        "own time of a call, alone: one call after the other.",
        "",
        "| call | database | computing | alone | p50 | p95 | p99 | limit (p95) | kept |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        for name, limit in LIMITS.items():
            shares = [float(row[f"{name}_p{share}_ms"]) for share in (50, 95, 99)]
            before = [float(row[f"{name}_{what}_ms"]) for what in ("cpu", "alone")]
            figures = " | ".join(f"{figure:.1f}" for figure in (*before, *shares))
            kept = "yes" if shares[1] <= limit else "no"
            lines.append(f"| {name} | {row['database']} | {figures} | {limit:g} | {kept} |")
    lines.append("")
    lines += [
        f"- {row['database']}: filled in {row['fill_s']:.0f} s, all glances derived in "
        f"{row['derive_all_s']:.1f} s, pulse {row['pulse_ms']:.1f} ms, bond {row['bond_ms']:.1f} ms; "
        f"{row['audit_events']:,} audit events, verified."
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def _entry(
    subject: str, ref: str, kind: str, at: datetime, said: Sequence[tuple[str, float | None, str | None]]
) -> Entry:
    events = tuple(Event(subject, at, at, *one, kind, ref) for one in said)  # type: ignore[arg-type]
    return Entry(subject, ref, kind, events)  # type: ignore[arg-type]


def main(databases: Sequence[str]) -> None:
    rows = []
    for database in databases or ("SQLite", "PostgreSQL"):
        rows.append(measure(database))
        print(json.dumps(rows[-1], indent=1), flush=True)
    print(table(rows))
    if PEOPLE == 10_000 and len(rows) == 2:
        (RESULTS / "clinic-vault.json").write_text(json.dumps(rows, indent=1) + "\n")
        (RESULTS / "clinic-vault.md").write_text(table(rows))


if __name__ == "__main__":
    main(sys.argv[1:])
