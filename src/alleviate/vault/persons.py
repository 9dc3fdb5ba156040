"""Whom an id or a name means: by the source's id, ours, an identifier, or family name and date of birth."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from alleviate.terms.errors import ConsentError, DataError, VaultError
from alleviate.vault.body import from_microseconds
from alleviate.vault.bulk import rows_with
from alleviate.vault.cipher import blind_index
from alleviate.vault.consent import Purpose, pseudonymous
from alleviate.vault.keystore import KeyStore
from alleviate.vault.naming import names_sought
from alleviate.vault.schema import ERASURES, NAMES, PATIENTS

__all__ = ["known", "named", "ours", "refuse_ours"]


_ID, _SUBJECT = (
    sa.bindparam("id", type_=PATIENTS.c.patient.type),
    sa.bindparam("subject", type_=sa.LargeBinary),
)


def _of(table: sa.Table, found: sa.Column[Any], *, by_source: bool) -> sa.Select[Any]:
    """Of whom an id of ours names; or, before them, of whom the source calls so."""
    ours = table.c.patient == _ID
    if not by_source:
        return sa.select(found).where(ours)
    return sa.select(found).where(sa.or_(table.c.subject_index == _SUBJECT, ours)).order_by(ours)


_NAMED = {by: _of(PATIENTS, PATIENTS.c.patient, by_source=by) for by in (False, True)}
_GONE = {by: _of(ERASURES, ERASURES.c.erased_at, by_source=by) for by in (False, True)}


def known(
    connection: sa.Connection, keys: KeyStore, purpose: Purpose, id: str, *, interrupted: bool = False
) -> str:
    """Our id of whom ``id`` (the source's or ours) names; also where an erasure was ``interrupted``.

    For research and model training ours alone. Raises VaultError for somebody unknown or erased.
    """
    said: dict[str, Any] = {"id": id}
    if not pseudonymous(purpose):
        said |= {"subject": blind_index(keys.index_key, "subject", id, exact=True)}
    patient: str | None = connection.execute(_NAMED["subject" in said], said).scalars().first()
    if patient is not None and (interrupted or keys.get([patient])):
        return patient
    at = connection.execute(_GONE["subject" in said], said).scalars().first()
    erased = keys.destroyed(patient or id) if at is None else from_microseconds(at)
    if erased:
        raise VaultError(
            f"The patient {id!r} was erased on {erased:%Y-%m-%d}.", hint="Nothing is left to read."
        )
    raise VaultError(f"The vault has no patient {id!r}.", hint="Look with: alleviate patient find")


def ours(connection: sa.Connection, keys: KeyStore, id: str) -> str | None:
    """Our id of whom ``id`` (the source's or ours) names, of those who were erased too; None: nobody."""
    index = blind_index(keys.index_key, "subject", id, exact=True)
    for table in (PATIENTS, ERASURES):
        named = sa.or_(table.c.subject_index == index, table.c.patient == id)
        query = sa.select(table.c.patient).where(named).order_by(table.c.patient == id)
        if (patient := connection.execute(query).scalars().first()) is not None:
            return str(patient)
    return None


def refuse_ours(connection: sa.Connection, subjects: Iterable[str]) -> None:
    """Raises DataError where an entry is to be stored under an id of ours: it would make another person."""
    if rows_with(connection, PATIENTS.c.patient, subjects):
        raise DataError(
            "An entry was given one of the vault's own ids; nothing was stored.",
            hint="Entries carry the source's id, a chart's subject_id.",
        )


def named(connection: sa.Connection, keys: KeyStore, purpose: Purpose, text: str) -> list[str]:
    """Our ids of those whom ``text`` names. Raises ConsentError where nobody is searched by name."""
    index = blind_index(keys.index_key, "subject", text, exact=True)
    own = sa.select(PATIENTS.c.patient).where(
        sa.or_(PATIENTS.c.patient == text, PATIENTS.c.subject_index == index)
    )
    names = sa.select(NAMES.c.patient).where(NAMES.c.index.in_(names_sought(keys.index_key, text)))
    if pseudonymous(purpose):
        own = sa.select(PATIENTS.c.patient).where(PATIENTS.c.patient == text)
        if not connection.execute(own).first():
            raise ConsentError(
                f"For {purpose} nobody is searched by name or number.", hint="Use the ids of this vault."
            )
        return [text]
    return sorted({*connection.execute(own).scalars(), *connection.execute(names).scalars()})
