"""What is written is read again as the same events, whatever they are."""

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alleviate.intake.fhir import FORMAT, bundle
from alleviate.intake.reading import Context, Refusal
from alleviate.records import KINDS, Entry, Event, PatientRecord

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIRST, LAST = (datetime(year, 1, 1, tzinfo=UTC).replace(tzinfo=None) for year in (1930, 2025))

words = st.one_of(
    st.sampled_from(["mild", "*1/*4", "Slept better.\n\tAnd\r\nmore", "Ünïcödé 猫 \u2028", '"/\\%2F', "   "]),
    st.text(max_size=12),
)
filled = words.filter(bool)
numbers = st.one_of(st.integers(-3, 40).map(float), st.floats(allow_nan=False, allow_infinity=False))
days = st.dates(date(1930, 1, 1), date(2025, 1, 1)).map(
    lambda d: datetime(d.year, d.month, d.day, tzinfo=UTC)
)
moments = st.one_of(
    days,
    st.datetimes(FIRST, LAST, timezones=st.just(UTC)),
)
part = st.text(min_size=1, max_size=6).map(lambda text: text.replace("%", "%25").replace("/", "%2F"))
codes = st.one_of(
    st.lists(part, min_size=1, max_size=4).map("//".join),
    part.map("LOINC//{}".format),
    st.sampled_from(
        [
            "LOINC//8480-6",
            "LOINC//44250-9",
            "LOINC//44260-8",
            "LOINC//44261-6",
            "LOINC//68517-2",
            "LOINC//75773-2",
            "SNOMED//1",
            "TEXT//a%2Fb",
            "LOCAL//x",
            "CODING//SNOMED//2",
            "GENE//CYP2D6//diplotype",
            "GENE//CYP2D6//phenotype",
            "PREFERENCE//treatment",
            "PREFERENCE//food",
            "MEDS_BIRTH",
            "MEDS_DEATH",
            "PERSON//sex",
            "PERSON//language",
            "PERSON//marital",
            "PERSON//site",
            "PERSON//family",
            "PERSON//given",
            "PERSON//phone",
            "PERSON//email",
            "PERSON//address",
            "PERSON//identifier//urn:x",
            "PERSON//synthetic",
            "INSTRUMENT//wsas//1",
            "INSTRUMENT//wsas//2",
            "INSTRUMENT//wsas//total",
            "QUESTIONNAIRE//f//1",
            "STATED//LOINC//44261-6",
            "ICD10//F32",
            "ICD10//F32//end",
            "CONDITION//refuted",
            "CONDITION//verification",
            "CONDITION//severity",
            "RxNorm//321988",
            "RxNorm//321988//end",
            "MEDICATION//dose",
            "MEDICATION//status",
            "PROCEDURE//status",
            "SESSION//attended",
            "SESSION//missed",
            "SESSION//cancelled",
            "SESSION//planned",
            "SESSION//therapist",
            "SESSION//minutes",
            "SESSION//episode",
            "EPISODE//start",
            "EPISODE//therapist",
            "EPISODE//end",
            "PLAN//activity",
            "PLAN//status",
            "NOTE//progress",
            "GOAL//set",
            "GOAL//status",
            "CONSENT//care",
            "CONSENT//research//note",
            "CONSENT//model-training",
            "CONSENT//until",
        ]
    ),
)
refs = st.one_of(
    st.sampled_from(
        ["Observation/1", "QuestionnaireResponse/a.b-c", "Patient/p1", "Patient/other", "row 7", "visit/12"]
    ),
    st.sampled_from(
        ["Encounter/1", "MedicationRequest/9", "MedicationStatement/9", "Condition/ü", "Consent/c/d"]
    ),
    filled,
)
subjects = st.one_of(st.sampled_from(["p1", "north/123", "  "]), filled)


@st.composite
def records(draw):
    subject = draw(subjects)
    events = []
    for ref, kind in draw(st.dictionaries(refs, st.sampled_from(KINDS), max_size=4)).items():
        base = draw(moments)
        for code in draw(st.lists(codes, min_size=1, max_size=5)):
            time = draw(st.one_of(st.just(base), moments))
            later = draw(
                st.sampled_from([timedelta(0), timedelta(0), timedelta(hours=3), timedelta(days=40)])
            )
            number, text = draw(st.one_of(st.none(), numbers)), draw(st.one_of(st.none(), words))
            events.append(Event(subject, time, time + later, code, number, text, kind, ref))
    return PatientRecord(subject, events)


def read(folder: Path) -> list[Entry]:
    items = list(FORMAT.read(folder, Context(NOW)))
    assert not [item for item in items if isinstance(item, Refusal)]
    return [item for item in items if isinstance(item, Entry)]


@settings(
    max_examples=int(os.environ.get("ALLEVIATE_FUZZ", "150")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(record=records())
def test_export_and_import_is_the_identity(record, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    FORMAT.write([record], folder)
    back = [event for entry in read(folder) for event in entry.events]
    assert set(back) == set(record.events)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(record=records())
def test_a_bundle_of_one_person_is_the_identity_too(record, tmp_path_factory):
    path = tmp_path_factory.mktemp("out") / "bundle.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(bundle(record))))
    back = [event for entry in read(path) for event in entry.events]
    assert set(back) == set(record.events)
