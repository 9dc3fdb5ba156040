"""``alleviate token``: register a system that calls the clinic, see those there are, take one back."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, get_args

import typer
from rich.table import Table
from rich.text import Text

from alleviate.cli.screen import err, help_alone, out, print_json, print_lines
from alleviate.cli.vault import AsJson
from alleviate.clinic.machines.registering import (
    KINDS,
    Registered,
    key_set_of,
    register,
    take_back,
    to_configure,
)
from alleviate.clinic.settings import Settings
from alleviate.terms.errors import InputError
from alleviate.vault import Vault
from alleviate.vault.accounts import ClientKind
from alleviate.vault.whereabouts import acting

__all__ = ["token_app"]

token_app = typer.Typer(
    help="Register systems that call the clinic, and take them back.", invoke_without_command=True
)

ClinicVault = Annotated[
    str | None,
    typer.Option(
        "--vault", metavar="FILE|URL", help="The clinic's vault.", show_default="as the clinic's settings say"
    ),
]


@token_app.callback()
def _token(context: typer.Context) -> None:
    help_alone(context)


@token_app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="How you will know the system again.", show_default=False)],
    kind: Annotated[str, typer.Option(help="cds, backend or app: an EHR from which the clinic is opened.")],
    issuer: Annotated[str, typer.Option(help="The iss of its tokens; of an app its FHIR address.")] = "",
    keys: Annotated[
        Path | None, typer.Option(help="A file with its public keys (JWK set).", show_default=False)
    ] = None,
    keys_url: Annotated[str, typer.Option(help="Where its public keys lie.")] = "",
    make_key: Annotated[
        Path | None,
        typer.Option(help="Make a key pair; the private half goes into this new file.", show_default=False),
    ] = None,
    bearer: Annotated[
        bool, typer.Option("--bearer", help="It cannot sign: make a token, shown once.")
    ] = False,
    scope: Annotated[list[str] | None, typer.Option(help="What it may do, like system/*.rs.")] = None,
    client_id: Annotated[str, typer.Option(help="For an app: by which the EHR knows us.")] = "",
    vault: ClinicVault = None,
    as_json: AsJson = False,
) -> None:
    """Register a system, and print what to configure there."""
    kinds = {str(each): each for each in get_args(ClientKind)}
    if kind not in kinds:
        raise InputError(f"Expected --kind {', '.join(kinds)}; got {kind!r}.", hint="Choose one.")
    if kind == "app" and make_key is not None:
        raise InputError(
            "The clinic itself keeps the key by which it signs there.",
            hint="Register it at /admin/tokens.",
        )
    settings = _settings(vault)
    given = _keys(keys)
    with _opened(settings) as opened, _new_file(make_key) as private:
        found = register(
            opened.accounts,
            acting(),
            name=name,
            kind=kinds[kind],
            issuer=issuer,
            keys=given,
            keys_url=keys_url,
            scopes=scope or (),
            client_id=client_id,
            make_key=make_key is not None,
            bearer=bearer,
            insecure=settings.private_addresses,
        )
        if private is not None:
            private.write(found.private)
    _tell(found, settings, make_key, as_json=as_json)


@token_app.command("list")
def list_(vault: ClinicVault = None, as_json: AsJson = False) -> None:
    """The systems that there are."""
    with _opened(_settings(vault)) as opened:
        clients = opened.accounts.clients()
    if as_json:
        told = [
            {"id": c.id, "name": c.name, "kind": c.kind, "scopes": sorted(c.scopes), "in_use": not c.disabled}
            for c in clients
        ]
        print_json(told)
        return
    if not clients:
        print_lines(["No system is registered."])
        return
    table = Table("id", "name", "kind", "scopes", "state", box=None)
    for each in clients:
        state = "taken back" if each.disabled else "in use"
        table.add_row(*map(Text, (each.id, each.name, each.kind, " ".join(sorted(each.scopes)), state)))
    out.print(table)


@token_app.command("revoke")
def revoke(
    id: Annotated[str, typer.Argument(metavar="ID", help="As `token list` shows it.", show_default=False)],
    vault: ClinicVault = None,
) -> None:
    """Take a system back: from its next call on nothing that it shows is believed."""
    with _opened(_settings(vault)) as opened:
        closed = take_back(opened.accounts, acting(), id)
    print_lines([f"Taken back: {closed.name}"])


def _settings(vault: str | None) -> Settings:
    return Settings.read(vault=vault)


def _opened(settings: Settings) -> Vault:
    return Vault.open(settings.vault if "://" in settings.vault else Path(settings.vault))


def _keys(path: Path | None) -> dict[str, object] | None:
    if path is None:
        return None
    try:
        return key_set_of(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{path} cannot be read.", hint="Check the path and its rights.") from None


@contextmanager
def _new_file(path: Path | None) -> Iterator[IO[str] | None]:
    """A file for its owner alone, there before anything is registered, and gone where that fails."""
    if path is None:
        yield None
        return
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise InputError(f"{path} cannot be made: {error.strerror}.", hint="Name a new file.") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _tell(found: Registered, settings: Settings, key: Path | None, *, as_json: bool) -> None:
    lines = to_configure(found.client, settings.base_url)
    if as_json:
        secret = {"token": found.token} if found.token else {}
        file = {"private_key": str(key)} if key else {}
        print_json({"id": found.client.id, "configure": dict(lines), **file, **secret})
        return
    print_lines([f"Registered: {found.client.name} ({KINDS[found.client.kind]})", f"Id: {found.client.id}"])
    print_lines([f"{words}: {value}" for words, value in lines])
    if key:
        print_lines([f"Private key: {key}"])
    if found.token:
        print_lines([f"Token: {found.token}"])
        err.print(
            "The token is shown this one time. Hand it over so that nobody else can read it.", style="dim"
        )
