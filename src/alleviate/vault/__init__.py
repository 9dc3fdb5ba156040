"""Storage: records, consent, decisions, the audit chain, and keys."""

from alleviate.vault.access import Access
from alleviate.vault.audit import AuditEvent, Recorded, Verified
from alleviate.vault.consent import PURPOSES, Purpose, permitted
from alleviate.vault.erasure import Erasure
from alleviate.vault.ingest import Intake, take_in
from alleviate.vault.vault import Restored, Vault
from alleviate.vault.writing import Tally

__all__ = [
    "PURPOSES",
    "Access",
    "AuditEvent",
    "Erasure",
    "Intake",
    "Purpose",
    "Recorded",
    "Restored",
    "Tally",
    "Vault",
    "Verified",
    "permitted",
    "take_in",
]
