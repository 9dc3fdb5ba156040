"""Safety alerts."""

import sqlalchemy as sa
from alembic import op

__all__ = ["down_revision", "revision", "upgrade"]

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("alert", sa.String(32), nullable=False),
        sa.Column("step", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("patient", sa.String(32), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("alert", "step", name="alerts_pk"),
        sa.ForeignKeyConstraint(["patient"], ["patients.patient"], name="alerts_patient_fk"),
    )
    op.create_index("alerts_patient_idx", "alerts", ["patient"])
