"""The pages on which somebody sets up their second factor: app, passkeys, recovery codes."""

from base64 import b64encode
from datetime import timedelta
from typing import Annotated

import msgspec
from fastapi import Form
from fastapi.responses import JSONResponse, Response

from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.clinic.signing_in import passkeys, recovery, totp
from alleviate.clinic.signing_in.cookies import remember
from alleviate.clinic.signing_in.entering import renewed
from alleviate.clinic.signing_in.own import account_of, again, fresh, session_here
from alleviate.terms.errors import DataError
from alleviate.vault.accounts import Account, Credentials

__all__ = ["door"]

door = Door("my second factor", prefix="/account/second")

_HOLDS = timedelta(minutes=15)
_HERE = "/account/second"

Text = Annotated[str, Form(max_length=300)]
Long = Annotated[str, Form(max_length=20_000)]


class _Secret(msgspec.Struct, frozen=True):
    """An app's secret that its owner has not shown to work yet."""

    account: str
    secret: bytes


@door.page("", action="own.account")
def second(visit: VisitOf) -> Response:
    """What there is, and what can be set up."""
    if not fresh(visit):
        return visit.go(again(_HERE))
    return _page(visit)


@door.page("/app", action="own.account")
def app(visit: VisitOf) -> Response:
    """A new secret, as a picture for the app."""
    if not fresh(visit):
        return visit.go(again(_HERE))
    secret, mine = totp.new_secret(), account_of(visit)
    kept = _Secret(mine.id, secret)
    ticket = visit.services.accounts.keep("totp", kept, visit.now, visit.now + _HOLDS)
    return _app_page(visit, mine, secret, ticket)


@door.form("/app", action="own.account")
def app_sent(visit: VisitOf, ticket: Text = "", code: Text = "") -> Response:
    """The app shows the right code: from now on it is asked for."""
    mine, accounts = account_of(visit), visit.services.accounts
    kept = accounts.look("totp", ticket, _Secret, visit.now)
    if not fresh(visit) or kept is None or kept.account != mine.id:
        return visit.go(_HERE)
    if not totp.accepted(accounts, mine.id, kept.secret, code, visit.now):
        words = visit._("That code is not right. Wait for the next one and try again.")
        return _app_page(visit, mine, kept.secret, ticket, errors={"code": words})
    accounts.take("totp", ticket, _Secret, visit.now)
    credentials = accounts.credentials(mine.id)
    changed = msgspec.structs.replace(credentials, totp=kept.secret)
    return _with_codes(visit, mine, credentials, changed, "totp-set")


@door.form("/app/remove", action="own.account")
def app_removed(visit: VisitOf) -> Response:
    """The app is no longer asked for."""
    if not fresh(visit):
        return visit.go(again(_HERE))
    credentials = visit.services.accounts.credentials(visit.who.key)
    return _removed(visit, credentials, msgspec.structs.replace(credentials, totp=b""), "totp-removed")


@door.data("/passkeys/options", action="own.account", methods=["POST"])
def passkey_options(visit: VisitOf) -> Response:
    """What the browser is asked for to make a passkey."""
    if not fresh(visit):
        raise DataError("You signed in some time ago.", hint="Sign in again first.")
    mine = account_of(visit)
    credentials = visit.services.accounts.credentials(mine.id)
    return JSONResponse(passkeys.to_create(visit.services, mine, credentials))


@door.form("/passkeys", action="own.account")
def passkey_sent(visit: VisitOf, ticket: Text = "", credential: Long = "", name: Text = "") -> Response:
    """A new passkey."""
    if not fresh(visit):
        return visit.go(again(_HERE))
    mine = account_of(visit)
    try:
        changed = passkeys.add(visit.services, mine, ticket, credential, name)
    except DataError:
        return _page(visit, errors={"": visit._("This passkey could not be checked. Try once more.")})
    return _with_codes(visit, mine, changed, changed, "")


@door.form("/passkeys/remove", action="own.account")
def passkey_removed(visit: VisitOf, passkey: Text = "") -> Response:
    """This passkey opens nothing any more."""
    if not fresh(visit):
        return visit.go(again(_HERE))
    credentials = visit.services.accounts.credentials(visit.who.key)
    left = tuple(each for each in credentials.passkeys if each.id.hex() != passkey)
    changed = msgspec.structs.replace(credentials, passkeys=left)
    return _removed(visit, credentials, changed, "passkey-removed")


@door.form("/recovery", action="own.account")
def recovery_sent(visit: VisitOf) -> Response:
    """New recovery codes; the old ones open nothing any more."""
    if not fresh(visit):
        return visit.go(again(_HERE))
    mine = account_of(visit)
    credentials = visit.services.accounts.credentials(mine.id)
    if not credentials.second_factor:
        return visit.go(_HERE)
    changed = msgspec.structs.replace(credentials, recovery=())
    return _with_codes(visit, mine, credentials, changed, "recovery-made")


def _with_codes(
    visit: Visit, mine: Account, before: Credentials, changed: Credentials, what: str
) -> Response:
    """Store what was set up. Who has no recovery codes gets them, shown this one time. A new id besides."""
    accounts = visit.services.accounts
    codes = [] if changed.recovery else recovery.new_codes()
    if codes or what:
        if codes:
            changed = msgspec.structs.replace(changed, recovery=tuple(map(recovery.hash_of, codes)))
        accounts.set_credentials(mine.id, changed, seen=before.version, what=what or "recovery-made")
    token = renewed(visit, mine, "second-factor-set")
    if codes:
        response: Response = visit.page("signing_in/codes.html", codes=codes, what=what)
    else:
        response = visit.go("/account/", said=visit._("It is set up."))
    remember(response, visit.services.settings, token)
    return response


def _removed(visit: Visit, before: Credentials, changed: Credentials, what: str) -> Response:
    mine = account_of(visit)
    needed = visit.services.settings.second_factor and mine.staff
    if needed and not changed.second_factor:
        words = visit._("This is your only second factor. Set up another one first.")
        return _page(visit, errors={"": words})
    if not changed.second_factor:
        changed = msgspec.structs.replace(changed, recovery=())
    visit.services.accounts.set_credentials(mine.id, changed, seen=before.version, what=what)
    return visit.go(_HERE, said=visit._("It is removed."))


def _page(visit: Visit, *, errors: dict[str, str] | None = None) -> Response:
    credentials = visit.services.accounts.credentials(visit.who.key)
    return visit.page(
        "signing_in/second_factor.html",
        status=400 if errors else 200,
        credentials=credentials,
        setting_up=session_here(visit).kind == "setup",
        passkeys_here=passkeys.open_here(visit.services.settings),
        errors=errors or {},
    )


def _app_page(
    visit: Visit, mine: Account, secret: bytes, ticket: str, *, errors: dict[str, str] | None = None
) -> Response:
    picture = totp.picture(secret, mine.login, visit.services.settings.name)
    return visit.page(
        "signing_in/app.html",
        status=400 if errors else 200,
        picture="data:image/png;base64," + b64encode(picture).decode(),
        spelled=totp.spelled(secret),
        ticket=ticket,
        errors=errors or {},
    )
