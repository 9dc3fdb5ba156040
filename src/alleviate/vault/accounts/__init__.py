"""Who may sign in to what is kept, and with what: accounts, sessions, lockout, systems."""

from alleviate.vault.accounts.account import LANGUAGES, PROFESSIONS, Account, Language, new_id
from alleviate.vault.accounts.accounts import Accounts
from alleviate.vault.accounts.clients import Client, ClientKind
from alleviate.vault.accounts.credentials import Credentials, Passkey, Subject
from alleviate.vault.accounts.locks import Lock
from alleviate.vault.accounts.notices import Notice
from alleviate.vault.accounts.people import forget_account
from alleviate.vault.accounts.sessions import Session

__all__ = [
    "LANGUAGES",
    "PROFESSIONS",
    "Account",
    "Accounts",
    "Client",
    "ClientKind",
    "Credentials",
    "Language",
    "Lock",
    "Notice",
    "Passkey",
    "Session",
    "Subject",
    "forget_account",
    "new_id",
]
