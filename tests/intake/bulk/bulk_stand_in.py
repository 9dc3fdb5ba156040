"""A small real HTTP server that answers as it is told: for what a well-behaved FHIR server cannot show."""

import json
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from alleviate.intake.bulk import Limits

QUICK = Limits(total=20, first_wait=0.01, longest_wait=0.05, failures=3, silence=2)


@dataclass
class Answer:
    """``cut``: so many bytes of the body are sent before the line goes dead."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


@dataclass
class Asked:
    method: str
    path: str
    headers: Message
    body: bytes


class StandIn:
    """``answers[path]`` are given one after the other, the last one for ever; ``asked`` is what came."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: dict[str, list[Answer]] = defaultdict(lambda: [Answer(404)])
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                path = self.path.partition("?")[0].replace("%24", "$")
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                stand_in.asked.append(Asked(self.command, path, self.headers, body))
                waiting = stand_in.answers[path]
                given = waiting.pop(0) if len(waiting) > 1 else waiting[0]
                self.send_response(given.status)
                for name, value in given.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(given.body)))
                self.end_headers()
                self.wfile.write(given.body[: given.cut])
                self.close_connection = given.cut is not None

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *ignored: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}/fhir"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def offer(self, files: dict[str, list[Answer]], **more: Any) -> None:
        """An export of these files, one of each type; ``more`` goes into the manifest."""
        self.answers["/fhir/$export"] = [Answer(202, headers={"Content-Location": f"{self.base}/status/1"})]
        output = [{"type": kind, "url": f"{self.base}/files/{kind}"} for kind in files]
        manifest = {"transactionTime": "2024-05-06T09:00:00Z", "request": "", "requiresAccessToken": False}
        self.answers["/fhir/status/1"] = [as_json({**manifest, "output": output, "error": [], **more})]
        for kind, answers in files.items():
            self.answers[f"/fhir/files/{kind}"] = answers

    def with_smart(self, *tokens: str, expires_in: int = 300) -> None:
        """Hand out these tokens, and say where."""
        origin = self.base.removesuffix("/fhir")
        self.answers["/fhir/.well-known/smart-configuration"] = [
            as_json({"token_endpoint": f"{origin}/token"})
        ]
        self.answers["/token"] = [as_json({"access_token": t, "expires_in": expires_in}) for t in tokens]

    def of(self, path: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.path == path]

    def tokens_sent_to(self, path: str) -> list[str | None]:
        return [asked.headers.get("authorization") for asked in self.of(path)]


def as_json(data: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(data).encode(), {"Content-Type": "application/json"})


def lines(kind: str, count: int) -> bytes:
    return b"".join(b'{"resourceType":"%s","id":"%d"}\n' % (kind.encode(), number) for number in range(count))
