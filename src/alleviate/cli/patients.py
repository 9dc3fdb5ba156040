"""``alleviate patient``: show one person's record, hand it over, or erase it; and who cares for them."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from alleviate.cli.importing import FormatName
from alleviate.cli.screen import help_alone, out, print_json, print_lines
from alleviate.cli.vault import AsJson, VaultOption, open_vault
from alleviate.instruments import INSTRUMENTS
from alleviate.intake.formats import format_named
from alleviate.records.overview import overview
from alleviate.terms.errors import DataError, VaultError
from alleviate.vault import Vault
from alleviate.vault.accounts import Account
from alleviate.vault.audit import REASONS
from alleviate.vault.whereabouts import acting

__all__ = ["patient_app"]

patient_app = typer.Typer(
    help="Show a record, hand it over, or erase it; say who cares for whom.", invoke_without_command=True
)

Ids = Annotated[
    list[str], typer.Argument(metavar="ID...", help="The source's ids, or ours.", show_default=False)
]
Login = Annotated[str, typer.Option("--login", help="Of an account of the clinic.", show_default=False)]
Id = Annotated[str, typer.Argument(metavar="ID", help="The source's id, or ours.", show_default=False)]


@patient_app.callback()
def _patient(context: typer.Context) -> None:
    help_alone(context)


@patient_app.command("show")
def show(id: Id, vault: VaultOption = None, as_json: AsJson = False) -> None:
    """Show one person's record."""
    with open_vault(vault) as opened, opened.access(actor=acting(), purpose="care") as access:
        view = overview(access.record(id))
    if as_json:
        print_json(view)
    else:
        _print_view(view)


@patient_app.command("find")
def find(
    text: Annotated[str, typer.Argument(help='An id, or "Family 1970-05-01".', show_default=False)],
    vault: VaultOption = None,
    as_json: AsJson = False,
) -> None:
    """Find people by id, identifier, or family name and date of birth."""
    with open_vault(vault) as opened, opened.access(actor=acting(), purpose="care") as access:
        found = access.find(text)
    if as_json:
        print_json(found)
    else:
        print_lines(found or ["Nobody found."])


@patient_app.command("export")
def export(
    id: Id,
    folder: Annotated[Path, typer.Option("--out", help="A new or empty folder.", show_default=False)],
    format: FormatName = "fhir",
    vault: VaultOption = None,
    as_json: AsJson = False,
) -> None:
    """Hand a person everything that is known about them."""
    chosen = format_named(format or "fhir")
    if chosen.write is None or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise DataError(f"Expected a new or empty folder, {folder} is not.", hint="Name another with --out.")
    with open_vault(vault) as opened, opened.access(actor=acting(), purpose="rights") as access:
        files = chosen.write([access.record(id)], folder)
    if as_json:
        print_json({"id": id, "format": chosen.name, "files": [str(path) for path in files]})
    else:
        print_lines([f"Written: {len(files)} files of {chosen.title} in {folder}"])


@patient_app.command("erase")
def erase(
    id: Id,
    reason: Annotated[str, typer.Option(help=f"Why: {', '.join(sorted(REASONS))}.")] = "asked-by-the-person",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    vault: VaultOption = None,
    as_json: AsJson = False,
) -> None:
    """Erase a person for good: their rows and the key to every copy."""
    if reason not in REASONS:
        raise VaultError(
            f"A reason must be one of {', '.join(sorted(REASONS))}; got {reason!r}.",
            hint="The audit keeps it for good, so that it must name nobody.",
        )
    with open_vault(vault) as opened, opened.access(actor=acting(), purpose="rights") as access:
        known = access.find(id)
        if not known:
            raise VaultError(f"The vault has no patient {id!r}.", hint="Look with: alleviate patient find.")
        if not yes:
            typer.confirm(f"Erase {id} for good, in backups too? This cannot be undone", abort=True, err=True)
        proof = access.erase(id, reason)
    if as_json:
        print_json(proof.to_dict())
    else:
        print_lines(proof.lines())


