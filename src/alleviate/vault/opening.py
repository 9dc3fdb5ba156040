"""Opening a vault, and what is said where there is none, one already, or half of one."""

from pathlib import Path

from alleviate.terms.errors import VaultError
from alleviate.vault.database import Database
from alleviate.vault.keys import load_master
from alleviate.vault.keystore import KeyStore
from alleviate.vault.migrating import standing

__all__ = ["kept_keys", "no_vault", "refuse_unfinished", "taken", "unused_keys"]


def unused_keys(location: str | Path, key_file: Path | None) -> KeyStore:
    """A new key store; or one without patients, left by a creation that was cut off."""
    master = load_master(key_file)
    try:
        return KeyStore.create(location, master)
    except VaultError as there:
        try:
            keys = KeyStore.open(location, master)
        except VaultError:
            raise there from None
        if keys.count():
            keys.close()
            raise
        return keys


def kept_keys(location: str | Path, keys: Path | None, key_file: Path | None) -> KeyStore:
    """The key store at ``location``, with those of the file ``keys``."""
    master = load_master(key_file)
    if keys is None:
        return KeyStore.open(location, master)
    try:
        store = KeyStore.open(location, master)
    except VaultError as missing:
        try:
            store = KeyStore.create(location, master)
        except VaultError:
            raise missing from None
    store.restore(keys)
    return store


def refuse_unfinished(database: Database) -> None:
    if not database.is_there():
        raise VaultError(
            f"The keys of the vault at {database.words} are there, its data are not.",
            hint="Restore a backup there: alleviate restore",
        )
    with database.snapshot() as connection:
        if standing(connection) is None:
            raise VaultError(
                f"The vault at {database.words} was begun and not finished, or is not yours to see.",
                hint="Run: alleviate vault init",
            )


def taken(database: Database) -> VaultError:
    return VaultError(
        f"There is a vault already at {database.words}; it is never overwritten.",
        hint="Open it, or choose another place.",
    )


def no_vault(database: Database) -> VaultError:
    return VaultError(f"There is no vault at {database.words}.", hint="Make one with: alleviate vault init")
