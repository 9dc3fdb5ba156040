"""Signing in by an identity provider that really listens; and each lie that one could tell."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from provider import CLIENT, SECRET, Provider
from visiting import SECRET as APP
from visiting import Visitor, app_code, given

from alleviate.clinic.settings import Settings
from alleviate.clinic.signing_in.providers import providers
from alleviate.terms.errors import InputError
from alleviate.vault.accounts import Subject


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


def written(folder: Path, provider: Provider, **other: Any) -> Path:
    """The file that names the provider."""
    path = folder / "providers.json"
    line = {"id": "hospital", "name": "the hospital", "issuer": provider.issuer, "client_id": CLIENT}
    path.write_text(json.dumps([{**line, "client_secret": SECRET, "second_factor": True, **other}]))
    path.chmod(0o600)
    return path


@pytest.fixture
def clinic(make_clinic: Callable[..., Any], provider: Provider, tmp_path: Path) -> Any:
    made = make_clinic(oidc=written(tmp_path, provider))
    given(made, "clinician", password="", subjects=(Subject(provider.issuer, provider.sub),))
    return made


def come_back(visitor: Visitor, provider: Provider, *, start: str = "", **changed: str) -> Any:
    """Leave, sign in there, and come back; with some parameters ``changed`` on the way."""
    url = start or visitor.open("/sign-in/with/hospital?next=/account/").headers["location"]
    code, state = provider.authorised(url)
    sent = {"code": code, "state": state, **changed}
    visitor.page = visitor.client.get("/sign-in/with/hospital/back", params=sent)
    return visitor.page


def test_who_the_provider_names_is_in(clinic: Any, provider: Provider) -> None:
    visitor = Visitor(clinic)
    assert "the hospital" in visitor.open("/sign-in").text
    assert come_back(visitor, provider).headers["location"] == "/account/"
    assert visitor.is_in
    (session,) = clinic.services.accounts.sessions(clinic.accounts["clinician"].id, clinic.clock())
    assert (session.kind, session.method) == ("web", "oidc")


def test_an_elliptic_key_that_came_later_is_read_anew(clinic: Any, provider: Provider) -> None:
    visitor = Visitor(clinic)
    come_back(visitor, provider)
    provider.add_curve("ec-2")
    provider.algorithm = "ES384"
    told = clinic.services.kept["oidc"]["hospital"]
    clinic.services.kept["oidc"]["hospital"] = replace(told, at=told.at - 11)  # asked anew at most so often
    again = Visitor(clinic)
    come_back(again, provider)
    assert again.is_in


def test_a_provider_that_does_not_ask_for_a_second_factor_leaves_it_to_us(
    make_clinic: Callable[..., Any], provider: Provider, tmp_path: Path
) -> None:
    clinic = make_clinic(oidc=written(tmp_path, provider, second_factor=False))
    subject = (Subject(provider.issuer, provider.sub),)
    given(clinic, "clinician", password="", subjects=subject, totp=APP)
    visitor = Visitor(clinic)
    assert come_back(visitor, provider).headers["location"] == "/sign-in/second"
    assert not visitor.is_in
    visitor.second(app_code(clinic, APP))
    assert visitor.is_in


def of(**changed: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Claims with these changed; None takes one away."""
    return lambda claims: {name: value for name, value in {**claims, **changed}.items() if value is not None}


LIES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "another nonce": of(nonce="another"),
    "no nonce": of(nonce=None),
    "a nonce that is no text": of(nonce=["x"]),
    "another audience": of(aud="another-clinic"),
    "two audiences, for another": of(aud=[CLIENT, "another"], azp="another"),
    "two audiences, for nobody named": of(aud=[CLIENT, "another"]),
    "for another party": of(azp="another"),
    "another issuer": of(iss="https://evil.example"),
    "out of date": lambda claims: {**claims, "exp": claims["iat"] - 60, "iat": claims["iat"] - 600},
    "no end": of(exp=None),
    "from the future": lambda claims: {**claims, "iat": claims["iat"] + 3600},
    "no subject": of(sub=None),
    "an empty subject": of(sub=""),
    "another subject": of(sub="4712"),
}


