"""A browser without scripts: it opens pages, sends their forms with what is hidden in them, keeps cookies."""

import html
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec
from starlette.testclient import TestClient

from alleviate.clinic.signing_in import passwords, totp
from alleviate.vault.accounts import Account, Credentials

PASSWORD = "crooked lantern fourteen geese"
"""A good one."""


@dataclass
class Visitor:
    """Somebody at their browser. ``page`` is the last answer."""

    clinic: Any
    client: TestClient = field(init=False)
    page: Any = None

    def __post_init__(self) -> None:
        self.client = self.clinic.guest()

    def open(self, url: str) -> Any:
        self.page = self.client.get(url)
        return self.page

    def send(self, url: str, **fields: str) -> Any:
        """Send the form of the last page that goes to ``url``."""
        self.page = self.client.post(url, data={**self.hidden(url), **fields})
        return self.page

    def hidden(self, url: str) -> dict[str, str]:
        """The hidden fields of the last page's form to ``url``."""
        forms = re.findall(r"<form[^>]*action=\"([^\"]*)\"[^>]*>(.*?)</form>", self.page.text, re.DOTALL)
        inside = next((body for action, body in forms if html.unescape(action) == url), None)
        assert inside is not None, f"no form to {url} in {[action for action, _ in forms]}"
        found = re.findall(r"<input type=\"hidden\" name=\"([^\"]*)\" value=\"([^\"]*)\"", inside)
        return {name: html.unescape(value) for name, value in found}

    def sign_in(self, login: str, password: str = PASSWORD, *, next: str = "") -> Any:
        self.open("/sign-in" + (f"?next={next}" if next else ""))
        return self.send("/sign-in", login=login, password=password)

    def second(self, code: str) -> Any:
        self.open("/sign-in/second")
        return self.send("/sign-in/second", code=code)

    def follow(self) -> Any:
        while self.page.status_code == 303:
            self.open(self.page.headers["location"])
        return self.page

    @property
    def token(self) -> str:
        return self.client.cookies.get("alleviate") or ""

    @property
    def is_in(self) -> bool:
        """Whether the browser can open its own account's page."""
        return self.client.get("/account/").status_code == 200

    def said(self) -> str:
        """The page's words, without its tags."""
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", self.page.text)).split())


def given(clinic: Any, login: str, **credentials: Any) -> Account:
    """The account, with these credentials; a good password where none is named."""
    account = clinic.accounts[login]
    standing = clinic.services.accounts.credentials(account.id)
    named = {"password": kept(), "changed": clinic.clock(), **credentials}
    fresh = msgspec.structs.replace(Credentials(), **named)
    clinic.services.accounts.set_credentials(account.id, fresh, seen=standing.version)
    return account


def app_code(clinic: Any, secret: bytes) -> str:
    """What the app shows now."""
    return totp.code_at(secret, clinic.clock())


@cache
def kept() -> str:
    """The hash of the good password."""
    return passwords.hashed(PASSWORD)


SECRET = b"20 bytes of an app's"
