"""What is refused: one bad line is explained by field, and the rest is kept."""

import gzip
import json
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alleviate.intake.fhir import FORMAT, files
from alleviate.intake.reading import Caution, Context, Refusal
from alleviate.records import Entry
from alleviate.terms.errors import DataError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GOOD = {
    "resourceType": "Observation",
    "id": "good",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
    "subject": {"reference": "Patient/1"},
    "effectiveDateTime": "2024-05-06T09:00:00Z",
    "valueQuantity": {"value": 70, "unit": "/min"},
}


def changed(**more: Any) -> dict[str, Any]:
    return {key: value for key, value in {**GOOD, "id": "bad", **more}.items() if value is not None}


@pytest.mark.parametrize(
    ("bad", "field", "reason"),
    [
        (changed(subject=None), "Observation.subject", "does not say whom"),
        (changed(subject={}), "Observation.subject", "does not say whom"),
        (changed(subject={"reference": "Group/1"}), "Observation.subject.reference", "about a Group"),
        (changed(subject={"reference": "urn:uuid:1"}), "Observation.subject.reference", "names no person"),
        (changed(subject={"reference": "#p"}), "Observation.subject.reference", "No contained resource"),
        (changed(code=None), "Observation.code", "neither a code nor words"),
        (changed(component=[{}]), "Observation.component[0].code", "neither a code nor words"),
        (
            changed(valueQuantity={"value": "70"}),
            "Observation.valueQuantity.value",
            "Expected a number, got text",
        ),
        (changed(category={}), "Observation.category", "Expected a list, got an object"),
        (changed(effectiveDateTime=None), "Observation.effectiveDateTime", "neither when it was observed"),
        (
            changed(effectiveDateTime="2024-02-30"),
            "Observation.effectiveDateTime",
            "no day or time that exists",
        ),
        (
            changed(effectiveDateTime="2024-05-06T09:00:00"),
            "Observation.effectiveDateTime",
            "without a time zone",
        ),
        (changed(effectiveDateTime="yesterday"), "Observation.effectiveDateTime", "Expected a date or time"),
        (
            changed(effectiveDateTime="2026-01-03"),
            "Observation.effectiveDateTime",
            "lies ahead of the import",
        ),
        (
            changed(effectiveDateTime="0001-01-01T00:00:00+14:00"),
            "Observation.effectiveDateTime",
            "no day or time",
        ),
        (changed(issued="2027-01-01T00:00:00Z"), "Observation.issued", "lies ahead"),
        (changed(meta={"lastUpdated": "2027-01-01T00:00:00Z"}), "Observation.meta.lastUpdated", "lies ahead"),
        (changed(focus=[{"reference": "Patient/2"}]), "Observation.focus", "other than its subject"),
        (changed(implicitRules="http://x"), "Observation.implicitRules", "rules that are not known"),
        (
            changed(component=[{"code": GOOD["code"], "modifierExtension": [{"url": "http://not"}]}]),
            "Observation.component[0].modifierExtension",
            "changes the meaning in a way that is not known: http://not",
        ),
        ({"id": "x"}, "Resource.resourceType", "does not say what it is"),
    ],
)
def test_one_bad_resource_is_named_by_its_field(reads: Any, bad: Any, field: str, reason: str) -> None:
    first, refusal, last = reads(GOOD, bad, {**GOOD, "id": "last"})
    assert isinstance(first, Entry)
    assert isinstance(last, Entry)
    assert isinstance(refusal, Refusal)
    assert (refusal.line, refusal.field) == (2, field)
    assert reason in refusal.reason
    assert refusal.reason.endswith(".")


LINE = json.dumps(GOOD).encode()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON"),
        (b"[]", "Expected an object"),
        (b"null", "Expected an object"),
        (b'"text"', "Expected an object"),
        (LINE.replace(b"70", b"NaN"), "not JSON"),
        (LINE.replace(b"70", b"1e999"), "out of range"),
        (LINE.replace(b"/min", b"\xff"), "a byte is not UTF-8"),
        (LINE.replace(b"good", b"\xed\xa0\x80"), "a byte is not UTF-8"),
        (LINE[:-1] + b', "status": "final"}', "stands twice"),
        (LINE.replace(b'"unit"', b'"value": 7, "unit"'), "stands twice"),
        (LINE[:-1] + b', "x": ' + b"[" * 70 + b"]" * 70 + b"}", "nested deeper than 64"),
        (LINE[:-1] + b', "x": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", "nested deeper than 64"),
        (LINE[:-1] + b', "x": ' + b'{"a":' * 50_000, "nested deeper than 64"),
        (LINE[:-1] + b', "x": "' + b"x" * (files.LONGEST_LINE + 1) + b'"}', "longer than 16 MiB"),
    ],
)
def test_one_bad_line_is_refused_and_the_rest_kept(reads: Any, line: bytes, reason: str) -> None:
    items = reads(GOOD, line, {**GOOD, "id": "last"})
    assert [type(item) for item in items] == [Entry, Refusal, Entry]
    assert items[1].line == 2
    assert reason in items[1].reason


