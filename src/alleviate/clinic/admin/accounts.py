"""The administrator's pages: accounts made, changed, closed, and given a new start. No patient's data."""

from typing import Annotated

import msgspec
from fastapi import Form, Query
from fastapi.responses import Response

from alleviate.clinic.admin.filled import Filled, changed, made
from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.clinic.invitations import LINK_LOGIN
from alleviate.clinic.signing_in import passwords
from alleviate.clinic.signing_in.first import HOLDS
from alleviate.decisions.permissions import ROLES
from alleviate.terms.errors import ConflictError, DataError, RefusedError
from alleviate.vault.accounts import PROFESSIONS, Account, Credentials

__all__ = ["door"]

door = Door("accounts", prefix="/admin/accounts")

_DOES = "account.manage"
_SIGN_IN = tuple(role for role in ROLES if role != "integrator")

Text = Annotated[str, Form(max_length=300)]


@door.page("", action=_DOES)
def accounts(visit: VisitOf, role: Annotated[str, Query(max_length=40)] = "") -> Response:
    """Everybody who can sign in; those of a role."""
    everybody = [each for each in visit.services.accounts.all() if not _of_links(each)]
    shown = [each for each in everybody if not role or each.role == role]
    counts = {each: sum(account.role == each for account in everybody) for each in _SIGN_IN}
    return visit.page("admin/accounts.html", accounts=shown, counts=counts, role=role, total=len(everybody))


@door.page("/new", action=_DOES)
def new(visit: VisitOf) -> Response:
    """Asks for whom an account is."""
    return _form(visit, Filled(), None)


@door.form("/new", action=_DOES)
def new_sent(visit: VisitOf, filled: Annotated[Filled, Form()]) -> Response:
    """A new account with a one-time password, which is shown now and never again."""
    password = passwords.one_time()
    fresh = Credentials(
        password=passwords.hashed(password), changed=visit.now, one_time_until=visit.now + HOLDS
    )
    try:
        account = made(filled, visit.now)
        if _of_links(account):
            raise DataError(f"A login does not begin with {LINK_LOGIN}: those are of links.", hint="Another.")
        account = visit.services.accounts.add(visit.who.actor, account, fresh)
    except (DataError, ConflictError) as error:
        return _form(visit, filled, None, wrong=error)
    return _shown(visit, account, password)


@door.page("/{account_id}", action=_DOES)
def one(visit: VisitOf, account_id: str) -> Response:
    """One account."""
    account = _found(visit, account_id)
    return _form(visit, Filled.of(account), account)


@door.form("/{account_id}", action=_DOES)
def one_sent(visit: VisitOf, account_id: str, filled: Annotated[Filled, Form()]) -> Response:
    """Another name, role, site; who may do other things than before has to sign in again."""
    account = _found(visit, account_id)
    try:
        visit.services.accounts.change(visit.who.actor, changed(filled, account))
    except (DataError, ConflictError) as error:
        return _form(visit, filled, account, wrong=error)
    return visit.go("/admin/accounts", said=visit._("The account is changed."))


@door.form("/{account_id}/open", action=_DOES)
def open_sent(visit: VisitOf, account_id: str, open: Text = "") -> Response:
    """Disable it, which ends every visit of theirs at once; or open it again."""
    account = _found(visit, account_id)
    try:
        visit.services.accounts.change(
            visit.who.actor, msgspec.structs.replace(account, disabled=open != "yes")
        )
    except ConflictError as error:
        return _form(visit, Filled.of(account), account, wrong=error)
    words = visit._("The account is open.") if open == "yes" else visit._("The account is closed.")
    return visit.go("/admin/accounts", said=words)


@door.form("/{account_id}/reset", action=_DOES)
def reset(visit: VisitOf, account_id: str, whole: Text = "") -> Response:
    """A new one-time password; with ``whole`` the second factor has to be set up anew too."""
    account = _found(visit, account_id)
    password, before = passwords.one_time(), visit.services.accounts.credentials(account.id)
    after = msgspec.structs.replace(
        before,
        password=passwords.hashed(password),
        changed=visit.now,
        one_time_until=visit.now + HOLDS,
    )
    if whole == "yes":
        after = msgspec.structs.replace(after, totp=b"", passkeys=(), recovery=())
    visit.services.accounts.set_credentials(
        account.id,
        after,
        seen=before.version,
        by=visit.who.actor,
        what="new-start" if whole == "yes" else "one-time-password",
        end_sessions=True,
    )
    return _shown(visit, account, password)


def _shown(visit: Visit, account: Account, password: str) -> Response:
    return visit.page(
        "admin/password.html", account=account, password=password, until=visit.now + HOLDS, days=HOLDS.days
    )


def _form(
    visit: Visit, filled: Filled, account: Account | None, *, wrong: DataError | ConflictError | None = None
) -> Response:
    errors = {"": visit._(wrong.message)} if wrong else {}
    credentials = visit.services.accounts.credentials(account.id) if account else None
    return visit.page(
        "admin/account.html",
        status=200 if wrong is None else 409 if isinstance(wrong, ConflictError) else 400,
        account=account,
        filled=filled,
        credentials=credentials,
        roles=_SIGN_IN,
        professions=PROFESSIONS,
        sites=sorted({each.site for each in visit.services.accounts.all() if each.site}),
        errors=errors,
    )


def _found(visit: Visit, id: str) -> Account:
    account = visit.services.accounts.get(id)
    if account is None or _of_links(account):
        raise RefusedError("There is no such account.", hint="See them all under accounts.")
    return account


def _of_links(account: Account) -> bool:
    """Whether only a link to a questionnaire opens it: nobody signs in with it."""
    return account.login.startswith(LINK_LOGIN)
