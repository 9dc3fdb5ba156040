"""Invitations to fill in questionnaires: made by the care team, opened by a tap or a typed code, spent once.

An invitation is a thread of sheets: the first says what is asked and by when; a later one that it was
answered or withdrawn. Its link carries 256 random bits of which the vault keeps a hash, until the invitation
ends. The typed code, for paper and telephone, is a handle by which we find whose it is, and 29 random bits
whose slow hash lies in the sheet; it opens only together with the date of birth, and guessing locks it
(`alleviate.clinic.mine.links`). The handle is the login of an account that belongs to the person and has no
credentials: nobody can sign in with it, whether or not they have another to sign in with.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

import msgspec

from alleviate.instruments import INSTRUMENTS
from alleviate.terms.errors import ConflictError, DataError
from alleviate.terms.times import check_utc
from alleviate.vault import Access, NewSheet, Sheet
from alleviate.vault.accounts import Account, Accounts, Credentials, Language

__all__ = [
    "LINK_LOGIN",
    "Invitation",
    "Invited",
    "Opening",
    "due",
    "handle_of",
    "invitation_of",
    "invitations",
    "invite",
    "opened_by_link",
    "opened_by_typing",
    "spent",
    "withdraw",
]

State = Literal["open", "answered", "withdrawn", "over"]

_TICKET = "invitation"
LINK_LOGIN = "q-"
"""Begins the login of an account that only links and codes open."""

_NAME = "Opened by link"
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # without those that read like another
_LETTERS = 6  # of the handle, and of the secret: 29 bits each
_GRACE = timedelta(days=14)  # after the day on which it is due: late answers are better than none
_LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Invitation:
    """What somebody is asked. ``due`` is the day by which; ``until`` (UTC) the end of link and code.

    ``seen``: how many sheets its thread had when it was read (see ``NewSheet.after``). ``state`` ``over``:
    its time has run out unanswered.
    """

    id: str
    patient: str
    instruments: tuple[str, ...]
    due: date
    until: datetime
    made_at: datetime
    by: str
    state: State
    typed_hash: str
    seen: int

    def is_open(self) -> bool:
        return self.state == "open"


@dataclass(frozen=True, slots=True)
class Invited:
    """A new invitation with its codes, which are shown now and never again: only their hashes are kept.

    ``link`` is the last part of its address; ``typed`` is written in fours.
    """

    id: str
    link: str
    typed: str


class Opening(msgspec.Struct, frozen=True):
    """Whose account a link or a code opens, and for which invitation alone."""

    account: str
    invitation: str


def invite(
    access: Access,
    accounts: Accounts,
    by: str,
    patient: str,
    *,
    instruments: Sequence[str],
    due: date,
    now: datetime,
    language: Language = "en",
) -> Invited:
    """Ask ``patient`` (our id) to fill in these instruments by ``due``. ``by``: the actor. Raises DataError.

    The caller has checked that their wording may be shown.
    """
    check_utc(now, "The moment of an invitation")
    wanted = tuple(dict.fromkeys(instruments))
    if not wanted or not set(wanted) <= set(INSTRUMENTS):
        raise DataError("An invitation names questionnaires that there are.", hint="Choose at least one.")
    until = datetime.combine(due, time.max, UTC) + _GRACE
    if due < now.date() or until - now > _LONGEST:
        raise DataError("An invitation is due from today to within a year.", hint="Choose another day.")
    account = _account(accounts, by, patient, language)
    handle, secret = account.login.removeprefix(LINK_LOGIN).upper(), _random()
    body = {
        "instruments": list(wanted),
        "due": due.isoformat(),
        "until": until.isoformat(),
        "typed": _hash(handle, secret),
    }
    (id,) = access.store(now, sheets=[NewSheet(patient, "invitation", body)]).sheets
    # Cut off between the two, an invitation stands that no link opens: it can be made again.
    link = accounts.keep(_TICKET, msgspec.to_builtins(Opening(account.id, id)), now, until)
    text = f"{handle}{secret}"
    return Invited(id, link, "-".join(text[start : start + 4] for start in range(0, len(text), 4)))


def invitations(sheets: Iterable[Sheet], now: datetime) -> list[Invitation]:
    """Every invitation in these sheets (kinds invitation and draft, for a right ``seen``), newest first."""
    threads: dict[str, list[Sheet]] = {}
    for sheet in sheets:
        if sheet.kind in ("invitation", "draft"):
            threads.setdefault(sheet.thread or sheet.id, []).append(sheet)
    found = [each for thread in threads.values() if (each := _invitation(thread, now))]
    return sorted(found, key=lambda each: (each.made_at, each.id), reverse=True)


def invitation_of(sheets: Iterable[Sheet], id: str, now: datetime) -> Invitation | None:
    """The one of this id, or None."""
    return next((each for each in invitations(sheets, now) if each.id == id), None)


def due(sheets: Iterable[Sheet], now: datetime) -> list[Invitation]:
    """What is open, by the day on which it is due."""
    found = [each for each in invitations(sheets, now) if each.is_open()]
    return sorted(found, key=lambda each: (each.due, each.made_at, each.id))


def spent(invitation: Invitation) -> NewSheet:
    """The sheet that says that it was answered, to be stored with the answers.

    Storing it raises ConflictError where anything came in since the invitation was read.
    """
    return _end(invitation, "answered", invitation.seen)


def withdraw(access: Access, invitation: Invitation, now: datetime) -> None:
    """Ask no longer. Raises DataError where it is not open."""
    if not invitation.is_open():
        raise DataError("This invitation is not open any more.", hint="There is nothing to withdraw.")
    access.store(now, sheets=[_end(invitation, "withdrawn", None)])


def opened_by_link(accounts: Accounts, code: str, now: datetime) -> Opening | None:
    """What the link opens; None for an unknown code, or one whose time is over. Reads no patient's data."""
    return accounts.look(_TICKET, code, Opening, now)


