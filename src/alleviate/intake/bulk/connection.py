"""One server, asked politely: over https, the token for its own origin only, again later if it is busy."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Self

import httpx

from alleviate.intake.bulk.credentials import Credentials, SigningKey, assertion, load_key
from alleviate.intake.bulk.limits import Limits
from alleviate.terms.errors import DataError, InputError

__all__ = ["Connection"]

BUSY = frozenset({429, 502, 503, 504})
REDIRECTED = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 5
TOKEN_MARGIN = 30
"""Seconds before its end at which a token counts as used up."""

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_Form = Callable[[], Mapping[str, str]]


class Connection:
    """Requests to the FHIR server at ``base_url``, in a ``with``. Raises InputError for a bad URL or key."""

    def __init__(self, base_url: str, credentials: Credentials | None, limits: Limits) -> None:
        self.base = base_url.rstrip("/")
        self._loopback = _is_loopback(_parsed(base_url).host)
        self._trusted = {_origin(self._safe(base_url))}
        self._who: tuple[Credentials, SigningKey] | None = None
        if credentials:
            self._who = (credentials, load_key(credentials.key_path))
            self._trusted |= {_origin(self._safe(origin)) for origin in credentials.origins}
        self._token: str | None = None
        self._token_ends = 0.0
        self._token_url = credentials and credentials.token_url
        self.limits = limits
        self._deadline = monotonic() + limits.total
        timeout = httpx.Timeout(limits.silence, connect=min(15.0, limits.silence))
        self._client = httpx.Client(timeout=timeout, headers={"User-Agent": "alleviate"})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    @contextmanager
    def ask(
        self, url: str, headers: Mapping[str, str], *, method: str = "GET", token: bool = True
    ) -> Iterator[httpx.Response]:
        """The answer to a request, its body yet to be read; what is busy or lost was asked again.

        ``token=False`` sends none. Raises InputError, and httpx.TransportError while the body is read.
        """
        response = self._answered(method, url, headers, token=token)
        try:
            yield response
        finally:
            response.close()

    def json(self, response: httpx.Response) -> Any:
        """The body as JSON. Raises DataError where it is none or too large."""
        try:
            return json.loads(self._body(response))
        except (ValueError, RecursionError):
            raise DataError(
                f"{_bare(response.url)}: expected JSON, got {_kind(response)}.",
                hint="Check the server's address: it ends where /metadata is found.",
            ) from None

    def words(self, response: httpx.Response) -> str:
        """What the server says is wrong, as one line."""
        return _said(response, self._body(response))

    def pause(self, failures: int, asked: str | None = None) -> None:
        """Wait as long as the server ``asked`` (Retry-After), else twice as long with each failure.

        Raises InputError where the time is up.
        """
        wait = self.limits.first_wait * 2 ** min(failures, 16) if asked is None else _seconds(asked)
        wait = min(wait, self.limits.longest_wait)
        if monotonic() + wait > self._deadline:
            raise InputError(
                f"{self.base} was not ready within {self.limits.total:g} s.",
                hint="Run the same command again later: it goes on where it stopped.",
            )
        sleep(wait)

    def check_time(self) -> None:
        """Raise InputError where the time is up."""
        self.pause(0, "0")

    def _answered(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        token: bool = False,
        form: _Form | None = None,
    ) -> httpx.Response:
        failures, renewed = 0, False
        while True:
            try:
                response = self._followed(method, url, headers, token, form)
            except httpx.TransportError as error:
                failures += 1
                if failures >= self.limits.failures:
                    raise InputError(
                        f"{_bare(url)} cannot be reached: {_reason(error)}.",
                        hint="Check the address and the network, then run the same command again.",
                    ) from None
                self.pause(failures - 1)
                continue
            status, asked = response.status_code, response.headers.get("retry-after")
            if status == 401 and token and self._who and not renewed:
                self._token, renewed = None, True
            elif status in BUSY:
                failures += asked is None
                if failures >= self.limits.failures:
                    return response
                response.close()
                self.pause(failures - 1, asked)
                continue
            else:
                return response
            response.close()

    def _followed(
        self, method: str, url: str, headers: Mapping[str, str], token: bool, form: _Form | None
    ) -> httpx.Response:
        target = self._safe(url)
        if token and self._who and _origin(target) not in self._trusted:
            raise InputError(
                f"{self.base} wants our token sent to another server, {_origin(target)}.",
                hint="Name it among the origins of the credentials if it belongs to the same owner.",
            )
        for _ in range(MOST_REDIRECTS):
            sent = {**headers, "Accept-Encoding": "gzip"}
            if token and self._who and _origin(target) in self._trusted:
                sent["Authorization"] = f"Bearer {self._current_token(*self._who)}"
            request = self._client.build_request(method, target, headers=sent, data=form and form())
            response = self._client.send(request, stream=True)
            if response.status_code not in REDIRECTED or form:
                return response
            response.close()
            target = self._safe(str(target.join(response.headers.get("location", ""))))
        raise DataError(
            f"{_bare(url)} leads on more than {MOST_REDIRECTS} times.", hint="Check the server's address."
        )

    def _safe(self, url: str) -> httpx.URL:
        parsed = _parsed(url)
        plain = parsed.scheme == "http" and self._loopback and _is_loopback(parsed.host)
        if not (parsed.host and (parsed.scheme == "https" or plain)) or parsed.userinfo:
            raise InputError(
                f"Expected an address with https and without a password, got {_bare(url)}.",
                hint="Records and tokens travel encrypted only; http is for a server on this machine.",
            )
        return parsed

    def _current_token(self, who: Credentials, key: SigningKey) -> str:
        if self._token is None or monotonic() > self._token_ends:
            self._token = self._new_token(who, key)
        return self._token

    def _new_token(self, who: Credentials, key: SigningKey) -> str:
        url = self._token_url = self._token_url or self._discovered()

        def form() -> dict[str, str]:  # made anew for each try: a server takes an assertion once
            return {
                "grant_type": "client_credentials",
                "scope": who.scope,
                "client_assertion_type": _ASSERTION,
                "client_assertion": assertion(who.client_id, key, url),
            }

        response = self._answered("POST", url, {"Accept": "application/json"}, form=form)
        try:
            if response.status_code != 200:
                raise InputError(
                    f"{_bare(url)} gave {who.client_id} no token: {self.words(response)}.",
                    hint="Check the client id, its registered public key and the scope.",
                )
            answer = self.json(response)
        finally:
            response.close()
        token, lives = (
            (answer.get("access_token"), answer.get("expires_in", 300)) if _is_dict(answer) else (0, 0)
        )
        if not (isinstance(token, str) and token.isascii() and token.isprintable() and token):
            raise DataError(
                f"{_bare(url)}: the answer holds no access_token.", hint="Check the token address."
            )
        seconds = lives if isinstance(lives, int | float) else 300
        self._token_ends = monotonic() + max(seconds - TOKEN_MARGIN, seconds / 2)
        return token

    def _discovered(self) -> str:
        url = f"{self.base}/.well-known/smart-configuration"
        response = self._answered("GET", url, {"Accept": "application/json"})
        try:
            found = self.json(response) if response.status_code == 200 else {}
        finally:
            response.close()
        endpoint = found.get("token_endpoint") if _is_dict(found) else None
        if not isinstance(endpoint, str):
            raise InputError(
                f"{url} names no token_endpoint (answer {response.status_code}).",
                hint="Give the address that hands out tokens.",
            )
        return endpoint

    def _body(self, response: httpx.Response) -> bytes:
        body = bytearray()
        for chunk in response.iter_bytes(65536):
            body += chunk
            if len(body) > self.limits.answer_size:
                raise DataError(
                    f"{_bare(response.url)}: the answer is larger than {self.limits.answer_size:,} bytes.",
                    hint="Check the server's address.",
                )
            self.check_time()
        return bytes(body)


def _said(response: httpx.Response, body: bytes) -> str:
    """What a server says is wrong, as one short line: its status, and its own words where it has some."""
    words = ""
    try:
        answer = json.loads(body)
        if "issue" in answer:
            issues = [i.get("diagnostics") or i.get("details", {}).get("text", "") for i in answer["issue"]]
            words = "; ".join(issues)
        else:
            words = " ".join(str(answer[name]) for name in ("error", "error_description") if name in answer)
    except (ValueError, TypeError, AttributeError, RecursionError):
        pass
    words = "".join(c if c.isprintable() else " " for c in words)[:300].strip(" .")
    return f"{response.status_code} {response.reason_phrase}".strip() + (f", {words}" if words else "")


def _kind(response: httpx.Response) -> str:
    return str(response.headers.get("content-type", "something else"))


def _is_dict(value: object) -> bool:
    return isinstance(value, dict)


def _parsed(url: str) -> httpx.URL:
    try:
        return httpx.URL(url)
    except (httpx.InvalidURL, TypeError):
        raise InputError(f"Not an address: {url!r}.", hint="Like https://server.example/fhir.") from None


def _bare(url: httpx.URL | str) -> str:
    """An address to show: without what may be secret in it."""
    return str(url).partition("?")[0].rpartition("@")[2]


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode()}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _seconds(asked: str) -> float:
    """Of a Retry-After header: seconds, or the time until a date."""
    try:
        return min(max(0.0, float(asked)), 1e9)
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return 1.0


def _reason(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    return str(error).partition("\n")[0][:200].strip(" .") or type(error).__name__
