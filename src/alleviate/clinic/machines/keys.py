"""Keys by which systems sign: which are taken, the one that a statement names, and making a pair.

JSON Web Keys: RFC 7517; thumbprints: RFC 7638; algorithms: RFC 7518.
"""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from alleviate.terms.errors import InputError

__all__ = ["ALGORITHMS", "KeyPair", "PublicKey", "check_key_set", "key_of", "make_pair"]

ALGORITHMS: Mapping[str, str] = {"ES384": "P-384", "RS384": "RSA", "ES256": "P-256", "RS256": "RSA"}
"""What may sign, with the curve or kind of its key. Neither `none` nor anything with a shared secret."""

LEAST_BITS = 2048
_MOST_KEYS = 20
_MOST_BITS = 8192
_NEEDED = ("crv", "e", "kty", "n", "x", "y")
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "k", "oth"})
_HINT = "Send the public half of an RSA key (2048 bits or more) or an EC key on P-384 or P-256."

PublicKey = ec.EllipticCurvePublicKey | RSAPublicKey


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A new P-384 pair: ``private`` as PEM, to be shown once and kept by nobody here; ``public`` as a JWK."""

    private: str = field(repr=False)
    public: dict[str, str]


def make_pair() -> KeyPair:
    """For whoever has no key yet."""
    key = ec.generate_private_key(ec.SECP384R1())
    jwk: dict[str, Any] = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    needed = {name: str(jwk[name]) for name in _NEEDED if name in jwk}
    public = {**needed, "kid": _thumbprint(needed), "alg": "ES384", "use": "sig"}
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return KeyPair(pem, public)


def check_key_set(found: object) -> dict[str, Any]:
    """A JWK set, or one JWK as a set of one, each key public and named. Raises InputError."""
    keys = found.get("keys", [found]) if isinstance(found, dict) else None
    if not isinstance(keys, list) or not 1 <= len(keys) <= _MOST_KEYS:
        raise InputError("Expected a JWK set with 1 to 20 keys.", hint=_HINT)
    kids = []
    for key in keys:
        if not isinstance(key, dict):
            raise InputError("A key of the JWK set is no JSON object.", hint=_HINT)
        if _PRIVATE & key.keys():
            raise InputError("The JWK set holds a private or shared key; nothing was stored.", hint=_HINT)
        kid = key.get("kid") or (_thumbprint(key) if len(keys) == 1 and "kty" in key else None)
        if not isinstance(kid, str) or not kid:
            raise InputError("A key of the JWK set has no kid.", hint="Name each key.")
        key["kid"] = kid
        kids.append(kid)
        if not any(_fits(key, algorithm) for algorithm in ALGORITHMS):
            raise InputError(f"The key {kid[:40]!r} is of a kind that is not taken.", hint=_HINT)
    if len(set(kids)) < len(kids):
        raise InputError("Two keys of the JWK set have the same kid.", hint="Name each key differently.")
    return {"keys": keys}


def key_of(key_set: object, kid: str, algorithm: str) -> PublicKey | None:
    """The key of that name, if there is exactly one and it may sign so; else None."""
    keys = key_set.get("keys") if isinstance(key_set, dict) else None
    if not isinstance(keys, list) or len(keys) > _MOST_KEYS:
        return None
    named = [key for key in keys if isinstance(key, dict) and key.get("kid") == kid]
    return _fits(named[0], algorithm) if len(named) == 1 else None


def _fits(jwk: Mapping[str, Any], algorithm: str) -> PublicKey | None:
    """The key itself where it is public, meant to verify, and of the algorithm's kind and size."""
    wanted = ALGORITHMS[algorithm]
    uses = jwk.get("key_ops")
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", algorithm) != algorithm or _PRIVATE & jwk.keys():
        return None
    if uses is not None and (not isinstance(uses, list) or "verify" not in uses):
        return None
    kind = jwk.get("kty") if wanted == "RSA" else jwk.get("crv")
    if kind != wanted:
        return None
    plain = {name: jwk[name] for name in _NEEDED if name in jwk}
    try:
        key = RSAAlgorithm.from_jwk(plain) if wanted == "RSA" else ECAlgorithm.from_jwk(plain)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError):
        return None
    if isinstance(key, RSAPublicKey):
        return key if LEAST_BITS <= key.key_size <= _MOST_BITS else None
    return key if isinstance(key, ec.EllipticCurvePublicKey) else None


def _thumbprint(jwk: Mapping[str, Any]) -> str:
    needed = {name: jwk[name] for name in _NEEDED if name in jwk}
    canonical = json.dumps(needed, separators=(",", ":"), sort_keys=True)
    return urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()
