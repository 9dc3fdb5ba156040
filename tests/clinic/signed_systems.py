"""Systems that sign, as the tests need them: their keys, their tokens, and what is wrong with a token."""

import hmac
import json
import time
import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

BASE = "http://127.0.0.1:8000"
ISSUER = "https://ehr.example.org/fhir"

Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_CURVES = {"ES384": ec.SECP384R1(), "ES256": ec.SECP256R1()}
_MADE: dict[tuple[str, int], Private] = {}


def private_key(algorithm: str, bits: int = 2048) -> Private:
    """A key for the algorithm; RSA keys are slow to make, so that each test run makes one."""
    made = (algorithm[:2], bits)
    if algorithm.startswith("ES"):
        return ec.generate_private_key(_CURVES[algorithm])
    if made not in _MADE:
        _MADE[made] = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return _MADE[made]


def public_jwk(key: Private, kid: str, **more: Any) -> dict[str, Any]:
    if isinstance(key, rsa.RSAPrivateKey):
        jwk = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        jwk = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    jwk.pop("key_ops", None)
    return {**jwk, "kid": kid, **more}


@dataclass
class System:
    """One that signs with ``algorithm``; ``token`` makes what it would send, changed as a test wants."""

    issuer: str = ISSUER
    algorithm: str = "ES384"
    kid: str = "key-1"
    key: Private = field(init=False)

    def __post_init__(self) -> None:
        self.key = private_key(self.algorithm)

    @property
    def jwks(self) -> dict[str, Any]:
        return {"keys": [public_jwk(self.key, self.kid)]}

    def claims(self, audience: str, **changed: Any) -> dict[str, Any]:
        """None takes a claim away."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": audience,
            "iat": now,
            "exp": now + 300,
            "jti": str(uuid.uuid4()),
            **changed,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, audience: str, *, header: dict[str, Any] | None = None, **changed: Any) -> str:
        head = {"kid": self.kid, "typ": "JWT", **(header or {})}
        return jwt.encode(self.claims(audience, **changed), self.key, algorithm=self.algorithm, headers=head)


def unsigned(claims: dict[str, Any], kid: str = "key-1") -> str:
    """A token of the algorithm `none`."""
    return jwt.encode(claims, None, algorithm="none", headers={"kid": kid, "typ": "JWT"})


def with_shared_secret(system: System, claims: dict[str, Any], algorithm: str = "HS256") -> str:
    """Signed by HMAC with the public key as the secret: what whoever knows the public key can make."""
    secret = json.dumps(system.jwks["keys"][0]).encode()
    head = {"alg": algorithm, "kid": system.kid, "typ": "JWT"}
    parts = [urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in (head, claims)]
    signature = hmac.digest(secret, b".".join(parts), f"sha{algorithm[2:]}")
    return b".".join([*parts, urlsafe_b64encode(signature).rstrip(b"=")]).decode()
