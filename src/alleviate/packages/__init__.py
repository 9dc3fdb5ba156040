"""The signed folder that a study leaves behind: write, verify, load."""

from alleviate.packages.canonical import findings_from_json, findings_to_json, from_json, to_json
from alleviate.packages.findings import (
    Candidate,
    Column,
    Findings,
    Histogram,
    Moderator,
    Overlap,
    RuleWords,
    Verdict,
)
from alleviate.packages.folder import MAX_BYTES, MAX_FILES, SealedPackage, read, refuse_strangers, write
from alleviate.packages.keys import fingerprint, home, public_pem, signing_key, trust, trusted
from alleviate.packages.manifest import FORMAT, FileSeal, Manifest, Origin

__all__ = [
    "FORMAT",
    "MAX_BYTES",
    "MAX_FILES",
    "Candidate",
    "Column",
    "FileSeal",
    "Findings",
    "Histogram",
    "Manifest",
    "Moderator",
    "Origin",
    "Overlap",
    "RuleWords",
    "SealedPackage",
    "Verdict",
    "findings_from_json",
    "findings_to_json",
    "fingerprint",
    "from_json",
    "home",
    "public_pem",
    "read",
    "refuse_strangers",
    "signing_key",
    "to_json",
    "trust",
    "trusted",
    "write",
]
