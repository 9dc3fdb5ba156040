"""A clinic does not start with settings that would give patients' data away."""

from typing import Any

import pytest

from alleviate.clinic.settings import Settings, guessable
from alleviate.terms.errors import InputError

SAFE = {"vault": "clinic.vault"}


def test_the_defaults_are_for_this_machine() -> None:
    found = Settings.read({}, **SAFE)
    assert found.loopback
    assert not found.secure
    assert found.second_factor


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"base_url": "http://clinic.example"}, "unencrypted"),
        ({"base_url": "clinic.example"}, "base URL"),
        ({"base_url": "https://clinic.example/app"}, "without a path"),
        ({"base_url": "https://clinic.example", "demo": True}, "demonstration"),
        ({"base_url": "https://clinic.example", "second_factor": False}, "second factor"),
        ({"vault": "postgresql://a:postgres@localhost/b"}, "could be guessed"),
        ({"vault": "postgresql://a:J8vw0q_Zk2mXs@db.example.org/b"}, "unencrypted to the database"),
        ({"metrics_token": "secret"}, "token"),
        ({"metrics_token": "changeme-changeme-changeme"}, "token"),
        ({"idle_minutes": 0}, "idle_minutes"),
    ],
)
def test_what_is_unsafe_is_refused_in_one_line(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        Settings.read({}, **{**SAFE, **given})
    assert "\n" not in str(refused.value)


def test_a_password_of_the_database_is_not_shown() -> None:
    with pytest.raises(InputError) as refused:
        Settings.read({}, vault="postgresql://a:postgres@localhost/b")
    assert "postgres@" not in str(refused.value)


@pytest.mark.parametrize(
    "given",
    [
        {"vault": "postgresql://a:J8vw0q_Zk2mXs@db.example.org/b?sslmode=verify-full"},
        {"vault": "postgresql:///b?host=/run/postgresql"},
        {"base_url": "https://clinic.example", "metrics_token": "9f0c5e4b7a1d4c3e8b2a6f7d0e1c2b3a"},
    ],
)
def test_what_is_safe_is_taken(given: dict[str, Any]) -> None:
    assert Settings.read({}, **{**SAFE, **given})


def test_workers_read_the_same_from_the_environment() -> None:
    given = {
        "vault": "a.vault",
        "base_url": "https://clinic.example",
        "origins": ("https://sandbox.example", "https://other.example"),
        "idle_minutes": 20,
        "metrics_token": "9f0c5e4b7a1d4c3e8b2a6f7d0e1c2b3a",
    }
    found = Settings.read({}, **given)
    assert Settings.read(found.environment()) == found


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("ALLEVIATE_CLINIC_DEMO", "perhaps", "true or false"),
        ("ALLEVIATE_CLINIC_IDLE_MINUTES", "soon", "a whole number"),
        ("ALLEVIATE_CLINIC_DEBUG", "1", "no setting"),
    ],
)
def test_a_wrong_variable_is_named(variable: str, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Settings.read({variable: text})


def test_secrets_are_not_printed() -> None:
    assert "9f0c" not in repr(Settings.read({}, **SAFE, metrics_token="9f0c5e4b7a1d4c3e8b2a6f7d0e1c2b3a"))


@pytest.mark.parametrize("secret", ["short", "aaaaaaaaaaaaaaaaaaaaaaaaaa", "password-password-1234"])
def test_secrets_that_everybody_would_try_are_guessable(secret: str) -> None:
    assert guessable(secret)


@pytest.mark.parametrize("number", ["call us", "12", "020 7946 0000 ext. 3", "<b>1</b>", "1" * 40])
def test_a_telephone_number_can_be_dialled(number: str) -> None:
    with pytest.raises(InputError, match="telephone"):
        Settings.read({"ALLEVIATE_CLINIC_TELEPHONE": number})
    assert Settings.read({"ALLEVIATE_CLINIC_TELEPHONE": "+49 (30) 1234-567"}).telephone == "+49 (30) 1234-567"
