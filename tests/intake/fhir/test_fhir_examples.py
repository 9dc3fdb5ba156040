"""All official examples of the types read: each imported, or refused with a reason."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alleviate.intake.fhir import FORMAT
from alleviate.intake.fhir.types import TYPES
from alleviate.intake.reading import Context, Definition, Refusal
from alleviate.records import Entry, PatientRecord

NOW = datetime(2026, 1, 1, tzinfo=UTC)

REFUSED = {
    "CarePlan": 3,
    "Condition": 2,
    "Consent": 12,
    "Encounter": 7,
    "MedicationStatement": 1,
    "Observation": 6,
    "Patient": 1,
    "Procedure": 6,
}
"""How many of each type, for reasons that were looked at: no date, no person, an animal, a narrow consent."""


def of_type(examples: Path, name: str) -> list[Path]:
    return sorted(path for path in examples.glob(f"{name}-*.json") if path.name != "package.json")


@pytest.mark.parametrize("name", [*TYPES, "Questionnaire"])
def test_each_example_is_an_entry_or_a_refusal(examples: Path, name: str) -> None:
    paths = of_type(examples, name)
    assert paths
    refused = Counter[str]()
    for path in paths:
        source = json.loads(path.read_text("utf-8"))
        counted = [i for i in FORMAT.read(path, Context(NOW)) if isinstance(i, Entry | Refusal | Definition)]
        (item,) = counted
        if isinstance(item, Refusal):
            refused[name] += 1
            assert item.field.startswith(name)
            assert item.reason.endswith(".")
        else:
            assert item.ref == f"{name}/{source['id']}"
    assert refused[name] == REFUSED.get(name, 0)


def test_what_was_imported_goes_out_and_comes_back(examples: Path, tmp_path: Path) -> None:
    events: dict[str, set[object]] = {}
    for name in TYPES:
        for path in of_type(examples, name):
            for item in FORMAT.read(path, Context(NOW)):
                for event in getattr(item, "events", ()):
                    events.setdefault(event.subject_id, set()).add(event)
    FORMAT.write([PatientRecord(id, each) for id, each in events.items()], tmp_path)  # type: ignore[arg-type, misc]
    back: dict[str, set[object]] = {}
    for item in FORMAT.read(tmp_path, Context(NOW)):
        for event in getattr(item, "events", ()):
            back.setdefault(event.subject_id, set()).add(event)
    assert back == events


@pytest.mark.slow
def test_all_bundles_are_read(examples: Path) -> None:
    found = Counter[str]()
    for path in of_type(examples, "Bundle"):
        found.update(type(item).__name__ for item in FORMAT.read(path, Context(NOW)))
    assert found["Entry"] > 70
    assert found["Definition"] == 1
