"""The identity providers whose word counts: those of the settings' file, and no other."""

import stat
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from alleviate.clinic.settings import Settings
from alleviate.terms.errors import InputError

__all__ = ["Provider", "provider", "providers"]

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Provider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``id`` stands in our addresses, ``name`` on the button. ``client_secret`` "": we are a public client.

    ``second_factor``: whether who comes from there has shown one already.
    """

    id: str
    name: str
    issuer: str
    client_id: str
    client_secret: str = ""
    scope: str = "openid"
    second_factor: bool = False

    def __repr__(self) -> str:
        return f"Provider({self.id})"


def providers(settings: Settings) -> tuple[Provider, ...]:
    """Those of the file ``settings.oidc``, read once. Raises InputError for what it must not say."""
    return _read(settings.oidc) if settings.oidc is not None else ()


def provider(settings: Settings, id: str) -> Provider | None:
    return next((each for each in providers(settings) if each.id == id), None)


@cache
def _read(path: Path) -> tuple[Provider, ...]:
    try:
        if path.stat().st_mode & _OTHERS:
            raise InputError(
                f"The identity providers' file {path} holds secrets, but others can reach it.",
                hint=f"Run: chmod 600 '{path}'",
            )
        found = msgspec.json.decode(path.read_bytes(), type=tuple[Provider, ...])
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", hint="Name another file.") from None
    except msgspec.MsgspecError as error:
        raise InputError(
            f"{path} is a JSON list of identity providers, but {error}.",
            hint="Each has id, name, issuer, client_id and, if there is one, client_secret.",
        ) from None
    for each in found:
        _check(each, path)
    if len({each.id for each in found}) < len(found):
        raise InputError(f"{path} names an id twice.", hint="Give each provider its own.")
    return found


def _check(provider: Provider, path: Path) -> None:
    parts = urlsplit(provider.issuer)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise InputError(
            f"{path}: the issuer {provider.issuer} is not https.", hint="As its own discovery names it."
        )
    if not provider.id.isalnum() or not provider.id.isascii():
        raise InputError(f"{path}: an id is letters and digits, got {provider.id!r}.", hint="As clinic1.")
    if "openid" not in provider.scope.split():
        raise InputError(f"{path}: the scope of {provider.id} lacks openid.", hint="Add it.")
