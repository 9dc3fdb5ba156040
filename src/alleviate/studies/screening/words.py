"""The words of screening, from wording.toml."""

import tomllib
from importlib import resources
from typing import Any

__all__ = ["WORDING", "of_100"]

WORDING: dict[str, Any] = tomllib.loads(
    (resources.files("alleviate.studies.screening") / "wording.toml").read_text("utf-8")
)


def of_100(share: float) -> str:
    """A probability as people of 100, never as none or all of them."""
    words: dict[str, str] = WORDING["sentence"]
    if share < 0.005:
        return words["fewer"]
    return words["more"] if share > 0.995 else words["about"].format(count=max(1, round(100 * share)))
