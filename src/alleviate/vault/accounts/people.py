"""Accounts and what they sign in with, stored."""

from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa

from alleviate.terms.errors import ConflictError, DataError, VaultError
from alleviate.vault.accounts.account import Account, is_id
from alleviate.vault.accounts.credentials import Credentials, Subject
from alleviate.vault.accounts.sessions import end_all
from alleviate.vault.accounts.strongbox import Strongbox
from alleviate.vault.accounts.tables import ACCOUNTS, CREDENTIALS, SESSIONS, SUBJECTS

__all__ = ["People", "forget_account"]


class People:
    """Adds, finds and changes them."""

    def __init__(self, box: Strongbox) -> None:
        self._box = box

    def add(self, by: str, account: Account, credentials: Credentials) -> Account:
        """Raises ConflictError where the login is taken, DataError for a patient who is not there."""
        self._refuse_unknown(account.patient)
        with self._box.step() as step:
            self._refuse_taken(step.connection, account)
            step.connection.execute(sa.insert(ACCOUNTS), self._row(account))
            body = self._sealed(account, credentials)
            step.connection.execute(
                sa.insert(CREDENTIALS), {"account": account.id, "version": 1, "body": body}
            )
            self._set_subjects(step.connection, account.id, credentials.subjects)
            step.noted(by, "account", what="made", account=account.id, role=account.role)
        return account

    def change(self, by: str, account: Account) -> Account:
        """Another role, site, patient, and so on. Who may do other things than before, or is disabled, is
        signed out everywhere in the same step. Raises VaultError, ConflictError."""
        self._refuse_unknown(account.patient)
        with self._box.step() as step:
            before = self._found(step.connection, account.id)
            self._refuse_taken(step.connection, account)
            if before.role == "administrator" and (account.role != before.role or account.disabled):
                self._refuse_last(step.connection, before)
            if account.patient != before.patient:
                self._resealed(step.connection, before, account)
            row = sa.update(ACCOUNTS).where(ACCOUNTS.c.account == account.id)
            step.connection.execute(row.values(**self._row(account)))
            if account.disabled or _rights(account) != _rights(before):
                end_all(step.connection, account.id)
            for what in _changed(before, account):
                step.noted(by, "account", what=what, account=account.id)
        return account

    def get(self, id: str) -> Account | None:
        return self._one(ACCOUNTS.c.account == id) if is_id(id) else None

    def by_login(self, login: str) -> Account | None:
        """Whose login it is; capitals do not matter."""
        return self._one(ACCOUNTS.c.login == self._login(login))

    def by_subject(self, issuer: str, sub: str) -> Account | None:
        """Who this is at an identity provider."""
        query = sa.select(SUBJECTS.c.account).where(SUBJECTS.c.index == self._subject(Subject(issuer, sub)))
        return self._one(ACCOUNTS.c.account.in_(query))

    def of_patient(self, patient: str) -> list[Account]:
        """The patient's own (our id): one to sign in with, and those that only links open."""
        return self._several(ACCOUNTS.c.patient == patient) if patient else []

    def all(self) -> list[Account]:
        """Everybody, by name."""
        return self._several()

    def _several(self, *where: sa.ColumnElement[bool]) -> list[Account]:
        with self._box.view() as connection:
            rows = connection.execute(sa.select(ACCOUNTS).where(*where)).all()
        found = [account for row in rows if (account := self._account(row))]
        return sorted(found, key=lambda account: (account.name.casefold(), account.id))

    def any(self) -> bool:
        """Whether there is one at all."""
        with self._box.view() as connection:
            return connection.execute(sa.select(ACCOUNTS.c.account).limit(1)).first() is not None

    def open_to(self, id: str) -> Account:
        """Who may sign in. Raises VaultError for an account that is unknown or disabled."""
        account = self.get(id)
        if account is None or account.disabled:
            raise _unknown(id)
        return account

    def credentials(self, id: str) -> Credentials:
        """Raises VaultError for an unknown account."""
        query = (
            sa.select(CREDENTIALS, ACCOUNTS.c.patient)
            .join(ACCOUNTS, ACCOUNTS.c.account == CREDENTIALS.c.account)
            .where(CREDENTIALS.c.account == id)
        )
        row = None
        if is_id(id):
            with self._box.view() as connection:
                row = connection.execute(query).first()
        if row is None:
            raise _unknown(id)
        return self._credentials(row)

    def set_credentials(
        self, id: str, credentials: Credentials, *, seen: int, by: str, what: str, end_others: bool
    ) -> Credentials:
        """Raises ConflictError where they were changed since the version ``seen``: nothing is stored."""
        with self._box.step() as step:
            account = self._found(step.connection, id)
            self._refuse_subjects_of_others(step.connection, id, credentials.subjects)
            row = CREDENTIALS.c.account == id, CREDENTIALS.c.version == seen
            body = self._sealed(account, credentials)
            stored = sa.update(CREDENTIALS).where(*row).values(version=seen + 1, body=body)
            if not step.connection.execute(stored).rowcount:
                raise ConflictError(
                    "What this account signs in with was changed meanwhile; nothing was stored.",
                    hint="Open the page again.",
                )
            self._set_subjects(step.connection, id, credentials.subjects)
            if end_others:
                end_all(step.connection, id)
            step.noted(by or account.actor, "account", what=what, account=id)
        return msgspec.structs.replace(credentials, version=seen + 1)

    def _one(self, where: sa.ColumnElement[bool]) -> Account | None:
        with self._box.view() as connection:
            row = connection.execute(sa.select(ACCOUNTS).where(where)).first()
        return self._account(row) if row is not None else None

    def _found(self, connection: sa.Connection, id: str) -> Account:
        row = connection.execute(sa.select(ACCOUNTS).where(ACCOUNTS.c.account == id)).first()
        account = self._account(row) if row is not None else None
        if account is None:
            raise _unknown(id)
        return account

    def _account(self, row: sa.Row[Any]) -> Account | None:
        try:
            return self._box.opened(Account, row.account, "accounts", row.body, row.patient)
        except KeyError:  # the patient was erased, and with their key this
            return None

    def _row(self, account: Account) -> dict[str, Any]:
        return {
            "account": account.id,
            "login": self._login(account.login),
            "patient": account.patient,
            "body": self._box.sealed(account.id, "accounts", account, account.patient),
        }

    def _credentials(self, row: sa.Row[Any]) -> Credentials:
        found = self._box.opened(Credentials, row.account, "credentials", row.body, row.patient)
        return msgspec.structs.replace(found, version=row.version)

    def _sealed(self, account: Account, credentials: Credentials) -> bytes:
        return self._box.sealed(account.id, "credentials", credentials, account.patient)

    def _resealed(self, connection: sa.Connection, before: Account, account: Account) -> None:
        """Under the key of whose account it is from now on."""
        end_all(connection, account.id)
        row = connection.execute(sa.select(CREDENTIALS).where(CREDENTIALS.c.account == account.id)).one()
        found = self._box.opened(Credentials, row.account, "credentials", row.body, before.patient)
        connection.execute(
            sa.update(CREDENTIALS)
            .where(CREDENTIALS.c.account == account.id)
            .values(body=self._sealed(account, found))
        )

    def _set_subjects(self, connection: sa.Connection, id: str, subjects: Iterable[Subject]) -> None:
        connection.execute(sa.delete(SUBJECTS).where(SUBJECTS.c.account == id))
        rows = [{"index": self._subject(each), "account": id} for each in subjects]
        if rows:
            connection.execute(sa.insert(SUBJECTS), rows)

    def _refuse_subjects_of_others(
        self, connection: sa.Connection, id: str, subjects: Iterable[Subject]
    ) -> None:
        indexes = [self._subject(each) for each in subjects]
        query = sa.select(SUBJECTS.c.account).where(SUBJECTS.c.index.in_(indexes), SUBJECTS.c.account != id)
        if indexes and connection.execute(query).first():
            raise ConflictError("Another account signs in this way already.", hint="Use that one.")

    def _refuse_taken(self, connection: sa.Connection, account: Account) -> None:
        same = ACCOUNTS.c.login == self._login(account.login)
        query = sa.select(ACCOUNTS.c.account).where(same, ACCOUNTS.c.account != account.id)
        if connection.execute(query).first():
            raise ConflictError("Another account has this login.", hint="Choose another login.")

    def _refuse_last(self, connection: sa.Connection, leaving: Account) -> None:
        rows = connection.execute(sa.select(ACCOUNTS).where(ACCOUNTS.c.account != leaving.id)).all()
        others = (account for row in rows if (account := self._account(row)))
        if not any(each.role == "administrator" and not each.disabled for each in others):
            raise ConflictError(
                "This is the last administrator: without one nobody could make accounts.",
                hint="Make another administrator first.",
            )

    def _refuse_unknown(self, patient: str) -> None:
        if patient and not self._box.known(patient):
            raise DataError("There is no patient of this id.", hint="Copy it from the patient's page.")

    def _login(self, login: str) -> bytes:
        return self._box.index("login", login, exact=False)

    def _subject(self, subject: Subject) -> bytes:
        return self._box.index("subject", f"{len(subject.issuer)} {subject.issuer} {subject.sub}")


def forget_account(connection: sa.Connection, patient: str) -> None:
    """Delete the account of an erased patient (our id), in the caller's transaction."""
    mine = sa.select(ACCOUNTS.c.account).where(ACCOUNTS.c.patient == patient)
    for table in (CREDENTIALS, SUBJECTS, SESSIONS):
        connection.execute(sa.delete(table).where(table.c.account.in_(mine)))
    connection.execute(sa.delete(ACCOUNTS).where(ACCOUNTS.c.patient == patient))


def _rights(account: Account) -> tuple[str, str, str]:
    return account.role, account.site, account.patient


def _changed(before: Account, after: Account) -> list[str]:
    """Which fields differ; of the words in them the audit says nothing."""
    named = ("login", "name", "role", "profession", "site", "patient", "language")
    found = [field for field in named if getattr(before, field) != getattr(after, field)]
    if before.disabled != after.disabled:
        found.append("disabled" if after.disabled else "enabled")
    return found


def _unknown(id: str) -> VaultError:
    return VaultError(f"There is no account {id!r}.", hint="See them all under accounts.")
