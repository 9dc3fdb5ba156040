"""``alleviate vault``: make a vault, see how it stands, change its key; and where every command finds it."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from alleviate.cli.screen import help_alone, out, print_json, print_lines
from alleviate.packages import home
from alleviate.vault.keys import key_path, load_master, make_key_file
from alleviate.vault.overseeing import Status, status
from alleviate.vault.vault import Vault
from alleviate.vault.whereabouts import acting, place

__all__ = ["AsJson", "VaultOption", "open_vault", "vault_app"]

VaultOption = Annotated[
    str | None,
    typer.Option(
        "--vault",
        metavar="FILE|URL",
        help="The vault: a file, or postgresql://user@host/database.",
        envvar="ALLEVIATE_VAULT",
        show_default="vault.db in the home folder",
        show_envvar=True,
    ),
]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON only.")]

vault_app = typer.Typer(help="Make a vault, see how it stands, change its key.", invoke_without_command=True)


@vault_app.callback()
def _vault(context: typer.Context) -> None:
    help_alone(context)


def open_vault(vault: str | None) -> Vault:
    """The vault of the option; a context manager. Raises ``VaultError``."""
    return Vault.open(place(vault))


@vault_app.command("init")
def init(
    vault: VaultOption = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            help="Where the key lies, or is made.",
            show_default="ALLEVIATE_KEY, else ALLEVIATE_KEY_FILE, else vault.key in the home folder",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an empty vault, and the key that opens it where there is none."""
    path = key_file or (None if os.environ.get("ALLEVIATE_KEY") else key_path())
    made = path is not None and not path.exists()
    where = place(vault)
    if vault is None:
        home().mkdir(mode=0o700, parents=True, exist_ok=True)
    if path is not None and made:
        make_key_file(path)
    with Vault.create(where, key_file=path) as created:
        stands = status(created)
    if as_json:
        print_json({**_plain(stands), "key_file": str(path) if path else None, "key_made": made})
        return
    print_lines(
        [f"Vault: {stands.vault} ({_backend(stands)})", f"Key: {stands.key}, {_key_words(path, made)}"]
    )
    if made:
        out.print("Keep a copy of the key apart from vault and backups: without it nobody reads them.")
    if key_file is not None and key_file.absolute() != key_path():
        _from_now_on(key_file)
    out.print("\nTake records in:  alleviate import PATH")


@vault_app.command("status")
def show_status(vault: VaultOption = None, as_json: AsJson = False) -> None:
    """Show what the vault holds, and how far its audit is signed."""
    with open_vault(vault) as opened:
        stands = status(opened)
    if as_json:
        print_json(_plain(stands))
        return
    unsigned = stands.events - stands.signed
    behind = f", {unsigned:,} of them not signed yet" if unsigned else ""
    print_lines(
        [
            f"Vault: {stands.vault} ({_backend(stands)}, schema {stands.schema})",
            f"Holds: {stands.patients:,} patients, {stands.entries:,} entries",
            f"Erased: {stands.erased:,} patients",
            f"Key: {stands.key}",
            f"Audit: {stands.events:,} events{behind}; signed last {_moment(stands.signed_at)}",
            f"Checkpoints: {stands.checkpoints}",
        ]
    )


@vault_app.command("rotate")
def rotate(
    new_key_file: Annotated[
        Path, typer.Option(help="The new key; made where no file is.", show_default=False)
    ],
    vault: VaultOption = None,
    as_json: AsJson = False,
) -> None:
    """Change the master key: from then on the new one alone opens the vault."""
    with open_vault(vault) as opened:
        old = status(opened).key
        if made := not new_key_file.exists():
            make_key_file(new_key_file)
        opened.rotate(new_key_file, actor=acting())
    new = load_master(new_key_file).id
    if as_json:
        print_json({"old_key": old, "key": new, "key_file": str(new_key_file), "key_made": made})
        return
    print_lines([f"Key: {new}, {_key_words(new_key_file, made)}", f"Opens nothing here any more: {old}"])
    out.print("Backups of the keys made before still open with the old key: make new ones, then destroy it.")
    if os.environ.get("ALLEVIATE_KEY"):
        out.print("\nFrom now on:  set ALLEVIATE_KEY to what is in the new file")
    elif new_key_file.absolute() != key_path():
        _from_now_on(new_key_file)
        out.print(f"or:           mv '{new_key_file}' '{key_path()}'", soft_wrap=True)


def _from_now_on(key_file: Path) -> None:
    out.print(f"\nFrom now on:  export ALLEVIATE_KEY_FILE='{key_file.absolute()}'", soft_wrap=True)


def _plain(stands: Status) -> dict[str, object]:
    return {**asdict(stands), "checkpoints": str(stands.checkpoints)}


def _backend(stands: Status) -> str:
    return "an encrypted SQLite file" if stands.backend == "sqlite" else "PostgreSQL"


def _key_words(path: Path | None, made: bool) -> str:
    if path is None:
        return "from ALLEVIATE_KEY"
    return f"made in {path}, for you alone to read" if made else f"from {path}"


def _moment(iso: str) -> str:
    return iso[:16].replace("T", " ") + " UTC"
