"""Who we are to a server: the id and private key of a SMART backend service.

Source: https://hl7.org/fhir/smart-app-launch/backend-services.html and client-confidential-asymmetric.html.
"""

import hashlib
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from alleviate.terms.errors import InputError

__all__ = ["Credentials", "SigningKey", "assertion", "load_key"]

LIFETIME = 240
"""Seconds that an assertion is good for; SMART allows 300."""

LEAST_BITS = 2048
_WANTED = (
    "Expected an RSA key of 2048 bits or more, or an EC key on P-384, as PEM without a password or as JWK"
)
_HINT = "Make one: openssl ecparam -name secp384r1 -genkey -noout -out key.pem, and register its public half."


@dataclass(frozen=True, slots=True)
class Credentials:
    """``client_id`` as the server registered it; ``key_path`` holds the private key (PEM, JWK, or a JWK set
    with one private key). The server is asked for the ``token_url`` where it is not given. ``origins``
    ("https://files.example.org") may have the token besides the server's own.
    """

    client_id: str
    key_path: Path
    scope: str = "system/*.read"
    token_url: str | None = None
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, the algorithm that goes with it, and the ``kid`` under which the server knows it."""

    key: RSAPrivateKey | EllipticCurvePrivateKey = field(repr=False)
    algorithm: str
    kid: str


def load_key(path: Path) -> SigningKey:
    """The key of a file; the ``kid`` of a PEM file is its RFC 7638 thumbprint. Raises InputError."""
    try:
        text = path.read_text("utf-8")
        key, kid = _from_jwk(json.loads(text)) if text.lstrip().startswith("{") else _from_pem(text)
        algorithm = _algorithm(key)
        return SigningKey(key, algorithm, kid or _thumbprint(key))
    except OSError as error:
        raise InputError(
            f"{path}: the key cannot be read: {error.strerror}.", hint="Check the path and its rights."
        ) from None
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):  # without their words: these may quote the key
        raise InputError(f"{path}: {_WANTED}.", hint=_HINT) from None


def assertion(client_id: str, key: SigningKey, token_url: str) -> str:
    """A signed statement that we are ``client_id``, for ``token_url`` only and once only."""
    now = int(time())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": token_url,
        "jti": str(uuid4()),
        "iat": now,
        "exp": now + LIFETIME,
    }
    return jwt.encode(claims, key.key, algorithm=key.algorithm, headers={"kid": key.kid})


def _from_pem(text: str) -> tuple[Any, str]:
    return load_pem_private_key(text.encode(), password=None), ""


def _from_jwk(data: dict[str, Any]) -> tuple[Any, str]:
    (jwk,) = [one for one in data.get("keys", [data]) if "d" in one]
    key = RSAAlgorithm.from_jwk(jwk) if jwk["kty"] == "RSA" else ECAlgorithm.from_jwk(jwk)
    return key, str(jwk.get("kid", ""))


def _algorithm(key: object) -> str:
    if isinstance(key, RSAPrivateKey) and key.key_size >= LEAST_BITS:
        return "RS384"
    if isinstance(key, EllipticCurvePrivateKey) and key.curve.name == "secp384r1":
        return "ES384"
    raise ValueError(_WANTED)


def _thumbprint(key: RSAPrivateKey | EllipticCurvePrivateKey) -> str:
    if isinstance(key, RSAPrivateKey):
        jwk = RSAAlgorithm.to_jwk(key, as_dict=True)
    else:
        jwk = ECAlgorithm.to_jwk(key, as_dict=True)
    needed = {name: jwk[name] for name in ("crv", "e", "kty", "n", "x", "y") if name in jwk}
    canonical = json.dumps(needed, separators=(",", ":"), sort_keys=True)
    return urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()
