"""Bulk export (https://hl7.org/fhir/uv/bulkdata): files that are written as they are read.

No file of patients' data lies on any disk: a job is what was asked for, at which moment, by whom; its files
are made from the vault while they are sent, each person's data one event of the audit.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from alleviate.clinic.fhir.served import resources
from alleviate.intake.fhir.types import TYPES
from alleviate.terms.errors import DataError
from alleviate.terms.times import parse_utc
from alleviate.vault import Access, Vault

__all__ = ["Job", "lines", "manifest", "new_job"]

KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Job:
    """What is exported: these ``types`` as they stood at ``moment``, what became known after ``since``."""

    id: str
    by: str
    moment: datetime
    types: tuple[str, ...]
    since: datetime | None
    asked: str

    def to_json(self) -> dict[str, Any]:
        return {
            "by": self.by,
            "moment": self.moment.isoformat(),
            "types": list(self.types),
            "since": self.since and self.since.isoformat(),
            "asked": self.asked,
        }

    @classmethod
    def from_json(cls, id: str, body: dict[str, Any]) -> "Job":
        since = parse_utc(body["since"]) if body["since"] else None
        return cls(id, body["by"], parse_utc(body["moment"]), tuple(body["types"]), since, body["asked"])


def new_job(by: str, now: datetime, asked: str, *, types: str, since: str) -> Job:
    """Raises DataError for types that are not held here, or a ``since`` that is no moment."""
    wanted = [name.strip() for name in types.split(",") if name.strip()]
    if strangers := [name for name in wanted if name not in TYPES]:
        raise DataError(f"{strangers[0][:40]} is not held here.", hint=f"Held are: {', '.join(TYPES)}.")
    try:
        after = parse_utc(since) if since else None
    except (DataError, ValueError):
        raise DataError(
            f"_since is an instant such as 2026-01-31T12:00:00Z, got {since[:40]!r}.", hint="Correct it."
        ) from None
    return Job(secrets.token_hex(16), by, now, tuple(wanted or TYPES), after, asked)


def manifest(job: Job, base: str) -> dict[str, Any]:
    """As the specification says of a finished export."""
    return {
        "transactionTime": job.moment.isoformat(),
        "request": job.asked,
        "requiresAccessToken": True,
        "output": [{"type": name, "url": f"{base}/$export-file/{job.id}/{name}"} for name in job.types],
        "error": [],
    }


def lines(job: Job, type: str, access: Access, vault: Vault) -> Iterator[bytes]:
    """The resources of one type, a line each, of everybody who permits it."""
    for record in access.records():
        patient = vault.our_id(record.subject_id) or ""
        for resource in resources(record.at(job.moment), patient, job.since):
            if resource["resourceType"] == type:
                yield msgspec.json.encode(resource) + b"\n"
