"""An import for the tests to kill: says on its output how many items are acknowledged.

``python dying_import.py LOCATION COUNT [MOST_BYTES_OF_A_FILE]``
"""

import resource
import sys

from entries_made import NOW, person, pulse

from alleviate.terms.errors import AlleviateError
from alleviate.vault import Vault, take_in

PEOPLE = 7


def items(count: int) -> list:
    return [
        person(f"p{number % PEOPLE}")
        if number < PEOPLE
        else pulse(number, f"p{number % PEOPLE}", float(number))
        for number in range(count)
    ]


def main(location: str, count: str, most: str = "") -> int:
    try:
        with Vault.open(location) as vault, vault.access(actor="import", purpose="care") as access:
            print("open", flush=True)
            if most:
                resource.setrlimit(resource.RLIMIT_FSIZE, (int(most), int(most)))
            take_in(
                access, items(int(count)), now=NOW, chunk=20, progress=lambda done: print(done, flush=True)
            )
    except AlleviateError as error:
        print(f"{type(error).__name__}: {error}", flush=True)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
