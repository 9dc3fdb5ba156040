"""A system's token is believed only where every part of it holds. Each part is tried on its own."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from signed_systems import System, private_key, public_jwk, unsigned, with_shared_secret

from alleviate.clinic.machines.keys import ALGORITHMS, PublicKey, key_of
from alleviate.clinic.machines.statements import UnprovenError, opened, proven

HERE = "https://clinic.example.org/cds-services/alleviate-patient-view"


def believed(
    token: str,
    system: System,
    *,
    audience: str = HERE,
    now: datetime | None = None,
    longest: timedelta = timedelta(hours=1),
    spend: Callable[[str, datetime], bool] = lambda _jti, _until: True,
    subject: str | None = None,
) -> Any:
    """The claims, as the whole check gives them for this system's keys."""
    statement = opened(token)
    key = key_of(system.jwks, statement.kid, statement.algorithm)
    if key is None:
        raise UnprovenError("no key")
    moment = now or datetime.now(UTC)
    return proven(
        statement, key, audience=audience, now=moment, longest=longest, spend=spend, subject=subject
    )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_algorithm_that_is_taken_proves(algorithm: str) -> None:
    system = System(algorithm=algorithm)
    assert believed(system.token(HERE), system)["iss"] == system.issuer


def test_an_audience_may_be_one_of_several() -> None:
    system = System()
    assert believed(system.token([HERE, "https://elsewhere.example"]), system)  # type: ignore[arg-type]


def test_none_is_no_signature() -> None:
    system = System()
    with pytest.raises(UnprovenError, match="signed in a way that is not taken"):
        opened(unsigned(system.claims(HERE)))


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_shared_secret_is_no_signature(algorithm: str) -> None:
    system = System()
    with pytest.raises(UnprovenError, match="signed in a way that is not taken"):
        opened(with_shared_secret(system, system.claims(HERE), algorithm))


@pytest.mark.parametrize("algorithm", ["PS384", "ES512", "ES256K", "EdDSA", "nOnE", "", "es384"])
def test_no_other_algorithm_is_taken(algorithm: str) -> None:
    head, body, signature = System().token(HERE).split(".")
    changed = jwt.utils.base64url_decode(head).replace(b'"ES384"', f'"{algorithm}"'.encode())
    with pytest.raises(UnprovenError):
        opened(".".join([jwt.utils.base64url_encode(changed).decode(), body, signature]))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"aud": "https://clinic.example.org/cds-services"}, "another address"),
        ({"aud": None}, "another address"),
        ({"aud": [HERE + "/"]}, "another address"),
        ({"aud": {"x": HERE}}, "another address"),
        ({"exp": 1_000}, "expired"),
        ({"exp": None}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": 10**30}, "exp"),
        ({"iat": None}, "iat"),
        ({"jti": None}, "jti"),
        ({"jti": ""}, "jti"),
        ({"jti": 7}, "jti"),
        ({"jti": "x" * 300}, "jti"),
    ],
)
def test_each_claim_has_to_hold(changed: dict[str, Any], said: str) -> None:
    system = System()
    with pytest.raises(UnprovenError, match=said):
        believed(system.token(HERE, **changed), system)


@pytest.mark.parametrize(
    "header", [{"typ": "JOSE"}, {"typ": None}, {"kid": ""}, {"crit": ["b64"], "b64": False}]
)
def test_each_header_has_to_hold(header: dict[str, Any]) -> None:
    system = System()
    head = {
        name: value for name, value in {"kid": "key-1", "typ": "JWT", **header}.items() if value is not None
    }
    token = _signed(system, head)
    with pytest.raises(UnprovenError):
        believed(token, system)


def _signed(system: System, head: dict[str, Any]) -> str:
    parts = [
        jwt.utils.base64url_encode(json.dumps(one).encode())
        for one in ({"alg": system.algorithm, **head}, system.claims(HERE))
    ]
    signature = jwt.algorithms.get_default_algorithms()[system.algorithm].sign(b".".join(parts), system.key)
    return b".".join([*parts, jwt.utils.base64url_encode(signature)]).decode()


def test_a_token_signed_by_hand_as_above_would_be_believed() -> None:
    system = System()
    assert believed(_signed(system, {"kid": "key-1", "typ": "JWT"}), system)


