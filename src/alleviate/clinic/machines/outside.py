"""Asks other systems over the network, and lets nobody steer where to: addresses are checked, then held to.

Server-side request forgery: https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
"""

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from alleviate.terms.errors import AlleviateError

__all__ = ["Outside", "OutsideError", "same_place"]

_TRANSLATED = tuple(
    ip_network(block) for block in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")
)
"""IPv6 that means an IPv4 address which would escape the check: NAT64, 6to4, Teredo, IPv4-compatible."""

_PORTS = {"https": 443, "http": 80}
Resolve = Callable[[str, int], list[str]]


class OutsideError(AlleviateError):
    """Another system could not be asked, or its answer cannot be used. Names no patient and no secret."""


def _addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


@dataclass(frozen=True, slots=True)
class Outside:
    """``private``: whether systems in a private network may be asked, and without TLS: inside a hospital's
    own network, and in tests. ``seconds``: for a whole answer; ``most``: its bytes. Redirects and the
    environment's proxies are never followed.
    """

    private: bool = False
    seconds: float = 3.0
    most: int = 1 << 20
    resolve: Resolve = _addresses

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        """The JSON at ``url``. Raises OutsideError."""
        return self._asked("GET", url, dict(headers or {}), None)

    def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Any:
        """The JSON that answers a form. Raises OutsideError."""
        return self._asked("POST", url, dict(headers or {}), dict(form))

    def _asked(self, method: str, url: str, headers: dict[str, str], form: dict[str, str] | None) -> Any:
        until = monotonic() + self.seconds
        asked = self._to_address(method, url, headers, form)
        host = asked.headers["host"]
        try:
            with (
                httpx.Client(trust_env=False, follow_redirects=False, timeout=self.seconds) as client,
                _Sent(client, asked) as answer,
            ):
                if answer.status_code != 200:
                    raise OutsideError(f"{host} answered {answer.status_code}, where 200 was expected.")
                body = bytearray()
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > self.most:
                        raise OutsideError(f"{host} sent more than {self.most:,} bytes.")
                    if monotonic() > until:
                        raise OutsideError(f"{host} took more than {self.seconds:g} seconds.")
            return msgspec.json.decode(bytes(body))
        except httpx.HTTPError as error:
            raise OutsideError(f"{host} cannot be reached ({type(error).__name__}).") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise OutsideError(f"{host} sent something that is not JSON.") from None

    def _to_address(
        self, method: str, url: str, headers: dict[str, str], form: dict[str, str] | None
    ) -> httpx.Request:
        """The request, to the one address that was checked: asking the name again could give another."""
        try:
            parts = httpx.URL(url)
        except (httpx.InvalidURL, TypeError):
            raise OutsideError(
                "An address could not be read.", hint="Write it as https://host/path."
            ) from None
        if parts.scheme not in (("https", "http") if self.private else ("https",)):
            raise OutsideError(f"{parts.host or 'An address'} must be asked over https.", hint="Use https.")
        if not parts.host or parts.userinfo:
            raise OutsideError("An address names a host, and no user.", hint="Write it as https://host/path.")
        address = self._checked(parts.host, parts.port or _PORTS[parts.scheme])
        pinned = parts.copy_with(host=address)
        name = parts.netloc.decode("ascii")
        sent = {"accept": "application/json", **headers, "host": name, "accept-encoding": "identity"}
        extensions = {"sni_hostname": parts.host, "timeout": httpx.Timeout(self.seconds).as_dict()}
        return httpx.Request(method, pinned, headers=sent, data=form, extensions=extensions)

    def _checked(self, host: str, port: int) -> str:
        """An address of ``host``; where one of several is not public, none is used."""
        try:
            found = self.resolve(host, port)
        except (OSError, UnicodeError):
            raise OutsideError(f"{host[:100]} is not known.", hint="Check the name.") from None
        if not found or not all(self.private or _public(address) for address in found):
            raise OutsideError(
                f"{host[:100]} lies in a private network, which is not asked.",
                hint="Only addresses of the internet are, unless the settings permit private ones.",
            )
        return found[0]


def same_place(url: str, base: str) -> bool:
    """Whether ``url`` is ``base`` or below it: scheme, host, port and the beginning of the path."""
    one, other = urlsplit(url), urlsplit(base)
    try:
        ports = [part.port or _PORTS.get(part.scheme) for part in (one, other)]
    except ValueError:
        return False
    if (one.scheme, one.hostname, ports[0]) != (other.scheme, other.hostname, ports[1]) or one.username:
        return False
    below, path = other.path.rstrip("/"), one.path
    return (path == below or path.startswith(f"{below}/")) and "/.." not in path and "\\" not in path


def _public(text: str) -> bool:
    address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            address = address.ipv4_mapped
        elif any(address in block for block in _TRANSLATED):
            return False
    return address.is_global and not address.is_multicast


class _Sent:
    """One answer, read as it comes, closed whatever happens."""

    def __init__(self, client: httpx.Client, request: httpx.Request) -> None:
        self._client, self._request = client, request

    def __enter__(self) -> httpx.Response:
        self._answer = self._client.send(self._request, stream=True)
        return self._answer

    def __exit__(self, *_: object) -> None:
        self._answer.close()
