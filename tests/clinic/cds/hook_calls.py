"""An EHR that signs its calls, and what it sends."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from made_people import entries_of, person
from signed_systems import BASE, System


@dataclass
class Calling:
    """An EHR that is registered with a clinic, and calls it."""

    made: Any
    system: System

    def post(self, path: str, body: Any, *, token: str | None = None, **headers: str) -> Any:
        """Signed for the address called, unless a token is given ("" for none)."""
        url = f"/cds-services/{path}"
        token = self.system.token(f"{BASE}{url}") if token is None else token
        sent = {**({"authorization": f"Bearer {token}"} if token else {}), **headers}
        if isinstance(body, bytes):
            return self.made.guest().post(url, content=body, headers=sent)
        return self.made.guest().post(url, json=body, headers=sent)

    def asks(self, hook: str, patient: str, **more: Any) -> Any:
        """The answer of our service for this hook."""
        return self.post(f"alleviate-{hook}", call(hook, patient, **more))

    def cards(self, hook: str, patient: str, **more: Any) -> list[Any]:
        answer = self.asks(hook, patient, **more)
        assert answer.status_code == 200, answer.text
        found: list[Any] = answer.json()["cards"]
        return found

    def added(self, name: str, **told: Any) -> str:
        """Our id of somebody new, who has not begun a treatment."""
        at = self.made.clock() - timedelta(days=3)
        record = person(name, at=at.replace(microsecond=0), **told)
        with self.made.vault.access(actor="test", purpose="care") as access:
            access.put(entries_of(record), self.made.clock())
        found: str = self.made.vault.our_id(name)
        return found


def call(hook: str, patient: str, *, context: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """The body of a call, as the specification has it."""
    return {
        "hook": hook,
        "hookInstance": str(uuid.uuid4()),
        "context": {"userId": "Practitioner/example", "patientId": patient, **(context or {})},
        **more,
    }


def medication(words: str, id: str = "order-1", code: str = "", **more: Any) -> dict[str, Any]:
    """A draft prescription."""
    system = "http://www.nlm.nih.gov/research/umls/rxnorm"
    coding = {"coding": [{"system": system, "code": code, "display": words}]} if code else {"text": words}
    return {
        "resourceType": "MedicationRequest",
        "id": id,
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": coding,
        **more,
    }


def drafts(*orders: dict[str, Any]) -> dict[str, Any]:
    """As `order-sign` has them in its context."""
    return {"draftOrders": {"resourceType": "Bundle", "entry": [{"resource": order} for order in orders]}}
