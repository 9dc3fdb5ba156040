"""Who answers for a safety alert and until when: escalation.toml, or a clinic's own file."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from pathlib import Path

import msgspec
from msgspec import Struct

from alleviate.progress.safety import Sign
from alleviate.terms.errors import DataError

__all__ = ["Ladder", "Ladders", "Rung", "default_ladders", "read_ladders"]


class Rung(Struct, frozen=True, forbid_unknown_fields=True):
    """A tier: a role, and how long it has to answer before the next one is asked."""

    owner: str
    answer_within_minutes: float

    @property
    def answer_within(self) -> timedelta:
        return timedelta(minutes=self.answer_within_minutes)


class Ladder(Struct, frozen=True, forbid_unknown_fields=True):
    """Its tiers in order, and how long after it was raised an alert should be resolved."""

    name: str
    resolve_within_hours: float
    tiers: tuple[Rung, ...]

    @property
    def resolve_within(self) -> timedelta:
        return timedelta(hours=self.resolve_within_hours)


class Ladders(Struct, frozen=True, forbid_unknown_fields=True):
    """All ladders and which flag takes which. Raises DataError where a name leads nowhere."""

    source: str
    default: str
    history: str
    history_after_days: float
    ladders: tuple[Ladder, ...]
    flags: Mapping[str, str] = {}

    def __post_init__(self) -> None:
        names = [ladder.name for ladder in self.ladders]
        _expect(len(set(names)) == len(names), "two ladders have one name")
        for name in (self.default, self.history, *self.flags.values()):
            _expect(name in names, f"there is no ladder {name!r}")
        _expect(bool(self.source.strip()), "the source is missing")
        _expect(self.history_after_days > 0, "history begins after more than 0 days")
        for ladder in self.ladders:
            _expect(bool(ladder.tiers), f"the ladder {ladder.name!r} has no tier")
            times = [ladder.resolve_within_hours, *(rung.answer_within_minutes for rung in ladder.tiers)]
            _expect(all(0 < time < 1e6 for time in times), f"a time of {ladder.name!r} is not above 0")

    def of(self, sign: Sign, raised_at: datetime) -> Ladder:
        """The ladder of a sign: by its flag, or for an old answer that has only now come to us."""
        is_history = raised_at - sign.time > timedelta(days=self.history_after_days)
        name = self.history if is_history else self.flags.get(sign.rule, self.default)
        return next(ladder for ladder in self.ladders if ladder.name == name)


def read_ladders(path: Path) -> Ladders:
    """A clinic's own file, of the form of escalation.toml. Raises DataError."""
    try:
        return _parsed(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, DataError) as error:
        raise DataError(
            f"{path} is no file of escalation: {error}", hint="Write it as progress/escalation.toml."
        ) from None


@cache
def default_ladders() -> Ladders:
    """The ladders that ship."""
    return _parsed((resources.files("alleviate.progress") / "escalation.toml").read_text(encoding="utf-8"))


def _parsed(text: str) -> Ladders:
    return msgspec.toml.decode(text, type=Ladders)


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise DataError(f"In the file of escalation {otherwise}.", hint="See docs/alerts.md.")
