"""Who did something, as a person may know it: what somebody is, never their name."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from alleviate.clinic.patient.names import Names
from alleviate.clinic.who import COUNTER, KEEPER
from alleviate.vault.accounts import Account, Accounts

__all__ = ["Seers"]

_ACCOUNT, _CLIENT, _OPERATOR = "account:", "client:", "os:"
_ID_LENGTH = 12


class Seers:
    """For one person (``patient``: our id). Looks each account up once; ``say`` translates."""

    def __init__(self, accounts: Accounts, patient: str, say: Callable[[str], str] = str) -> None:
        self._accounts = accounts
        self._patient = patient
        self._say = say
        self.account = Names(accounts).account

    def of(self, actor: str) -> str:
        """Of the audit's word for who acted."""
        _ = self._say
        if actor.startswith(_ACCOUNT):
            return self._person(self.account(actor.removeprefix(_ACCOUNT)))
        if actor.startswith(_CLIENT):
            client = self._accounts.client(actor.removeprefix(_CLIENT))
            if client is None:
                return _("Another computer system")
            return _("The computer system “%(name)s”") % {"name": client.name}
        if actor.startswith(_OPERATOR):
            return _("Somebody who runs the clinic's computers")
        if actor == KEEPER:
            return _("Our program that checks new answers")
        if actor == COUNTER:
            return _("Our program that counts how the clinic does")
        return _("A program of the clinic")

    def told(self, value: Any) -> Any:
        """Plain values with nobody's account in them: each is said as in `of`."""
        if isinstance(value, str):
            return self._told(value)
        if isinstance(value, Mapping):
            return {name: self.told(each) for name, each in value.items()}
        if isinstance(value, Sequence) and not isinstance(value, bytes):
            return [self.told(each) for each in value]
        return value

    def _told(self, text: str) -> str:
        if text.startswith((_ACCOUNT, _CLIENT)):
            return self.of(text)
        if len(text) == _ID_LENGTH and text.isalnum() and self.account(text) is not None:
            return self._person(self.account(text))
        return text

    def _person(self, account: Account | None) -> str:
        _ = self._say
        if account is None:
            return _("Somebody whose account was closed")
        if account.role == "patient":
            return _("You") if account.patient == self._patient else _("Somebody with a patient's sign-in")
        words = self._professions() if account.role == "clinician" else self._roles()
        named = account.profession if account.role == "clinician" else account.role
        return words.get(named, _("Somebody of the clinic"))

    def _roles(self) -> dict[str, str]:
        _ = self._say
        return {
            "trainee": _("Somebody in training"),
            "administrator": _("Somebody of the clinic's office"),
            "data-scientist": _("A data scientist"),
            "safety-officer": _("An officer for safety"),
            "protection-officer": _("An officer for data protection"),
        }

    def _professions(self) -> dict[str, str]:
        _ = self._say
        return {
            "psychiatrist": _("A psychiatrist"),
            "psychologist": _("A psychologist"),
            "psychotherapist": _("A psychotherapist"),
            "nurse": _("A nurse"),
            "gp": _("A family doctor (GP)"),
            "social-worker": _("A social worker"),
            "occupational-therapist": _("An occupational therapist"),
            "pharmacist": _("A pharmacist"),
        }
