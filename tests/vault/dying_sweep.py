"""A sweep for the tests to kill, every score an alert, judged without a model: ``dying_sweep.py LOCATION``"""

import sys
from collections.abc import Sequence

from entries_made import NOW

from alleviate.records import PatientRecord
from alleviate.vault import Vault
from alleviate.vault.body import microseconds
from alleviate.vault.courses import Result

PACKAGE = "a" * 32


def judge(records: Sequence[PatientRecord]) -> list[list[Result]]:
    """Each pulse of a person, in the order of time."""
    found = []
    for record in records:
        pulses = sorted(
            (microseconds(e.time), e.numeric_value or 0.0) for e in record.events if e.code == "LOINC//8867-4"
        )
        found.append(
            [
                Result(tuple(pulses[: i + 1]), ("measurement",), {"pulse": p}, True)
                for i, (_, p) in enumerate(pulses)
            ]
        )
    return found


if __name__ == "__main__":
    with Vault.open(sys.argv[1]) as vault, vault.access(actor="sweep", purpose="care") as access:
        print("open", flush=True)
        access.sweep(PACKAGE, judge, NOW)
        print("done", flush=True)
