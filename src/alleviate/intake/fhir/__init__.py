"""FHIR R4 in and out: Bulk Data NDJSON, bundles and single resources."""

from alleviate.intake.fhir.files import is_fhir
from alleviate.intake.fhir.reading import read, read_together
from alleviate.intake.fhir.writing import bundle, write
from alleviate.intake.reading import Format

__all__ = ["FORMAT", "bundle"]

FORMAT = Format("fhir", "FHIR R4 (NDJSON, bundles, resources)", is_fhir, read, write, read_together)
