"""Which private keys sign for us, and what they sign."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from alleviate.intake.bulk import Credentials, fetch
from alleviate.intake.bulk.credentials import assertion, load_key
from alleviate.terms.errors import InputError

P384 = ec.generate_private_key(ec.SECP384R1())
RSA = rsa.generate_private_key(65537, 2048)
TOKEN_URL = "https://auth.example/token"


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def jwk(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, **more: object) -> dict[str, object]:
    kind = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return {**kind.to_jwk(key, as_dict=True), **more}


@pytest.mark.parametrize(
    ("content", "public", "algorithm", "kid"),
    [
        (pem(P384), P384.public_key(), "ES384", None),
        (pem(RSA), RSA.public_key(), "RS384", None),
        (json.dumps(jwk(P384, kid="ours")).encode(), P384.public_key(), "ES384", "ours"),
        (json.dumps({"keys": [jwk(RSA, kid="2024")]}).encode(), RSA.public_key(), "RS384", "2024"),
    ],
    ids=["EC as PEM", "RSA as PEM", "JWK", "JWK set"],
)
def test_an_assertion_says_who_we_are_to_one_address_for_five_minutes_at_most(
    tmp_path: Path, content: bytes, public: ec.EllipticCurvePublicKey, algorithm: str, kid: str | None
) -> None:
    (tmp_path / "key").write_bytes(content)
    key = load_key(tmp_path / "key")
    signed = [assertion("me", key, TOKEN_URL) for _ in range(2)]
    said = [
        jwt.decode(token, public, [algorithm], audience=TOKEN_URL, options={"require": ["exp", "iat", "jti"]})
        for token in signed
    ]
    assert said[0]["iss"] == said[0]["sub"] == "me"
    assert said[0]["exp"] <= time() + 300
    assert said[0]["jti"] != said[1]["jti"]
    header = jwt.get_unverified_header(signed[0])
    assert header["typ"] == "JWT"
    assert header["kid"] == (kid or key.kid)
    assert "PRIVATE" not in repr(key)


def test_the_kid_of_a_pem_is_the_thumbprint_of_rfc_7638(tmp_path: Path) -> None:
    """The example of the RFC, section 3.1, with our own way from a key to its thumbprint."""
    (tmp_path / "one").write_bytes(pem(RSA))
    (tmp_path / "two").write_text(json.dumps(jwk(RSA)))
    assert load_key(tmp_path / "one").kid == load_key(tmp_path / "two").kid
    assert len(load_key(tmp_path / "one").kid) == 43


@pytest.mark.parametrize(
    "content",
    [
        lambda: b"",
        lambda: b"\xff\xfe",
        lambda: b"{",
        lambda: b'{"keys": []}',
        lambda: b'{"kty": "EC", "d": 1}',
        lambda: b'{"kty": "oct", "d": "x", "k": "x"}',
        lambda: json.dumps({"keys": [jwk(RSA), jwk(P384)]}).encode(),
        lambda: pem(ec.generate_private_key(ec.SECP256R1())),
        lambda: pem(rsa.generate_private_key(65537, 1024)),
        lambda: P384.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        lambda: P384.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")),
    ],
    ids=[
        "empty",
        "binary",
        "no JSON",
        "no key",
        "no EC",
        "symmetric",
        "two",
        "P-256",
        "short",
        "public",
        "locked",
    ],
)
def test_other_keys_are_refused(tmp_path: Path, content: Callable[[], bytes]) -> None:
    (tmp_path / "key").write_bytes(content())
    with pytest.raises(InputError, match="Expected an RSA key of 2048 bits or more, or an EC key on P-384"):
        load_key(tmp_path / "key")


def test_a_missing_key_is_named_before_anything_is_sent(tmp_path: Path, client: Credentials) -> None:
    lost = replace(client, key_path=tmp_path / "lost.pem")
    with pytest.raises(InputError, match=r"lost.pem: the key cannot be read: No such file"):
        fetch("https://records.example/fhir", tmp_path / "out", credentials=lost)
