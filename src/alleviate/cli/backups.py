"""``alleviate backup`` and ``alleviate restore``: the vault's rows, and apart from them its keys."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from alleviate.cli.screen import print_json, print_lines
from alleviate.cli.vault import AsJson, VaultOption, open_vault
from alleviate.terms.errors import VaultError
from alleviate.vault import Vault
from alleviate.vault.whereabouts import acting, place

__all__ = ["backup", "restore"]


def backup(
    file: Annotated[Path | None, typer.Argument(help="A new file for the rows.", show_default=False)] = None,
    keys: Annotated[
        Path | None,
        typer.Option(help="A new file for the keys. Keep it apart, and replace it after an erasure."),
    ] = None,
    vault: VaultOption = None,
    as_json: AsJson = False,
) -> None:
    """Back up the rows of the vault, without the keys; or the keys, apart from them."""
    if file is None and keys is None:
        raise VaultError(
            "Expected a new file for the rows, or --keys with one for the keys.", hint="Name one."
        )
    with open_vault(vault) as opened:
        rows = opened.backup(file, actor=acting()) if file else None
        if keys:
            opened.backup_keys(keys, actor=acting())
    if as_json:
        print_json({"file": file and str(file), "rows": rows, "keys": keys and str(keys)})
        return
    if file:
        print_lines(
            [f"Backed up: {rows:,} rows in {file}, sealed; it opens with the keys of this vault only"]
        )
    if keys:
        print_lines([f"Keys: in {keys}; keep them apart from the rows, and replace them after every erasure"])


def restore(
    file: Annotated[Path, typer.Argument(help="What alleviate backup wrote.", show_default=False)],
    keys: Annotated[Path | None, typer.Option(help="The keys, where those of the vault are lost.")] = None,
    vault: VaultOption = None,
    as_json: AsJson = False,
) -> None:
    """Make the vault of a backup where none is; who was erased since stays erased."""
    restored = Vault.restore(file, place(vault), actor=acting(), keys=keys)
    if as_json:
        print_json(asdict(restored))
        return
    print_lines(
        [
            f"Restored: {restored.rows:,} rows, {restored.patients:,} people",
            f"Erased since the backup: {restored.erased:,}, and they stay so",
        ]
    )
    if restored.keyless:
        print_lines([f"Without a key: {restored.keyless:,}; restore a newer file of keys to open them"])
