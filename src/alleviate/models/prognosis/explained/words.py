"""The words of an explanation: data, read once; and how values are written."""

import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any

from alleviate.models.prognosis.explained.values import Value
from alleviate.models.prognosis.model import PrognosisModel

__all__ = ["WORDS", "Speech", "spelled"]

WORDS: dict[str, Any] = tomllib.loads(
    (resources.files(__package__) / "wording.toml").read_text(encoding="utf-8")
)


def spelled(value: Value | None) -> str:
    """A value as it stands in a sentence: three digits that count of a number."""
    if value is None:
        return str(WORDS["values"]["unknown"])
    if isinstance(value, bool):
        return str(WORDS["values"]["yes" if value else "no"])
    if isinstance(value, str):
        return value
    return f"{value:.0f}" if value == round(value) or abs(value) >= 100 else f"{value:.3g}"


class Speech:
    """Words for one model: ``labels`` of features, ``name`` and ``unit`` of its outcome."""

    def __init__(
        self, model: PrognosisModel, labels: Mapping[str, str], name: str = "", unit: str = ""
    ) -> None:
        words = WORDS["values"]
        self.risk = model.kind in ("binary", "time-to-event")
        self.name = name or str(words["risk" if self.risk else "value"])
        self.unit = str(words["points"]) if self.risk else unit
        self._labels = labels

    def label(self, feature: str) -> str:
        return self._labels.get(feature) or feature

    def amount(self, value: float) -> str:
        """A risk as a percentage, a number with its unit."""
        return f"{100 * value:.0f} %" if self.risk else f"{value:.3g} {self.unit}".rstrip()

    def change(self, value: float) -> str:
        """A difference, signed, with its unit."""
        return f"{100 * value:+.1f} {self.unit}" if self.risk else f"{value:+.3g} {self.unit}".rstrip()
