"""The field cipher: what it gives is AES-256-GCM, and opens nowhere but where it was put."""

import hashlib
import hmac
import os

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from alleviate.terms.errors import VaultError
from alleviate.vault import cipher
from alleviate.vault.cipher import OVERHEAD, blind_index, normalised, seal, unseal

keys = st.binary(min_size=32, max_size=32)
names = st.text(max_size=12)

# McGrew & Viega, "The Galois/Counter Mode of Operation (GCM)", cases 13 to 16, as in NIST's validation suite.
K15 = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
P15 = (
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255"
)
C15 = (
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
)
VECTORS = [
    ("00" * 32, "00" * 12, "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"),
    (
        "00" * 32,
        "00" * 12,
        "00" * 16,
        "",
        "cea7403d4d606b6e074ec5d3baf39d18",
        "d0d1c8a799996bf0265b98b5d48ab919",
    ),
    (K15, "cafebabefacedbaddecaf888", P15, "", C15, "b094dac5d93471bdec1a502270e3cc6c"),
    (
        K15,
        "cafebabefacedbaddecaf888",
        P15[:120],
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        C15[:120],
        "76fc6ece0f4e1768cddf8853bb2d551b",
    ),
]


def plain_seal(key: bytes, nonce: bytes, text: bytes, bound: bytes) -> bytes:
    """The slow, plain way: another interface of the library, the additional data spelled out."""
    encryptor = Cipher(algorithms.AES(key), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(bound)
    return encryptor.update(text) + encryptor.finalize() + encryptor.tag


@pytest.mark.parametrize(("key", "nonce", "text", "bound", "sealed", "tag"), VECTORS)
def test_the_reference_gives_the_published_vectors(
    key: str, nonce: str, text: str, bound: str, sealed: str, tag: str
) -> None:
    parts = [bytes.fromhex(part) for part in (key, nonce, text, bound)]
    assert plain_seal(*parts).hex() == sealed + tag


@given(keys, names, names, st.binary(max_size=200))
def test_a_sealed_field_is_version_nonce_and_what_the_reference_gives(
    key: bytes, patient: str, column: str, text: bytes
) -> None:
    sealed = seal(key, patient, column, text)
    p, c = patient.encode(), column.encode()
    bound = b"\x01" + len(p).to_bytes(4, "big") + p + len(c).to_bytes(4, "big") + c
    assert sealed[:1] == b"\x01"
    assert sealed[13:] == plain_seal(key, sealed[1:13], text, bound)
    assert len(sealed) == len(text) + OVERHEAD
    assert unseal(key, patient, column, sealed) == text


@given(keys, st.binary(max_size=40), st.data())
def test_one_changed_bit_anywhere_is_found(key: bytes, text: bytes, data: st.DataObject) -> None:
    sealed = bytearray(seal(key, "p1", "json", text))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(VaultError, match="A sealed json"):
        unseal(key, "p1", "json", bytes(sealed))


@given(keys, st.binary(max_size=40), st.data())
def test_a_shorter_or_longer_field_is_found(key: bytes, text: bytes, data: st.DataObject) -> None:
    sealed = seal(key, "p1", "json", text)
    cut = sealed[: data.draw(st.integers(0, len(sealed) - 1))]
    for wrong in (cut, sealed + b"\x00", b"\x00" + sealed):
        with pytest.raises(VaultError):
            unseal(key, "p1", "json", wrong)


@given(st.tuples(keys, names, names), st.tuples(keys, names, names))
def test_it_opens_for_no_other_key_patient_or_column(
    here: tuple[bytes, str, str], there: tuple[bytes, str, str]
) -> None:
    assume(here != there)
    with pytest.raises(VaultError, match="does not open"):
        unseal(*there, seal(*here, b"text"))


def test_names_that_join_to_the_same_text_are_apart() -> None:
    key = os.urandom(32)
    with pytest.raises(VaultError):
        unseal(key, "p", "|1json", seal(key, "p|", "1json", b"text"))


def test_no_nonce_comes_twice() -> None:
    key = os.urandom(32)
    assert len({seal(key, "p1", "json", b"")[1:13] for _ in range(20_000)}) == 20_000


def test_nothing_of_the_text_shows() -> None:
    marker = b"MARKER-7f3a"
    assert marker not in seal(os.urandom(32), "p1", "json", marker * 50)


def test_a_dropped_key_is_made_ready_again() -> None:
    key = os.urandom(32)
    sealed = seal(key, "p1", "json", b"text")
    cipher.forget()
    assert unseal(key, "p1", "json", sealed) == b"text"


@given(keys, names, names)
def test_the_blind_index_is_a_keyed_hash_of_field_and_normal_form(key: bytes, field: str, value: str) -> None:
    name = field.encode()
    message = b"\x00" + len(name).to_bytes(4, "big") + name + normalised(value).encode()
    assert blind_index(key, field, value) == hmac.new(key, message, hashlib.sha256).digest()
    assert blind_index(key, field, value) == blind_index(key, field, normalised(value))


@given(st.tuples(keys, names, names, st.booleans()), st.tuples(keys, names, names, st.booleans()))
@settings(max_examples=200)
def test_two_indexes_are_equal_only_for_the_same_key_field_and_value(
    one: tuple[bytes, str, str, bool], other: tuple[bytes, str, str, bool]
) -> None:
    def meant(key: bytes, field: str, value: str, exact: bool) -> tuple[object, ...]:
        return key, field, value if exact else normalised(value), exact

    def index(key: bytes, field: str, value: str, exact: bool) -> bytes:
        return blind_index(key, field, value, exact=exact)

    assert (index(*one) == index(*other)) == (meant(*one) == meant(*other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller", "MÜLLER"),
        ("Müller", "Mu\u0308ller"),
        ("  Anna \t Maria", "anna maria"),
        ("Straße", "STRASSE"),
        ("ＡＢＣ", "abc"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("ﬁnch", "Finch"),
    ],
)
def test_what_people_read_as_one_name_is_found_as_one(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Müller", "Muller"), ("a b", "ab"), ("1970-05-01", "1970-05-10")]
)
def test_what_differs_stays_apart(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


def test_an_exact_index_tells_ids_apart_by_case() -> None:
    key = os.urandom(32)
    assert blind_index(key, "id", "a1", exact=True) != blind_index(key, "id", "A1", exact=True)
    assert blind_index(key, "id", "a1") == blind_index(key, "id", "A1")


@given(st.text())
def test_the_normal_form_is_its_own(value: str) -> None:
    assert normalised(normalised(value)) == normalised(value)
