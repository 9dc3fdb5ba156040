"""What the pages on the clinic say of its commands, settings, addresses and answers is so."""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from starlette.routing import BaseRoute
from typer.main import get_command

from alleviate.cli import main
from alleviate.cli.app import app
from alleviate.clinic.cds.discovery import services
from alleviate.clinic.settings import Settings
from alleviate.clinic.signing_in.providers import providers
from alleviate.clinic.wiring import ROOMS
from alleviate.vault import Vault
from alleviate.vault.keys import key_path, make_key_file

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
COMMANDS = get_command(app)
GROUPS = {name: set(made.commands) for name, made in COMMANDS.commands.items() if hasattr(made, "commands")}  # type: ignore[attr-defined]


def page(name: str) -> str:
    return (DOCS / name).read_text()


def code(text: str) -> str:
    blocks = re.findall(r"^```console\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return "\n".join([*re.findall(r"`([^`\n]+)`", text), *blocks])


def routes(parts: list[BaseRoute]) -> Iterator[str]:
    for part in parts:
        if hasattr(part, "path"):
            yield part.path


PATHS = {path for room in ROOMS for door in room.doors for path in routes(door.routes)}


def test_every_command_of_a_group_exists() -> None:
    named = {
        (group, command)
        for path in PAGES
        for group, command in re.findall(r"\balleviate ([a-z]+) ([a-z]+)\b", code(path.read_text()))
        if group in GROUPS
    }
    assert {("token", "new"), ("token", "list"), ("token", "revoke"), ("vault", "init")} <= named
    assert {(group, command) for group, command in named if command not in GROUPS[group]} == set()


def test_every_option_of_alleviate_clinic_is_explained() -> None:
    told = set(re.findall(r"`(--[a-z-]+)", page("clinic.md").partition("| option |")[2].partition("\n\n")[0]))
    options = COMMANDS.commands["clinic"].params  # type: ignore[attr-defined]
    assert told == {word for option in options for word in option.opts if word.startswith("--")} - {"--help"}


def test_every_option_of_alleviate_token_new_is_explained() -> None:
    told = set(re.findall(r"(--[a-z][a-z-]+)", code(page("interfaces.md"))))
    options = COMMANDS.commands["token"].commands["new"].params  # type: ignore[attr-defined]
    own = {word for option in options for word in option.opts if word.startswith("--")} - {
        "--help",
        "--vault",
    }
    assert own - told == set()
    assert told - own == set()


def test_every_setting_is_explained() -> None:
    table = page("clinic.md").partition("| variable")[2].partition("\n\n")[0]
    told = {word for row in table.splitlines()[2:] for word in re.findall(r"`([A-Z_]+)`", row.split("|")[1])}
    assert told == {each.name.upper() for each in fields(Settings)} - {"DEMO"}


@pytest.mark.parametrize("name", ["clinic.md", "interfaces.md"])
def test_every_address_is_one(name: str) -> None:
    named = set(re.findall(r"`(?:GET |POST |DELETE )?(/[a-z.$][^`\s]*)`", page(name)))
    assert named
    assert {address for address in named if not _is_address(address)} == set()


def _is_address(text: str) -> bool:
    """Whether a route has this address; "…" and "<…>" stand for any part."""
    wanted = text.partition("?")[0].rstrip("…").rstrip("/")
    parts = re.sub(r"<[^>]+>", "*", wanted).split("/")
    for path in PATHS:
        own = path.rstrip("/").split("/")[: len(parts)]
        if len(own) == len(parts) and all(
            one == other or one.startswith("{") for one, other in zip(own, parts, strict=True)
        ):
            return True
    return False


def test_the_services_of_cds_hooks_are_those_of_the_page() -> None:
    told = set(
        re.findall(r"^\| `(alleviate-[a-z-]+)` \| `([a-z-]+)`", page("interfaces.md"), flags=re.MULTILINE)
    )
    assert told == {(service.id, service.hook) for service in services()}


def test_alleviate_token_new_prints_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each example is run; ids and names of keys differ each time, everything else is as on the page."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALLEVIATE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ALLEVIATE_CLINIC_VAULT", str(tmp_path / "clinic.vault"))
    monkeypatch.setenv("ALLEVIATE_CLINIC_BASE_URL", "https://clinic.example.org")
    (tmp_path / "home").mkdir(mode=0o700)
    make_key_file(key_path())
    Vault.create(str(tmp_path / "clinic.vault")).close()
    examples = re.findall(
        r"^\$ alleviate (token new .+)\n((?:.+\n)+?)```", page("interfaces.md"), re.MULTILINE
    )
    assert len(examples) == 2
    for command, shown in examples:
        words = [quoted or plain for quoted, plain in re.findall(r"""["']([^"']+)["']|(\S+)""", command)]
        assert main(words) == 0
        assert _same_each_time(capsys.readouterr().out) == _same_each_time(shown)


def _same_each_time(text: str) -> str:
    return re.sub(r"(Id|Client id \(iss, sub\)|JWT: kid): \S+", r"\1: …", text)


def test_the_example_of_identity_providers_is_read(tmp_path: Path) -> None:
    (example,) = re.findall(r"^```json\n(.*?)^```$", page("clinic.md"), flags=re.MULTILINE | re.DOTALL)
    file = tmp_path / "oidc.json"
    file.write_text(example)
    file.chmod(0o600)
    (found,) = providers(Settings(vault=str(tmp_path / "clinic.vault"), oidc=file))
    assert (found.id, found.second_factor) == ("hospital", True)
