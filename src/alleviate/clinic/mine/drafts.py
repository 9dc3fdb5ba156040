"""Answers saved one by one before they are sent: in whatever order they arrive, the same answers stand.

A phone without a network keeps what was tapped and sends it later, perhaps twice, perhaps after a tablet sent
newer answers. So each save says when it was made on its device, and of each question the latest made counts;
of two made at once the greater ``once``, so that every order of arrival ends in the same answers.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from alleviate.terms.errors import DataError

__all__ = ["Save", "answers_of", "save_of"]

_ONCE = re.compile(r"[A-Za-z0-9_-]{8,64}\Z").match
_KEY = re.compile(r"[a-z0-9_]{1,40}-[A-Za-z0-9]{1,8}\Z").match
_LATEST = 2**53


@dataclass(frozen=True, slots=True)
class Save:
    """One answer as chosen: ``value`` None takes an answer back. ``made``: milliseconds since 1970, there.

    ``once`` names this tap for good, so that it is stored one time however often it is sent.
    """

    key: str
    value: float | None
    made: int
    once: str

    def __post_init__(self) -> None:
        if not _KEY(self.key):
            raise DataError("A saved answer names its question.", hint="Open the questionnaire again.")
        if not _ONCE(self.once):
            raise DataError(
                "A saved answer has a word of its own: 8 to 64 letters, digits, - or _.",
                hint="Make one at random for each choice.",
            )
        if not 0 <= self.made < _LATEST:
            raise DataError(
                "A saved answer says when it was made, in milliseconds since 1970.", hint="Check the clock."
            )

    def to_dict(self) -> dict[str, Any]:
        """As a sheet holds it."""
        return {"key": self.key, "value": self.value, "made": self.made, "once": self.once}


def save_of(body: Mapping[str, Any]) -> Save:
    """The inverse of `Save.to_dict`."""
    value = body["value"]
    return Save(body["key"], None if value is None else float(value), int(body["made"]), body["once"])


def answers_of(saves: Iterable[Save]) -> dict[str, float]:
    """The answers that stand, by key of the question: see the module."""
    latest: dict[str, Save] = {}
    for save in saves:
        known = latest.get(save.key)
        if known is None or (save.made, save.once) > (known.made, known.once):
            latest[save.key] = save
    return {key: save.value for key, save in sorted(latest.items()) if save.value is not None}
