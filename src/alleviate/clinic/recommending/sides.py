"""Which sentences speak for an option and which against it, by the wording they come from."""

import re
from collections.abc import Iterable
from functools import cache

from alleviate.advice.reasons import WORDING

__all__ = ["SIDES", "sided"]

SIDES = {
    "average": "for",
    "average_unsure": "for",
    "for": "for",
    "against": "against",
    "against_average": "against",
    "routine": "against",
    "missing": "unknown",
    "same": "unknown",
}
"""Of each sentence of advice's wording, the side that it is on. Other sentences are shown elsewhere."""


def sided(reasons: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """``(for, against, unknown)``, each in the order given. A sentence of no known kind counts as against."""
    sides: dict[str, list[str]] = {"for": [], "against": [], "unknown": []}
    for reason in reasons:
        side = next((side for pattern, side in _patterns() if pattern.fullmatch(reason)), "against")
        sides[side].append(reason)
    return tuple(sides["for"]), tuple(sides["against"]), tuple(sides["unknown"])


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """From the longest fixed text on, so that the more particular sentence is known first."""
    templates = {key: WORDING["reasons"][key] for key in SIDES}
    ordered = sorted(templates.items(), key=lambda item: -len(re.sub(r"\{\w+\}", "", item[1])))
    return tuple(
        (re.compile(re.sub(r"\\\{\w+\\\}", "(?s:.+?)", re.escape(text))), SIDES[key]) for key, text in ordered
    )
