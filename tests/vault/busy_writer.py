"""A process of writers for the tests: each thread corrects one entry that all share, and stores its own.

``python busy_writer.py LOCATION FIRST THREADS ROUNDS``
"""

import sys
import threading

from entries_made import NOW, pulse

from alleviate.vault import Vault


def write(vault: Vault, writer: int, rounds: int, failures: list[str]) -> None:
    access = vault.access(actor=f"writer-{writer}", purpose="care")
    try:
        for step in range(rounds):
            number = 1000 * writer + step
            tally = access.put([pulse(0, "shared", float(number)), pulse(number, f"p{writer}", 1.0)], NOW)
            if (tally.stored, tally.superseded) != (1, 1):
                failures.append(repr(tally))
            access.record("shared")
    except Exception as error:
        failures.append(repr(error))


def main(location: str, first: str, threads: str, rounds: str) -> int:
    failures: list[str] = []
    with Vault.open(location) as vault:
        writers = [
            threading.Thread(target=write, args=(vault, int(first) + number, int(rounds), failures))
            for number in range(int(threads))
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
    print("\n".join(failures))
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
