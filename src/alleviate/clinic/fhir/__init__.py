"""FHIR R4 over the vault: read, search, transactions in, bulk export, and what of it there is."""

from alleviate.clinic.fhir.routes import doors

__all__ = ["doors"]
