"""No request makes the clinic fail: drawn from its OpenAPI description, by whoever may ask, with odd values.

Some examples a route, more on those that take most from outside: as many as ALLEVIATE_EXAMPLES says of
those. 401, 404 and 422 are answers; 500 and above is a failure.
"""

import asyncio
import os
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import schemathesis
from fuzzed_calls import Sent, as_it_stands, requests_to
from hypothesis import HealthCheck, Phase, given, seed, settings
from killed_writers import form
from made_clinic import Made
from schemathesis import GenerationMode
from signed_systems import BASE

from alleviate.clinic.invitations import invite
from alleviate.clinic.machines.registering import register
from alleviate.clinic.signing_in.cookies import csrf_of
from alleviate.decisions.permissions import Role, may, rule
from alleviate.intake.fhir import bundle

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("ALLEVIATE_EXAMPLES", "30"))
FEW = 5
"""Of the routes that take little."""
SEED = 20261123
RISKY = (
    ("POST", "/fhir"),
    ("POST", "/fhir/{type}"),
    ("PUT", "/fhir/{type}/{id}"),
    ("GET", "/fhir/{type}"),
    ("POST", "/cds-services/{service}"),
    ("POST", "/cds-services/{service}/feedback"),
    ("POST", "/api/v1/mine/questionnaires/{invitation}/answers"),
    ("POST", "/mine/questionnaires/{invitation}"),
    ("POST", "/api/v1/patients/{patient}/notes"),
    ("POST", "/patients/{patient}/notes"),
    ("POST", "/caseload/"),
    ("GET", "/api/v1/caseload"),
)
FORMS = ("/patients/{patient}/notes",)
"""Those of them that are pages' and take nothing by chance."""
ASKERS: tuple[Role, ...] = (
    "clinician",
    "patient",
    "integrator",
    "administrator",
    "safety-officer",
    "protection-officer",
    "data-scientist",
)


