"""The synthetic clinic goes out by every format and comes back equal; ALLEVIATE_PATIENTS says of how many."""

import os
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alleviate.intake.formats import FORMATS, detect
from alleviate.intake.reading import Caution, Context, Refusal
from alleviate.records import Entry, Event, PatientRecord
from alleviate.records.synthetic import simulate

PATIENTS = int(os.environ.get("ALLEVIATE_PATIENTS", "40"))
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def standing(record: PatientRecord) -> frozenset[Event]:
    return frozenset(event for event in record.events if event.known_until is None)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(FORMATS))
def test_what_went_out_comes_back(name: str, tmp_path: Path) -> None:
    write = FORMATS[name].write
    assert write is not None
    write(simulate(PATIENTS, 11).records(), tmp_path / name)
    assert detect(tmp_path / name).name == name, "a folder of ours is recognised without being told"
    back: defaultdict[str, set[Event]] = defaultdict(set)
    for item in FORMATS[name].read(tmp_path / name, Context(NOW)):
        assert not isinstance(item, Refusal | Caution), (
            f"{item.file}:{item.line}: {item.field}: {item.reason}"
        )
        if isinstance(item, Entry):
            back[item.subject_id].update(item.events)
    count = 0
    for record in simulate(PATIENTS, 11).records():
        assert back.pop(record.subject_id) == standing(record)
        count += 1
    assert (count, dict(back)) == (PATIENTS, {})
