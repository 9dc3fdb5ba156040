"""Of signing in."""

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from alleviate.clinic.signing_in import passwords

REAL = passwords._HASHER


@pytest.fixture(autouse=True, scope="package")
def quick_hashes() -> Iterator[PasswordHasher]:
    """The same hash with less memory, so that a hundred sign-ins take seconds. Gives the real one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1))
        passwords._nobodys.cache_clear()
        yield REAL
    passwords._nobodys.cache_clear()
