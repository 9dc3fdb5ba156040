"""A rule in words."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["RuleWords"]


@dataclass(frozen=True, slots=True)
class RuleWords:
    """The rule. ``kind``: "one-arm", "effects" (best expected outcome) or "tree".

    ``tree`` is nested: ``{"feature","label","test","yes","no"}`` or leaf ``{"arm","n","benefit"}``.
    """

    kind: str
    text: str
    arms_used: tuple[str, ...]
    tree: Mapping[str, object] | None = None
