"""``alleviate clinic``: starts the clinic on a vault, or a demonstration of it."""

import os
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from alleviate.cli.screen import err, out, print_lines
from alleviate.clinic.demo.building import Ready, prepare
from alleviate.clinic.demo.staff import logins
from alleviate.clinic.serving import check_place, serve
from alleviate.clinic.settings import Settings
from alleviate.clinic.signing_in.first import first_start
from alleviate.packages import home
from alleviate.terms.errors import InputError
from alleviate.vault import Vault
from alleviate.vault.keys import key_path, make_key_file
from alleviate.vault.overseeing import is_there

__all__ = ["clinic"]

_DEMO_AGES = timedelta(days=14)


def clinic(
    vault: Annotated[
        str | None,
        typer.Option(
            metavar="URL|PATH",
            help="The vault, made where none is: a file, or postgresql://user@host/database.",
            show_default="ALLEVIATE_CLINIC_VAULT, else clinic.vault in the home folder",
        ),
    ] = None,
    packages: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of the packages to advise by.",
            show_default="packages in the home folder",
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen at.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that answer.")] = 1,
    base_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="The clinic's address as browsers see it.", show_default="http://HOST:PORT"
        ),
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="A synthetic clinic, made at the first start in two minutes.")
    ] = False,
    demo_dir: Annotated[Path, typer.Option(metavar="DIR", help="Where the demonstration lies.")] = Path(
        "runs/demo"
    ),
) -> None:
    """Start the clinic: pages, API, FHIR and CDS Hooks. Ctrl-C stops it."""
    address = base_url or (None if os.environ.get("ALLEVIATE_CLINIC_BASE_URL") else _address(host, port))
    if demo:
        _refuse_beside_demo(vault, packages)
        planned = demo_dir / "demo.vault"
        settings = Settings.read(
            vault=str(planned.absolute()),
            packages=(demo_dir / "packages").absolute(),
            base_url=address,
            demo=True,
        )
        settings = replace(settings, second_factor=False)  # of a demonstration that nobody else can reach
        check_place(settings, host, port)
        _show_demo(_prepared(demo_dir), settings)
    else:
        settings = Settings.read(vault=vault, packages=packages, base_url=address)
        check_place(settings, host, port)
        _first(settings)
    print_lines([f"Clinic: {settings.base_url}"])
    out.print("Ctrl-C stops it.")
    serve(settings, host=host, port=port, workers=workers)


def _address(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _refuse_beside_demo(vault: str | None, packages: Path | None) -> None:
    for name, given in (("--vault", vault), ("--packages", packages)):
        if given is not None:
            raise InputError(
                f"A demonstration has a vault and packages of its own; {name} was given too.",
                hint=f"Leave {name} out, or --demo.",
            )


def _first(settings: Settings) -> None:
    """A vault where none is, with its key; and who may let the others in."""
    if not is_there(settings.vault):
        _made(settings.vault)
    with closing(Vault.open(settings.vault)) as opened:
        administrator = first_start(opened, settings)
    if administrator is not None:
        print_lines(
            [
                f"Login: {administrator.login}",
                f"One-time password: {administrator.password}",
            ]
        )
        out.print(f"It holds until {administrator.until:%Y-%m-%d %H:%M} UTC, and is shown this once.")
        out.print("Sign in, change it, and set up a second factor.")


def _made(vault: str) -> None:
    own_key = not os.environ.get("ALLEVIATE_KEY") and not key_path().exists()
    if "://" not in vault:
        Path(vault).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if own_key:
        home().mkdir(mode=0o700, parents=True, exist_ok=True)
        print_lines([f"Key: made in {make_key_file(key_path())}, for you alone to read"])
        out.print("Keep a copy of it apart from vault and backups: without it nobody reads them.")
    Vault.create(vault).close()
    print_lines([f"Vault: made at {_without_password(vault)}"])


def _prepared(folder: Path) -> Ready:
    ready = prepare(folder, say=lambda words: err.print(words, style="dim"))
    os.environ.pop("ALLEVIATE_KEY", None)  # the demonstration's vault opens with its own
    os.environ["ALLEVIATE_KEY_FILE"] = str(ready.key)
    return ready


def _show_demo(ready: Ready, settings: Settings) -> None:
    out.print("A DEMONSTRATION: nobody in it exists, and nothing in it is about a real treatment.")
    print_lines([f"{login}: {whose}" for login, whose in logins()])
    print_lines([f"Password of them all: {ready.password}"])
    if ready.link:
        print_lines([f"A patient's link: {settings.base_url}/q/{ready.link}"])
    print_lines([f"Lacking: {each}" for each in ready.lacking])
    if datetime.now(UTC) - ready.made > _DEMO_AGES:
        words = "what was due then is overdue now. Remove its folder for a new one."
        print_lines([f"Made on {ready.made:%Y-%m-%d}: {words}"])


def _without_password(vault: str) -> str:
    before, at, after = vault.rpartition("@")
    return f"{before.partition('://')[0]}://…@{after}" if at and "://" in vault else vault
