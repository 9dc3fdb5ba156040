"""Which keys a system may be registered with."""

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from signed_systems import private_key, public_jwk

from alleviate.clinic.machines.keys import check_key_set, key_of, make_pair
from alleviate.clinic.machines.registering import key_set_of
from alleviate.terms.errors import InputError


def test_a_pair_that_we_make_signs_and_proves() -> None:
    pair = make_pair()
    key = load_pem_private_key(pair.private.encode(), password=None)
    token = jwt.encode({"a": 1}, key, algorithm="ES384")  # type: ignore[arg-type]
    public = key_of({"keys": [pair.public]}, pair.public["kid"], "ES384")
    assert public is not None
    assert jwt.decode(token, public, algorithms=["ES384"]) == {"a": 1}


def test_the_private_half_is_in_no_text_of_the_pair() -> None:
    pair = make_pair()
    assert "PRIVATE" not in repr(pair)
    assert "d" not in pair.public


def test_one_key_is_a_set_of_one_and_is_named_by_its_thumbprint() -> None:
    jwk = public_jwk(private_key("ES384"), "x")
    del jwk["kid"]
    (found,) = key_set_of(json.dumps(jwk))["keys"]
    assert len(found["kid"]) == 43


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {"keys": []},
        {"keys": "all"},
        {"keys": [1]},
        {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "a"}]},
        {"keys": [{**public_jwk(private_key("ES384"), "a"), "d": "x"}]},
        {"keys": [public_jwk(private_key("ES384"), "a")] * 2},
        {"keys": [public_jwk(private_key("ES384"), ""), public_jwk(private_key("ES384"), "b")]},
        {"keys": [public_jwk(private_key("RS384", 1024), "a")]},
        {"keys": [public_jwk(private_key("ES384"), str(n)) for n in range(21)]},
    ],
)
def test_what_is_no_set_of_public_keys_is_refused(wrong: Any) -> None:
    with pytest.raises(InputError) as refused:
        check_key_set(wrong)
    assert "c2VjcmV0" not in str(refused.value)


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(InputError):
        key_set_of("-----BEGIN PRIVATE KEY-----")
