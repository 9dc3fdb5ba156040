"""A clinic that is killed, or very busy: nothing was served that the audit does not tell, nothing is half."""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from clinic_made import NOW, people
from dying_clinic import PEOPLE

from alleviate.vault import Vault

KILLS = int(os.environ.get("ALLEVIATE_KILLS", "2"))
HERE = Path(__file__).parent


def started(script: str, *arguments: object) -> subprocess.Popen[str]:
    words = [sys.executable, str(HERE / script), *map(str, arguments)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_killed_at_any_moment_what_was_served_is_told_and_nothing_is_half(location: str) -> None:
    with Vault.create(location) as vault:
        vault.access(actor="import", purpose="care").put(people(PEOPLE), NOW)
    moments = random.Random(20260102)
    served: Counter[tuple[str, str]] = Counter()
    stored: dict[str, str] = {}
    for round in range(KILLS):
        process = started("dying_clinic.py", location, round)
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "open"
        said = [process.stdout.readline() for _ in range(moments.randrange(12, 40))]
        time.sleep(moments.uniform(0, 0.02))
        process.kill()
        said += process.communicate()[0].splitlines(keepends=True)
        for line in said:
            if line.endswith("\n"):  # else it was cut off as it was said
                who, what, id, *entry = line.split()
                if what == "read":
                    served[f"account:{who}", id] += 1
                else:
                    stored[id] = entry[0]
        look_at(location, served, stored)
    assert min(len(stored), sum(served.values())) >= KILLS


def look_at(location: str, served: Counter[tuple[str, str]], stored: dict[str, str]) -> None:
    """What was said to be done is there, whole, with its events; so is what was done and not said."""
    with Vault.open(location) as vault:
        vault.verify_audit(actor="test")
        events = vault.show_audit(actor="test")
        told = Counter((event.actor, event.patient) for event in events if event.action == "read")
        assert served <= told, "no reading without its event"
        access = vault.access(actor="test", purpose="rights")
        charts = [access.chart(f"p{number}") for number in range(PEOPLE)]
        sheets = {sheet.id: sheet.body["entry"] for chart in charts for sheet in chart.sheets}
        assert stored.items() <= sheets.items(), "what was acknowledged is there"
        written = {str(event.detail["sheet"]) for event in events if event.action == "write"}
        assert written == sheets.keys(), "a sheet and its event come together"
        forms = {e.entry for chart in charts for e in chart.record.events if e.kind == "questionnaire"}
        raised = {entry for chart in charts for alert in chart.alerts for entry in alert.sign.entries}
        assert forms == raised == set(sheets.values()), "answer, alert and sheet come together"


@pytest.mark.slow
def test_32_at_work_write_one_thread_in_turn_and_see_no_lock(location: str) -> None:
    processes, threads, rounds = 2, 16, 1
    with Vault.create(location) as vault:
        access = vault.access(actor="import", purpose="care")
        access.put(people(2), NOW)
        for subject in ("p0", "p1"):
            access.join(subject, "anna", "nurse")
    workers = [started("busy_clinic.py", location, n * threads, threads, rounds) for n in range(processes)]
    said = [worker.communicate(timeout=300)[0].strip() for worker in workers]
    assert said == [str(threads * rounds)] * processes
    with Vault.open(location) as vault:
        access = vault.access(actor="test", purpose="care")
        shared = access.chart("p0").sheets
        assert Counter(sheet.body["n"] for sheet in shared) == dict.fromkeys(range(32), rounds)
        assert Counter(sheet.body["n"] for sheet in access.chart("p1").sheets) == dict.fromkeys(
            range(32), rounds
        )
        vault.verify_audit(actor="test")