def test_a_token_that_is_not_for_this_visit_opens_nothing(clinic: Any, provider: Provider) -> None:
    for lie, told in LIES.items():
        provider.claims = told
        refused(clinic, provider, lie)
    provider.claims = of()
    visitor = Visitor(clinic)
    come_back(visitor, provider)
    assert visitor.is_in, "and the truth does"


def _none(claims: dict[str, Any]) -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "none", "kid": "rsa-1", "typ": "JWT"}, claims)
    ]
    return ".".join([*parts, ""])


def test_a_token_without_a_signature_opens_nothing(clinic: Any, provider: Provider) -> None:
    provider.sign = _none
    refused(clinic, provider)


def test_a_token_signed_with_the_public_key_as_a_password_opens_nothing(
    clinic: Any, provider: Provider
) -> None:
    public = provider.keys["rsa-1"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def confused(claims: dict[str, Any]) -> str:
        head, body, _ = _none(claims).split(".")
        head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"rsa-1"}').rstrip(b"=").decode()
        raw = jwt.api_jws.PyJWS().get_algorithm_by_name("HS256")
        signature = raw.sign(f"{head}.{body}".encode(), public)
        return f"{head}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"

    provider.sign = confused
    refused(clinic, provider)


def test_a_token_signed_with_a_shared_secret_opens_nothing(clinic: Any, provider: Provider) -> None:
    for secret in (SECRET, CLIENT):
        key = secret.ljust(32)
        provider.sign = lambda claims, key=key: jwt.encode(claims, key, "HS256", headers={"kid": "rsa-1"})
        refused(clinic, provider, secret)


def test_a_token_of_somebody_elses_key_opens_nothing(clinic: Any, provider: Provider) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for name in ("rsa-1", "unknown"):
        provider.sign = lambda claims, name=name: jwt.encode(claims, other, "RS256", headers={"kid": name})
        refused(clinic, provider, name)


def test_what_is_no_token_opens_nothing(clinic: Any, provider: Provider) -> None:
    answers: tuple[Any, ...] = ("", "a.b.c", "not a token", 7, None)
    for answer in answers:
        provider.sign = lambda _, answer=answer: answer
        refused(clinic, provider, repr(answer))


def test_a_state_of_another_browser_opens_nothing(clinic: Any, provider: Provider) -> None:
    attacker, victim = Visitor(clinic), Visitor(clinic)
    url = attacker.open("/sign-in/with/hospital").headers["location"]
    victim.open("/sign-in")
    come_back(victim, provider, start=url)
    assert victim.page.status_code == 400
    assert not victim.is_in, "nobody is signed in as somebody else by a link"
    come_back(attacker, provider, start=url)
    assert attacker.is_in, "the browser that left may come back"


def test_a_changed_answer_opens_nothing(clinic: Any, provider: Provider) -> None:
    for changed in ({"state": "x"}, {"state": ""}, {"code": ""}, {"code": "x"}):
        visitor = Visitor(clinic)
        come_back(visitor, provider, **changed)
        assert not visitor.is_in, changed


def test_an_answer_in_another_providers_name_opens_nothing(clinic: Any, provider: Provider) -> None:
    visitor = Visitor(clinic)
    come_back(visitor, provider, iss="https://evil.example")
    assert not visitor.is_in
    again = Visitor(clinic)
    come_back(again, provider, iss=provider.issuer)
    assert again.is_in


def test_an_answer_opens_once(clinic: Any, provider: Provider) -> None:
    visitor = Visitor(clinic)
    url = visitor.open("/sign-in/with/hospital").headers["location"]
    code, state = provider.authorised(url)
    back = {"code": code, "state": state}
    visitor.client.get("/sign-in/with/hospital/back", params=back)
    token = visitor.token
    assert visitor.is_in
    asked = len(provider.asked)
    visitor.client.get("/sign-in/with/hospital/back", params=back)
    assert (visitor.token, len(provider.asked)) == (token, asked), "the second time nothing is asked"


def test_an_answer_that_comes_too_late_opens_nothing(clinic: Any, provider: Provider) -> None:
    visitor = Visitor(clinic)
    url = visitor.open("/sign-in/with/hospital").headers["location"]
    clinic.clock.goes(minutes=10)
    come_back(visitor, provider, start=url)
    assert not visitor.is_in