def test_huge_numbers_are_numbers_or_refused(reads: Any) -> None:
    (entry,) = reads(LINE.replace(b"70", b"1" + b"0" * 300))
    assert entry.events[0].numeric_value == 1e300
    whole = json.dumps(changed(valueQuantity=None, valueInteger=7)).encode().replace(b"7}", b"9" * 400 + b"}")
    (refusal,) = reads(whole)
    assert isinstance(refusal, Refusal)


def test_marks_carriage_returns_and_empty_lines_do_no_harm(reads: Any) -> None:
    items = reads(b"\xef\xbb\xbf" + LINE + b"\r", b"\r", b"   ", LINE + b"\r")
    assert [type(item) for item in items] == [Entry, Entry]


def test_other_types_are_left_out_with_one_caution_each(reads: Any) -> None:
    claim, location = {"resourceType": "Claim"}, {"resourceType": "Location"}
    *entries, claims, locations = reads(claim, GOOD, claim, location)
    assert [type(item) for item in entries] == [Entry]
    assert claims == Caution(
        claims.file, 1, "Claim", "2 Claim resources were left out: this type is not read."
    )
    assert locations.reason == "1 Location resource was left out: this type is not read."


def test_gzip_is_read_and_a_bomb_is_bounded(tmp_path: Path) -> None:
    good = tmp_path / "a.ndjson.gz"
    good.write_bytes(gzip.compress(LINE + b"\n"))
    assert isinstance(next(FORMAT.read(good, Context(NOW))), Entry)
    bomb = tmp_path / "bomb.ndjson.gz"
    with gzip.open(bomb, "wb", compresslevel=1) as file:
        for _ in range(300):
            file.write(b" " * 2**20)
        file.write(b"\n" + LINE + b"\n")
    tracemalloc.start()
    items = list(FORMAT.read(bomb, Context(NOW)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [type(item) for item in items] == [Refusal, Entry]
    assert peak < 100 * 2**20


def test_a_document_beyond_all_size_is_refused_as_a_whole(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(files, "WHOLE", 1000)
    path = tmp_path / "big.json"
    path.write_text(json.dumps(GOOD) + " " * 2000)
    with pytest.raises(DataError, match="NDJSON"):
        list(FORMAT.read(path, Context(NOW)))


@pytest.mark.parametrize("content", [b"\x1f\x8b not gzip", gzip.compress(LINE * 50)[:-30]])
def test_a_broken_archive_is_a_clear_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.ndjson.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match="cannot be read"):
        list(FORMAT.read(path, Context(NOW)))


def test_a_missing_file_and_an_empty_folder_are_clear_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file"):
        list(FORMAT.read(tmp_path / "none.json", Context(NOW)))
    with pytest.raises(DataError, match="holds no"):
        list(FORMAT.read(tmp_path, Context(NOW)))


def test_what_looks_like_fhir(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    assert not FORMAT.accepts(tmp_path)
    for name, content, fhir in [
        ("a.ndjson", LINE, True),
        ("a.json", b'{"kind": "other"}', False),
        ("a.csv", LINE, False),
        ("sub/b.json.gz", gzip.compress(LINE), True),
        ("bad.json.gz", b"\x1f\x8b", False),
    ]:
        (tmp_path / name).write_bytes(content)
        assert FORMAT.accepts(tmp_path / name) is fhir, name
    assert FORMAT.accepts(tmp_path)
    assert not FORMAT.accepts(tmp_path / "none.json")


def test_a_resource_without_an_id_is_named_by_its_content(reads: Any) -> None:
    nameless = {key: value for key, value in GOOD.items() if key != "id"}
    note, first = reads(nameless)
    assert note.field == "Observation.id"
    assert reads(nameless)[1].ref == first.ref
    assert reads({**nameless, "status": "amended"})[1].ref != first.ref


@pytest.mark.parametrize(
    "withdrawn",
    [
        changed(status="entered-in-error"),
        {
            "resourceType": "Condition",
            "id": "1",
            "subject": {"reference": "Patient/1"},
            "verificationStatus": {"coding": [{"code": "entered-in-error"}]},
        },
        {
            "resourceType": "DocumentReference",
            "id": "1",
            "status": "current",
            "docStatus": "entered-in-error",
            "subject": {"reference": "Patient/1"},
        },
    ],
)
def test_what_was_entered_in_error_is_an_entry_without_events(reads: Any, withdrawn: Any) -> None:
    (entry,) = reads(withdrawn)
    assert entry.subject_id == "1"
    assert entry.events == ()
