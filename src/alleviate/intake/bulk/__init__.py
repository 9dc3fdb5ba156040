"""FHIR Bulk Data: a server's export, fetched into a folder of NDJSON files (``docs/bulk.md``)."""

from alleviate.intake.bulk.credentials import Credentials
from alleviate.intake.bulk.export import fetch
from alleviate.intake.bulk.limits import Limits

__all__ = ["Credentials", "Limits", "fetch"]
