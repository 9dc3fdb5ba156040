"""What a system signs to say who it is: a JSON Web Token, believed only where every part of it holds.

Sources: https://cds-hooks.hl7.org/2.0/#trusting-cds-clients (CDS Hooks 2.0, "Trusting CDS Clients"),
https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html (SMART App Launch 2.2),
RFC 8725 (JSON Web Token Best Current Practices).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any
from warnings import catch_warnings, simplefilter

import jwt
import msgspec

from alleviate.clinic.gate import NotSignedInError
from alleviate.clinic.machines.keys import ALGORITHMS, PublicKey

__all__ = ["Statement", "UnprovenError", "check", "opened", "proven"]

LEEWAY = timedelta(seconds=30)
"""By which two clocks may differ."""

_LONGEST = 8192
_LONGEST_ID = 255
_JWS = jwt.PyJWS(algorithms=list(ALGORITHMS))


class UnprovenError(NotSignedInError):
    """A system has not proven who it is; one plain line says what is wrong with its token."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A token as it stands, of which nothing is proven yet."""

    token: str
    algorithm: str
    kid: str
    jku: str
    issuer: str
    claims: Mapping[str, Any]


def opened(token: str, *, typed: bool = True) -> Statement:
    """Reads a token far enough to know whose keys prove it. ``typed``: whether its header must say "JWT".

    Raises UnprovenError.
    """
    if len(token) > _LONGEST:
        raise UnprovenError("The token is too long.", hint="Send 8 KB at most.")
    try:
        unproven = _JWS.decode_complete(token, options={"verify_signature": False})
        claims = msgspec.json.decode(unproven["payload"])
    except (jwt.PyJWTError, msgspec.DecodeError, UnicodeError, ValueError, RecursionError):
        raise UnprovenError("The token cannot be read.", hint="Send a signed JWT.") from None
    header = unproven["header"]
    if header.get("alg") not in ALGORITHMS:
        raise UnprovenError(
            "The token is signed in a way that is not taken.", hint=f"Sign with {', '.join(ALGORITHMS)}."
        )
    if header.get("typ", None if typed else "JWT") != "JWT":
        raise UnprovenError('The token\'s header has no typ "JWT".', hint="Write it.")
    kid, jku = header.get("kid"), header.get("jku", "")
    if not _named(kid) or not isinstance(jku, str):
        raise UnprovenError("The token's header does not name its key.", hint="Write its kid.")
    if "crit" in header:
        raise UnprovenError("The token's header asks for what is not known here.", hint="Leave crit out.")
    if not isinstance(claims, dict) or not _named(claims.get("iss")):
        raise UnprovenError("The token does not say who issued it.", hint="Write iss.")
    return Statement(token, header["alg"], kid, jku, claims["iss"], claims)


def proven(
    statement: Statement,
    key: PublicKey,
    *,
    audience: str,
    now: datetime,
    longest: timedelta,
    spend: Callable[[str, datetime], bool],
    subject: str | None = None,
) -> Mapping[str, Any]:
    """The claims, once signature, audience, times and being new are proven. Raises UnprovenError.

    ``audience`` is the endpoint called, ``longest`` how far ahead it may expire; ``spend(jti, until)`` says
    whether that id is new, and remembers it. ``subject``: what ``sub`` must be, if anything.
    """
    check(statement, key, audience=audience, now=now, longest=longest)
    claims = statement.claims
    if subject is not None and claims.get("sub") != subject:
        raise UnprovenError("The token's sub is not its iss.", hint="Write the client's id as both.")
    if not _named(claims.get("jti")):
        raise UnprovenError("The token has no jti.", hint="Give each token an id of its own.")
    if not spend(claims["jti"], _moment(claims, "exp") + LEEWAY):
        raise UnprovenError("The token was used before.", hint="Sign a new one for each call.")
    return claims


def check(statement: Statement, key: PublicKey, *, audience: str, now: datetime, longest: timedelta) -> None:
    """Signature, audience and times. Raises UnprovenError."""
    _check_signature(statement, key)
    claims = statement.claims
    named = claims.get("aud")
    if audience not in (named if isinstance(named, list) else [named]):
        raise UnprovenError("The token is meant for another address.", hint=f"Write {audience} as aud.")
    expires, issued = _moment(claims, "exp"), _moment(claims, "iat")
    if now >= expires + LEEWAY:
        raise UnprovenError("The token has expired.", hint="Sign a new one for each call.")
    if expires > now + longest + LEEWAY:
        minutes = int(longest.total_seconds() // 60)
        raise UnprovenError("The token is good for too long.", hint=f"At most {minutes} minutes ahead.")
    if issued > now + LEEWAY or issued > expires:
        raise UnprovenError("The token was issued in the future.", hint="Check the clock.")
    if "nbf" in claims and _moment(claims, "nbf") > now + LEEWAY:
        raise UnprovenError("The token is not good yet.", hint="Check the clock.")


def _check_signature(statement: Statement, key: PublicKey) -> None:
    try:
        with catch_warnings():
            simplefilter("ignore")
            _JWS.decode_complete(statement.token, key, algorithms=[statement.algorithm])
    except (jwt.PyJWTError, ValueError, TypeError):
        raise UnprovenError("The token's signature does not fit its key.", hint="Check the key.") from None


def _moment(claims: Mapping[str, Any], name: str) -> datetime:
    value = claims.get(name)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value):
        try:
            return datetime.fromtimestamp(value, UTC)
        except (OverflowError, OSError, ValueError):
            pass
    raise UnprovenError(f"The token's {name} is no moment in seconds.", hint=f"Write {name} as a number.")


def _named(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= _LONGEST_ID
