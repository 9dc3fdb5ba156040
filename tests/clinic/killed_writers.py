"""Who writes to the server that is killed: each keeps what was acknowledged, and what was not."""

import threading
import time
import uuid
from collections import deque
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
    """``done``: by what names a write, what was told. ``open``: sent, and never acknowledged.

    ``filing``: people about whom forms come in; ``deciding``: people for whom a rule speaks.
    ``opened``: of which advice is whose, as it was answered.
    ``repeated``: how many writes were sent twice.
    """

    base: str
    staff: str
    patient: str
    system: str
    people: list[str]
    filing: list[str]
    deciding: list[str]
    done: dict[str, dict[str, Any]] = field(default_factory=lambda: {k: {} for k in KINDS})
    open: dict[str, dict[str, Any]] = field(default_factory=lambda: {k: {} for k in KINDS})
    wrong: list[str] = field(default_factory=list)
    repeated: int = 0
    opened: dict[str, str] = field(default_factory=dict)
    _requests: dict[tuple[str, str], tuple[Any, str, str, Any]] = field(default_factory=dict)
    _last: dict[str, str] = field(default_factory=dict)
    _filed: deque[str] = field(default_factory=deque)
    _numbers: "count[int]" = field(default_factory=count)

    def begin(self, invitation: str) -> list[threading.Thread]:
        """All at once, until the server is gone."""
        work = {
            "form": lambda client: self._form(client),
            "answer": lambda client: self._answer(client, invitation),
            "goal": lambda client: self._goal(client),
            "note": lambda client: self._note(client),
            "alert": lambda client: self._alerts(client),
            "decision": lambda client: self._decide(client),
            "move": lambda client: self._move(client),
        }
        threads = [threading.Thread(target=self._until_killed, args=(each,)) for each in work.values()]
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
        """As a client does that heard nothing: what was never acknowledged is sent once more, letter by
        letter; and of each kind the last that was acknowledged, as a client does whose answer was lost.
        """
        with self._client() as client:
            for kind in SENT_AGAIN:
                for name in [*self.open[kind], *([self._last[kind]] if kind in self._last else ())]:
                    self._sent(client, kind, name, *self._requests[kind, name])
                    self.repeated += 1

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
        self._requests[kind, name] = told, method, url, body
        answer = client.request(method, url, json=body, headers=headers)
        if not answer.is_success:
            self.wrong.append(f"{kind}: {answer.status_code} {answer.text[:300]}")
            return {}
        del self.open[kind][name]
        self.done[kind][name] = told
        self._last[kind] = name
        said = answer.json()
        if kind == "opened":
            self.opened[said["id"]] = told
        return said

    def _asked(self, client: httpx.Client, url: str) -> Any:
        answer = client.get(url, headers={"Cookie": f"alleviate={self.staff}"})
        if not answer.is_success:
            self.wrong.append(f"{url}: {answer.status_code} {answer.text[:300]}")
        return answer.json()

    def _form(self, client: httpx.Client) -> None:
        number = next(self._numbers)
        name, patient = f"killed-{number}", self.filing[number % len(self.filing)]
        body = form(name, patient, datetime.now(UTC))
        self._sent(client, "form", name, body, "PUT", f"/fhir/QuestionnaireResponse/{name}", body)
        self._filed.append(patient)

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

    def _alerts(self, client: httpx.Client) -> None:
        """Takes each alert of whoever sent a form last, and resolves it."""
        if not self._filed:
            time.sleep(0.01)
            return
        url = f"/api/v1/patients/{self._filed.pop()}/alerts"
        for alert in self._asked(client, url):
            for step in _NEXT.get(alert["state"], ()):
                words = f"Resolved {next(self._numbers)}" if step == "resolved" else ""
                body = {"state": "acknowledged" if step == "taken" else step, "done": words}
                self._sent(client, step, alert["id"], words, "POST", f"{url}/{alert['id']}/steps", body)

    def _decide(self, client: httpx.Client) -> None:
        """Opens advice anew, for what the record says has changed, and accepts or overrides it."""
        number = next(self._numbers)
        patient = self.deciding[number % len(self.deciding)]
        root, words = f"/api/v1/patients/{patient}", f"Decision {number}"
        note = {"sort": "progress", "text": f"Note {number}", "mention": []}
        self._sent(client, "note", note["text"], patient, "POST", f"{root}/notes", note)
        url = f"{root}/advice?question=severity"
        found = self._sent(client, "opened", f"{words} {patient}", patient, "GET", url, None)
        if self.wrong:
            return
        arms = [option["arm"] for option in found["proposal"]["options"]]
        body = {"seen": found["seen"], "chosen": found["proposal"]["first"], "note": words}
        if number % 2:
            other = next(arm for arm in arms if arm != body["chosen"])
            body |= {"chosen": other, "reason": "judgement", "words": f"Because {number}"}
        told = {"proposal": found["id"], **body}
        url = f"{root}/decisions/{found['id']}"
        self._sent(client, "overridden" if number % 2 else "accepted", words, told, "POST", url, body)

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


_NEXT = {"raised": ("taken", "resolved"), "acknowledged": ("resolved",)}
KINDS = (
    *("form", "answer", "goal", "note", "taken", "resolved"),
    *("opened", "accepted", "overridden", "move"),
)
SENT_AGAIN = ("form", "answer", "opened", "accepted", "overridden", "move")
"""What a client may send twice; an alert's state and a note's page say whether it was taken."""


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
