"""How a clinic is run: from the command line and the environment; what is unsafe is refused at the start."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import sqlalchemy as sa

from alleviate.packages import home
from alleviate.terms.errors import InputError

__all__ = ["PREFIX", "Settings"]

PREFIX = "ALLEVIATE_CLINIC_"
"""Of each setting in the environment: ``ALLEVIATE_CLINIC_BASE_URL``."""

_FEWEST_SECRET = 20
_TELEPHONE = re.compile(r"\+?[0-9(][0-9 ()/-]{2,28}").fullmatch
_GUESSED = ("changeme", "change-me", "secret", "password", "alleviate", "postgres", "admin", "test", "demo")


@dataclass(frozen=True, slots=True)
class Settings:
    """``vault``: a path or a PostgreSQL URL. ``base_url``: as browsers see the clinic, without a path.

    Times in minutes. ``origins``: of other sites' scripts that may call CDS Hooks. ``fhir_servers``: base
    URLs that may be asked for data. ``oidc``: a JSON file of identity providers. ``private_addresses``:
    whether these may lie in a private network. ``proxies``: addresses or networks of those whose word about
    where a request came from is believed. ``metrics_token``: who asks for metrics from elsewhere shows
    it. ``country`` (ISO 3166) is for the crisis help; ``telephone``: on which patients reach the clinic, as
    people write it. Raises InputError for what is unsafe.
    """

    vault: str = field(default_factory=lambda: str(home() / "clinic.vault"))
    packages: Path = field(default_factory=lambda: home() / "packages")
    base_url: str = "http://127.0.0.1:8000"
    demo: bool = False
    name: str = "Alleviate"
    country: str = "GB"
    telephone: str = ""
    idle_minutes: int = 15
    patient_idle_minutes: int = 30
    absolute_minutes: int = 12 * 60
    glass_minutes: int = 60
    second_factor: bool = True
    oidc: Path | None = None
    origins: tuple[str, ...] = ()
    fhir_servers: tuple[str, ...] = ()
    private_addresses: bool = False
    metrics_token: str = field(default="", repr=False)
    proxies: tuple[str, ...] = ()
    body_mebibytes: int = 20

    def __post_init__(self) -> None:
        self._check_address()
        self._check_database()
        if self.telephone and not _TELEPHONE(self.telephone):
            raise InputError(
                f"A telephone number is 3 digits or more, with spaces, got {self.telephone!r}.",
                hint="Write it as patients dial it: 020 7946 0000.",
            )
        if not self.second_factor and not self.loopback:
            raise InputError(
                "Signing in without a second factor is for this machine alone, and the clinic is at "
                f"{self.base_url}.",
                hint="Leave the second factor on.",
            )
        if self.demo and not self.loopback:
            raise InputError(
                f"A demonstration runs on this machine alone, not at {self.base_url}.",
                hint="Leave --base-url out.",
            )
        if self.metrics_token and guessable(self.metrics_token):
            raise InputError(
                f"The metrics' token must be {_FEWEST_SECRET} characters or more that nobody can guess.",
                hint="Make one with: openssl rand -hex 32",
            )
        for name in ("idle_minutes", "patient_idle_minutes", "absolute_minutes", "glass_minutes"):
            if not 1 <= getattr(self, name) <= 7 * 24 * 60:
                raise InputError(
                    f"{name} is from 1 minute to a week, got {getattr(self, name)}.", hint="Choose another."
                )

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None, **given: Any) -> Self:
        """What is ``given`` (None: not), else what the environment says, else defaults. Raises InputError."""
        environment = os.environ if environment is None else environment
        known = {each.name: each for each in fields(cls)}
        found = {name: value for name, value in given.items() if value is not None}
        for variable, text in environment.items():
            name = variable.removeprefix(PREFIX).lower()
            if not variable.startswith(PREFIX) or name in found:
                continue
            if name not in known:
                raise InputError(f"There is no setting {variable}.", hint=f"One of: {', '.join(known)}.")
            found[name] = _read(variable, text, known[name].type)
        return cls(**found)

    def environment(self) -> dict[str, str]:
        """The same as variables: for workers, which read them anew."""
        told = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if value is None:
                continue
            told[PREFIX + each.name.upper()] = ",".join(value) if isinstance(value, tuple) else str(value)
        return told

    @property
    def secure(self) -> bool:
        """Whether browsers come by https."""
        return self.base_url.startswith("https://")

    @property
    def loopback(self) -> bool:
        return _loopback(urlsplit(self.base_url).hostname or "")

    def _check_address(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
            raise InputError(
                f"The base URL is http(s)://host[:port] without a path, got {self.base_url!r}.",
                hint="As people's browsers see it.",
            )
        if parts.scheme == "http" and not self.loopback:
            raise InputError(
                f"Patients' data may not travel unencrypted: {self.base_url} is http and not this machine.",
                hint="Put a proxy with TLS before it and give its https address as --base-url.",
            )

    def _check_database(self) -> None:
        if not self.vault.startswith(("postgresql", "postgres:")):
            return
        url = sa.make_url(self.vault)
        host = url.host or str(url.query.get("host", ""))
        if url.password and guessable(str(url.password), fewest=12):  # an empty one is none
            raise InputError(
                "The password of the PostgreSQL vault could be guessed.",
                hint="Choose 12 characters or more at random.",
            )
        tls = str(url.query.get("sslmode", ""))
        local = not host or host.startswith("/") or _loopback(host)
        if not local and tls not in ("require", "verify-ca", "verify-full") and "." in host:
            raise InputError(
                f"Patients' data may not travel unencrypted to the database at {host}.",
                hint="Add ?sslmode=verify-full to its URL.",
            )


def guessable(secret: str, *, fewest: int = _FEWEST_SECRET) -> bool:
    """Whether a secret is short, repeats few characters, or is one of those that everybody writes."""
    plain = secret.lower()
    return len(secret) < fewest or len(set(secret)) < 8 or any(plain.startswith(word) for word in _GUESSED)


def _loopback(host: str) -> bool:
    if host in ("localhost", "localhost.localdomain"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _read(variable: str, text: str, kind: Any) -> Any:
    try:
        if kind is bool:
            return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
        if kind is int:
            return int(text)
    except (KeyError, ValueError):
        words = "true or false" if kind is bool else "a whole number"
        raise InputError(f"{variable} is {words}, got {text!r}.", hint="Correct it.") from None
    if kind is str:
        return text
    if kind == tuple[str, ...]:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return Path(text)
