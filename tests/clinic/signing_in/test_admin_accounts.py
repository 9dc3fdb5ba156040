"""The administrator's pages: accounts made, changed, closed, given a new start; and nobody else there."""

import re
from typing import Any

import pytest
from visiting import SECRET, Visitor, app_code, given


@pytest.fixture
def admin(clinic: Any) -> Visitor:
    given(clinic, "administrator", totp=SECRET)
    visitor = Visitor(clinic)
    visitor.sign_in("administrator")
    visitor.second(app_code(clinic, SECRET))
    return visitor


def shown_password(visitor: Visitor) -> str:
    found = re.search(r"<samp>([a-z0-9-]{23})</samp>", visitor.page.text)
    assert found is not None, visitor.said()
    return found[1]


def test_a_new_account_signs_in_with_the_password_shown_once(clinic: Any, admin: Visitor) -> None:
    admin.open("/admin/accounts/new")
    admin.send(
        "/admin/accounts/new",
        login="n.new",
        name="Dr N. New",
        role="clinician",
        profession="nurse",
        site="North",
    )
    password = shown_password(admin)
    account = clinic.services.accounts.by_login("n.new")
    assert (account.name, account.profession, account.site) == ("Dr N. New", "nurse", "North")
    assert password not in admin.open("/admin/accounts").text
    theirs = Visitor(clinic)
    theirs.sign_in("n.new", password)
    assert theirs.follow().url.path == "/account/password"
    events = [each for each in clinic.audit() if each.action == "account"]
    assert (events[0].actor, events[0].detail) == (
        clinic.accounts["administrator"].actor,
        {"what": "made", "account": account.id, "role": "clinician"},
    )


@pytest.mark.parametrize(
    ("wrong", "status", "said"),
    [
        ({"login": "clinician"}, 409, "has this login"),
        ({"login": "two words"}, 400, "A login is"),
        ({"login": "q-abc"}, 400, "of links"),
        ({"role": ""}, 400, "role is one of"),
        ({"role": "integrator"}, 400, "role is one of"),
        ({"role": "patient", "patient": "0" * 32}, 400, "no patient"),
        ({"name": ""}, 400, "A name is"),
    ],
)
def test_what_cannot_be_made_is_said_and_nothing_is_stored(
    clinic: Any, admin: Visitor, wrong: dict[str, str], status: int, said: str
) -> None:
    before = clinic.services.accounts.all()
    admin.open("/admin/accounts/new")
    admin.send("/admin/accounts/new", **{"login": "n.new", "name": "N", "role": "clinician", **wrong})
    assert admin.page.status_code == status
    assert said in admin.said()
    assert clinic.services.accounts.all() == before


def test_another_role_is_a_new_sign_in(clinic: Any, admin: Visitor) -> None:
    account = clinic.accounts["clinician"]
    client = clinic.signed_in("clinician")
    assert client.get("/account/").status_code == 200
    admin.open(f"/admin/accounts/{account.id}")
    url = f"/admin/accounts/{account.id}"
    admin.send(url, login="clinician", name=account.name, role="trainee", profession="psychologist")
    assert clinic.services.accounts.get(account.id).role == "trainee"
    assert client.get("/account/").status_code == 303


def test_a_patient_s_account_is_linked_to_the_patient(clinic: Any, admin: Visitor) -> None:
    admin.open("/admin/accounts/new")
    admin.send("/admin/accounts/new", login="p.new", role="patient", patient=clinic.patients[3])
    account = clinic.services.accounts.by_login("p.new")
    assert (account.patient, account.name) == (clinic.patients[3], "p.new")
    theirs = Visitor(clinic)
    theirs.sign_in("p.new", shown_password(admin))
    assert theirs.follow().url.path == "/account/password"


def test_the_administrator_reads_no_patient_s_name(clinic: Any, admin: Visitor) -> None:
    page = admin.open("/admin/accounts?role=patient").text
    assert clinic.accounts["patient"].login in page
    assert clinic.accounts["patient"].name not in page


def test_a_closed_account_is_out_at_once_and_may_be_opened_again(clinic: Any, admin: Visitor) -> None:
    account = given(clinic, "patient")
    theirs = Visitor(clinic)
    theirs.sign_in("patient")
    for state, is_in in (("closed", False), ("open", True)):
        admin.open(f"/admin/accounts/{account.id}")
        admin.send(f"/admin/accounts/{account.id}/open")
        if state == "open":
            theirs.sign_in("patient")
        assert theirs.is_in is is_in


def test_the_last_administrator_cannot_close_their_own(clinic: Any, admin: Visitor) -> None:
    account = clinic.accounts["administrator"]
    admin.open(f"/admin/accounts/{account.id}")
    assert admin.send(f"/admin/accounts/{account.id}/open").status_code == 409
    assert admin.is_in


@pytest.mark.parametrize(("whole", "left"), [("", SECRET), ("yes", b"")])
def test_a_new_start(clinic: Any, admin: Visitor, whole: str, left: bytes) -> None:
    account = given(clinic, "clinician", totp=SECRET)
    theirs = Visitor(clinic)
    theirs.sign_in("clinician")
    clinic.clock.goes(seconds=60)
    theirs.second(app_code(clinic, SECRET))
    assert theirs.is_in
    admin.open(f"/admin/accounts/{account.id}")
    admin.send(f"/admin/accounts/{account.id}/reset", **({"whole": whole} if whole else {}))
    assert not theirs.is_in
    assert clinic.services.accounts.credentials(account.id).totp == left
    theirs.sign_in("clinician")
    assert theirs.page.status_code == 400, "the old password is gone"
    theirs.sign_in("clinician", shown_password(admin))
    assert theirs.page.status_code == 303


@pytest.mark.parametrize("role", ["clinician", "patient", "safety-officer", "data-scientist"])
def test_nobody_else_comes_here(clinic: Any, role: str) -> None:
    account = clinic.accounts["other"]
    client = clinic.signed_in(role)
    for url in ("", "/new", f"/{account.id}"):
        assert client.get(f"/admin/accounts{url}").status_code in (403, 404)
    before = clinic.services.accounts.all()
    for url in ("/new", f"/{account.id}", f"/{account.id}/open", f"/{account.id}/reset"):
        form = {"login": "x.x", "name": "X", "role": "administrator"}
        assert clinic.send(role, f"/admin/accounts{url}", **form).status_code in (403, 404)
    assert clinic.services.accounts.all() == before
    assert clinic.services.accounts.credentials(account.id).version == 1


def test_a_name_that_is_a_script_stays_words(clinic: Any, admin: Visitor) -> None:
    admin.open("/admin/accounts/new")
    admin.send(
        "/admin/accounts/new",
        login="x.ss",
        name="<script>alert(1)</script>",
        role="clinician",
        site='"><img src=x>',
    )
    account = clinic.services.accounts.by_login("x.ss")
    for url in ("/admin/accounts", f"/admin/accounts/{account.id}"):
        text = admin.open(url).text
        assert "<script>alert" not in text
        assert "<img src=x" not in text
