"""Which entries were written after a mark: for whoever takes over what is new. No data, so no audit event."""

from collections import defaultdict
from collections.abc import Mapping

import sqlalchemy as sa

from alleviate.vault.body import open_body
from alleviate.vault.schema import ENTRIES
from alleviate.vault.vault import Vault

__all__ = ["mark", "written_after"]

_PORTION = 250
"""People whose keys are opened at once."""


def mark(vault: Vault) -> int:
    """Rises with every entry written. Writers take turns, so nothing is written below it any more."""
    with vault._database.snapshot() as connection:
        last: int | None = connection.execute(sa.select(sa.func.max(ENTRIES.c.id))).scalar_one()
    return last or 0


def written_after(vault: Vault, after: int) -> Mapping[str, frozenset[str] | None]:
    """By our id the names of the entries written since that mark which still stand.

    None: all of somebody's, who has said anew what may be read.
    """
    columns = ENTRIES.c.patient, ENTRIES.c.kind, ENTRIES.c.body
    query = sa.select(*columns).where(ENTRIES.c.id > after, ENTRIES.c.known_until.is_(None))
    found: defaultdict[str, set[str] | None] = defaultdict(set)
    with vault._database.snapshot() as connection:
        people = list(
            connection.execute(sa.select(ENTRIES.c.patient).where(ENTRIES.c.id > after).distinct()).scalars()
        )
        for start in range(0, len(people), _PORTION):
            some = people[start : start + _PORTION]
            keys = vault._keys.get(some)
            for patient, kind, sealed in connection.execute(query.where(ENTRIES.c.patient.in_(some))):
                if patient not in keys:  # an erasure was cut off
                    continue
                names = found[patient]
                if kind == "consent" or names is None:
                    found[patient] = None
                else:
                    names.add(open_body(keys[patient], patient, kind, sealed).ref)
    return {patient: None if names is None else frozenset(names) for patient, names in found.items()}
