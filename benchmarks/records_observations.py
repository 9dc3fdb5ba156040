"""Made-up Observations as a server exports them: totals of the PHQ-9, laboratory values, vital signs."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

__all__ = ["generate"]

SHARE_OF_PATIENTS = 100
"""So many observations a patient."""

_LOINC, _UCUM = "http://loinc.org", "http://unitsofmeasure.org"
_CATEGORIES = "http://terminology.hl7.org/CodeSystem/observation-category"
_MEASURES = (
    # LOINC, words, category, unit, mean, SD, decimals
    ("44261-6", "Patient Health Questionnaire 9 item (PHQ-9) total score", "survey", "{score}", 11, 6, 0),
    ("8867-4", "Heart rate", "vital-signs", "/min", 74, 12, 0),
    ("29463-7", "Body weight", "vital-signs", "kg", 78, 16, 1),
    ("8480-6", "Systolic blood pressure", "vital-signs", "mm[Hg]", 128, 17, 0),
    ("2093-3", "Cholesterol [Mass/volume] in Serum or Plasma", "laboratory", "mg/dL", 196, 38, 0),
    ("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood", "laboratory", "%", 5.8, 0.9, 1),
    ("3016-3", "Thyrotropin [Units/volume] in Serum or Plasma", "laboratory", "m[IU]/L", 2.1, 0.8, 2),
    ("14334-7", "Lithium [Moles/volume] in Serum or Plasma", "laboratory", "mmol/L", 0.7, 0.2, 2),
)
_FIRST_DAY = datetime(2018, 1, 1, 7, tzinfo=UTC)


def generate(file: Path, count: int, seed: int) -> None:
    """Write ``count`` Observations of ``count / 100`` patients as NDJSON, in no order of person or time."""
    rng = random.Random(seed)
    patients = max(1, count // SHARE_OF_PATIENTS)
    encode = msgspec.json.Encoder().encode
    with file.open("wb") as out:
        for number in range(count):
            measure = rng.choice(_MEASURES)
            taken = _FIRST_DAY + timedelta(minutes=rng.randrange(8 * 365 * 24 * 60))
            out.write(encode(_observation(number, rng.randrange(patients), measure, taken, rng)) + b"\n")


def _observation(
    number: int, patient: int, measure: tuple, taken: datetime, rng: random.Random
) -> dict[str, object]:
    code, words, category, unit, mean, sd, decimals = measure
    value = max(0, round(rng.gauss(mean, sd), decimals or None))
    issued = taken + timedelta(minutes=rng.randrange(600))
    changed = issued.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "resourceType": "Observation",
        "id": f"obs-{number:09}",
        "meta": {"versionId": "1", "lastUpdated": changed},
        "status": "final",
        "category": [{"coding": [{"system": _CATEGORIES, "code": category, "display": category.title()}]}],
        "code": {"coding": [{"system": _LOINC, "code": code, "display": words}], "text": words},
        "subject": {"reference": f"Patient/pat-{patient:07}"},
        "encounter": {"reference": f"Encounter/enc-{number // 7:09}"},
        "effectiveDateTime": taken.isoformat().replace("+00:00", "Z"),
        "issued": changed,
        "valueQuantity": {"value": value, "unit": unit, "system": _UCUM, "code": unit},
    }
