"""Sheets, care teams, and what a caseload shows; every person's revision."""

import sqlalchemy as sa
from alembic import op

__all__ = ["down_revision", "revision", "upgrade"]

revision = "0004"
down_revision = "0003"

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("patients", sa.Column("revision", sa.BigInteger, nullable=False, server_default="0"))
    op.create_table(
        "sheets",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("sheet", sa.String(32), nullable=False),
        sa.Column("patient", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("thread", sa.LargeBinary, nullable=False),
        sa.Column("once", sa.LargeBinary, nullable=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="sheets_pk"),
        sa.ForeignKeyConstraint(["patient"], ["patients.patient"], name="sheets_patient_fk"),
        sa.UniqueConstraint("sheet", name="sheets_sheet_key"),
        sa.UniqueConstraint("once", name="sheets_once_key"),
    )
    op.create_index("sheets_patient_idx", "sheets", ["patient"])
    op.create_index("sheets_thread_idx", "sheets", ["thread"])
    op.create_index("sheets_kind_at_idx", "sheets", ["kind", "at"])
    op.create_table(
        "team",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("patient", sa.String(32), nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("basis", sa.String(10), nullable=False),
        sa.Column("function", sa.String(40), nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id", name="team_pk"),
        sa.ForeignKeyConstraint(["patient"], ["patients.patient"], name="team_patient_fk"),
        sqlite_autoincrement=True,
    )
    op.create_index("team_patient_idx", "team", ["patient"])
    op.create_index("team_account_patient_idx", "team", ["account", "patient"])
    op.create_table(
        "glances",
        sa.Column("patient", sa.String(32), nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("patient", name="glances_pk"),
        sa.ForeignKeyConstraint(["patient"], ["patients.patient"], name="glances_patient_fk"),
    )
