"""Passwords and codes by themselves."""

from datetime import UTC, datetime

import pytest
from argon2 import PasswordHasher
from hypothesis import given, settings
from hypothesis import strategies as st
from visiting import PASSWORD, kept

from alleviate.clinic.signing_in import passwords, recovery, totp
from alleviate.terms.errors import DataError
from alleviate.vault.accounts import Credentials

OWN = ("a.becker", "Dr Anna Becker", "Northfield", "Alleviate")


def test_the_hash_is_argon2id_as_rfc_9106_recommends_it(quick_hashes: PasswordHasher) -> None:
    assert quick_hashes.hash("x").startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_a_password_is_right_or_wrong() -> None:
    assert passwords.matches(kept(), PASSWORD)
    for wrong in (PASSWORD + " ", PASSWORD.upper(), "", "x" * 5000):
        assert not passwords.matches(kept(), wrong)
    assert not passwords.matches("", PASSWORD)
    assert not passwords.matches("not a hash", PASSWORD)


def test_an_accent_is_the_same_however_the_keyboard_writes_it() -> None:
    assert passwords.matches(
        passwords.hashed("caf\u00e9 caf\u00e9 caf\u00e9"), "cafe\u0301 cafe\u0301 cafe\u0301"
    )


@pytest.mark.parametrize(
    "password",
    [
        "short words", "elevenchars", "password1234", "P@ssw0rd!2026", "passwordpassword", "qwertyuiop12",
        "QWERTZuiop!!", "1qaz2wsx3edc", "123456789012", "aaaaaaaaaaaa", "abcabcabcabc", "abcdefghijkl",
        "iloveyou2026!", "Sommer2026!!!", "letmeinletmein", "Welcome-2026-1", "hospital1234",
        "administrator1", "thisismypassword", "anna.becker26", "Becker!Becker!", "Northfield2026",
        "alleviate2026", "............", "            ",
    ],
)  # fmt: skip
def test_what_is_guessed_first_is_refused(password: str) -> None:
    with pytest.raises(DataError):
        passwords.check_password(password, OWN)


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD, "correct horse battery staple", "xkqzjwpvbnmt", "my sister sells seven boats",
        "Zwiebelkuchen im Mai", "пароль из четырёх слов", "汽车和八只红色的老虎在跳舞吧",
        "anna's cat chased 9 storks",
    ],
)  # fmt: skip
def test_what_nobody_guesses_is_taken_whatever_its_signs(password: str) -> None:
    passwords.check_password(password, OWN)


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=60))
def test_every_text_is_judged_without_a_fault(text: str) -> None:
    try:
        passwords.check_password(text, OWN)
    except DataError:
        return
    assert len(text) >= passwords.FEWEST


def test_no_message_repeats_the_password() -> None:
    for password in ("sh0rt-one", "password-1234"):
        with pytest.raises(DataError) as refused:
            passwords.check_password(password, OWN)
        assert password not in str(refused.value)


def test_one_time_passwords_differ_and_are_no_guess() -> None:
    found = {passwords.one_time() for _ in range(200)}
    assert len(found) == 200
    for each in found:
        passwords.check_password(each)


def test_recovery_codes_are_kept_as_hashes_and_read_however_they_are_written() -> None:
    codes = recovery.new_codes()
    assert len(set(codes)) == recovery.COUNT
    credentials = Credentials(recovery=tuple(map(recovery.hash_of, codes)))
    left = recovery.without(credentials, codes[0].upper().replace("-", " "))
    assert left == credentials.recovery[1:]
    assert recovery.without(Credentials(recovery=left), codes[0]) is None
    assert recovery.without(credentials, "") is None


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "94287082"), (1111111109, "07081804"), (1234567890, "89005924"), (20000000000, "65353130")],
)
def test_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    moment = datetime.fromtimestamp(seconds, UTC)
    assert totp.code_at(b"12345678901234567890", moment) == code[-6:]


def test_the_picture_says_what_an_app_needs() -> None:
    said = totp.uri(b"12345678901234567890", "a.becker", "Alleviate")
    assert said.startswith("otpauth://totp/Alleviate:a.becker?")
    for part in ("digits=6", "period=30", "issuer=Alleviate", "secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"):
        assert part in said
    assert totp.picture(b"12345678901234567890", "a.becker", "Alleviate").startswith(b"\x89PNG")
    assert totp.spelled(b"12345678901234567890").replace(" ", "") == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
