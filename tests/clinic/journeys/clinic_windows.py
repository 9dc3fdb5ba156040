"""A clinic that answers at an address, and the windows of a browser in which people use it."""

import base64
import hashlib
import hmac
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import uvicorn
from made_clinic import Made
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page

from alleviate.clinic.wiring import build

__all__ = ["DESK", "PHONE", "Windows", "code_of_app", "free_port", "served", "signed_in_as", "tab_to"]

DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}

_BROKEN = """addEventListener('securitypolicyviolation',
  (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`))"""


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def served(made: Made, port: int) -> Iterator[str]:
    """The clinic at a port of this machine, as it runs for people: with its keeper."""
    app = build(made.services, keep=True)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    ends = time.monotonic() + 30
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        assert time.monotonic() < ends, "the server takes long to start"
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive(), "the server did not stop"


@dataclass
class Windows:
    """Opens windows and notes what goes wrong in any of them: errors of scripts, refusals of the policy.

    ``wrong`` has them all, but for answers with an error's status, which the console tells of too: a test
    that sends what is refused sees those itself.
    """

    browser: Browser
    address: str
    wrong: list[str] = field(default_factory=list)
    opened: list[BrowserContext] = field(default_factory=list)

    def open(
        self, *, size: dict[str, int] | None = None, token: str = "", scripts: bool = True, **more: Any
    ) -> Page:
        """A window in which nothing is known of the others; with ``token`` somebody is signed in."""
        context = self.browser.new_context(viewport=size or DESK, java_script_enabled=scripts, **more)  # type: ignore[arg-type]
        context.set_default_timeout(10_000)
        self.opened.append(context)
        if scripts:
            context.add_init_script(_BROKEN)
        if token:
            context.add_cookies([{"name": "alleviate", "value": token, "url": self.address}])
        page = context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.wrong.append(f"{page.url}: {error}"))
        return page

    def close(self) -> None:
        for context in self.opened:
            context.close()
        self.opened.clear()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.wrong.append(f"{message.location['url']}: {message.text}")


def signed_in_as(made: Made, login: str) -> str:
    """The token of a fresh session of this account."""
    token: str = made.services.accounts.open_session(
        made.accounts[login].id,
        made.clock(),
        idle=timedelta(minutes=30),
        absolute=timedelta(hours=1),
        method="test",
    )
    return token


def code_of_app(spelled: str, ahead: int = 0) -> str:
    """What an authenticator app shows (RFC 6238), ``ahead`` half minutes from now."""
    letters = "".join(spelled.split())
    secret = base64.b32decode(letters + "=" * (-len(letters) % 8))
    step = int(time.time()) // 30 + ahead
    mac = hmac.new(secret, struct.pack(">Q", step), hashlib.sha1).digest()
    place = mac[-1] & 15
    number = struct.unpack(">I", mac[place : place + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def tab_to(page: Page, wanted: Locator, most: int = 90) -> None:
    """Press Tab until ``wanted`` has the focus, which must be seen there."""
    wanted.wait_for()
    for _ in range(most + 1):
        if wanted.evaluate("(each) => each === document.activeElement"):
            assert page.evaluate(_SEEN), f"nobody sees where the focus is: {wanted}"
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{most} times Tab do not reach {wanted}")


_SEEN = """() => {
  const style = getComputedStyle(document.activeElement);
  return document.activeElement.matches(':focus-visible')
    && ((style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none');
}"""
