"""The clinic under load: the real server, signed-in clinicians and an EHR that signs, by the clock.

``python benchmarks/clinic_load.py`` writes results/clinic-load.{json,md}: SQLite and PostgreSQL, one worker
and two. ``--keep`` leaves the vaults of 10,000 people (minutes to make) in the system's folder for temporary
files for the next run; ``--soak 30``: so many minutes at a steady rate instead, into
results/clinic-soak.{json,md}.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from alleviate.clinic.signing_in.cookies import csrf_of
from alleviate.vault import Vault
from clinic_load_calls import Call, Measured, Plan
from clinic_load_told import soak_table, table
from clinic_load_vault import Prepared, place_of, prepared, private_key, token
from clinic_load_watch import Watched, server_of, watched

HOST, PORT = "127.0.0.1", int(os.environ.get("CLINIC_LOAD_PORT", "8765"))
BASE = f"http://{HOST}:{PORT}"
RESULTS = Path(__file__).parent / "results"
LIMITS = {"caseload": 150.0, "patient": 150.0, "cds": 100.0}
"""Milliseconds in which 99 of 100 must be answered."""
PAGE = 25
"""People on a caseload's page, and so events in the audit."""
_OPENINGS = 5

PHASES: dict[str, dict[str, float]] = {
    "CDS Hooks alone": {"cds": 50},
    "caseload alone": {"caseload": 5},
    "patient page alone": {"patient": 20},
    "everything at once": {"caseload": 3, "patient": 12, "cds": 35, "note": 0.5},
}
"""Requests a second of each kind. 300 clinicians at work who open their caseload once a minute and a patient
every 15 seconds ask for 5 caseloads and 20 patient pages a second."""
SOAK = {"caseload": 1.0, "patient": 8.0, "cds": 20.0, "note": 0.3}


class Clinic:
    """One vault with the sessions of its clinicians, and what they and the EHR send."""

    def __init__(self, made: Prepared, place: str) -> None:
        self._people = made.people
        self._key = private_key(made.signing)
        self._random = random.Random(20261123)
        self._tokens: dict[str, str] = {}
        now = datetime.now(UTC)
        with Vault.open(place) as vault:
            for account in made.people:
                self._tokens[account] = vault.accounts.open_session(
                    account, now, idle=timedelta(hours=12), absolute=timedelta(hours=12), method="bench"
                )

    def plan(self, rates: dict[str, float], seconds: float) -> Plan:
        """Each kind at its own constant rate, begun at moments of their own."""
        calls = []
        for kind, rate in rates.items():
            first = self._random.random() / rate
            calls += [self.call(kind, first + number / rate) for number in range(int(seconds * rate))]
        return Plan(HOST, PORT, sorted(calls, key=lambda call: call.after))

    def opening(self) -> Plan:
        """Every caseload three times, and some of each other kind: a server that has been up for a while."""
        calls = [
            self.call("caseload", 0.15 * number, account)
            for number, account in enumerate(list(self._people) * 4)
        ]
        calls += [self.call(kind, 4 + 0.1 * number) for number in range(40) for kind in ("patient", "cds")]
        return Plan(HOST, PORT, sorted(calls, key=lambda call: call.after))

    def call(self, kind: str, after: float, account: str = "") -> Call:
        account = account or self._random.choice(list(self._people))
        patient = self._random.choice(self._people[account])
        cookie = {"Cookie": f"alleviate={self._tokens[account]}"}
        if kind == "caseload":
            return Call(kind, after, _raw("GET", "/caseload/", cookie), 200, b"/patients/")
        if kind == "patient":
            return Call(kind, after, _raw("GET", f"/patients/{patient}/", cookie), 200, patient.encode())
        if kind == "note":
            said = f"csrf={csrf_of(self._tokens[account])}&sort=progress&text=Load+test.".encode()
            head = {**cookie, "Content-Type": "application/x-www-form-urlencoded"}
            return Call(kind, after, _raw("POST", f"/patients/{patient}/notes", head, said), 303, b"")
        url = "/cds-services/alleviate-patient-view"
        signed = token(self._key, BASE + url, time.time() + after)
        head = {"Authorization": f"Bearer {signed}", "Content-Type": "application/json"}
        body = {
            "hook": "patient-view",
            "hookInstance": str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            "context": {"userId": "Practitioner/example", "patientId": patient},
        }
        return Call("cds", after, _raw("POST", url, head, json.dumps(body).encode()), 200, b'"cards"')