def handle_of(text: str) -> tuple[str, str] | None:
    """The login and the secret in a typed code, however it was spaced; None for what cannot be one."""
    plain = "".join(sign for sign in text.upper() if sign.isalnum())
    if len(plain) != 2 * _LETTERS or not set(plain) <= set(_ALPHABET):
        return None
    return f"{LINK_LOGIN}{plain[:_LETTERS].lower()}", plain[_LETTERS:]


def opened_by_typing(found: Iterable[Invitation], login: str, secret: str) -> Invitation | None:
    """The invitation whose typed code this is, if it is open or answered. Takes as long where there is none.

    The caller has compared the date of birth.
    """
    hashed = _hash(login.removeprefix(LINK_LOGIN).upper(), secret)
    matches = [each for each in found if hmac.compare_digest(each.typed_hash, hashed)]
    return next((each for each in matches if each.state in ("open", "answered")), None)


def _account(accounts: Accounts, by: str, patient: str, language: Language) -> Account:
    """The person's account that only links and codes open, made with their first invitation."""
    for account in accounts.of_patient(patient):
        if account.login.startswith(LINK_LOGIN) and not account.disabled:
            return account
    for _ in range(3):  # two handles are alike hardly ever
        login = f"{LINK_LOGIN}{_random().lower()}"
        new = Account(login=login, name=_NAME, role="patient", patient=patient, language=language)
        try:
            return accounts.add(by, new, Credentials())
        except ConflictError:
            continue
    raise ConflictError("No account could be made for the invitation.", hint="Try once more.")


def _end(invitation: Invitation, state: State, after: int | None) -> NewSheet:
    """One end only: the first that is stored stands."""
    return NewSheet(
        invitation.patient,
        "invitation",
        {"state": state},
        thread=invitation.id,
        once=f"end-{invitation.id}",
        after=after,
    )


def _invitation(thread: Sequence[Sheet], now: datetime) -> Invitation | None:
    first = next((each for each in thread if each.kind == "invitation" and "instruments" in each.body), None)
    if first is None:
        return None
    body: dict[str, Any] = first.body
    until = datetime.fromisoformat(body["until"])
    ended = next((each.body["state"] for each in thread if "state" in each.body), "")
    state: State = "answered" if ended == "answered" else "withdrawn" if ended else "open"
    if state == "open" and now > until:
        state = "over"
    return Invitation(
        id=first.id,
        patient=first.patient,
        instruments=tuple(body["instruments"]),
        due=date.fromisoformat(body["due"]),
        until=until,
        made_at=first.at,
        by=first.by,
        state=state,
        typed_hash=body["typed"],
        seen=len(thread),
    )


def _random() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LETTERS))


def _hash(handle: str, secret: str) -> str:
    """Slow on purpose: 29 bits alone are soon tried through."""
    return hashlib.scrypt(secret.encode(), salt=handle.encode(), n=2**13, r=8, p=1).hex()
