"""Brings the tables of a vault to what this version writes."""

from pathlib import Path

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from alleviate.terms.errors import VaultError

__all__ = ["MIGRATIONS", "migrate", "newest", "standing"]

MIGRATIONS = Path(__file__).parent / "migrations"


def standing(connection: sa.Connection) -> str | None:
    """The last step that was applied; None in an empty database."""
    return MigrationContext.configure(connection).get_current_revision()


def newest() -> str:
    """The last step that there is."""
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    assert head is not None
    return head


def migrate(connection: sa.Connection, to: str = "head") -> bool:
    """Apply the steps that are missing, within the caller's transaction; whether there were any.

    Raises VaultError where the vault was written by a newer version.
    """
    steps = ScriptDirectory(str(MIGRATIONS))
    current = standing(connection)
    if current == newest():
        return False
    context = MigrationContext.configure(
        connection, opts={"fn": lambda revision, _context: steps._upgrade_revs(to, revision)}
    )
    try:
        with Operations.context(context):
            context.run_migrations()
    except CommandError:
        raise VaultError(
            "The vault was written by a newer Alleviate, this one does not know its tables.",
            hint="Upgrade Alleviate.",
        ) from None
    return True
