"""``alleviate convert``: records from one format into another, without a vault."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from alleviate.cli.places import plain_places, print_places
from alleviate.cli.screen import print_json, print_lines, progress
from alleviate.intake.conversion import Conversion
from alleviate.intake.conversion import convert as convert_records
from alleviate.intake.formats import FORMATS, format_named
from alleviate.intake.reading import Context

__all__ = ["convert"]

_NAMES = ", ".join(FORMATS)


def convert(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Files or folders.", show_default=False)
    ],
    to: Annotated[str, typer.Option("--to", help=f"One of {_NAMES}.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="A new or empty folder.", show_default=False)],
    format: Annotated[
        str | None, typer.Option("--from", help=f"One of {_NAMES}; found out where left out.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="What the columns of a CSV mean; see: alleviate mapping new.")
    ] = None,
    source: Annotated[str, typer.Option(help="Goes before ids that other systems use too.")] = "",
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Processes at once; the result is the same for any."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
) -> None:
    """Write records of one format in another: FHIR, OMOP, MEDS or CSV. Nothing enters the vault."""
    chosen = format_named(format) if format else None
    context = Context(datetime.now(UTC), source, mapping)
    with progress() as report:
        done = convert_records(
            paths, format_named(to), out, context, format=chosen, workers=workers, progress=report
        )
    if as_json:
        print_json(_plain(done, to))
        return
    print_lines(_lines(done, out))
    print_places(done.rejected, done.warnings)


def _plain(done: Conversion, to: str) -> dict[str, Any]:
    """What ``alleviate import --json`` prints, and what was written."""
    return {
        "files": done.files,
        "read": done.read,
        "stored": done.stored,
        "unchanged": 0,
        "superseded": done.superseded,
        "rejected": plain_places(done.rejected),
        "warnings": plain_places(done.warnings),
        "patients": done.patients,
        "seconds": round(done.seconds, 3),
        "format": to,
        "written": [str(path) for path in done.written],
    }


def _lines(done: Conversion, out: Path) -> list[str]:
    return [
        f"Read: {done.read:,} from {done.files:,} files, {done.patients:,} people, in {done.seconds:.1f} s",
        f"Refused: {len(done.rejected):,}; read with a warning: {len(done.warnings):,}",
        f"Written: {len(done.written):,} files in {out}",
    ]
