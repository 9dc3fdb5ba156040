"""Broken glasses and their reviews: who opened whose record in an emergency, why, and what an officer
found.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from alleviate.terms.errors import DataError
from alleviate.terms.times import parse_utc
from alleviate.vault.sheets import NewSheet, Sheet

__all__ = ["IN_TIME", "VERDICTS", "Broken", "Review", "Verdict", "glasses", "review_sheet"]

Verdict = Literal["justified", "not-justified", "look-further"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

IN_TIME = timedelta(days=3)
"""Within which a broken glass should be reviewed. Our own default."""

MOST_WORDS = 2_000


@dataclass(frozen=True, slots=True)
class Review:
    """What an officer found; ``by`` as the audit names them."""

    at: datetime
    by: str
    verdict: Verdict
    words: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A glass broken by ``by`` for ``patient`` (our id), open ``until``. ``sheet`` names it; ``seen``:
    sheets of its thread.

    ``reviews`` in their order: "look-further" may be followed by another.
    """

    sheet: str
    patient: str
    at: datetime
    by: str
    reason: str
    until: datetime
    reviews: tuple[Review, ...]

    @property
    def seen(self) -> int:
        return 1 + len(self.reviews)

    @property
    def open(self) -> bool:
        """Whether it waits for a review, or for a further one."""
        return not self.reviews or self.reviews[-1].verdict == "look-further"

    def late(self, now: datetime) -> bool:
        """Whether its first review should have been done by ``now``."""
        return not self.reviews and now - self.at > IN_TIME


def glasses(sheets: Iterable[Sheet]) -> list[Broken]:
    """Those of everybody, from the sheets "break-glass" and "review": what waits for a review first, the
    oldest first.
    """
    every = list(sheets)
    found = []
    for sheet in every:
        if sheet.kind != "break-glass":
            continue
        own = [each for each in every if each.kind == "review" and each.thread == sheet.id]
        found.append(
            Broken(
                sheet.id,
                sheet.patient,
                sheet.at,
                sheet.by,
                str(sheet.body["reason"]),
                parse_utc(sheet.body["until"]),
                tuple(_review(each) for each in sorted(own, key=lambda each: each.at)),
            )
        )
    waiting = sorted((each for each in found if each.open), key=lambda each: each.at)
    return waiting + sorted((each for each in found if not each.open), key=lambda each: each.at, reverse=True)


def review_sheet(broken: Broken, verdict: str, words: str, *, seen: int) -> NewSheet:
    """To be stored. ``seen``: sheets of the thread that the reviewer had before them. Raises DataError."""
    said = words.strip()
    if verdict not in VERDICTS:
        raise DataError("No finding is chosen.", hint="Choose one.")
    if verdict != "justified" and not said:
        raise DataError("The finding has no words.", hint="Say in a sentence what you found.")
    if len(said) > MOST_WORDS:
        raise DataError(f"The words have {len(said)} characters of {MOST_WORDS}.", hint="Shorten them.")
    body: dict[str, Any] = {"verdict": verdict, "words": said}
    return NewSheet(broken.patient, "review", body, thread=broken.sheet, after=seen)


def _review(sheet: Sheet) -> Review:
    return Review(sheet.at, sheet.by, sheet.body["verdict"], str(sheet.body["words"]))
