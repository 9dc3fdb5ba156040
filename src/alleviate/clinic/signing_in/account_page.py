"""The pages of somebody's own account: what they sign in with, where they are, language, password."""

from typing import Annotated

import msgspec
from fastapi import Form
from fastapi.responses import Response

from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.clinic.signing_in import oidc, passkeys, passwords
from alleviate.clinic.signing_in.cookies import forget, keep_entry, remember
from alleviate.clinic.signing_in.devices import address_of
from alleviate.clinic.signing_in.entering import renewed
from alleviate.clinic.signing_in.own import account_of, again, fresh, session_here, steps_left
from alleviate.clinic.signing_in.providers import provider, providers
from alleviate.terms.errors import DataError, RefusedError
from alleviate.vault.accounts import LANGUAGES, Account, Credentials

__all__ = ["door"]

door = Door("my account", prefix="/account")

_STEPS = {"password": "/account/password", "second": "/account/second"}

Text = Annotated[str, Form(max_length=300)]
Secret = Annotated[str, Form(max_length=1000)]


@door.page("/", action="own.account")
def account(visit: VisitOf) -> Response:
    """What I sign in with, and where I am signed in. Who has something left to set up goes there first."""
    mine = account_of(visit)
    session, left = session_here(visit), steps_left(visit, mine)
    if session.kind == "setup" and left:
        return visit.go(_STEPS[left[0]])
    credentials = visit.services.accounts.credentials(mine.id)
    linked = {each.issuer for each in credentials.subjects}
    return visit.page(
        "signing_in/account.html",
        account=mine,
        credentials=credentials,
        sessions=visit.services.accounts.sessions(mine.id, visit.now),
        here=session.id,
        passkeys_here=passkeys.open_here(visit.services.settings),
        providers=[
            (each.id, each.name, each.issuer in linked) for each in providers(visit.services.settings)
        ],
    )


@door.form("/language", action="own.account")
def language_sent(visit: VisitOf, language: Text = "") -> Response:
    """The language in which I read."""
    mine = account_of(visit)
    if language not in LANGUAGES:
        raise DataError(f"A language is one of {', '.join(LANGUAGES)}.", hint="Choose one.")
    visit.services.accounts.change(mine.actor, msgspec.structs.replace(mine, language=language))
    response = visit.go("/account/", said=visit._("Your language is changed."))
    response.delete_cookie("alleviate-language")
    return response


@door.form("/sessions/end", action="own.account")
def session_ended(visit: VisitOf, session: Text = "") -> Response:
    """Sign out somewhere else."""
    ended = visit.services.accounts.close_one(visit.who.key, session)
    words = visit._("You are signed out there.") if ended else visit._("You were signed out there already.")
    return visit.go("/account/", said=words)


@door.form("/sessions/end-all", action="own.account")
def all_ended(visit: VisitOf) -> Response:
    """Sign out everywhere, here too."""
    visit.services.accounts.close_all(visit.who.key)
    response = visit.go("/sign-in", said=visit._("You are signed out everywhere."))
    forget(response, visit.services.settings)
    return response


@door.page("/password", action="own.account")
def password(visit: VisitOf) -> Response:
    """Asks for a new password."""
    if not fresh(visit):
        return visit.go(again("/account/password"))
    return _password_page(visit, account_of(visit))


@door.form("/password", action="own.account")
def password_sent(visit: VisitOf, current: Secret = "", new: Secret = "", repeated: Secret = "") -> Response:
    """A new password; who is signed in elsewhere with the old one is signed out."""
    if not fresh(visit):
        return visit.go(again("/account/password"))
    mine = account_of(visit)
    credentials = visit.services.accounts.credentials(mine.id)
    errors = _wrong(visit, mine, credentials, current, new, repeated)
    if errors:
        return _password_page(visit, mine, errors=errors)
    changed = msgspec.structs.replace(
        credentials, password=passwords.hashed(new), changed=visit.now, one_time_until=None
    )
    visit.services.accounts.set_credentials(
        mine.id, changed, seen=credentials.version, what="password", end_sessions=True
    )
    response = visit.go("/account/", said=visit._("Your password is changed."))
    remember(response, visit.services.settings, renewed(visit, mine, "password-changed"))
    return response


@door.form("/link", action="own.account")
def link(visit: VisitOf, provider_id: Text = "") -> Response:
    """Before leaving for another sign-in service: a page of ours says where the link goes."""
    if not fresh(visit):
        return visit.go(again("/account/"))
    chosen = provider(visit.services.settings, provider_id)
    if chosen is None:
        raise RefusedError("There is no such sign-in service here.")
    url, state = oidc.begin(visit.services, chosen, account=visit.who.key)
    response = visit.page("signing_in/link.html", url=url, name=chosen.name)
    keep_entry(response, visit.services.settings, state)
    return response


@door.form("/unlink", action="own.account")
def unlink(visit: VisitOf, provider_id: Text = "") -> Response:
    """No longer by this service."""
    if not fresh(visit):
        return visit.go(again("/account/"))
    chosen = provider(visit.services.settings, provider_id)
    credentials = visit.services.accounts.credentials(visit.who.key)
    left = tuple(each for each in credentials.subjects if chosen is None or each.issuer != chosen.issuer)
    if not left and not credentials.password and not credentials.passkeys:
        raise DataError("This is the only way in that you have.", hint="Set a password first.")
    changed = msgspec.structs.replace(credentials, subjects=left)
    visit.services.accounts.set_credentials(
        visit.who.key, changed, seen=credentials.version, what="provider-unlinked"
    )
    return visit.go("/account/", said=visit._("You no longer sign in that way."))


def _password_page(visit: Visit, mine: Account, *, errors: dict[str, str] | None = None) -> Response:
    credentials = visit.services.accounts.credentials(mine.id)
    return visit.page(
        "signing_in/password.html",
        status=400 if errors else 200,
        one_time=credentials.one_time_until is not None,
        has_one=bool(credentials.password),
        login=mine.login,
        fewest=passwords.FEWEST,
        errors=errors or {},
    )


def _wrong(
    visit: Visit, mine: Account, credentials: Credentials, current: str, new: str, repeated: str
) -> dict[str, str]:
    """What is wrong with what was sent, by field; nothing where it can be stored."""
    accounts, keys = visit.services.accounts, (f"login:{mine.login}", f"address:{address_of(visit.request)}")
    if credentials.password and credentials.one_time_until is None:
        if accounts.tried(keys, visit.now) is not None:
            return {"current": visit._("There were too many tries. Wait a few minutes.")}
        if not passwords.matches(credentials.password, current):
            accounts.refused(mine.id, "password")
            return {"current": visit._("This is not your password of today.")}
        accounts.cleared(*keys)
    if new != repeated:
        return {"repeated": visit._("The two new passwords differ.")}
    if credentials.password and passwords.matches(credentials.password, new):
        return {"new": visit._("Choose another password than the one you had.")}
    own = (mine.login, mine.name, mine.site, visit.services.settings.name)
    try:
        passwords.check_password(new, own)
    except DataError:
        if len(new) < passwords.FEWEST:
            return {
                "new": visit._("A password has %(count)s characters or more.") % {"count": passwords.FEWEST}
            }
        return {"new": visit._("This password is one of the first that anybody would guess.")}
    return {}
