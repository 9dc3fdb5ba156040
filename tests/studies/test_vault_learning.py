"""From a clinic's vault to a rule: the walk of a study file that names the vault."""

import json
from base64 import b64encode
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes

import polars as pl
import pytest

import alleviate
from alleviate import features
from alleviate.cli import main
from alleviate.packages import home
from alleviate.records import Entry, PatientRecord
from alleviate.records.synthetic import simulate
from alleviate.studies import files
from alleviate.studies.datasets import open_data
from alleviate.studies.vault_sections import spec_of
from alleviate.terms.errors import StudyError, VaultError
from alleviate.vault import Vault

PEOPLE = 300
NOW = datetime(2026, 1, 1, tzinfo=UTC)
STUDY = """
[study]
name = "therapies"

[data]
vault = true

[cohort]
start = "EPISODE//start"
outcome = { of = "phq9", take = "last", from = "12w", to = "24w" }
between = { phq9 = [5, 27] }

[treatment]
column = "therapy"
assignment = "observational"

[treatment.arms]
"Cognitive behavioural therapy" = "talk"
"Interpersonal psychotherapy" = "talk"
"Counselling for depression" = "talk"
"Sertraline" = "tablets"
"Mirtazapine" = "tablets"

[outcome]
column = "phq9_after"
better = "lower"

[features]
phq9 = { of = "phq9" }
gad7 = { of = "gad7" }
trauma = { code = "ICD10//F43*", take = "ever" }
sex = { code = "PERSON//sex", as = "category" }
age = { take = "age" }
site = { code = "PERSON//site", as = "category" }

[learning]
candidates = ["none", "ridge"]

[validation]
folds = 2
repeats = 1
site = "site"
"""

pytestmark = pytest.mark.slow


def entries(record: PatientRecord) -> list[Entry]:
    of = defaultdict(list)
    for event in record.events:
        of[event.entry, event.kind].append(event)
    return [Entry(record.subject_id, ref, kind, tuple(events)) for (ref, kind), events in of.items()]


@pytest.fixture(scope="module")
def records() -> list[PatientRecord]:
    return list(simulate(PEOPLE, 7).records())


@pytest.fixture(scope="module")
def clinic(records, tmp_path_factory):
    """A folder with the clinic's vault and a study of it, which the environment names."""
    folder = tmp_path_factory.mktemp("clinic")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALLEVIATE_KEY", b64encode(token_bytes(32)).decode())
        patch.setenv("ALLEVIATE_VAULT", str(folder / "clinic.vault"))
        with (
            Vault.create(folder / "clinic.vault") as vault,
            vault.access(actor="os:test", purpose="care") as access,
        ):
            access.put([entry for record in records for entry in entries(record)], NOW)
        (folder / "study.toml").write_text(STUDY)
        yield folder


@pytest.fixture(scope="module")
def learned(clinic: Path) -> Path:
    assert (
        main(["learn", str(clinic / "study.toml"), "--out", str(clinic / "therapies"), "--workers", "1"]) == 0
    )
    return clinic / "therapies"


def test_a_rule_is_learned_and_its_package_names_nobody_and_no_place(
    learned: Path, clinic: Path, records
) -> None:
    findings = json.loads((learned / "findings.json").read_text())
    assert findings["verdict"] in ("personalise", "one-for-all", "equipoise")
    assert set(findings["arms"]) == {"talk", "tablets"}
    text = "".join(
        path.read_text() for path in learned.iterdir() if path.suffix in (".json", ".toml", ".html")
    )
    assert str(clinic) not in text
    assert records[0].subject_id not in text
    assert alleviate.load(learned).study.data.vault == ""


def test_only_those_are_in_it_who_permit_it(clinic: Path, records) -> None:
    table = open_data(files.load(clinic / "study.toml"))
    assert 0 < table.frame.height < 0.8 * PEOPLE
    ids = set(table.text("person"))
    assert not ids & {record.subject_id for record in records}
    with Vault.open(clinic / "clinic.vault") as vault:
        audit = vault.show_audit(actor="os:test")
    assert ids <= {seen.patient for seen in audit if seen.purpose == "model-training"}


def test_it_advises_from_a_table_and_from_records_alike(learned: Path, records) -> None:
    rule = alleviate.load(learned)
    told = rule.recommend_records(records[:20], NOW)
    assert [advice.id for advice in told] == [record.subject_id for record in records[:20]]
    assert any(advice.arm for advice in told)
    spec = spec_of(rule.study.definitions)
    rows = [{"person": r.subject_id, **features.at(r, NOW, spec).values} for r in records[:20]]
    assert rule.recommend(pl.DataFrame(rows)) == told


def test_it_measures_on_a_table_with_the_same_columns(learned: Path, clinic: Path) -> None:
    table = open_data(files.load(clinic / "study.toml")).frame
    assert alleviate.load(learned).evaluate(table)["n"] > 50


def test_records_say_nothing_of_the_columns_of_a_table(small, records) -> None:
    with pytest.raises(StudyError, match="made was learned from a table, so records do not tell"):
        alleviate.load(small.package).recommend_records(records[:1], NOW)


def test_a_vault_must_be_there(clinic: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    study = files.load(clinic / "study.toml")
    monkeypatch.setenv("ALLEVIATE_VAULT", str(tmp_path / "none.vault"))
    with pytest.raises(VaultError, match="There is no vault"):
        open_data(study)
    monkeypatch.delenv("ALLEVIATE_VAULT")
    with pytest.raises(VaultError, match=f"There is no vault at {home() / 'vault.db'}"):
        open_data(study)
    named = files.loads(STUDY.replace("vault = true", f'vault = "{clinic / "clinic.vault"}"'))
    assert open_data(named).frame.height
