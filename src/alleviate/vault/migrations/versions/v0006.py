"""An index of the audit by patient: who looked at one record is asked by the person themselves."""

import sqlalchemy as sa
from alembic import op

__all__ = ["down_revision", "revision", "upgrade"]

revision = "0006"
down_revision = "0005"

_AFTER = '},"patient":"'


def upgrade() -> None:
    find = "instr" if op.get_bind().dialect.name == "sqlite" else "strpos"
    patient = f"substr(json, {find}(json, '{_AFTER}') + {len(_AFTER)}, 32)"
    named = f"{find}(json, '{_AFTER}\"') = 0"
    op.create_index("audit_patient_idx", "audit", [sa.text(f"({patient})")], postgresql_where=sa.text(named))
