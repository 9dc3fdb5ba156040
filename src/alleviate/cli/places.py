"""What was refused or read with a warning, as a reader or a program sees it."""

from collections.abc import Sequence
from typing import Any

from alleviate.cli.screen import err
from alleviate.intake.reading import Place

__all__ = ["plain_places", "print_places"]

MOST_SHOWN = 10
"""More are left to --json."""


def plain_places(places: Sequence[Place]) -> list[dict[str, Any]]:
    """As ``--json`` prints them."""
    return [
        {"file": place.file, "line": place.line, "field": place.field, "reason": place.reason}
        for place in places
    ]


def print_places(*lists: Sequence[Place]) -> None:
    """The first of each list, a line each, on standard error."""
    for places in lists:
        for place in places[:MOST_SHOWN]:
            where = ":".join(str(part) for part in (place.file, place.line, place.field) if part)
            sentence = f"{where}: {place.reason}" if where else place.reason
            err.print(sentence, soft_wrap=True, style="dim", markup=False)
    left = sum(max(0, len(places) - MOST_SHOWN) for places in lists)
    if left:
        err.print(f"… and {left:,} more: add --json to read them all.", style="dim")
