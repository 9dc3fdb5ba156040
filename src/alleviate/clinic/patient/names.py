"""The names of who acts: of accounts and systems, as pages show them. No patient's name comes from here."""

from collections.abc import Callable

from alleviate.vault.accounts import Account, Accounts

__all__ = ["Names", "colleagues"]

_ACCOUNT, _CLIENT = "account:", "client:"


class Names:
    """Looks each account up once. ``say`` translates what is no name."""

    def __init__(self, accounts: Accounts, say: Callable[[str], str] = str) -> None:
        self._accounts = accounts
        self._say = say
        self._found: dict[str, Account | None] = {}

    def account(self, id: str) -> Account | None:
        if id not in self._found:
            self._found[id] = self._accounts.get(id)
        return self._found[id]

    def of(self, actor: str) -> str:
        """The name of an actor ("account:…") or an account's id; words as they are ("duty clinician")."""
        if actor.startswith(_CLIENT):
            return self._say("a connected system")
        if actor.startswith(_ACCOUNT):
            found = self.account(actor.removeprefix(_ACCOUNT))
            return found.name if found else self._say("somebody whose account was closed")
        found = self.account(actor) if len(actor) == _ID_LENGTH and actor.isalnum() else None
        return found.name if found else self._say(actor)

    def profession(self, actor: str) -> str:
        """What the account is by profession, or ""."""
        found = self.account(actor.removeprefix(_ACCOUNT))
        return found.profession if found else ""


_ID_LENGTH = 12


def colleagues(accounts: Accounts) -> list[Account]:
    """Who can be in a care team: clinicians and trainees with an open account, by name."""
    found = [one for one in accounts.all() if one.role in ("clinician", "trainee") and not one.disabled]
    return sorted(found, key=lambda one: (one.name.casefold(), one.id))
