"""Other systems are asked only where they may be: no private address, no redirect, no flood."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from signed_systems import System

from alleviate.clinic.machines.keysets import KeySets
from alleviate.clinic.machines.outside import Outside, OutsideError, same_place


@contextmanager
def serving(answer: Any) -> Iterator[str]:
    """A server on this machine; ``answer`` is called with each request."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def sends(body: bytes, status: int = 200, **headers: str) -> Any:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return answer


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.4.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:1::1", "::7f00:1",
    ],
)  # fmt: skip
def test_a_name_that_leads_into_a_private_network_is_not_asked(address: str) -> None:
    outside = Outside(resolve=lambda _host, _port: [address])
    with pytest.raises(OutsideError, match="private network"):
        outside.get("https://keys.example.org/jwks")


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    outside = Outside(resolve=lambda _host, _port: ["93.184.215.14", "127.0.0.1"])
    with pytest.raises(OutsideError, match="private network"):
        outside.get("https://keys.example.org/jwks")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "2130706433", "0x7f000001", "127.1"])
def test_no_spelling_of_this_machine_is_asked(host: str) -> None:
    with pytest.raises(OutsideError):
        Outside(seconds=1).get(f"https://{host}/")


@pytest.mark.parametrize(
    "url", ["http://93.184.215.14/", "file:///etc/passwd", "ftp://x.example/", "gopher://x/", "", "https://", "https://user:pw@x.example/"]
)  # fmt: skip
def test_only_https_without_a_user_is_asked(url: str) -> None:
    outside = Outside(resolve=lambda _host, _port: ["93.184.215.14"])
    with pytest.raises(OutsideError):
        outside.get(url)


def test_the_address_that_was_checked_is_the_one_that_is_asked() -> None:
    """A name that leads elsewhere the second time is not asked a second time."""
    asked: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    seen: list[str] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        seen.append(str(request.headers["Host"]))
        sends(b"{}")(request)

    with serving(answer) as base:
        port = base.rpartition(":")[2]
        assert Outside(private=True, resolve=resolve).get(f"http://keys.example.org:{port}/") == {}
    assert asked == ["keys.example.org"]
    assert seen == [f"keys.example.org:{port}"]


def test_a_redirect_is_not_followed() -> None:
    with (
        serving(sends(b"{}")) as inner,
        serving(sends(b"", 302, Location=inner)) as base,
        pytest.raises(OutsideError, match="302"),
    ):
        Outside(private=True).get(base)


def test_an_answer_without_end_is_cut_off() -> None:
    with serving(sends(b" " * 3_000_000 + b"{}")) as base, pytest.raises(OutsideError, match="bytes"):
        Outside(private=True).get(base)


def test_an_answer_that_drips_is_cut_off() -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        for _ in range(20):
            try:
                request.wfile.write(b" ")
                request.wfile.flush()
            except OSError:
                return
            time.sleep(0.1)

    began = time.monotonic()
    with serving(answer) as base, pytest.raises(OutsideError, match="seconds"):
        Outside(private=True, seconds=0.5).get(base)
    assert time.monotonic() - began < 2.5


@pytest.mark.parametrize("body", [b"<html>", b"", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with serving(sends(body)) as base, pytest.raises(OutsideError, match="not JSON"):
        Outside(private=True).get(base)


def test_a_server_that_is_not_there_is_said_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(OutsideError, match="cannot be reached"):
        Outside(private=True).get(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    ("url", "base", "same"),
    [
        ("https://a.example/fhir/Patient", "https://a.example/fhir", True),
        ("https://a.example/fhir", "https://a.example/fhir/", True),
        ("https://a.example:443/fhir", "https://a.example/fhir", True),
        ("https://a.example/fhirs", "https://a.example/fhir", False),
        ("https://a.example.evil/fhir", "https://a.example/fhir", False),
        ("https://u@a.example/fhir", "https://a.example/fhir", False),
        ("http://a.example/fhir", "https://a.example/fhir", False),
        ("https://a.example:8443/fhir", "https://a.example/fhir", False),
        ("https://a.example/fhir/../admin", "https://a.example/fhir", False),
        ("https://a.example:x/fhir", "https://a.example/fhir", False),
    ],
)
def test_a_place_is_the_same_by_scheme_host_port_and_path(url: str, base: str, same: bool) -> None:
    assert same_place(url, base) is same


def test_fetched_keys_are_kept_and_a_new_name_is_looked_for_once() -> None:
    system, asked = System(), list[str]()

    class Counting(Outside):
        def get(self, url: str, headers: Any = None) -> Any:
            asked.append(url)
            return system.jwks

    keys = KeySets(Counting())
    for _ in range(5):
        assert keys.find(None, "https://x.example/jwks", "key-1", "ES384") is not None
    assert len(asked) == 1
    for n in range(50):
        assert keys.find(None, "https://x.example/jwks", f"unknown-{n}", "ES384") is None
    assert len(asked) == 1, "whoever sends tokens with made-up names makes us ask nobody"


def test_an_address_that_fails_is_not_asked_again_at_once() -> None:
    asked = list[str]()

    class Failing(Outside):
        def get(self, url: str, headers: Any = None) -> Any:
            asked.append(url)
            raise OutsideError("down")

    keys = KeySets(Failing())
    with pytest.raises(OutsideError):
        keys.find(None, "https://x.example/jwks", "key-1", "ES384")
    assert keys.find(None, "https://x.example/jwks", "key-1", "ES384") is None
    assert len(asked) == 1