@patient_app.command("join")
def join(
    ids: Ids,
    login: Login,
    function: Annotated[
        str, typer.Option("--as", help="What they are to these people; else their profession.")
    ] = "",
    vault: VaultOption = None,
) -> None:
    """Put somebody with an account into the care team of these people."""
    with open_vault(vault) as opened, opened.access(actor=acting(), purpose="care") as access:
        account = _carer(opened, login)
        for id in _all_known(opened, ids):
            access.join(id, account.id, function or account.profession or account.role)
    print_lines([f"{account.login} is in the care team of {len(ids)} more."])


@patient_app.command("leave")
def leave(ids: Ids, login: Login, vault: VaultOption = None) -> None:
    """Take somebody out of the care team of these people."""
    with open_vault(vault) as opened, opened.access(actor=acting(), purpose="care") as access:
        account = _carer(opened, login)
        for id in _all_known(opened, ids):
            access.leave(id, account.id)
    print_lines([f"{account.login} has left the care team of {len(ids)}."])


def _carer(vault: Vault, login: str) -> Account:
    """Raises DataError for a login that nobody has, or whose role cares for nobody."""
    account = vault.accounts.by_login(login)
    if account is None or account.role not in ("clinician", "trainee"):
        raise DataError(
            f"No clinician or trainee has the login {login!r}.",
            hint="An administrator makes accounts, at /admin/accounts.",
        )
    return account


def _all_known(vault: Vault, ids: list[str]) -> list[str]:
    """Our ids of them all, or nothing is done. Raises VaultError naming the first who is unknown."""
    found = [vault.our_id(id) or (id if vault.knows(id) else "") for id in ids]
    if "" in found:
        raise VaultError(
            f"The vault has no patient {ids[found.index('')]!r}; nothing was changed.",
            hint="Look with: alleviate patient find",
        )
    return found


def _print_view(view: dict[str, Any]) -> None:
    """Who, the course of each questionnaire, then each list that has something in it."""
    who = view["demographics"]
    name = " ".join(str(who[part]) for part in ("given", "family") if who.get(part))
    born = f"born {who['birth_date']}" if who["birth_date"] else "date of birth unknown"
    out.print(Text.assemble((name or view["id"], "bold"), f"  {who['sex'] or 'sex unknown'}, {born}"))
    if who.get("synthetic"):
        out.print(Text("Synthetic: this person does not exist.", style="yellow"))
    if view["questionnaires"]:
        out.print(_course(view["questionnaires"]))
    for name, entries in view.items():
        if isinstance(entries, list) and entries and name != "questionnaires":
            out.print(Text(f"\n{name.replace('_', ' ').capitalize()}", style="bold"))
            grid = Table.grid(padding=(0, 2, 0, 0))
            grid.add_column(no_wrap=True)
            grid.add_column()
            for entry in entries:
                grid.add_row(*_entry_line(entry))
            out.print(grid)


def _course(questionnaires: list[dict[str, Any]]) -> Table:
    """One line a questionnaire, by time."""
    grid = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    grid.add_column("when", no_wrap=True)
    grid.add_column("questionnaire")
    grid.add_column("total", justify="right")
    grid.add_column("")
    for filled in questionnaires:
        total = "–" if filled["total"] is None else f"{filled['total']:g}"
        flags = ", ".join(filled["flags"])
        said = Text.assemble(filled["severity"] or "", ("  " + flags if flags else "", "bold red"))
        title = INSTRUMENTS[filled["instrument"]].abbreviation
        grid.add_row(filled["time"][:10], title, total, said)
    return grid


def _entry_line(entry: dict[str, Any]) -> tuple[str, Text]:
    """When, and what in words with its code."""
    until = f" – {entry['end'][:10]}" if "end" in entry else ""
    reason = f" ({entry['reason']})" if "reason" in entry else ""
    said: list[str | tuple[str, str]] = [*_said(entry, reason)]
    for part in entry.get("parts", []):
        said += ["; ", *_said(part)]
    return f"{entry['time'][:10]}{until}", Text.assemble(*said)


def _said(entry: dict[str, Any], reason: str = "") -> tuple[str, tuple[str, str]]:
    """What an entry or a part of it says, and its code."""
    value = f"{entry['value']:g} {entry.get('unit', '')}" if "value" in entry else entry.get("text", "")
    return f"{value.rstrip()}{reason} ".lstrip(), (entry["code"], "dim")