def test_who_has_no_account_or_a_closed_one_hears_the_same(clinic: Any, provider: Provider) -> None:
    provider.sub = "nobody"
    nobody = refused(clinic, provider)
    provider.sub = "4711"
    account = clinic.accounts["clinician"]
    clinic.services.accounts.change("test", msgspec.structs.replace(account, disabled=True))
    assert refused(clinic, provider) == nobody


def test_a_provider_that_is_not_in_the_file_does_not_exist(clinic: Any) -> None:
    visitor = Visitor(clinic)
    for url in ("/sign-in/with/evil", "/sign-in/with/evil/back?code=x&state=y"):
        assert visitor.open(url).status_code in (403, 404)


def test_what_the_provider_says_of_itself_leads_nowhere_else(clinic: Any, provider: Provider) -> None:
    for discovery in (
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://169.254.169.254/latest"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": None},
    ):
        provider.discovery = discovery
        visitor = Visitor(clinic)
        assert visitor.open("/sign-in/with/hospital").status_code == 400, discovery
        assert not provider.asked


def test_an_account_is_linked_by_its_owner_who_confirms_it_here(clinic: Any, provider: Provider) -> None:
    given(clinic, "patient")
    provider.sub = "0815"
    visitor = Visitor(clinic)
    visitor.sign_in("patient")
    visitor.open("/account/")
    page = visitor.send("/account/link")
    (start,) = [
        part.split('"')[0].replace("&amp;", "&")
        for part in page.text.split('href="')
        if part.startswith(provider.issuer)
    ]
    come_back(visitor, provider, start=start)
    account = clinic.accounts["patient"]
    assert clinic.services.accounts.by_subject(provider.issuer, "0815") == account
    again = Visitor(clinic)
    come_back(again, provider)
    assert again.is_in
    again.open("/account/")
    again.send("/account/unlink")
    assert clinic.services.accounts.by_subject(provider.issuer, "0815") is None


def test_a_link_that_somebody_else_began_links_nothing(clinic: Any, provider: Provider) -> None:
    for login in ("patient", "someone"):
        given(clinic, login)
    provider.sub = "0815"
    attacker, victim = Visitor(clinic), Visitor(clinic)
    attacker.sign_in("someone")
    attacker.open("/account/")
    page = attacker.send("/account/link")
    start = next(
        part.split('"')[0].replace("&amp;", "&")
        for part in page.text.split('href="')
        if part.startswith(provider.issuer)
    )
    victim.sign_in("patient")
    come_back(victim, provider, start=start)
    assert clinic.services.accounts.by_subject(provider.issuer, "0815") is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[{", "JSON list"),
        ('[{"id": "x"}]', "JSON list"),
        ('[{"id":"x","name":"X","issuer":"http://id.example","client_id":"c"}]', "not https"),
        ('[{"id":"x y","name":"X","issuer":"https://id.example","client_id":"c"}]', "letters and digits"),
        ('[{"id":"x","name":"X","issuer":"https://id.example","client_id":"c","scope":"email"}]', "openid"),
    ],
)
def test_a_file_of_providers_that_is_wrong_is_refused(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(InputError, match=said):
        providers(Settings(oidc=path))


def test_a_file_of_secrets_that_others_can_read_is_refused(tmp_path: Path, provider: Provider) -> None:
    path = written(tmp_path, provider)
    path.chmod(0o644)
    with pytest.raises(InputError, match="chmod 600"):
        providers(Settings(oidc=path))


def refused(clinic: Any, provider: Provider, why: str = "") -> str:
    """Nobody is signed in, with the same words for all; what was said."""
    visitor = Visitor(clinic)
    before = len([each for each in clinic.audit() if each.action == "refuse-sign-in"])
    assert come_back(visitor, provider).status_code == 400, why
    assert not visitor.is_in, why
    said = visitor.said()
    assert "The other service did not sign you in here." in said
    assert len([each for each in clinic.audit() if each.action == "refuse-sign-in"]) == before + 1, why
    return said
