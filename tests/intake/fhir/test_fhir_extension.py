"""What a resource says in our own way is checked like all else; and no input makes the reader fall."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alleviate.intake.fhir import FORMAT
from alleviate.intake.fhir.types import TYPES
from alleviate.intake.reading import Context, Refusal
from alleviate.records import Entry

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BARE = {"resourceType": "Observation", "id": "1", "subject": {"reference": "Patient/1"}, "status": "final"}


def ours(**parts: Any) -> dict[str, Any]:
    named = {"code": "valueString", "text": "valueString", "number": "valueDecimal", "absent": "valueBoolean"}
    inner = [{"url": name, named.get(name, "valueDateTime"): value} for name, value in parts.items()]
    return {"url": "urn:alleviate:event", "extension": inner}


DAY = "2024-05-06T00:00:00Z"


def test_our_extension_stands_for_what_the_elements_lack(reads: Any) -> None:
    said = ours(code="LOINC//1-8", time=DAY, known=DAY, number=5, text="mg")
    (entry,) = reads({**BARE, "extension": [said, {"url": "urn:alleviate:kind", "valueCode": "sensor"}]})
    (event,) = entry.events
    assert (event.code, event.numeric_value, event.text_value, event.kind) == (
        "LOINC//1-8",
        5,
        "mg",
        "sensor",
    )


@pytest.mark.parametrize(
    ("extension", "reason"),
    [
        (ours(time=DAY, known=DAY), "no empty part"),
        (ours(code="A", known=DAY), "Expected a date or time"),
        (ours(code="A", time=DAY, known="2024-05-05T00:00:00Z"), "known before it happened"),
        ({"url": "urn:alleviate:kind", "valueCode": "odd"}, '"odd" is no kind of event'),
    ],
)
def test_an_extension_of_ours_that_is_wrong_is_refused(reads: Any, extension: Any, reason: str) -> None:
    (refusal,) = reads({**BARE, "extension": [extension]})
    assert isinstance(refusal, Refusal)
    assert reason in refusal.reason


leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from(
        ["2024", DAY, "Patient/1", "#a", "http://loinc.org", "44250-9", "LA6569-3", "active", "deny", "//"]
    ),
)
names = st.sampled_from(
    [
        "id",
        "meta",
        "status",
        "subject",
        "patient",
        "code",
        "coding",
        "system",
        "text",
        "display",
        "value",
        "unit",
        "valueQuantity",
        "valueString",
        "item",
        "linkId",
        "answer",
        "valueCoding",
        "authored",
        "effectiveDateTime",
        "period",
        "start",
        "end",
        "type",
        "provision",
        "purpose",
        "class",
        "dosage",
        "activity",
        "detail",
        "extension",
        "url",
        "content",
        "attachment",
        "data",
        "contained",
        "reference",
        "identifier",
        "category",
        "component",
        "onsetDateTime",
    ]
)
things = st.recursive(
    leaves, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=5))
)


@settings(
    max_examples=int(os.environ.get("ALLEVIATE_FUZZ", "300")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    type=st.sampled_from([*TYPES, "Questionnaire", "Bundle"]),
    body=st.dictionaries(names, things, max_size=8),
    cut=st.one_of(st.none(), st.integers(0, 400)),
    noise=st.binary(max_size=3),
)
def test_no_input_makes_the_reader_fall(
    type: str, body: dict[str, Any], cut: int | None, noise: bytes, tmp_path_factory: Any
) -> None:
    person = {"subject": {"reference": "Patient/1"}, "patient": {"reference": "Patient/1"}}
    line = msgspec.json.encode({"resourceType": type, **person, **body})
    if cut is not None:
        line = line[:cut] + noise + line[cut + len(noise) :]
    path: Path = tmp_path_factory.getbasetemp() / "fuzz.ndjson"
    good = msgspec.json.encode({"resourceType": "Patient", "id": "p"})
    path.write_bytes(line.replace(b"\n", b" ") + b"\n" + good + b"\n")
    items = list(FORMAT.read(path, Context(NOW)))
    assert any(isinstance(item, Entry) and item.ref == "Patient/p" for item in items)
    assert all(item.reason.endswith(".") for item in items if isinstance(item, Refusal))
