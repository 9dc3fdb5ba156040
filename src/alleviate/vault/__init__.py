"""Storage: records, consent, decisions, the audit chain, and keys."""

from alleviate.vault.access import Access
from alleviate.vault.audit import AuditEvent, Recorded, Verified
from alleviate.vault.care import Stored
from alleviate.vault.caseload import Glance
from alleviate.vault.charts import Chart
from alleviate.vault.consent import PURPOSES, Purpose, permitted
from alleviate.vault.erasure import Erasure
from alleviate.vault.ingest import Intake, take_in
from alleviate.vault.sheets import SHEET_KINDS, NewSheet, Sheet, SheetKind
from alleviate.vault.team import Bond, Member
from alleviate.vault.vault import Restored, Vault
from alleviate.vault.writing import Tally

__all__ = [
    "PURPOSES",
    "SHEET_KINDS",
    "Access",
    "AuditEvent",
    "Bond",
    "Chart",
    "Erasure",
    "Glance",
    "Intake",
    "Member",
    "NewSheet",
    "Purpose",
    "Recorded",
    "Restored",
    "Sheet",
    "SheetKind",
    "Stored",
    "Tally",
    "Vault",
    "Verified",
    "permitted",
    "take_in",
]
