"""Who signs in: accounts, sessions, systems."""

import sqlalchemy as sa
from alembic import op

__all__ = ["down_revision", "revision", "upgrade"]

revision = "0005"
down_revision = "0004"

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _people()
    _for_a_time()
    op.create_table(
        "clients",
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("issuer", sa.LargeBinary, nullable=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("client", name="clients_pk"),
        sa.UniqueConstraint("issuer", name="clients_issuer_key"),
    )
    op.create_table(
        "notices",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="notices_pk"),
    )
    op.create_index("notices_kind_idx", "notices", ["kind"])


def _people() -> None:
    op.create_table(
        "accounts",
        sa.Column("account", sa.String(12), nullable=False),
        sa.Column("login", sa.LargeBinary, nullable=False),
        sa.Column("patient", sa.String(32), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("account", name="accounts_pk"),
        sa.UniqueConstraint("login", name="accounts_login_key"),
    )
    op.create_index("accounts_patient_idx", "accounts", ["patient"])
    op.create_table(
        "credentials",
        sa.Column("account", sa.String(12), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("account", name="credentials_pk"),
    )
    op.create_table(
        "subjects",
        sa.Column("index", sa.LargeBinary, nullable=False),
        sa.Column("account", sa.String(12), nullable=False),
        sa.PrimaryKeyConstraint("index", name="subjects_pk"),
    )
    op.create_index("subjects_account_idx", "subjects", ["account"])


def _for_a_time() -> None:
    op.create_table(
        "sessions",
        sa.Column("session", sa.LargeBinary, nullable=False),
        sa.Column("account", sa.String(12), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("opened", sa.BigInteger, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("idle", sa.BigInteger, nullable=False),
        sa.Column("ends", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("session", name="sessions_pk"),
    )
    op.create_index("sessions_account_idx", "sessions", ["account"])
    op.create_table(
        "tickets",
        sa.Column("ticket", sa.LargeBinary, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("ticket", name="tickets_pk"),
    )
    op.create_table(
        "locks",
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key", name="locks_pk"),
    )
    op.create_table(
        "spent",
        sa.Column("index", sa.LargeBinary, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("index", name="spent_pk"),
    )
