"""The words of a prognosis: data, read once."""

import tomllib
from importlib import resources
from typing import Any

__all__ = ["WORDING"]

WORDING: dict[str, Any] = tomllib.loads(
    (resources.files(__package__) / "wording.toml").read_text(encoding="utf-8")
)
