"""What asking an instrument costs, and whether there is a right version of it for a person."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path

import msgspec
from msgspec import Struct

from alleviate.instruments import INSTRUMENTS
from alleviate.terms.errors import DataError

__all__ = ["Asking", "Version", "default_asking", "read_asking"]


class Version(Struct, frozen=True, forbid_unknown_fields=True):
    """Of one instrument. ``short``: ids of the items that a published short form asks first."""

    free: bool
    ages: tuple[float, float] = (18, 120)
    languages: tuple[str, ...] = ("en",)
    short: tuple[str, ...] = ()
    short_name: str = ""
    short_source: str = ""
    minutes: float | None = None


class Asking(Struct, frozen=True, forbid_unknown_fields=True):
    """The file asking.toml, or a clinic's own."""

    seconds_per_item: float
    least_bits: float
    death_or_self_harm: Mapping[str, tuple[str, ...]]
    instruments: Mapping[str, Version]

    @property
    def safety_codes(self) -> frozenset[str]:
        """Of the items that ask about thoughts of death or self-harm."""
        return frozenset(
            item.code
            for name, ids in self.death_or_self_harm.items()
            for item in INSTRUMENTS[name].items
            if item.id in ids
        )

    def minutes(self, instrument: str, items: int) -> float:
        """How long it takes to ask ``items`` questions of it; in proportion where its file says minutes."""
        version = self.instruments.get(instrument)
        if version is None or version.minutes is None:
            return items * self.seconds_per_item / 60
        return version.minutes * items / len(INSTRUMENTS[instrument].items)

    def unfit(self, instrument: str, age: float | None, language: str | None) -> str:
        """Why it may not be asked of a person; empty where it may, as far as is known."""
        version = self.instruments.get(instrument)
        if version is None:
            return "no version of it is listed"
        if not version.free:
            return "its wording may not be used without a licence"
        low, high = version.ages
        if age is not None and not low <= age <= high:
            return f"its version is for ages {low:g} to {high:g}"
        if language and language.split("-")[0].lower() not in version.languages:
            return f"no version in the language {language!r} is listed"
        return ""


def read_asking(path: Path) -> Asking:
    """A clinic's own file. Raises DataError."""
    try:
        return _parsed(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} does not say what may be asked: {error}", hint="See docs/screening.md."
        ) from None


@cache
def default_asking() -> Asking:
    """As shipped."""
    return _parsed((resources.files("alleviate.studies.screening") / "asking.toml").read_text("utf-8"))


def _parsed(text: str) -> Asking:
    asking = msgspec.convert(tomllib.loads(text), Asking)
    named = [*((name, each.short) for name, each in asking.instruments.items())]
    for name, items in [*named, *asking.death_or_self_harm.items()]:
        if name not in INSTRUMENTS:
            raise ValueError(f"there is no instrument {name}; there are {', '.join(INSTRUMENTS)}")
        if lacking := [item for item in items if INSTRUMENTS[name].item(item) is None]:
            raise ValueError(f"{name} has no item {', '.join(lacking)}")
    return asking