class Prober:
    """Sends what was drawn, in one loop, as somebody who may."""

    def __init__(self, made: Made) -> None:
        self.made = made
        self.schema = schemathesis.openapi.from_dict(made.app.openapi())
        self.known = _known(made)
        self.seeds = _seeds(made)
        told = register(
            made.services.accounts, "test", name="All", kind="backend", scopes=["system/*.cruds"], bearer=True
        )
        asked = register(made.services.accounts, "test", name="EHR", kind="cds", bearer=True)
        self._tokens = {"fhir": told.token, "cds": asked.token}
        self.sent = 0
        self.taken: set[tuple[str, str]] = set()

    def operations(self) -> Iterator[tuple[str, str, Any]]:
        for each in self.schema.get_all_operations():
            operation = each.ok()
            yield operation.method.upper(), operation.path, operation

    def probe(self, method: str, path: str, operation: Any, examples: int) -> list[str]:
        """What went wrong, one line each: the shortest request that hypothesis found for it."""
        headers = self._headers(operation, path)
        described = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
        seeds = next((some for start, some in self.seeds.items() if path.startswith(start)), [])
        if method not in ("POST", "PUT"):
            seeds = []
        strategy = requests_to(path, described, self.known, seeds)
        loop = asyncio.new_event_loop()
        transport = httpx.ASGITransport(self.made.app)
        client = httpx.AsyncClient(transport=transport, base_url=BASE, timeout=60)

        @seed(SEED)
        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=[Phase.generate, Phase.shrink] if examples <= EXAMPLES else [Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(sent=strategy)
        def drawn(sent: Sent) -> None:
            one(sent)

        def one(sent: Sent) -> None:
            self.sent += 1
            status = loop.run_until_complete(_status(client, method, sent, headers))
            if status < 400:
                self.taken.add((method, path))
            assert status < 500, f"{method} {sent.path[:200]} {sent.query} {sent.form} {sent.raw!r}"[:1500]

        def all_of_them() -> None:
            try:
                for each in seeds:
                    one(as_it_stands(path, self.known, each, form=path in FORMS))
                drawn()
            finally:
                loop.run_until_complete(client.aclose())
                loop.close()

        try:  # in a thread of its own: a browser's test may have left its loop running in this one
            with ThreadPoolExecutor(1) as thread:
                thread.submit(all_of_them).result()
        except Exception as error:
            return [f"{method} {path}: {type(error).__name__} {error} {_where(error)}"[:3000]]
        return []

    def _headers(self, operation: Any, path: str) -> dict[str, str]:
        action = operation.definition.raw.get("x-action", "")
        role = next((role for role in ASKERS if action and _may(role, action)), None)
        if path.startswith(("/fhir", "/cds-services")):
            return {"authorization": f"Bearer {self._tokens['cds' if path.startswith('/cds') else 'fhir']}"}
        if role is None or role == "integrator":
            return {}
        hours = timedelta(hours=6)
        token = self.made.services.accounts.open_session(
            self.made.accounts[role].id, datetime.now(UTC), idle=hours, absolute=hours, method="test"
        )
        return {"cookie": f"alleviate={token}", "x-csrf-token": csrf_of(token)}


async def _status(client: httpx.AsyncClient, method: str, sent: Sent, headers: dict[str, str]) -> int:
    query = urlencode(sent.query, errors="surrogatepass")
    content, told = sent.raw, dict(headers)
    if sent.form is not None:
        content = urlencode(sent.form, errors="surrogatepass").encode()
        told["content-type"] = "application/x-www-form-urlencoded"
    elif content is not None:
        told["content-type"] = "application/json"
    url = sent.path + (f"?{query}" if query else "")
    try:
        request = client.build_request(method, url, content=content, headers=told)
    except httpx.InvalidURL:  # longer than this client sends: a server's own limit comes first as well
        return 414
    return (await client.send(request)).status_code


def _where(error: BaseException) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/alleviate/" in frame.filename]
    return " < ".join(
        f"{frame.filename.rpartition('/alleviate/')[2]}:{frame.lineno}" for frame in frames[-3:][::-1]
    )


def _may(role: Role, action: str) -> bool:
    return may(role, action, ("self" if role == "patient" else "team") if rule(action).of_a_person else None)


def _known(made: Made) -> dict[str, list[str]]:
    """Ids that there are, by the names of the parts of paths."""
    patient = made.patients[0]
    with made.vault.access(actor=made.accounts["clinician"].actor, purpose="care") as access:
        asked = invite(
            access,
            made.services.accounts,
            "test",
            patient,
            instruments=["phq9", "gad7"],
            due=datetime.now(UTC).date() + timedelta(days=7),
            now=datetime.now(UTC),
        )
        chart = access.chart(patient)
    advised = made.signed_in("clinician").get(f"/api/v1/patients/{patient}/advice").json()["id"]
    return {
        "patient": [patient],
        "invitation": [asked.id],
        "alert": [alert.id for alert in chart.alerts] or ["0" * 32],
        "proposal": [advised],
        "type": [
            "Patient",
            "Observation",
            "QuestionnaireResponse",
            "Condition",
            "MedicationStatement",
            "Consent",
        ],
        "service": ["alleviate-patient-view", "alleviate-order-sign", "alleviate-order-select"],
        "account": [account.id for account in made.accounts.values()],
    }


def _seeds(made: Made) -> dict[str, list[Any]]:
    """Bodies that are taken as they stand, by the beginning of the path."""
    patient = made.patients[0]
    with made.vault.access(actor="test", purpose="care") as access:
        whole = bundle(access.chart(patient).record)
    resources = [entry["resource"] for entry in whole["entry"]]
    kinds = {resource["resourceType"]: resource for resource in resources}
    some = [*kinds.values(), form("seed", patient, datetime.now(UTC))]
    entries = [
        {"resource": each, "request": {"method": "PUT", "url": f"{each['resourceType']}/{each['id']}"}}
        for each in some
    ]
    bundles = [
        {"resourceType": "Bundle", "type": kind, "entry": entries[:4]} for kind in ("transaction", "batch")
    ]
    call = {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/example", "patientId": patient},
        "prefetch": {"patient": kinds["Patient"]},
    }
    order = {
        "resourceType": "MedicationRequest",
        "id": "order-1",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": {"text": "Sertraline"},
    }
    drafts = {"resourceType": "Bundle", "entry": [{"resource": order}]}
    signing = {**call, "hook": "order-sign", "context": {**call["context"], "draftOrders": drafts}}
    answers = {"saves": [{"key": "phq9-9", "value": 1, "made": 1_790_000_000_000, "once": "abcdefgh"}]}
    return {
        **{path: [{"text": "A note."}] for path in (*FORMS, "/api/v1/patients/{patient}/notes")},
        "/fhir": [*some, *bundles],
        "/cds-services": [call, signing],
        "/api/v1/mine/questionnaires": [answers],
    }


def test_no_request_makes_the_clinic_fail(clinic: Made) -> None:
    prober, wrong, seen = Prober(clinic), [], set()
    for method, path, operation in prober.operations():
        risky = (method, path) in RISKY
        seen.add((method, path))
        wrong += prober.probe(method, path, operation, EXAMPLES if risky else FEW)
    assert not wrong, "\n\n".join(wrong)
    assert set(RISKY) <= seen, f"no longer there: {set(RISKY) - seen}"
    elsewhere = {("POST", "/cds-services/{service}/feedback"), ("GET", "/fhir/{type}")}
    reached = set(RISKY) - elsewhere  # they need a card given before, a person named: tested in their rooms
    assert reached <= prober.taken, f"nothing that is sent there is taken: {reached - prober.taken}"
    assert prober.sent >= len(RISKY) * EXAMPLES
