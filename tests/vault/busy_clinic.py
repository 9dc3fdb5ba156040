"""A process of a clinic for the tests: threads that read charts and write sheets, four into each thread.

``python busy_clinic.py LOCATION FIRST THREADS ROUNDS``; says what went wrong, and how many won.
"""

import sys
import threading

from clinic_made import count_events, everybody
from entries_made import NOW

from alleviate.terms.errors import ConflictError
from alleviate.vault import NewSheet, Vault

THREADS = 8


def work(vault: Vault, number: int, rounds: int, won: list[int], failures: list[str]) -> None:
    access = vault.access(actor=f"account:{number}", purpose="care")
    thread = f"shared-{number % THREADS}"
    try:
        for step in range(rounds):
            while True:
                seen = access.chart("p0", sheets=["task"])
                after = sum(sheet.thread == thread for sheet in seen.sheets)
                sheet = NewSheet("p0", "task", {"n": number}, thread=thread, after=after)
                try:
                    access.store(NOW, sheets=[sheet])
                except ConflictError:
                    continue
                won.append(number)
                break
            own = NewSheet("p1", "mention", {"n": number}, once=f"{number}-{step}")
            access.store(NOW, sheets=[own, own])
            if number % THREADS == 0:
                access.caseload("anna", count_events, everybody)
    except Exception as error:
        failures.append(repr(error))


def main(location: str, first: str, threads: str, rounds: str) -> int:
    won: list[int] = []
    failures: list[str] = []
    with Vault.open(location) as vault:
        workers = [
            threading.Thread(target=work, args=(vault, int(first) + n, int(rounds), won, failures))
            for n in range(int(threads))
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    print("\n".join(failures) or len(won))
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
