"""The headers of every answer: nothing inline, nothing evaluated, nothing from elsewhere."""

import pytest

from alleviate.clinic.looks import headers
from alleviate.clinic.looks.headers import POLICY
from alleviate.clinic.settings import Settings


def test_the_policy_allows_ourselves_and_nothing_unsafe() -> None:
    told = headers(Settings())["Content-Security-Policy"]
    for word in ("unsafe", "http:", "https:", "*", "blob:", "strict-dynamic"):
        assert word not in told
    assert told.startswith("default-src 'none'; ")
    assert {"'none'", "'self'", "'self' data:"} == set(POLICY.values())
    assert POLICY["frame-ancestors"] == POLICY["base-uri"] == POLICY["object-src"] == "'none'"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Cache-Control", "no-store"),
    ],
)
def test_each_guard_is_there(name: str, value: str) -> None:
    assert headers(Settings())[name] == value


def test_browsers_are_held_to_https_where_the_clinic_has_it() -> None:
    secure = headers(Settings(base_url="https://clinic.example"))
    assert secure["Strict-Transport-Security"].startswith("max-age=63072000")
    assert "Strict-Transport-Security" not in headers(Settings())


def test_no_page_may_use_the_devices_senses() -> None:
    told = headers(Settings())["Permissions-Policy"]
    for sense in ("camera", "microphone", "geolocation"):
        assert f"{sense}=()" in told