def _raw(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    told = {"Host": f"{HOST}:{PORT}", **headers, "Content-Length": str(len(body))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def sent(plan: Plan) -> Measured:
    """From a process of its own, which takes the processor like the others."""
    script = str(Path(__file__).with_name("clinic_load_calls.py"))
    raw = msgspec.msgpack.encode(plan)
    done = subprocess.run([sys.executable, script], input=raw, stdout=subprocess.PIPE, check=True)
    return msgspec.msgpack.decode(done.stdout, type=Measured)


def figures(measured: Measured, seen: Watched, rates: dict[str, float]) -> dict[str, Any]:
    """Of one phase."""
    found: dict[str, Any] = {}
    for kind, times in measured.times.items():
        times.sort()
        shares = {f"p{share}": _share(times, share) for share in (50, 95, 99)}
        found[kind] = {
            "rate": rates[kind],
            "answered": len(times),
            **shares,
            "max": times[-1] if times else None,
            "limit": LIMITS.get(kind),
            "kept": bool(times) and shares["p99"] <= LIMITS[kind] if kind in LIMITS else None,
        }
    return {
        "kinds": found,
        "errors": measured.errors[:20],
        "error_count": len(measured.errors),
        "sender_late_ms": measured.late,
        "sender_cpu": measured.cpu,
        "server_cpu": seen.cpu,
        "memory_before_mb": seen.before,
        "memory_after_mb": seen.after,
    }


def _share(times: Sequence[float], share: int) -> float:
    return times[min(len(times) - 1, -(-len(times) * share // 100) - 1)] if times else float("inf")


def measure(
    database: str, workers: int, made: Prepared, place: str, folder: Path, seconds: float
) -> dict[str, Any]:
    """One server, each phase after the other."""
    clinic = Clinic(made, place)
    expected = 0
    with server_of(place, folder, HOST, PORT, workers) as server:
        opening = sent(clinic.opening())
        for _ in range(_OPENINGS):  # the first caseloads of a new vault are derived person by person
            if not sent(clinic.opening()).errors:
                break
        quiet = server.settle()
        before = _audited(place)
        phases = {}
        for name, rates in PHASES.items():
            measured, seen = watched(server, lambda: sent(clinic.plan(rates, seconds)))  # noqa: B023  (at once)
            expected += _readings(measured)
            phases[name] = figures(measured, seen, rates)
            print(database, workers, name, json.dumps(phases[name]), flush=True)
    return {
        "database": database,
        "workers": workers,
        "opening_max_ms": {kind: max(times, default=None) for kind, times in opening.times.items()},
        "opening_errors": len(opening.errors),
        "settled_after_s": quiet,
        "phases": phases,
        "audit_expected": expected,
        "audit_found": _read_since(place, before),
    }


def _readings(measured: Measured) -> int:
    """Events that the audit must hold for these answers: one for each person whose data were served."""
    each = {"caseload": PAGE, "patient": 1, "cds": 1, "note": 1}
    return sum(each[kind] * len(times) for kind, times in measured.times.items())


def _audited(place: str) -> int:
    """Events in the audit, its whole chain verified."""
    with Vault.open(place) as vault:
        return vault.verify_audit(actor="bench").size


def _read_since(place: str, before: int) -> int:
    """Events of reading by clinicians and the EHR, after the first so many."""
    with Vault.open(place) as vault:
        last = vault.verify_audit(actor="bench").size - before + 2
        events = vault.show_audit(actor="bench", last=last)
    return sum(each.action == "read" and each.actor.startswith(("account:", "client:")) for each in events)


def soak(
    database: str, workers: int, made: Prepared, place: str, folder: Path, minutes: float
) -> dict[str, Any]:
    """Memory each ten seconds at a steady rate, with a slope; the first fifth is for filling caches,
    and the last third tells whether they were full."""
    clinic = Clinic(made, place)
    samples: list[tuple[float, float]] = []
    times: dict[str, list[float]] = {}
    errors: list[str] = []
    with server_of(place, folder, HOST, PORT, workers) as server:
        for _ in range(_OPENINGS):
            if not sent(clinic.opening()).errors:
                break
        server.settle()
        stop = threading.Event()
        begun = time.monotonic()

        def look() -> None:
            while not stop.wait(10):
                samples.append(((time.monotonic() - begun) / 60, server.memory()))

        looking = threading.Thread(target=look)
        looking.start()
        while (left := begun + minutes * 60 - time.monotonic()) > 1:
            measured = sent(clinic.plan(SOAK, min(60.0, left)))  # a minute's tokens are made at a time
            errors += measured.errors
            for kind, some in measured.times.items():
                times.setdefault(kind, []).extend(some)
        stop.set()
        looking.join()
    return {
        "database": database,
        "workers": workers,
        "minutes": minutes,
        "samples": samples,
        **slope(samples, minutes / 5),
        "last_third": slope(samples, minutes * 2 / 3),
        "errors": len(errors),
        "first_errors": errors[:5],
        "kinds": {
            kind: {
                "rate": SOAK[kind],
                "answered": len(some),
                "p50": statistics.median(some),
                "p99": _share(sorted(some), 99),
                "max": max(some),
            }
            for kind, some in times.items()
        },
    }


def slope(samples: Sequence[tuple[float, float]], after: float) -> dict[str, float]:
    """Megabytes an hour, by Theil and Sen with their 95 % interval, of the samples ``after`` (minutes)."""
    from scipy.stats import theilslopes  # noqa: PLC0415 - a second to load

    kept = [sample for sample in samples if sample[0] >= after]
    found = theilslopes([memory for _, memory in kept], [minute / 60 for minute, _ in kept])
    return {
        "slope_mb_an_hour": float(found.slope),
        "slope_low": float(found.low_slope),
        "slope_high": float(found.high_slope),
        "memory_start_mb": kept[0][1],
        "memory_end_mb": kept[-1][1],
        "memory_most_mb": max(memory for _, memory in samples),
    }


@contextmanager
def folder_of(database: str, *, keep: bool) -> Iterator[Path]:
    root = Path(tempfile.gettempdir()) / (
        "alleviate-clinic-load" if keep else f"alleviate-load-{os.getpid()}"
    )
    folder = root / database.lower()
    folder.mkdir(parents=True, exist_ok=True)  # a PostgreSQL that root starts runs as somebody else
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(root, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("databases", nargs="*", default=["SQLite", "PostgreSQL"])
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=25)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--soak", type=float, default=0, metavar="MINUTES")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--only-make", action="store_true", help="make the vaults, measure nothing")
    asked = parser.parse_args()
    rows = []
    for database in asked.databases:
        with (
            folder_of(database, keep=asked.keep) as folder,
            place_of(database, folder, keep=asked.keep) as place,
        ):
            made = prepared(place, folder, asked.people)
            if asked.only_make:
                continue
            for workers in asked.workers:
                if asked.soak:
                    rows.append(soak(database, workers, made, place, folder, asked.soak))
                else:
                    rows.append(measure(database, workers, made, place, folder, asked.seconds))
                rows[-1] |= {"people": asked.people, "scores": made.scores, "fill_s": made.fill_seconds}
    if rows:
        name, told = ("clinic-soak", soak_table(rows)) if asked.soak else ("clinic-load", table(rows))
        print(told)
        if asked.people == 10_000:
            (RESULTS / f"{name}.json").write_text(json.dumps(rows, indent=1) + "\n")
            (RESULTS / f"{name}.md").write_text(told)


if __name__ == "__main__":
    main()
