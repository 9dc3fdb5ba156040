"""Bulk export (https://hl7.org/fhir/uv/bulkdata): files that are written as they are read.

No file of patients' data lies on any disk: a job is what was asked for, at which moment, by whom; its files
are made from the vault while they are sent, each person's data one event of the audit.
"""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from alleviate.clinic.fhir.served import resources
from alleviate.intake.fhir.types import TYPES
from alleviate.terms.errors import DataError
from alleviate.terms.times import parse_utc
from alleviate.vault import Access, Vault
from alleviate.vault.accounts import Notice
from alleviate.vault.written import written_after

__all__ = ["Job", "lines", "manifest", "new_job"]

KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Job:
    """What is exported: these ``types`` as they stood at ``moment``, of entries written after ``after``.

    ``mark``: of the last entry when it began, where another export may go on.
    """

    id: str
    by: str
    moment: datetime
    types: tuple[str, ...]
    after: int
    mark: int
    asked: str

    def to_json(self) -> dict[str, Any]:
        return {
            "by": self.by,
            "moment": self.moment.isoformat(),
            "types": list(self.types),
            "after": self.after,
            "mark": self.mark,
            "asked": self.asked,
        }

    @classmethod
    def from_json(cls, id: str, body: dict[str, Any]) -> "Job":
        types, after = tuple(body["types"]), body["after"]
        return cls(id, body["by"], parse_utc(body["moment"]), types, after, body["mark"], body["asked"])


def new_job(
    by: str, now: datetime, asked: str, *, types: str, since: str, mark: int, before: Iterable[Notice]
) -> Job:
    """Raises DataError for types that are not held here, or a ``since`` that is no moment.

    ``mark``: of the vault now; ``before``: the notices of the exports so far. What was written after
    ``since`` is known from the last export that began no later: a source may send late what it knew long
    ago, so that no time within a resource tells. Where there was none, everything is exported.
    """
    wanted = [name.strip() for name in types.split(",") if name.strip()]
    if strangers := [name for name in wanted if name not in TYPES]:
        raise DataError(f"{strangers[0][:40]} is not held here.", hint=f"Held are: {', '.join(TYPES)}.")
    try:
        after = parse_utc(since) if since else None
    except (DataError, ValueError):
        raise DataError(
            f"_since is an instant such as 2026-01-31T12:00:00Z, got {since[:40]!r}.", hint="Correct it."
        ) from None
    from_mark = max(
        (
            each.body["mark"]
            for each in before
            if after and each.body and parse_utc(each.body["moment"]) <= after
        ),
        default=0,
    )
    return Job(secrets.token_hex(16), by, now, tuple(wanted or TYPES), from_mark, mark, asked)


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
    """The resources of one type, a line each, of everybody who permits it; nobody else's record is read."""
    new = written_after(vault, job.after) if job.after else None
    for record in access.records(None if new is None else sorted(new)):
        patient = vault.our_id(record.subject_id) or ""
        for resource in resources(record.at(job.moment), patient, new and new.get(patient)):
            if resource["resourceType"] == type:
                yield msgspec.json.encode(resource) + b"\n"
