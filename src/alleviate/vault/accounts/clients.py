"""Systems that call us with keys of their own."""

import re
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from alleviate.terms.errors import ConflictError, DataError, VaultError
from alleviate.vault.accounts.strongbox import Strongbox
from alleviate.vault.accounts.tables import CLIENTS

__all__ = ["Client", "ClientKind", "Clients"]

ClientKind = Literal["cds", "backend", "app"]

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}").fullmatch


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """``kind``: calls CDS Hooks, reads and writes in the background, or an app that somebody launches.

    ``issuer``: the ``iss`` of its tokens, or "". Its keys are ``jwks``, or lie at ``jwks_url``.
    ``secret_hash``: of a bearer token that we made, or "". ``signing_key``: by which we show an app's EHR who
    we are (PEM, sealed with the rest), or "". Raises DataError for what no system can have.
    """

    id: str
    name: str
    kind: ClientKind
    issuer: str = ""
    jwks: dict[str, Any] | None = None
    jwks_url: str = ""
    scopes: frozenset[str] = frozenset()
    redirect_uris: tuple[str, ...] = ()
    secret_hash: str = ""
    signing_key: str = ""
    disabled: bool = False

    def __post_init__(self) -> None:
        if not _ID(self.id):
            raise DataError(
                "A system's id is 1 to 64 letters, digits and . _ -, and begins with a letter or digit.",
                hint="Choose another.",
            )
        if not self.name.strip() or len(self.name) > 200 or not self.name.isprintable():
            raise DataError("A system's name is 1 to 200 printable characters.", hint="Give a name.")
        if self.kind not in ("cds", "backend", "app"):
            raise DataError(
                f"A system is of the kind cds, backend or app, not {self.kind!r}.", hint="Choose."
            )
        if any(" " in scope for scope in self.scopes):
            raise DataError("A scope is one word.", hint="Give them apart.")

    def __repr__(self) -> str:  # no key gets into a log
        return f"Client(id={self.id!r}, kind={self.kind!r}, disabled={self.disabled})"

    @property
    def actor(self) -> str:
        """As the audit names it."""
        return f"client:{self.id}"


_BY_ID = sa.select(CLIENTS).where(CLIENTS.c.client == sa.bindparam("name"))
_BY_ISSUER = sa.select(CLIENTS).where(CLIENTS.c.issuer == sa.bindparam("name"))


class Clients:
    """Registers them."""

    def __init__(self, box: Strongbox) -> None:
        self._box = box

    def add(self, by: str, client: Client) -> None:
        """Raises ConflictError where the id or the issuer is taken."""
        with self._box.step() as step:
            self._refuse_taken(step.connection, client, CLIENTS.c.client == client.id)
            step.connection.execute(sa.insert(CLIENTS), self._row(client))
            step.noted(by, "account", what="client", client=client.id, kind=client.kind)

    def change(self, by: str, client: Client) -> None:
        """Raises VaultError for an unknown id, ConflictError where another has the issuer."""
        with self._box.step() as step:
            self._refuse_taken(step.connection, client)
            update = sa.update(CLIENTS).where(CLIENTS.c.client == client.id).values(**self._row(client))
            if not step.connection.execute(update).rowcount:
                raise VaultError(f"There is no system {client.id!r}.", hint="Add it first.")
            step.noted(by, "account", what="client", client=client.id, disabled=client.disabled)

    def get(self, id: str) -> Client | None:
        return self._one(_BY_ID, id) if _ID(id) else None

    def of(self, issuer: str) -> Client | None:
        """Whose tokens name this issuer."""
        return self._one(_BY_ISSUER, self._box.index("issuer", issuer)) if issuer else None

    def all(self) -> list[Client]:
        with self._box.view() as connection:
            rows = connection.execute(sa.select(CLIENTS).order_by(CLIENTS.c.client)).all()
        return [self._box.opened(Client, row.client, "clients", row.body) for row in rows]

    def _one(self, query: sa.Select[Any], name: str | bytes) -> Client | None:
        with self._box.view() as connection:
            row = connection.execute(query, {"name": name}).first()
        return self._box.opened(Client, row.client, "clients", row.body) if row is not None else None

    def _row(self, client: Client) -> dict[str, Any]:
        issuer = self._box.index("issuer", client.issuer) if client.issuer else None
        return {
            "client": client.id,
            "issuer": issuer,
            "body": self._box.sealed(client.id, "clients", client),
        }

    def _refuse_taken(
        self, connection: sa.Connection, client: Client, *others: sa.ColumnElement[bool]
    ) -> None:
        taken = list(others)
        if client.issuer:
            same = CLIENTS.c.issuer == self._box.index("issuer", client.issuer)
            taken.append(sa.and_(same, CLIENTS.c.client != client.id))
        if taken and connection.execute(sa.select(CLIENTS.c.client).where(sa.or_(*taken))).first():
            raise ConflictError("A system has this id or issuer already.", hint="Change that one.")
