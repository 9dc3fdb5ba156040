"""Who writes to the server that is killed: each keeps what was acknowledged, and what was not."""

import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx

from alleviate.clinic.signing_in.cookies import csrf_of
from alleviate.instruments import INSTRUMENTS

_LOINC = "http://loinc.org"
_NOT_AT_ALL, _SEVERAL_DAYS = "LA6568-5", "LA6569-3"
_PHQ9 = [item.code.removeprefix("LOINC//") for item in INSTRUMENTS["phq9"].items][:9]


@dataclass
class Writers:
    """``done``: by what names a write, what the server said of it. ``open``: sent, and never acknowledged."""

    base: str
    staff: str
    patient: str
    system: str
    people: list[str]
    done: dict[str, dict[str, Any]] = field(default_factory=lambda: {k: {} for k in KINDS})
    open: dict[str, dict[str, Any]] = field(default_factory=lambda: {k: {} for k in KINDS})
    wrong: list[str] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)
    _tried: set[str] = field(default_factory=set)

    def begin(self, invitation: str) -> list[threading.Thread]:
        """All at once, until the server is gone."""
        work = {
            "form": lambda client: self._form(client),
            "answer": lambda client: self._answer(client, invitation),
            "goal": lambda client: self._goal(client),
            "note": lambda client: self._note(client),
            "taken": lambda client: self._taken(client),
            "move": lambda client: self._move(client),
        }
        threads = [threading.Thread(target=self._until_killed, args=(work[kind],)) for kind in KINDS]
        for thread in threads:
            thread.start()
        return threads

    def wait_for_each(self, seconds: float) -> None:
        """Until something of each kind was acknowledged since, or so long, or something went wrong."""
        before, until = {kind: len(done) for kind, done in self.done.items()}, time.monotonic() + seconds
        while time.monotonic() < until and not self.wrong:
            if all(len(self.done[kind]) > before[kind] for kind in KINDS):
                return
            time.sleep(0.01)

    def again(self) -> None:
        """Send the forms that were never acknowledged once more, as a system does that heard nothing."""
        with self._client() as client:
            for name, body in list(self.open["form"].items()):
                self._sent(client, "form", name, body, "PUT", f"/fhir/QuestionnaireResponse/{name}", body)

    def _until_killed(self, work: Any) -> None:
        with self._client() as client:
            while not self.wrong:
                try:
                    work(client)
                except httpx.TransportError:
                    return
                except Exception as error:
                    self.wrong.append(repr(error))

    def _client(self) -> httpx.Client:
        return httpx.Client(base_url=self.base, timeout=20)

    def _sent(
        self, client: httpx.Client, kind: str, name: str, told: Any, method: str, url: str, body: Any
    ) -> Any:
        """Kept as open before it goes out, as done once it is acknowledged."""
        if kind == "form":
            headers = {"Authorization": f"Bearer {self.system}"}
        else:
            token = self.patient if kind in ("answer", "goal") else self.staff
            headers = {"Cookie": f"alleviate={token}", "X-CSRF-Token": csrf_of(token)}
        self.open[kind][name] = told
        answer = client.request(method, url, json=body, headers=headers)
        if not answer.is_success:
            self.wrong.append(f"{kind}: {answer.status_code} {answer.text[:300]}")
            return {}
        del self.open[kind][name]
        self.done[kind][name] = told
        return answer.json()

    def _asked(self, client: httpx.Client, url: str) -> Any:
        answer = client.get(url, headers={"Cookie": f"alleviate={self.staff}"})
        if not answer.is_success:
            self.wrong.append(f"{url}: {answer.status_code} {answer.text[:300]}")
        return answer.json()

    def _form(self, client: httpx.Client) -> None:
        name = f"killed-{next(self._numbers)}"
        body = form(name, self.people[2], datetime.now(UTC))
        self._sent(client, "form", name, body, "PUT", f"/fhir/QuestionnaireResponse/{name}", body)

    def _answer(self, client: httpx.Client, invitation: str) -> None:
        number, once = next(self._numbers), uuid.uuid4().hex
        made = int(datetime.now(UTC).timestamp() * 1000)
        body = {"key": f"phq9-{number % 8 + 1}", "value": number % 4, "made": made, "once": once}
        url = f"/api/v1/mine/questionnaires/{invitation}/answers"
        self._sent(client, "answer", once, body, "POST", url, {"saves": [body]})

    def _goal(self, client: httpx.Client) -> None:
        words = f"Goal {next(self._numbers)}"
        self._sent(client, "goal", words, words, "POST", "/api/v1/mine/goals", {"words": words})

    def _note(self, client: httpx.Client) -> None:
        words = f"Note {next(self._numbers)}"
        url = f"/api/v1/patients/{self.people[1]}/notes"
        body = {"sort": "progress", "text": words, "mention": []}
        self._sent(client, "note", words, words, "POST", url, body)

    def _taken(self, client: httpx.Client) -> None:
        """Takes each alert that there is, one time."""
        url = f"/api/v1/patients/{self.people[2]}/alerts"
        for alert in self._asked(client, url):
            if alert["id"] in self._tried or alert["state"] != "raised":
                continue
            self._tried.add(alert["id"])
            body = {"state": "acknowledged", "done": ""}
            self._sent(client, "taken", alert["id"], "", "POST", f"{url}/{alert['id']}/steps", body)

    def _move(self, client: httpx.Client) -> None:
        """Moves one decision on, again and again, each time for a reason of its own."""
        root = f"/api/v1/patients/{self.people[3]}"
        found = self._asked(client, f"{root}/advice")
        while not self.wrong:
            words = f"Move {next(self._numbers)}"
            move = {"seen": "discuss", "discussed": "withdraw", "withdrawn": "reopen"}[found["state"]]
            body = {"seen": found["seen"], "move": move}
            if move != "discuss":
                body |= {"reason": "other", "words": words}
            body["note"] = words
            found = self._sent(client, "move", words, move, "POST", f"{root}/decisions/{found['id']}", body)


KINDS = ("form", "answer", "goal", "note", "taken", "move")


def form(name: str, patient: str, at: datetime) -> dict[str, Any]:
    """A PHQ-9 in which item 9 asks for help: each raises an alert."""
    codes = [_NOT_AT_ALL] * 8 + [_SEVERAL_DAYS]
    return {
        "resourceType": "QuestionnaireResponse",
        "id": name,
        "questionnaire": "http://loinc.org/q/44249-1",
        "status": "completed",
        "subject": {"reference": f"Patient/{patient}"},
        "authored": (at - timedelta(seconds=1)).isoformat(),
        "item": [
            {"linkId": link, "answer": [{"valueCoding": {"system": _LOINC, "code": code}}]}
            for link, code in zip(_PHQ9, codes, strict=True)
        ],
    }
