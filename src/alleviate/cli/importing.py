"""``alleviate import`` and ``alleviate export``: records into the vault, and out of it."""

from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer

from alleviate.cli.fetching import Asked, fetched
from alleviate.cli.places import plain_places, print_places
from alleviate.cli.screen import print_json, print_lines, progress
from alleviate.cli.vault import AsJson, VaultOption, open_vault
from alleviate.intake.formats import FORMATS, count_files, format_named, read_all
from alleviate.intake.reading import Caution, Context
from alleviate.terms.errors import ConsentError, DataError
from alleviate.vault import Intake, Purpose, take_in
from alleviate.vault.whereabouts import acting

__all__ = ["FormatName", "export", "import_", "intake_lines", "intake_plain"]

FormatName = Annotated[
    str | None, typer.Option("--format", help=f"One of {', '.join(FORMATS)}; found out where left out.")
]


def import_(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Files, folders, postgresql://… with OMOP tables, or a FHIR server with --bulk.",
            show_default=False,
        ),
    ],
    format: FormatName = None,
    mapping: Annotated[
        Path | None, typer.Option(help="What the columns of a CSV mean; see: alleviate mapping new.")
    ] = None,
    source: Annotated[str, typer.Option(help="Goes before ids that other systems use too.")] = "",
    from_server: Annotated[bool, typer.Option("--bulk", help="PATH is a FHIR server: Bulk Data.")] = False,
    client_id: Annotated[str | None, typer.Option(help="SMART: the client that the server knows.")] = None,
    client_key: Annotated[Path | None, typer.Option(help="SMART: its private key, PEM or JWK.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="With --bulk: only what changed since.")
    ] = None,
    group: Annotated[str | None, typer.Option(help="With --bulk: only the people of this Group.")] = None,
    types: Annotated[
        list[str] | None, typer.Option("--type", help="With --bulk: only this resource; may be given again.")
    ] = None,
    vault: VaultOption = None,
    as_json: AsJson = False,
) -> None:
    """Take records into the vault: FHIR, OMOP, MEDS or CSV."""
    chosen = format_named(format or "fhir") if format or from_server else None
    asked = Asked(client_id, client_key, since, group, tuple(sorted(types or ())))
    cautions: list[Caution] = []
    with (
        open_vault(vault) as opened,
        progress() as report,
        fetched(paths, from_server, asked, report, cautions) as found,
        opened.access(actor=acting(), purpose="care") as access,
    ):
        context = Context(datetime.now(UTC), source, mapping, access.definitions())
        intake = take_in(
            access,
            chain(cautions, read_all(found, context, chosen)),
            now=context.now,
            files=sum(map(count_files, found)),
            progress=report and (lambda done: report(done, done, "Importing")),
        )
    if as_json:
        print_json(intake_plain(intake))
    else:
        print_lines(intake_lines(intake))
        print_places(intake.rejected, intake.warnings)


def export(
    folder: Annotated[Path, typer.Option("--out", help="A new or empty folder.", show_default=False)],
    format: FormatName = "fhir",
    purpose: Annotated[
        str, typer.Option(help="care, research or model-training: consent decides who is in it.")
    ] = "care",
    patients: Annotated[
        list[str] | None, typer.Option("--patient", help="Only these; may be given again.")
    ] = None,
    vault: VaultOption = None,
    as_json: AsJson = False,
) -> None:
    """Write the records of the vault as FHIR, OMOP, MEDS or CSV."""
    chosen = format_named(format or "fhir")
    if chosen.write is None:
        raise DataError(f"{chosen.title} is read, not written.", hint="Choose another --format.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"Expected a new or empty folder, {folder} is not.", hint="Name another with --out.")
    with open_vault(vault) as opened, opened.access(actor=acting(), purpose=_purpose(purpose)) as access:
        files = chosen.write(access.records(patients or None), folder)
    if as_json:
        print_json({"format": chosen.name, "purpose": purpose, "files": [str(path) for path in files]})
    else:
        print_lines([f"Written: {len(files)} files of {chosen.title} in {folder}"])


def intake_plain(intake: Intake) -> dict[str, Any]:
    """What ``alleviate import --json`` prints."""
    return {
        "files": intake.files,
        "read": intake.read,
        "stored": intake.stored,
        "unchanged": intake.unchanged,
        "superseded": intake.superseded,
        "rejected": plain_places(intake.rejected),
        "warnings": plain_places(intake.warnings),
        "patients": intake.patients,
        "seconds": round(intake.seconds, 3),
    }


def intake_lines(intake: Intake) -> list[str]:
    """The same for a reader."""
    return [
        f"Read: {intake.read:,} from {intake.files:,} files, {intake.patients:,} people, "
        f"in {intake.seconds:.1f} s",
        f"Stored: {intake.stored:,} new, {intake.superseded:,} corrected, {intake.unchanged:,} known already",
        f"Refused: {len(intake.rejected):,}; read with a warning: {len(intake.warnings):,}",
    ]


def _purpose(text: str) -> Purpose:
    if text not in get_args(Purpose):
        raise ConsentError(
            f"A purpose must be one of {', '.join(get_args(Purpose))}; got {text!r}.", hint="Choose one."
        )
    return cast(Purpose, text)