def test_times_hold_within_half_a_minute_and_no_longer() -> None:
    system, now = System(), datetime.now(UTC)
    token = system.token(HERE, iat=int(now.timestamp()), exp=int(now.timestamp()) + 60)
    assert believed(token, system, now=now + timedelta(seconds=80))
    with pytest.raises(UnprovenError, match="expired"):
        believed(token, system, now=now + timedelta(seconds=95))
    with pytest.raises(UnprovenError, match="future"):
        believed(token, system, now=now - timedelta(seconds=40))


def test_a_token_for_a_day_is_too_long() -> None:
    system, now = System(), datetime.now(UTC)
    with pytest.raises(UnprovenError, match="too long"):
        believed(system.token(HERE, exp=int(now.timestamp()) + 86_400), system)


def test_a_token_that_is_not_good_yet_waits() -> None:
    system, now = System(), datetime.now(UTC)
    with pytest.raises(UnprovenError, match="not good yet"):
        believed(system.token(HERE, nbf=int(now.timestamp()) + 120), system)


def test_an_id_is_spent_last_and_once() -> None:
    system, spent = System(), list[str]()

    def spend(jti: str, _until: datetime) -> bool:
        spent.append(jti)
        return len(spent) == 1

    with pytest.raises(UnprovenError):
        believed(system.token("https://wrong.example"), system, spend=spend)
    assert not spent
    token = system.token(HERE, jti="once")
    assert believed(token, system, spend=spend)
    with pytest.raises(UnprovenError, match="used before"):
        believed(token, system, spend=spend)


def test_the_subject_is_the_issuer_where_it_must_be() -> None:
    system = System(issuer="backend-1")
    with pytest.raises(UnprovenError, match="sub"):
        believed(system.token(HERE), system, subject="backend-1")
    assert believed(system.token(HERE, sub="backend-1"), system, subject="backend-1")


def test_another_key_under_the_same_name_proves_nothing() -> None:
    system, other = System(), System()
    with pytest.raises(UnprovenError, match="does not fit"):
        believed(other.token(HERE), system)


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_token_with_one_bit_changed_proves_nothing(place: int, bit: int) -> None:
    token = bytearray(_TOKEN.encode())
    token[place % len(token)] ^= 1 << bit
    text = token.decode("latin-1")
    if _last_bits_alone(text):
        return
    with pytest.raises(UnprovenError):
        believed(text, _SYSTEM)


def _last_bits_alone(text: str) -> bool:
    """The last character of a part in base64 may have bits that stand for nothing."""
    try:
        return [jwt.utils.base64url_decode(part) for part in text.split(".")] == [
            jwt.utils.base64url_decode(part) for part in _TOKEN.split(".")
        ]
    except ValueError:
        return False


_SYSTEM = System()
_TOKEN = _SYSTEM.token(HERE)


@given(st.text(max_size=200))
def test_whatever_comes_is_refused_in_a_line(text: str) -> None:
    with pytest.raises(UnprovenError) as refused:
        opened(text)
    assert "\n" not in str(refused.value)


def test_a_token_of_megabytes_is_not_read() -> None:
    with pytest.raises(UnprovenError, match="too long"):
        opened("a" * 9000)


def key_for(jwk: dict[str, Any], algorithm: str) -> PublicKey | None:
    return key_of({"keys": [jwk]}, str(jwk["kid"]), algorithm)


@pytest.mark.parametrize(
    ("made_for", "asked", "more"),
    [
        ("ES256", "ES384", {}),
        ("ES384", "RS384", {}),
        ("RS384", "ES384", {}),
        ("ES384", "ES384", {"use": "enc"}),
        ("ES384", "ES384", {"alg": "ES256"}),
        ("ES384", "ES384", {"key_ops": ["sign"]}),
        ("ES384", "ES384", {"d": "private"}),
        ("ES384", "ES384", {"x": "AA"}),
    ],
)
def test_a_key_proves_only_what_it_is_for(made_for: str, asked: str, more: dict[str, Any]) -> None:
    assert key_for(public_jwk(private_key(made_for), "k", **more), asked) is None


def test_a_short_rsa_key_proves_nothing() -> None:
    assert key_for(public_jwk(private_key("RS384", 1024), "k"), "RS384") is None
    assert key_for(public_jwk(private_key("RS384"), "k"), "RS384") is not None


def test_two_keys_of_one_name_prove_nothing() -> None:
    jwk = public_jwk(private_key("ES384"), "k")
    assert key_of({"keys": [jwk, jwk]}, "k", "ES384") is None
