"""Results of learned courses."""

import sqlalchemy as sa
from alembic import op

__all__ = ["down_revision", "revision", "upgrade"]

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "courses",
        sa.Column("result", sa.String(32), nullable=False),
        sa.Column("patient", sa.String(32), nullable=False),
        sa.Column("package", sa.String(32), nullable=False),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("result", name="courses_pk"),
        sa.ForeignKeyConstraint(["patient"], ["patients.patient"], name="courses_patient_fk"),
    )
    op.create_index("courses_patient_idx", "courses", ["patient"])
