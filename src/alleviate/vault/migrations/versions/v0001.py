"""The first tables."""

import sqlalchemy as sa
from alembic import op

from alleviate.vault.audit import audit_table, protect

__all__ = ["down_revision", "revision", "upgrade"]

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "meta",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="meta_pk"),
    )
    op.create_table(
        "patients",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("patient", sa.String(32), nullable=False),
        sa.Column("subject_index", sa.LargeBinary, nullable=False),
        sa.Column("subject", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="patients_pk"),
        sa.UniqueConstraint("patient", name="patients_patient_key"),
        sa.UniqueConstraint("subject_index", name="patients_subject_index_key"),
    )
    op.create_table(
        "entries",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("patient", sa.String(32), nullable=False),
        sa.Column("ref", sa.LargeBinary, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=True),
        sa.Column("known_until", sa.BigInteger, nullable=True),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="entries_pk"),
        sa.ForeignKeyConstraint(["patient"], ["patients.patient"], name="entries_patient_fk"),
        sa.UniqueConstraint("ref", "version", name="entries_ref_version_key"),
    )
    op.create_index("entries_patient_idx", "entries", ["patient"])
    op.create_table(
        "names",
        sa.Column("index", sa.LargeBinary, nullable=False),
        sa.Column("patient", sa.String(32), nullable=False),
        sa.Column("ref", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("index", "patient", "ref", name="names_pk"),
        sa.ForeignKeyConstraint(["patient"], ["patients.patient"], name="names_patient_fk"),
    )
    op.create_index("names_patient_idx", "names", ["patient"])
    op.create_table(
        "erasures",
        sa.Column("patient", sa.String(32), nullable=False),
        sa.Column("subject_index", sa.LargeBinary, nullable=False),
        sa.Column("erased_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("patient", name="erasures_pk"),
        sa.UniqueConstraint("subject_index", name="erasures_subject_index_key"),
    )
    op.create_table(
        "definitions",
        sa.Column("ref", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("ref", name="definitions_pk"),
    )
    op.create_table(
        "audit",
        sa.Column("position", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("json", sa.Text, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("position", name="audit_pk"),
    )
    protect(op.get_bind(), audit_table(sa.MetaData()))
