"""A clinic at work for the tests to kill: tells what it was given, once it has it.

``python dying_clinic.py LOCATION ROUND``: threads say ``read PATIENT`` after a chart was served and
``stored SHEET ENTRY`` after a store returned.
"""

import sys
import threading
from datetime import timedelta

from clinic_made import item_9
from entries_made import FIRST, NOW

from alleviate.vault import NewSheet, Vault

PEOPLE, THREADS = 4, 4


def work(vault: Vault, round: int, thread: int, say: threading.Lock) -> None:
    access = vault.access(actor=f"account:{round}-{thread}", purpose="care")
    for turn in range(100_000):
        subject = f"p{(turn + thread) % PEOPLE}"
        if thread % 2:
            told = f"read {access.chart(subject).patient}"
        else:
            number = (round * THREADS + thread) * 1_000_000 + turn
            sheet = NewSheet(subject, "task", {"entry": f"Form/{number}"}, once=str(number))
            answer = item_9(number, subject, at=FIRST + timedelta(seconds=number))  # each an alert of its own
            stored = access.store(NOW, entries=[answer], sheets=[sheet])
            told = f"stored {stored.sheets[0]} Form/{number}"
        with say:
            print(f"{round}-{thread} {told}", flush=True)


if __name__ == "__main__":
    location, number = sys.argv[1:]
    with Vault.open(location) as vault:
        print("open", flush=True)
        say = threading.Lock()
        for thread in range(THREADS):
            threading.Thread(target=work, args=(vault, int(number), thread, say), daemon=True).start()
        threading.Event().wait()
