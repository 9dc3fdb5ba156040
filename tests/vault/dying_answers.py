"""An import of answers that raise alerts, for the tests to kill: says how many answers are acknowledged.

``python dying_answers.py LOCATION COUNT``
"""

import sys
from datetime import timedelta

from entries_made import FIRST, NOW, entry

from alleviate.records import Entry
from alleviate.vault import Vault, take_in

PEOPLE = 11
ITEM_9 = "LOINC//44260-8"


def answers(count: int) -> list[Entry]:
    """An answer to item 9 each, every second of which raises an alert, and now and then a correction."""
    return [
        entry(
            f"Form/{number if number % 5 else number // 2}",
            f"p{number % PEOPLE}",
            (ITEM_9, float(number % 4 if number % 2 else 0), None),
            kind="questionnaire",
            at=FIRST + number * timedelta(minutes=1),
        )
        for number in range(count)
    ]


if __name__ == "__main__":
    location, count = sys.argv[1:]
    with Vault.open(location) as vault, vault.access(actor="import", purpose="care") as access:
        print("open", flush=True)
        take_in(access, answers(int(count)), now=NOW, chunk=5, progress=lambda done: print(done, flush=True))
